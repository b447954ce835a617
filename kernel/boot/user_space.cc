// SPDX-License-Identifier: MIT
// See user_space.h.

#include "boot/user_space.h"

#include "boot/services.h"
#include "fs/initramfs/initramfs.h"
#include "fs/vfs/vfs.h"
#include "lib/command_line.h"
#include "lib/log.h"
#include "mm/frames.h"
#include "process/init.h"
#include "vm/vdso.h"

namespace kernel {
namespace {

void unpack_initrd(PhysRange initrd) {
  if (!initramfs::make_first_nodes().ok()) log_error("initramfs: no memory for /dev");
  if (initrd.empty()) return;
  std::span<const uint8_t> archive(frames::frame_data(initrd.start), initrd.size());
  // A bad archive has been logged: what was unpacked before may still hold an init.
  if (Result<> unpacked = initramfs::unpack(archive); !unpacked.ok())
    log_error("initramfs: error {}", unpacked.error());
  // Its first and last page may hold something else too.
  frames::release_reserved({align_up(initrd.start, kPageSize), page_of(initrd.end)});
}

}  // namespace

void start_user_space(PhysRange initrd) {
  CHECK(vdso::init().ok());
  start_services();
  Result<Ref<FsContext>> context = vfs::mount_root();
  CHECK(context.ok());
  vfs::sort_directories(command_line::has("deterministic"));
  CHECK(add_file_systems().ok());
  unpack_initrd(initrd);
  Result<> started = start_init(std::move(context).take());
  CHECK(started.ok());
}

}  // namespace kernel
