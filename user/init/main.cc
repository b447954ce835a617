// SPDX-License-Identifier: MIT
//
// Process 1 of the default root: an ordinary, small, static Linux program. Under the `samara`
// command it serves the host channel; booted by hand it gives a shell on the console. It runs
// unchanged on Linux.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "port.h"
#include "service.h"

namespace {

constexpr int kChannelTimeoutMs = 20000;

void become_shell() {
  setsid();
  int console = open("/dev/console", O_RDWR);
  if (console >= 0) {
    dup2(console, STDIN_FILENO);
    dup2(console, STDOUT_FILENO);
    dup2(console, STDERR_FILENO);
    ioctl(STDIN_FILENO, TIOCSCTTY, 1);
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

// A shell on the console, for a machine that was booted by hand; ends when the shell does.
void console_shell() {
  pid_t shell = fork();
  if (shell == 0) {
    become_shell();
  }
  while (shell > 0 && waitpid(-1, nullptr, 0) != shell) {
  }
}

}  // namespace

int main() {
  machine::mount_all();
  machine::load_modules();
  machine::set_host_name();
  if (getenv(protocol::kEnvironment) == nullptr) {
    console_shell();
  } else if (port::open_all(kChannelTimeoutMs)) {
    service::serve();
  } else {
    machine::log("the host channel's ports did not appear");
  }
  machine::power_off();
}
