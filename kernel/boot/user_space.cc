// SPDX-License-Identifier: MIT
// See user_space.h.

#include "boot/user_space.h"

#include "boot/allocation_report.h"
#include "fs/9p/nine_p.h"
#include "fs/devfs/devtmpfs.h"
#include "fs/ext4/volume.h"
#include "fs/initramfs/initramfs.h"
#include "fs/mqueue/mqueue.h"
#include "fs/overlay/overlay.h"
#include "fs/sysfs/sysfs.h"
#include "fs/tty/terminal_file.h"
#include "fs/vfs/vfs.h"
#include "lib/command_line.h"
#include "lib/log.h"
#include "mm/frames.h"
#include "net/unix/unix_socket.h"
#include "process/init.h"
#include "process/out_of_memory.h"
#include "process/process_timers.h"
#include "procfs/procfs.h"
#include "vm/vdso.h"

namespace kernel {
namespace {

Result<Ref<FsContext>> make_root() {
  Ref<FsContext> context = TRY(vfs::mount_root());
  vfs::sort_directories(command_line::has("deterministic"));
  // Types that init mounts, and the devices that it finds in /dev.
  TRY(tty::init());
  TRY(devtmpfs::init());
  TRY(mqueue::init());
  TRY(procfs::init());
  TRY(sysfs::init());
  p9::init();
  ext4::init_types();
  overlay::init();
  return context;
}

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
  // What processes are made of.
  CHECK(vdso::init().ok());
  out_of_memory::init();
  process_timers::init();
  report_allocation_failures();
  init_unix_sockets();

  Result<Ref<FsContext>> context = make_root();
  CHECK(context.ok());
  unpack_initrd(initrd);
  Result<> started = start_init(std::move(context).take());
  CHECK(started.ok());
}

}  // namespace kernel
