// SPDX-License-Identifier: MIT
//
// The program that exec.c and others execute: shows what it was given. With "state" as its first
// argument it shows what of the process's state came through execve.

#include "abi.h"

#include <sys/auxv.h>
#include <sys/prctl.h>

extern char** environ;

static void show_state(void) {
  struct sigaction handled, ignored;
  sigaction(SIGUSR1, NULL, &handled);
  sigaction(SIGUSR2, NULL, &ignored);
  say("handler reset %d, ignored kept %d", handled.sa_handler == SIG_DFL,
      ignored.sa_handler == SIG_IGN);
  sigset_t mask, pending;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  sigpending(&pending);
  say("blocked SIGHUP %d, pending SIGHUP %d", sigismember(&mask, SIGHUP),
      sigismember(&pending, SIGHUP));
  say("fd 10 %s, fd 11 %s", fcntl(10, F_GETFD) == -1 ? "closed" : "open",
      fcntl(11, F_GETFD) == -1 ? "closed" : "open");
  stack_t stack;
  sigaltstack(NULL, &stack);
  say("alternate stack %s", stack.ss_flags & SS_DISABLE ? "none" : "kept");
  char name[16];
  prctl(PR_GET_NAME, name);
  say("name %s, dumpable %d, keepcaps %d", name, prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS));
  say("nice %d", (int)(20 - syscall(SYS_getpriority, 0, 0)));
  say("AT_SECURE %lu, AT_EXECFN %s", getauxval(AT_SECURE), (char*)getauxval(AT_EXECFN));
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "state") == 0) {
    show_state();
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "quiet") == 0) return 7;
  say("argc %d", argc);
  for (int i = 0; i < argc && i < 10; i++) say("  argv[%d] %.60s", i, argv[i]);
  for (int i = 0; environ[i] != NULL && i < 10; i++) say("  env %.60s", environ[i]);
  return 42;
}
