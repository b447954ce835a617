// SPDX-License-Identifier: MIT
//
// One port of the host channel: a non-blocking file descriptor with "all of it" reads and writes
// for the places where init has nothing better to do than to wait. Not thread-safe: init has one
// thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

namespace port {

// Opens all ports; waits up to `timeout_ms` for the kernel to make their nodes. False: no channel.
bool open_all(int timeout_ms);

// The descriptor of a port by its number in protocol.h.
int fd(unsigned number);

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
