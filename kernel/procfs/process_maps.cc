// SPDX-License-Identifier: MIT
// maps, smaps and smaps_rollup (proc(5)): the mappings of a process, one line or one block each.

#include "fs/vfs/file.h"
#include "fs/vfs/fs_context.h"
#include "process/observe.h"
#include "procfs/process.h"
#include "vm/address_space.h"

namespace kernel::procfs {
namespace {

struct Listing {
  FormatSink& sink;
  const Path* root;       // names are as the reader sees them
  bool with_pages;
  Result<> result;
};

// Linux's columns: the name starts at column 73, and pads before it only when there is one.
void write_line(FormatSink& sink, const Mapping& mapping, StringView name) {
  char buffer[96];
  BufferSink line(buffer);
  uint64_t device = 0, inode = 0;
  if (mapping.file != nullptr) {
    InodeAttributes attributes = mapping.file->inode().attributes();
    inode = attributes.number;
    device = mapping.file->inode().super_block().device().encode();
  }
  DeviceNumber number = DeviceNumber::decode(device);
  format(line, "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {} ", raw(mapping.range.start),
         raw(mapping.range.end), (mapping.protection & kProtRead) != 0 ? 'r' : '-',
         (mapping.protection & kProtWrite) != 0 ? 'w' : '-',
         (mapping.protection & kProtExec) != 0 ? 'x' : '-', mapping.flags.shared ? 's' : 'p',
         mapping.file != nullptr ? mapping.object_offset : 0, number.major, number.minor, inode);
  sink.write(line.view());
  if (!name.empty()) {
    for (size_t column = line.view().size(); column < 73; ++column) sink.write(" ");
    sink.write(name);
  }
  sink.write("\n");
}

struct Sums {
  uint64_t size = 0, resident = 0, proportional = 0, shared_clean = 0, shared_dirty = 0,
           private_clean = 0, private_dirty = 0, anonymous = 0, locked = 0;
  // Of what is proportional: anonymous memory, and shared memory; the rest is files'.
  uint64_t proportional_anonymous = 0, proportional_shared = 0;
};

Sums sums_of(const AddressSpace::MappingView& view) {
  Sums sums;
  sums.size = view.mapping.range.size() / KiB;
  sums.resident = view.resident * 4;
  sums.shared_clean = view.shared_clean * 4;
  sums.shared_dirty = view.shared_dirty * 4;
  sums.private_clean = view.private_clean * 4;
  sums.private_dirty = view.private_dirty * 4;
  sums.anonymous = view.anonymous * 4;
  // Two sharers are assumed where the number is not counted.
  sums.proportional =
      sums.private_clean + sums.private_dirty + (sums.shared_clean + sums.shared_dirty) / 2;
  if (view.mapping.flags.locked) sums.locked = sums.proportional;
  sums.proportional_anonymous = std::min(sums.anonymous, sums.proportional);
  const MemoryObject* object = view.mapping.object.get();
  if (object != nullptr && object->page_kind() == PageKind::Shared)
    sums.proportional_shared = sums.proportional - sums.proportional_anonymous;
  return sums;
}

void write_block(FormatSink& sink, const Sums& sums, bool rollup) {
  auto line = [&sink](StringView name, uint64_t kib) {
    format(sink, "{:-16}{:8} kB\n", name, kib);
  };
  if (!rollup) {
    line("Size:", sums.size);
    line("KernelPageSize:", 4);
    line("MMUPageSize:", 4);
  }
  line("Rss:", sums.resident);
  line("Pss:", sums.proportional);
  line("Pss_Dirty:", sums.private_dirty + sums.shared_dirty / 2);
  if (rollup) {
    line("Pss_Anon:", sums.proportional_anonymous);
    line("Pss_File:",
         sums.proportional - sums.proportional_anonymous - sums.proportional_shared);
    line("Pss_Shmem:", sums.proportional_shared);
  }
  line("Shared_Clean:", sums.shared_clean);
  line("Shared_Dirty:", sums.shared_dirty);
  line("Private_Clean:", sums.private_clean);
  line("Private_Dirty:", sums.private_dirty);
  line("Referenced:", sums.resident);
  line("Anonymous:", sums.anonymous);
  line("LazyFree:", 0);
  line("AnonHugePages:", 0);
  line("ShmemPmdMapped:", 0);
  line("FilePmdMapped:", 0);
  line("Shared_Hugetlb:", 0);
  line("Private_Hugetlb:", 0);
  line("Swap:", 0);
  line("SwapPss:", 0);
  line("Locked:", sums.locked);
}

void write_flags(FormatSink& sink, const Mapping& mapping) {
  sink.write("THPeligible:    0\nVmFlags:");
  auto flag = [&sink](bool on, StringView name) {
    if (on) format(sink, " {}", name);
  };
  flag((mapping.protection & kProtRead) != 0, "rd");
  flag((mapping.protection & kProtWrite) != 0, "wr");
  flag((mapping.protection & kProtExec) != 0, "ex");
  flag(mapping.flags.shared, "sh");
  flag((mapping.max_protection & kProtRead) != 0, "mr");
  flag((mapping.max_protection & kProtWrite) != 0, "mw");
  flag((mapping.max_protection & kProtExec) != 0, "me");
  flag(mapping.flags.shared && (mapping.max_protection & kProtWrite) != 0, "ms");
  flag(mapping.flags.grows_down, "gd");
  flag(mapping.flags.locked, "lo");
  flag(mapping.flags.pattern == ReadAhead::Pattern::Sequential, "sr");
  flag(mapping.flags.pattern == ReadAhead::Pattern::Random, "rr");
  flag(mapping.flags.dont_fork, "dc");
  flag(mapping.flags.no_reserve, "nr");
  flag(mapping.flags.dont_dump, "dd");
  flag(mapping.flags.wipe_on_fork, "wf");
  sink.write(" \n");
}

bool visit(const AddressSpace::MappingView& view, void* context) {
  Listing& listing = *static_cast<Listing*>(context);
  StringView name = view.mapping.special;
  String path;
  if (name.empty() && view.mapping.file != nullptr) {
    Result<String> made = view.mapping.file->path().to_string(*listing.root);
    if (!made.ok()) {
      listing.result = made.error();
      return false;
    }
    path = std::move(made).take();
    name = path;
  }
  write_line(listing.sink, view.mapping, name);
  if (listing.with_pages) {
    write_block(listing.sink, sums_of(view), /*rollup=*/false);
    write_flags(listing.sink, view.mapping);
  }
  return true;
}

Result<> list(FormatSink& sink, Task& task, bool with_pages) {
  if (!may_inspect(task)) return Errno::Acces;
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  Optional<Ref<FsContext>> fs = fs_context_of(current_task());
  if (!space || !fs) return {};
  Path root = fs->root();
  Listing listing{sink, &root, with_pages, {}};
  space->for_each_mapping(UserAddr{0}, with_pages, visit, &listing);
  return listing.result;
}

struct Rollup {
  Sums total;
  UserAddr first{}, last{};
};

bool add_up(const AddressSpace::MappingView& view, void* context) {
  Rollup& rollup = *static_cast<Rollup*>(context);
  Sums sums = sums_of(view);
  if (raw(rollup.last) == 0) rollup.first = view.mapping.range.start;
  rollup.last = view.mapping.range.end;
  rollup.total.resident += sums.resident;
  rollup.total.proportional += sums.proportional;
  rollup.total.proportional_anonymous += sums.proportional_anonymous;
  rollup.total.proportional_shared += sums.proportional_shared;
  rollup.total.shared_clean += sums.shared_clean;
  rollup.total.shared_dirty += sums.shared_dirty;
  rollup.total.private_clean += sums.private_clean;
  rollup.total.private_dirty += sums.private_dirty;
  rollup.total.anonymous += sums.anonymous;
  rollup.total.locked += sums.locked;
  return true;
}

}  // namespace

Result<> maps_text(FormatSink& sink, Task& task, bool) { return list(sink, task, false); }
Result<> smaps_text(FormatSink& sink, Task& task, bool) { return list(sink, task, true); }

Result<> smaps_rollup_text(FormatSink& sink, Task& task, bool) {
  if (!may_inspect(task)) return Errno::Acces;
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  if (!space) return {};
  Rollup rollup;
  space->for_each_mapping(UserAddr{0}, /*with_pages=*/true, add_up, &rollup);
  format(sink, "{:08x}-{:08x} ---p 00000000 00:00 0                          [rollup]\n",
         raw(rollup.first), raw(rollup.last));
  write_block(sink, rollup.total, /*rollup=*/true);
  return {};
}

}  // namespace kernel::procfs
