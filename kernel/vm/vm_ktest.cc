// SPDX-License-Identifier: MIT
// Address spaces under the real MMU: kernel threads that load a space of their own and reach it
// through user copies. Frames are counted by use: what a test takes it must give back exactly.

#include "lib/ktest.h"
#include "mm/heap.h"
#include "sched/completion.h"
#include "sched/scheduler.h"
#include "sync/rcu.h"
#include "vm/ktest_space.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

constexpr uint64_t kPages = 64;

struct UserFrames {
  uint64_t anonymous, object, tables;
};

UserFrames user_frames() {
  rcu_barrier();
  frames::Statistics all = frames::statistics();
  return {all.by_use[static_cast<size_t>(FrameUse::Anonymous)],
          all.by_use[static_cast<size_t>(FrameUse::Object)],
          all.by_use[static_cast<size_t>(FrameUse::PageTable)]};
}

MapRequest anonymous(uint64_t pages, uint32_t protection = kProtRead | kProtWrite) {
  MapRequest request;
  request.size = pages * kPageSize;
  request.protection = protection;
  return request;
}

bool put(UserAddr at, uint64_t value) { return copy_out(at, &value, sizeof value).ok(); }
uint64_t get(UserAddr at) {
  uint64_t value = 0xdead;
  return copy_in(&value, at, sizeof value).ok() ? value : ~uint64_t{0};
}
constexpr uint64_t kFault = ~uint64_t{0};

UserAddr page(UserAddr base, uint64_t index) { return base + index * kPageSize; }

// Runs `body` with a fresh space loaded, and checks that all it took comes back.
template <class Body>
void with_space(Body body) {
  UserFrames before = user_frames();
  {
    Result<Ref<AddressSpace>> space = AddressSpace::create();
    EXPECT(space.ok());
    if (!space.ok()) return;
    Loaded loaded(**space);
    body(**space);
  }
  // A CPU holds the root of the last space it loaded: load another one in its place.
  {
    Result<Ref<AddressSpace>> other = AddressSpace::create();
    if (other.ok()) Loaded loaded(**other);
  }
  UserFrames after = user_frames();
  EXPECT(after.anonymous == before.anonymous);
  EXPECT(after.object == before.object);
  // Each CPU may hold the root of the last space it loaded.
  EXPECT(after.tables <= before.tables + sched::online_cpu_count());
}

}  // namespace

KTEST(vm_anonymous_memory_reads_zero_and_keeps_writes) {
  with_space([](AddressSpace& space) {
    Result<UserAddr> base = space.map(anonymous(kPages));
    EXPECT(base.ok());
    for (uint64_t i = 0; i < kPages; ++i) EXPECT(get(page(*base, i)) == 0);
    EXPECT(space.statistics().resident_anonymous == 0);  // the zero page is nobody's
    for (uint64_t i = 0; i < kPages; i += 2) EXPECT(put(page(*base, i), i + 1));
    for (uint64_t i = 0; i < kPages; ++i) EXPECT(get(page(*base, i)) == (i % 2 == 0 ? i + 1 : 0));
    EXPECT(space.statistics().resident_anonymous == kPages / 2);
    EXPECT(space.unmap(page(*base, 8), 8 * kPageSize).ok());
    EXPECT(get(page(*base, 8)) == kFault && get(page(*base, 15)) == kFault);
    EXPECT(get(page(*base, 16)) == 17);
    EXPECT(space.statistics().resident_anonymous == kPages / 2 - 4);
    EXPECT(space.statistics().mapped_pages == kPages - 8);
  });
}

KTEST(vm_protection_takes_effect_and_keeps_contents) {
  with_space([](AddressSpace& space) {
    UserAddr base = *space.map(anonymous(8));
    EXPECT(put(base, 7));
    EXPECT(space.protect(base, kPageSize, kProtRead).ok());
    EXPECT(!put(base, 8) && get(base) == 7);
    EXPECT(space.protect(base, kPageSize, kProtNone).ok());
    EXPECT(get(base) == kFault);
    EXPECT(space.protect(base, kPageSize, kProtRead | kProtWrite).ok());
    EXPECT(get(base) == 7 && put(base, 9) && get(base) == 9);
    EXPECT(space.protect(page(base, 7), 2 * kPageSize, kProtRead).failed_with(Errno::NoMem));
  });
}

