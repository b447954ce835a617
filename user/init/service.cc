// SPDX-License-Identifier: MIT
//
// The event loop of init: control messages from the host, the three streams of the program, the
// deaths of children. One thread, one ppoll; SIGCHLD is only let in while it waits there, so no
// death is missed.
#include "service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "machine.h"
#include "port.h"
#include "program.h"
#include "relay.h"

namespace service {
namespace {

using protocol::Type;

// Constant-initialised and large: not on the stack.
program::Program current;
Relay input;
Relay output;
Relay error_output;
sigset_t wait_mask;

void on_child(int) {}

void block_child_signal() {
  struct sigaction action{};
  action.sa_handler = on_child;
  sigaction(SIGCHLD, &action, nullptr);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, &wait_mask);
  sigdelset(&wait_mask, SIGCHLD);
  ::signal(SIGPIPE, SIG_IGN);
}

uint32_t u32_at(const char* payload, size_t offset) {
  uint32_t value;
  memcpy(&value, payload + offset, sizeof(value));
  return value;
}

bool start(char* payload, size_t length) {
  port::close_job_files();
  program::Failure failure = program::start(payload, length, current);
  if (failure.error != 0) {
    const uint32_t report[] = {static_cast<uint32_t>(failure.error),
                               static_cast<uint32_t>(failure.stage)};
    const port::Part parts[] = {{report, sizeof(report)}};
    // A host asks for nothing more; a job does not know.
    return port::send(Type::StartFailed, parts) && !port::is_job();
  }
  input.open(port::from_host(protocol::kStdinPort), current.input);
  output.open(current.output, port::to_host(protocol::kStdoutPort));
  if (current.error >= 0) {
    error_output.open(current.error, port::to_host(protocol::kStderrPort));
  }
  return port::send(Type::Started, static_cast<uint32_t>(current.pid));
}

void close_output(uint32_t number) {
  // The program's next write shall fail as it does on a broken pipe; a terminal has no such thing.
  Relay& relay = number == protocol::kStderrPort ? error_output : output;
  if (relay.open() && !(current.terminal && &relay == &output)) {
    close(relay.from());
    relay.close();
  }
}

bool mount_share(const char* payload, size_t length) {
  if (length == 0 || payload[length - 1] != '\0') {
    return false;
  }
  const char* end = payload + length;
  const char* path = payload + strlen(payload) + 1;
  const char* options = path < end ? path + strlen(path) + 1 : end;
  const char* changes = options < end ? options + strlen(options) + 1 : end;
  if (changes >= end) {
    return false;
  }
  bool kept = strcmp(changes, protocol::kForgetChanges) != 0;
  auto error = static_cast<uint32_t>(machine::mount_share(payload, path, options, kept));
  const port::Part parts[] = {{&error, sizeof(error)}, {path, strlen(path) + 1}};
  return error == 0 || port::send(Type::MountFailed, parts);
}

// One message of the host; false ends the service.
bool handle(Type type, char* payload, size_t length) {
  switch (type) {
    case Type::Start:
      return start(payload, length);
    case Type::Window:
      if (length == 8 && current.terminal) {
        program::resize(current, u32_at(payload, 0), u32_at(payload, 4));
      }
      return true;
    case Type::Signal:
      if (length == 8) {
        program::signal(current, static_cast<int>(u32_at(payload, 0)), u32_at(payload, 4) != 0);
      }
      return true;
    case Type::StdinEnd:
      if (length == 8) {
        uint64_t total;
        memcpy(&total, payload, sizeof(total));
        input.set_limit(total);
      }
      return true;
    case Type::OutputClosed:
      if (length == 4) {
        close_output(u32_at(payload, 0));
      }
      return true;
    case Type::Mount:
      return mount_share(payload, length);
    case Type::Put:
      return files::put(payload, length);
    case Type::Get:
      return length > 0 && payload[length - 1] == '\0' && files::get(payload);
    default:
      return false;
  }
}

bool read_message() {
  protocol::Header header;
  int control = port::from_host(protocol::kControlPort);
  if (!port::read_all(control, &header, sizeof(header)) || header.length > protocol::kMaxPayload) {
    return false;
  }
  auto* payload = static_cast<char*>(malloc(header.length + 1));
  if (payload == nullptr) {
    machine::log("no memory for a message of the host");
    return false;
  }
  bool alive = port::read_all(control, payload, header.length) &&
               handle(static_cast<Type>(header.type), payload, header.length);
  free(payload);
  return alive;
}

// Ends the program's standard input: at the end of the host's, or when the program reads no more.
void close_input(bool unread) {
  unread = unread || input.target_ended();
  if (!unread && current.terminal) {
    // A terminal has no end but the character that means it.
    const char end_of_file = 4;
    if (write(current.input, &end_of_file, 1) < 0) {
      machine::log("cannot end the terminal's input");
    }
  } else if (!current.terminal) {
    close(current.input);
    current.input = -1;
  }
  input.close();
  if (unread) {
    port::send(Type::StdinClosed);
  }
}

// The program has ended: what it has written by now is its output, what others still write is not.
bool finish_program(int wait_status) {
  output.drain();
  error_output.drain();
  protocol::ExitPayload exit{};
  exit.wait_status = static_cast<uint32_t>(wait_status);
  exit.stdout_length = output.moved();
  exit.stderr_length = error_output.moved();
  input.close();
  output.close();
  error_output.close();
  current.pid = -1;
  const port::Part parts[] = {{&exit, sizeof(exit)}};
  return port::send(Type::Exited, parts) && (wait_status == 0 || !current.nothing_after_failure);
}

bool reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == current.pid && !finish_program(status)) {
      return false;
    }
  }
  return true;
}

bool step() {
  // A job goes on when the program has ended.
  bool listen = !port::is_job() || current.pid < 0;
  pollfd entries[] = {{listen ? port::from_host(protocol::kControlPort) : -1, POLLIN, 0},
                      input.wanted(),
                      output.wanted(),
                      error_output.wanted(),
                      {-1, 0, 0}};
  if (input.open() && !current.terminal) {
    entries[4] = {current.input, 0, 0};  // POLLERR: the last reader has gone
  }
  int ready = ppoll(entries, sizeof(entries) / sizeof(entries[0]), nullptr, &wait_mask);
  if (ready < 0 && errno != EINTR) {
    return false;
  }
  if (!reap()) {
    return false;
  }
  if (ready > 0 && (entries[0].revents & POLLIN) != 0 && !read_message()) {
    return false;
  }
  if (ready > 0 && (entries[0].revents & (POLLIN | POLLHUP)) == POLLHUP) {
    return false;
  }
  input.run();
  output.run();
  error_output.run();
  bool unread = input.open() && (entries[4].revents & POLLERR) != 0;
  if (input.open() && (unread || input.done())) {
    close_input(unread);
  }
  return true;
}

}  // namespace

void serve() {
  block_child_signal();
  if (!port::send(Type::Ready, protocol::kVersion)) {
    return;
  }
  while (step()) {
  }
}

}  // namespace service
