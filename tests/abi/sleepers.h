// SPDX-License-Identifier: MIT
//
// Children that wait for something: started, and seen asleep, before their parent goes on.

#pragma once

#include "abi.h"

static UNUSED pid_t start_asleep(void (*body)(void)) {
  pid_t child = fork();
  if (child == 0) {
    alarm(10);
    body();
    _exit(0);
  }
  wait_until_asleep(child);
  return child;
}

static UNUSED void show_end(const char* who, pid_t child) {
  int status;
  waitpid(child, &status, 0);
  say("  %s: %s", who, status_text(status));
}