KTEST(vm_fork_copies_on_write_only) {
  with_space([](AddressSpace& parent) {
    UserAddr base = *parent.map(anonymous(kPages));
    for (uint64_t i = 0; i < kPages; ++i) EXPECT(put(page(base, i), 100 + i));
    uint64_t before = user_frames().anonymous;
    Result<Ref<AddressSpace>> child = parent.fork();
    EXPECT(child.ok());
    if (!child.ok()) return;
    EXPECT(user_frames().anonymous == before);
    EXPECT(put(base, 1));  // unshares the table, copies one page
    EXPECT(user_frames().anonymous == before + 1);
    {
      Loaded loaded(**child);
      for (uint64_t i = 0; i < kPages; ++i) EXPECT(get(page(base, i)) == 100 + i);
      EXPECT(put(base, 2));  // the only owner of the old page: no copy
      EXPECT(user_frames().anonymous == before + 1);
      EXPECT(put(page(base, 1), 3));
      EXPECT(user_frames().anonymous == before + 2);
      EXPECT((*child)->unmap(page(base, 2), kPageSize).ok());
      EXPECT(get(page(base, 2)) == kFault);
    }
    EXPECT(get(base) == 1 && get(page(base, 1)) == 101 && get(page(base, 2)) == 102);
    EXPECT((*child)->statistics().resident_anonymous == kPages - 1);
  });
}

KTEST(vm_unmap_of_a_shared_table_leaves_the_other_space_alone) {
  with_space([](AddressSpace& parent) {
    MapRequest request = anonymous(3 * kLeafSpan / kPageSize);
    UserAddr base = *parent.map(request);
    for (uint64_t i = 0; i < request.size / kPageSize; i += 16) EXPECT(put(page(base, i), i));
    Result<Ref<AddressSpace>> child = parent.fork();
    EXPECT(child.ok());
    if (!child.ok()) return;
    EXPECT(parent.unmap(base + kPageSize, request.size - 2 * kPageSize).ok());
    Loaded loaded(**child);
    for (uint64_t i = 0; i < request.size / kPageSize; i += 16) EXPECT(get(page(base, i)) == i);
  });
}

KTEST(vm_advice_at_fork_is_followed) {
  with_space([](AddressSpace& parent) {
    UserAddr base = *parent.map(anonymous(4));
    for (uint64_t i = 0; i < 4; ++i) EXPECT(put(page(base, i), i + 1));
    EXPECT(parent.advise(page(base, 1), kPageSize, 10).ok());  // MADV_DONTFORK
    EXPECT(parent.advise(page(base, 2), kPageSize, 18).ok());  // MADV_WIPEONFORK
    Result<Ref<AddressSpace>> child = parent.fork();
    EXPECT(child.ok());
    if (!child.ok()) return;
    {
      Loaded loaded(**child);
      EXPECT(get(base) == 1 && get(page(base, 1)) == kFault && get(page(base, 2)) == 0 &&
             get(page(base, 3)) == 4);
      EXPECT(put(page(base, 3), 9));
    }
    EXPECT(get(page(base, 3)) == 4 && get(page(base, 2)) == 3);
  });
}

