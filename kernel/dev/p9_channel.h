// SPDX-License-Identifier: MIT
// The way to a 9P server: whole messages there, whole answers back, several at a time and in any
// order. What the bytes mean is the file system's business (fs/9p); which device carries them, the
// driver's.
#pragma once

#include <span>

#include "lib/list.h"
#include "lib/result.h"
#include "lib/string_view.h"
#include "lib/types.h"

namespace kernel {

// A physically contiguous piece of a message.
struct P9Segment {
  PhysAddr address;
  uint32_t size;
};

// One message on its way and the answer to it. From P9Channel::submit() until `completed` is called
// all this memory is the device's.
struct P9Exchange : public Pinned {
  std::span<const P9Segment> message;
  std::span<const P9Segment> answer;
  uint32_t answer_size = 0;  // what the device says it wrote; not more than there is room for
  // Called in the driver's thread, once: takes spin locks only.
  void (*completed)(P9Exchange& exchange) = nullptr;

 protected:
  ~P9Exchange() = default;
};

class P9Channel : public ListNode<P9Channel> {
 public:
  virtual StringView tag() const = 0;  // what the host calls it: the source of a mount
  // Of one exchange, message and answer together.
  virtual size_t max_segments() const = 0;
  // Sleeps while there is no room. Thread context, no spin lock.
  virtual void submit(P9Exchange& exchange) = 0;

  bool in_use = false;  // the list's lock

 protected:
  ~P9Channel() = default;
};

// For good. Thread context.
void register_p9_channel(P9Channel& channel);
// A server has one client at a time. Errors: NoEnt: no channel of this name; Busy.
Result<P9Channel*> claim_p9_channel(StringView tag);
void release_p9_channel(P9Channel& channel);

}  // namespace kernel
