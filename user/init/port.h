// SPDX-License-Identifier: MIT
//
// One port of the host channel: a non-blocking file descriptor with "all of it" reads and writes
// for the places where init has nothing better to do than to wait. What the host has to say may
// also be a job, files of the initramfs: then nothing is ever read from a port. Not thread-safe:
// init has one thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

namespace port {

// Opens the job's files, if there are any, and takes their names away. First of all: another root
// may cover them.
void open_job();
bool is_job();
// All files of the job have been read: their memory is the program's now.
void close_job_files();

// Opens all ports; waits up to `timeout_ms` for the kernel to make their nodes. False: no channel.
bool open_all(int timeout_ms);

// Where to read what the host sends, and to write what it gets, by the port's number in protocol.h.
int from_host(unsigned number);
int to_host(unsigned number);

// Transfers exactly `length` bytes; false when the host has gone.
bool read_all(int fd, void* buffer, size_t length);
bool write_all(int fd, const void* buffer, size_t length);

// Sends one control message; `parts` are concatenated into the payload.
struct Part {
  const void* data;
  size_t length;
};
bool send_parts(protocol::Type type, const Part* parts, size_t count);
template <size_t N>
bool send(protocol::Type type, const Part (&parts)[N]) {
  return send_parts(type, parts, N);
}
bool send(protocol::Type type);
bool send(protocol::Type type, uint32_t value);

}  // namespace port
