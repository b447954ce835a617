// SPDX-License-Identifier: MIT
//
// What init and the `samara` command say to each other over the host channel: port numbers, message
// types and their payloads. tools/samara/protocol.py is the other side; docs/design/host_channel.md
// tells the whole story. All integers are little-endian; strings end with a NUL.
#pragma once

#include <stdint.h>

namespace protocol {

constexpr uint32_t kVersion = 1;

// Port numbers of the virtio console: /dev/vportNpM with M as here. Port 0 belongs to hvc0.
constexpr unsigned kControlPort = 1;
constexpr unsigned kStdinPort = 2;
constexpr unsigned kStdoutPort = 3;
constexpr unsigned kStderrPort = 4;
constexpr unsigned kFilePort = 5;

// Environment word on the kernel command line that says "a command is at the other end".
constexpr const char* kEnvironment = "samara_channel";
// DEVICE:TYPE, when the root is not the initramfs.
constexpr const char* kRootEnvironment = "samara_root";
// The program that this one becomes, when it is there for the modules and the root alone.
constexpr const char* kInitEnvironment = "samara_init";

// `changes` of Mount, else empty: what is written to the new root stays in the guest's memory.
constexpr const char* kForgetChanges = "forget";

// In the initramfs, for a run to which the host says nothing while it goes on: all that the control
// port, the file port and standard input would have carried. The ports then go one way.
constexpr const char* kJobMessages = "/.samara/job/messages";
constexpr const char* kJobFiles = "/.samara/job/files";
constexpr const char* kJobInput = "/.samara/job/input";

// A message is this header and `length` bytes of payload, on the control port.
struct Header {
  uint32_t type;
  uint32_t length;
};
constexpr uint32_t kMaxPayload = 4u << 20;

enum class Type : uint32_t {
  // host to guest
  Start = 1,         // StartPayload, then strings: cwd, argv[argc], env[envc]
  Window = 2,        // u32 rows, u32 columns
  Signal = 3,        // u32 signal, u32 1: to the program's process group, 0: to the program
  StdinEnd = 4,      // u64 length of all of standard input
  OutputClosed = 5,  // u32 port: nobody reads it any more
  Put = 6,           // EntryPayload, path[, link target]; a file's bytes follow on the file port
  Get = 7,           // path
  Finish = 8,        // empty: power off
  Mount = 9,         // tag, path, options, changes: a directory of the host, by 9p; "/": the root
  // guest to host
  Ready = 64,        // u32 version
  PutFailed = 65,    // u32 errno, path
  Started = 66,      // u32 pid
  StartFailed = 67,  // u32 errno, u32 StartStage
  StdinClosed = 68,  // empty: the program reads no more
  Exited = 69,       // ExitPayload
  Entry = 70,        // EntryPayload, path relative to the wanted one[, link target]; bytes follow
  GetFailed = 71,    // u32 errno, path that it concerns; the others still come
  GetEnd = 72,       // empty: nothing more below the wanted path
  MountFailed = 73,  // u32 errno, path
};

struct StartPayload {
  uint32_t flags;
  uint32_t rows;
  uint32_t columns;
  uint32_t argc;
  uint32_t envc;
};
constexpr uint32_t kStartTerminal = 1;        // standard input and output are a pseudo terminal
constexpr uint32_t kStartSeparateStderr = 2;  // … but standard error is not that terminal
constexpr uint32_t kStartJoined = 4;          // standard error is the pipe of standard output
constexpr uint32_t kStartNothingAfterFailure = 8;  // another status than 0 ends a job

// What failed before the program could run.
enum class StartStage : uint32_t { Execute = 0, Directory = 1, Streams = 2 };

struct ExitPayload {
  uint32_t wait_status;  // as wait(2) has it
  uint32_t reserved;
  uint64_t stdout_length;  // how many bytes the two output ports have carried: the host reads up to
  uint64_t stderr_length;  // there, and nothing is lost
};

// One file system object. For a regular file `size` bytes follow on the file port.
struct EntryPayload {
  uint32_t mode;  // file type and permissions, as st_mode
  uint32_t reserved;
  uint64_t size;
  int64_t mtime_ns;
};

}  // namespace protocol
