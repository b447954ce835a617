// SPDX-License-Identifier: MIT
//
// The shell on the console; see console.h. /dev/console itself cannot be a controlling terminal, so
// job control needs the terminal behind it: the kernel says which in sysfs, else its command line
// does.
#include "console.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "lib/text.h"

namespace console {
namespace {

constexpr int kMaxQuickDeaths = 5;
constexpr time_t kQuickSeconds = 2;

bool read_text(const char* path, char* text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = file >= 0 ? read(file, text, size - 1) : -1;
  if (file >= 0) {
    close(file);
  }
  text[got > 0 ? got : 0] = '\0';
  return got > 0;
}

// The last word of `text` that starts with `prefix`, without it, cut at the first of " ,\n"; or
// null.
const char* last_word(char* text, const char* prefix) {
  const char* found = nullptr;
  char* rest = text;
  for (char* word; (word = strtok_r(rest, " \n", &rest)) != nullptr;) {
    if (strncmp(word, prefix, strlen(prefix)) == 0) {
      found = word + strlen(prefix);
      word[strcspn(word, ",")] = '\0';
    }
  }
  return found;
}

int open_terminal() {
  char text[4096];
  const char* name = nullptr;
  if (read_text("/sys/class/tty/console/active", text, sizeof(text))) {
    name = last_word(text, "");
  } else if (read_text("/proc/cmdline", text, sizeof(text))) {
    name = last_word(text, "console=");
  }
  if (name != nullptr) {
    Text<64> path;
    path << "/dev/" << name;
    int terminal = open(path.c_str(), O_RDWR | O_NOCTTY);
    if (terminal >= 0) {
      return terminal;
    }
  }
  return open("/dev/console", O_RDWR | O_NOCTTY);
}

[[noreturn]] void become_shell() {
  setsid();
  int terminal = open_terminal();
  if (terminal >= 0) {
    ioctl(terminal, TIOCSCTTY, 1);
    dup2(terminal, STDIN_FILENO);
    dup2(terminal, STDOUT_FILENO);
    dup2(terminal, STDERR_FILENO);
    if (terminal > STDERR_FILENO) {
      close(terminal);
    }
  }
  setenv("HOME", "/root", 1);
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  if (chdir("/root") != 0) {
    machine::log("no /root");
  }
  execl("/bin/sh", "-sh", nullptr);
  machine::log("cannot run /bin/sh");
  _exit(127);
}

time_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

// Runs one shell and reaps whatever else dies meanwhile; its wait status, or -1.
int run_once() {
  pid_t shell = fork();
  if (shell == 0) {
    become_shell();
  }
  int status = -1;
  while (shell > 0) {
    pid_t dead = waitpid(-1, &status, 0);
    if (dead == shell || dead < 0) {
      break;
    }
  }
  return status;
}

}  // namespace

void run_shell() {
  for (int quick_deaths = 0; quick_deaths < kMaxQuickDeaths;) {
    const time_t start = now_seconds();
    int status = run_once();
    if (!WIFSIGNALED(status)) {
      return;
    }
    machine::log("the shell was killed; starting another");
    quick_deaths = now_seconds() - start < kQuickSeconds ? quick_deaths + 1 : 0;
  }
}

}  // namespace console
