// SPDX-License-Identifier: MIT
//
// Starting the program; see program.h. What fails in the child, up to and including execve, comes
// back as an errno through a close-on-exec pipe, so that "no such program" is told apart from a
// program's status 127.
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol.h"
#include "lib/text.h"

namespace program {
namespace {

using protocol::StartPayload;
using protocol::StartStage;

struct Command {
  StartPayload header;
  const char* cwd;
  char** argv;
  char** envp;
};

// The child's ends of its streams.
struct Streams {
  int in = -1;
  int out = -1;
  int err = -1;
};

// Strings of the payload become pointers into it. The payload outlives the call.
bool parse(char* payload, size_t length, Command& command) {
  if (length < sizeof(StartPayload) + 1 || payload[length - 1] != '\0') {
    return false;
  }
  memcpy(&command.header, payload, sizeof(StartPayload));
  size_t argc = command.header.argc;
  size_t envc = command.header.envc;
  if (argc == 0 || argc + envc > length) {
    return false;
  }
  auto** pointers = static_cast<char**>(calloc(argc + envc + 2, sizeof(char*)));
  if (pointers == nullptr) {
    return false;
  }
  command.argv = pointers;
  command.envp = pointers + argc + 1;
  char* at = payload + sizeof(StartPayload);
  const char* end = payload + length;
  command.cwd = at;
  at += strlen(at) + 1;
  for (size_t i = 0; i < argc + envc; ++i) {
    if (at >= end) {
      return false;
    }
    *(i < argc ? &command.argv[i] : &command.envp[i - argc]) = at;
    at += strlen(at) + 1;
  }
  return true;
}

int open_pipe(int& read_end, int& write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return errno;
  }
  read_end = ends[0];
  write_end = ends[1];
  return 0;
}

int open_terminal(const Command& command, Program& program, Streams& child) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  int unlocked = 0;
  constexpr int kGetNumber = static_cast<int>(TIOCGPTN);  // musl's ioctl takes an int
  unsigned number = 0;
  if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) != 0 ||
      ioctl(master, kGetNumber, &number) != 0) {
    return errno;
  }
  program.input = master;
  program.output = fcntl(master, F_DUPFD_CLOEXEC, 0);
  resize(program, command.header.rows, command.header.columns);
  Text<32> path;
  path << "/dev/pts/" << number;
  child.in = open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  child.out = child.err = child.in;
  return child.in < 0 ? errno : 0;
}

void set_nonblocking(int fd) {
  if (fd >= 0) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
}

int open_streams(const Command& command, Program& program, Streams& child) {
  int error = 0;
  program.terminal = (command.header.flags & protocol::kStartTerminal) != 0;
  if (program.terminal) {
    error = open_terminal(command, program, child);
  } else {
    error = open_pipe(child.in, program.input);
    if (error == 0) {
      error = open_pipe(program.output, child.out);
    }
  }
  bool separate = (command.header.flags & protocol::kStartSeparateStderr) != 0;
  program.nothing_after_failure =
      (command.header.flags & protocol::kStartNothingAfterFailure) != 0;
  bool joined = (command.header.flags & protocol::kStartJoined) != 0;
  if (!program.terminal && joined) {
    child.err = child.out;
  } else if (error == 0 && (!program.terminal || separate)) {
    error = open_pipe(program.error, child.err);
  }
  set_nonblocking(program.input);
  set_nonblocking(program.output);
  set_nonblocking(program.error);
  return error;
}

[[noreturn]] void run_child(const Command& command, const Program& program, const Streams& streams,
                            int failure_pipe) {
  setsid();
  if (program.terminal) {
    ioctl(streams.in, TIOCSCTTY, 0);
  }
  dup2(streams.in, STDIN_FILENO);
  dup2(streams.out, STDOUT_FILENO);
  dup2(streams.err, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  Failure failure;
  if (chdir(command.cwd) != 0) {
    failure = {errno, StartStage::Directory};
  } else {
    environ = command.envp;
    execvp(command.argv[0], command.argv);
    failure = {errno, StartStage::Execute};
  }
  if (write(failure_pipe, &failure, sizeof(failure)) < 0) {
    // The status below is all that is left to say.
  }
  _exit(127);
}

void close_streams(const Streams& streams) {
  close(streams.in);
  if (streams.out != streams.in) {
    close(streams.out);
  }
  if (streams.err != streams.out) {
    close(streams.err);
  }
}

}  // namespace

Failure start(char* payload, size_t length, Program& program) {
  Command command;
  if (!parse(payload, length, command)) {
    return {EINVAL, StartStage::Streams};
  }
  Streams streams;
  int failure_read = -1;
  int failure_write = -1;
  int error = open_streams(command, program, streams);
  if (error == 0) {
    error = open_pipe(failure_read, failure_write);
  }
  if (error != 0) {
    return {error, StartStage::Streams};
  }
  program.pid = fork();
  if (program.pid == 0) {
    run_child(command, program, streams, failure_write);
  }
  Failure failure{program.pid < 0 ? errno : 0, StartStage::Streams};
  close(failure_write);
  close_streams(streams);
  if (failure.error == 0 && read(failure_read, &failure, sizeof(failure)) > 0) {
    waitpid(program.pid, nullptr, 0);
    program.pid = -1;
  }
  close(failure_read);
  free(command.argv);
  return failure;
}

void resize(const Program& program, uint32_t rows, uint32_t columns) {
  winsize size{};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  ioctl(program.input, TIOCSWINSZ, &size);
}

void signal(const Program& program, int number, bool whole_group) {
  if (program.pid > 0) {
    kill(whole_group ? -program.pid : program.pid, number);
  }
}

}  // namespace program