KTEST(vm_shared_memory_is_one_and_truncation_unmaps_it) {
  with_space([](AddressSpace& space) {
    Ref<AnonymousObject> object = AnonymousObject::create(32 * kPageSize).take();
    MapRequest request = anonymous(32);
    request.flags.shared = true;
    request.object = Ref<MemoryObject>(*object);
    UserAddr first = *space.map(request);
    UserAddr second = *space.map(request);
    request.flags.shared = false;
    UserAddr copy = *space.map(request);
    EXPECT(put(page(first, 20), 5) && get(page(second, 20)) == 5 && get(page(copy, 20)) == 5);
    EXPECT(put(page(copy, 20), 6) && get(page(first, 20)) == 5);
    Result<Ref<AddressSpace>> child = space.fork();
    EXPECT(child.ok());
    if (!child.ok()) return;
    Loaded loaded(**child);
    EXPECT(put(page(first, 20), 7));
    object->set_size(10 * kPageSize);
    object->truncate(10 * kPageSize);
    EXPECT(object->resident_pages() == 0);
    EXPECT(get(page(first, 20)) == kFault && get(page(second, 20)) == kFault &&
           get(page(copy, 20)) == kFault);
    EXPECT(get(page(first, 9)) == 0);
    sched::switch_address_space(&space);
    EXPECT(get(page(first, 20)) == kFault && get(page(copy, 20)) == kFault);
  });
}

KTEST(vm_remap_moves_pages) {
  with_space([](AddressSpace& space) {
    UserAddr base = *space.map(anonymous(16));
    for (uint64_t i = 0; i < 16; ++i) EXPECT(put(page(base, i), i + 1));
    MapRequest in_the_way = anonymous(1, kProtRead);
    in_the_way.address = page(base, 16);
    in_the_way.placement = MapRequest::Placement::Fixed;
    EXPECT(space.map(in_the_way).ok());
    Result<UserAddr> moved = space.remap(base, 16 * kPageSize, 600 * kPageSize, 1, UserAddr{});
    EXPECT(moved.ok() && *moved != base);
    for (uint64_t i = 0; i < 16; ++i) EXPECT(get(page(*moved, i)) == i + 1);
    EXPECT(get(page(*moved, 599)) == 0 && get(base) == kFault);
    EXPECT(space.statistics().resident_anonymous == 16);
  });
}

KTEST(vm_big_reservations_cost_nothing) {
  with_space([](AddressSpace& space) {
    MapRequest request = anonymous(10 * GiB / kPageSize);
    request.flags.no_reserve = true;
    Result<UserAddr> base = space.map(request);
    EXPECT(base.ok());
    if (!base.ok()) return;
    for (uint64_t at = 0; at < request.size; at += GiB) EXPECT(put(*base + at, at + 1));
    for (uint64_t at = 0; at < request.size; at += GiB) EXPECT(get(*base + at) == at + 1);
    request.flags.no_reserve = false;
    request.size = 1024 * GiB;
    EXPECT(space.map(request).error() == Errno::NoMem);
  });
}

KTEST(vm_identifiers_survive_roll_over) {
  asid::limit_bits_for_test(5);
  uint64_t generation = asid::current_generation();
  with_space([](AddressSpace&) {
    constexpr size_t kSpaces = 40;
    Optional<Ref<AddressSpace>> spaces[kSpaces];
    UserAddr base[kSpaces];
    for (size_t i = 0; i < kSpaces; ++i) {
      spaces[i] = AddressSpace::create().take();
      base[i] = *spaces[i]->map(anonymous(1));
    }
    for (unsigned round = 0; round < 5; ++round) {
      for (size_t i = 0; i < kSpaces; ++i) {
        Loaded loaded(*spaces[i]);
        EXPECT(get(base[i]) == (round == 0 ? 0 : 1000 * (round - 1) + i));
        EXPECT(put(base[i], 1000 * round + i));
      }
    }
    sched::switch_address_space(nullptr);
  });
  EXPECT(asid::current_generation() > generation + 2);
  asid::limit_bits_for_test(0);
}

// --- Several CPUs --------------------------------------------------------------------

