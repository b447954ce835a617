// SPDX-License-Identifier: MIT
// Clean pages of files on disks, by when they were used: two lists, active and inactive. A page
// comes to the inactive one; used again before its turn comes, it is moved to the active one, from
// whose end pages go back when that is the longer of the two. What is dirty is on neither.
#pragma once

#include <span>

#include "lib/list.h"
#include "mm/frames.h"

namespace kernel {

class DiskObject;

// What a frame of a DiskObject has beyond its 16 bytes; Frame::owner points to it.
struct FilePage : ListNode<FilePage> {
  DiskObject* object = nullptr;
  uint64_t index = 0;
  PhysAddr frame{};
};
inline FilePage& file_page(PhysAddr frame) {
  return *static_cast<FilePage*>(frames::frame_of(frame).owner);
}

namespace page_lru {

// For read and fault: the page has been used (once more).
void note_use(Frame& frame);

// Onto the list that its flags say, off it; nothing when it is there, or not. Under the lock of the
// object's pages.
void add(FilePage& page);
void remove(FilePage& page);
// The page's turn came while it was in use: to the front of its list, which `active` chooses.
void put_back(FilePage& page, bool active);

struct Counts {
  uint64_t active, inactive;
};
Counts counts();

// Frees clean pages, the longest unused first: takes no lock that may be waited for, and enters no
// file system. Returns how many. Any thread that may sleep.
uint64_t reclaim(uint64_t wanted);
// Pages that are on no list for the moment because a reclaim() of some thread looks at them.
uint64_t in_hand();
// For the end of an object whose pages have left the lists: until no reclaim() uses it any more.
void wait_for_pins(DiskObject& object);

}  // namespace page_lru
}  // namespace kernel
