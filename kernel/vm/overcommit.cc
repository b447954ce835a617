// SPDX-License-Identifier: MIT
// See overcommit.h.

#include "vm/overcommit.h"

#include "lib/atomic.h"
#include "mm/frames.h"

namespace kernel::overcommit {
namespace {

constinit Atomic<Mode> the_mode{Mode::Heuristic};
constinit Atomic<unsigned> the_ratio{50};
constinit Atomic<uint64_t> committed;
constinit Atomic<uint64_t> known_total;

// The machine's pages. The number only grows (boot gives reserved ranges back), so an old one is
// good enough as long as the request is below it.
uint64_t total_pages(uint64_t wanted) {
  uint64_t total = known_total.load_relaxed();
  if (wanted <= total) return total;
  total = frames::statistics().total_pages;
  known_total.store_relaxed(total);
  return total;
}

}  // namespace

void set_mode(Mode mode) { the_mode.store_relaxed(mode); }
Mode mode() { return the_mode.load_relaxed(); }
void set_ratio(unsigned percent) { the_ratio.store_relaxed(percent); }
uint64_t limit_pages() { return total_pages(~uint64_t{0}) * the_ratio.load_relaxed() / 100; }
uint64_t committed_pages() { return committed.load_relaxed(); }

Result<> commit(uint64_t pages) {
  if (mode() == Mode::Heuristic && pages > total_pages(pages)) return Errno::NoMem;
  uint64_t before = committed.fetch_add_relaxed(pages);
  if (mode() == Mode::Never && before + pages > limit_pages()) {
    committed.fetch_sub_relaxed(pages);
    return Errno::NoMem;
  }
  return {};
}

void uncommit(uint64_t pages) { committed.fetch_sub_relaxed(pages); }

}  // namespace kernel::overcommit