namespace {

struct Storm {
  AddressSpace* space;
  UserAddr base;
  uint64_t pages;
  unsigned rounds;
  Atomic<unsigned> running;
  Atomic<unsigned> turn;
  Atomic<uint64_t> wrong;
  Completion done;
};

void finish(Storm& storm) {
  sched::switch_address_space(nullptr);
  if (storm.running.fetch_sub_acq_rel(1) == 1) storm.done.complete();
}

// Each thread owns every fourth word of the pages that all of them touch.
void storm_thread(void* argument) {
  Storm& storm = *static_cast<Storm*>(argument);
  sched::switch_address_space(storm.space);
  unsigned self = storm.turn.fetch_add_relaxed(1);
  for (unsigned round = 0; round < storm.rounds; ++round) {
    for (uint64_t i = 0; i < storm.pages; ++i) {
      UserAddr word = page(storm.base, i) + 8 * self;
      uint64_t expected = round == 0 ? 0 : i * 16 + round - 1;
      if (get(word) != expected || !put(word, i * 16 + round)) storm.wrong.fetch_add_relaxed(1);
    }
  }
  finish(storm);
}

void run_storm(Storm& storm, unsigned threads, void (*body)(void*)) {
  storm.running.store_relaxed(threads);
  for (unsigned i = 0; i < threads; ++i) {
    Result<Ref<Thread>> thread = Thread::create_kernel("storm", body, &storm);
    EXPECT(thread.ok());
    if (thread.ok()) (*thread)->start();
  }
}

}  // namespace

KTEST(vm_four_threads_fault_in_one_space_while_it_forks) {
  with_space([](AddressSpace& space) {
    Storm storm{};
    storm.space = &space;
    storm.pages = 300;
    storm.rounds = 12;
    storm.base = *space.map(anonymous(storm.pages));
    run_storm(storm, 4, storm_thread);
    // Meanwhile children come and go, at least one (with a single CPU the storm may be over by
    // now); each sees its pages unchanged from the fork on.
    unsigned forks = 0;
    do {
      Result<Ref<AddressSpace>> child = space.fork();
      EXPECT(child.ok());
      if (!child.ok()) break;
      Loaded loaded(**child);
      uint64_t first = get(page(storm.base, forks % storm.pages));
      sched::yield();
      EXPECT(get(page(storm.base, forks % storm.pages)) == first);
      EXPECT(put(page(storm.base, (forks + 7) % storm.pages), 5));
      EXPECT((*child)->unmap(page(storm.base, 100), 50 * kPageSize).ok());
      ++forks;
    } while (!storm.done.is_done());
    ignore(storm.done.wait(WaitMode::Uninterruptible));
    EXPECT(storm.wrong.load_acquire() == 0);
    EXPECT(forks > 0);
    EXPECT(space.statistics().resident_anonymous == storm.pages);
  });
}

namespace {

// Maps, writes, checks and unmaps memory of its own, all in the same few leaf tables.
void churn_thread(void* argument) {
  Storm& storm = *static_cast<Storm*>(argument);
  sched::switch_address_space(storm.space);
  for (unsigned round = 0; round < storm.rounds; ++round) {
    Result<UserAddr> base = storm.space->map(anonymous(5));
    if (!base.ok()) {
      storm.wrong.fetch_add_relaxed(1);
      break;
    }
    for (uint64_t i = 0; i < 5; ++i) {
      if (get(page(*base, i)) != 0 || !put(page(*base, i), raw(*base) + i))
        storm.wrong.fetch_add_relaxed(1);
    }
    for (uint64_t i = 0; i < 5; ++i) {
      if (get(page(*base, i)) != raw(*base) + i) storm.wrong.fetch_add_relaxed(1);
    }
    if (!storm.space->unmap(*base, 5 * kPageSize).ok()) storm.wrong.fetch_add_relaxed(1);
  }
  finish(storm);
}

}  // namespace

KTEST(vm_stale_translations_do_not_survive_unmap_on_other_cpus) {
  with_space([](AddressSpace& space) {
    Storm storm{};
    storm.space = &space;
    storm.rounds = 300;
    run_storm(storm, 4, churn_thread);
    ignore(storm.done.wait(WaitMode::Uninterruptible));
    EXPECT(storm.wrong.load_acquire() == 0);
    EXPECT(space.statistics().mapped_pages == 0);
  });
}

}  // namespace kernel
