// SPDX-License-Identifier: MIT
// Names under fire: walks on every CPU while directories are renamed, files made and removed, and
// the cache evicted. A walk may find nothing, never something else than what the name ever stood
// for.

#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/ktest_root.h"
#include "lib/ktest.h"

namespace kernel {
namespace {

constexpr Nanoseconds kDuration = 400'000'000;

constinit Atomic<bool> stop;
constinit Atomic<uint32_t> finished;
constinit Atomic<uint64_t> walks_found, walks_missed;
constinit Atomic<uint64_t> file_number;

Result<> make_file(StringView path) {
  vfs::OpenRequest request;
  request.flags = kOpenCreate | kOpenReadWrite;
  request.mode = 0644;
  return vfs::open({}, path, request).ok() ? Result<>() : Result<>(Errno::Io);
}

// What nobody moves is there at every moment, whatever moves beside it, cached or not.
void walk_steady(void*) {
  static constexpr StringView kPaths[] = {"/storm/still/file", "/storm/still/../still/./file"};
  for (size_t i = 0; !stop.load_relaxed(); ++i) {
    EXPECT(vfs::lookup({}, kPaths[i % std::size(kPaths)]).ok());
    if (i % 64 == 0) DentryCache::shrink(64);
  }
  finished.fetch_add_acq_rel(1);
}

// The file is below "a" or "z", whichever "a" is called now; through ".." and a link as well.
void walk(void*) {
  static constexpr StringView kPaths[] = {"/storm/a/b/c/file", "/storm/z/b/c/file",
                                          "/storm/a/b/../b/c/file", "/storm/link/b/c/file",
                                          "/storm/z/../z/b/c/./file"};
  for (size_t i = 0; !stop.load_relaxed(); ++i) {
    Result<Path> found = vfs::lookup({}, kPaths[i % std::size(kPaths)]);
    if (found.ok()) {
      EXPECT(found->inode().number() == file_number.load_relaxed());
      walks_found.fetch_add_relaxed(1);
    } else {
      EXPECT(found.failed_with(Errno::NoEnt));
      walks_missed.fetch_add_relaxed(1);
    }
  }
  finished.fetch_add_acq_rel(1);
}

void rename_back_and_forth(void*) {
  while (!stop.load_relaxed()) {
    EXPECT(vfs::rename({}, "/storm/a", {}, "/storm/z", 0).ok());
    EXPECT(vfs::rename({}, "/storm/z", {}, "/storm/a", 0).ok());
    // Between directories, and two names at once.
    EXPECT(vfs::rename({}, "/storm/a/b", {}, "/storm/d/b", 0).ok());
    EXPECT(vfs::rename({}, "/storm/d/b", {}, "/storm/a/b", 0).ok());
    EXPECT(vfs::rename({}, "/storm/a", {}, "/storm/d", vfs::kRenameExchange).ok());
    EXPECT(vfs::rename({}, "/storm/a", {}, "/storm/d", vfs::kRenameExchange).ok());
  }
  finished.fetch_add_acq_rel(1);
}

void make_and_remove(void*) {
  while (!stop.load_relaxed()) {
    EXPECT(make_file("/storm/new").ok());
    EXPECT(vfs::hard_link({}, "/storm/new", {}, "/storm/other", vfs::LookupFlags::None).ok());
    EXPECT(vfs::unlink({}, "/storm/new").ok());
    EXPECT(vfs::unlink({}, "/storm/other").ok());
    EXPECT(vfs::make_directory({}, "/storm/new", 0755).ok());
    EXPECT(vfs::remove_directory({}, "/storm/new").ok());
    DentryCache::shrink(8);
  }
  finished.fetch_add_acq_rel(1);
}

void start(void (*entry)(void*)) {
  Result<Ref<Thread>> thread = Thread::create_kernel("storm", entry, nullptr);
  EXPECT(thread.ok());
  if (thread.ok()) (*thread)->start();
}

KTEST(names_storm) {
  if (!make_root_once()) KTEST_SKIP("no root");
  stop.store_relaxed(false);
  for (StringView directory :
       {"/storm", "/storm/a", "/storm/a/b", "/storm/a/b/c", "/storm/d", "/storm/still"}) {
    EXPECT(vfs::make_directory({}, directory, 0755).ok());
  }
  EXPECT(vfs::symbolic_link("../storm/a", {}, "/storm/link").ok());
  EXPECT(make_file("/storm/a/b/c/file").ok());
  EXPECT(make_file("/storm/still/file").ok());
  Result<Path> file = vfs::lookup({}, "/storm/a/b/c/file");
  EXPECT(file.ok());
  file_number.store_relaxed(file->inode().number());

  constexpr uint32_t kThreads = 5;
  start(walk);
  start(walk);
  start(walk_steady);
  start(rename_back_and_forth);
  start(make_and_remove);
  sched::sleep_until(Deadline::after(kDuration));
  stop.store_relaxed(true);
  while (finished.load_acquire() != kThreads) sched::sleep_until(Deadline::after(1'000'000));
  EXPECT(walks_found.load_relaxed() != 0);
  log_info("names_storm: {} walks found the file, {} did not", walks_found.load_relaxed(),
           walks_missed.load_relaxed());
}

KTEST(names_limits) {
  if (!make_root_once()) KTEST_SKIP("no root");
  EXPECT(vfs::symbolic_link("loop", {}, "/loop").ok());
  EXPECT(vfs::lookup({}, "/loop").failed_with(Errno::Loop));
  EXPECT(vfs::lookup({}, "").failed_with(Errno::NoEnt));
  EXPECT(vfs::lookup({}, "/loop", vfs::LookupFlags::None).ok());
  EXPECT(vfs::lookup({}, "/..//../.").ok());
  EXPECT(vfs::rename({}, "/storm/a", {}, "/storm/a/b/c/x", 0).failed_with(Errno::Inval));
  EXPECT(vfs::rename({}, "/storm/a/b/c", {}, "/storm/a", 0).failed_with(Errno::NotEmpty));
  EXPECT(vfs::unlink({}, "/storm/a/").failed_with(Errno::IsDir));
  EXPECT(vfs::remove_directory({}, "/storm/a").failed_with(Errno::NotEmpty));
  Result<Path> deep = vfs::lookup({}, "/storm/a/b");
  EXPECT(deep.ok());
  Result<Path> root = vfs::lookup({}, "/");
  Result<String> name = deep->to_string(*root);
  EXPECT(name.ok() && name->view() == "/storm/a/b");
}

}  // namespace
}  // namespace kernel
