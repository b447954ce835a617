// SPDX-License-Identifier: MIT
// The file system of POSIX message queues (mq_overview(7)): one directory, which mount(2) of type
// "mqueue" shows and mq_open(2) reaches without.
#pragma once

#include "fs/mqueue/queue.h"

namespace kernel::mqueue {

// What no privilege goes beyond.
inline constexpr uint64_t kMostMessages = 65536, kMostMessageSize = 16 * MiB;

// /proc/sys/fs/mqueue.
struct Limits {
  Atomic<uint64_t> queues{256};
  Atomic<uint64_t> messages{10}, default_messages{10};
  Atomic<uint64_t> message_size{8192}, default_message_size{8192};
};
inline constinit Limits limits;

struct OpenRequest {
  uint32_t flags = 0;  // O_*
  uint16_t mode = 0;   // before umask
  std::optional<QueueSize> size;
};
// mq_open(2). Names have no slash, the C library drops the leading one. Errors: Acces, NoEnt,
// Exist, Inval, NoSpc, MFile.
Result<Ref<File>> open(StringView name, const OpenRequest& request);
// mq_unlink(2).
Result<> unlink(StringView name);

void queue_has_gone();  // its last reference
Result<> init();        // boot

}  // namespace kernel::mqueue
