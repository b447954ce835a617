// SPDX-License-Identifier: MIT
// See services.h.

#include "boot/services.h"

#include "boot/allocation_report.h"
#include "boot/log_thread.h"
#include "fs/9p/nine_p.h"
#include "fs/devfs/devtmpfs.h"
#include "fs/devfs/memory_devices.h"
#include "fs/ext4/volume.h"
#include "fs/mqueue/mqueue.h"
#include "fs/overlay/overlay.h"
#include "fs/sysfs/sysfs.h"
#include "fs/tty/terminal_file.h"
#include "net/unix/unix_socket.h"
#include "process/out_of_memory.h"
#include "process/process_timers.h"
#include "procfs/procfs.h"
#include "sched/work_queue.h"
#include "vm/page_cache.h"

namespace kernel {

Result<> start_threads() {
  TRY(sched::start_work_thread());
  TRY(start_log_thread());
  TRY(page_cache::start_flusher());
  return page_cache::start_reclaim();
}

void start_services() {
  out_of_memory::init();
  process_timers::init();
  report_allocation_failures();
  init_unix_sockets();
}

Result<> add_file_systems() {
  TRY(tty::init());
  TRY(devtmpfs::init());
  TRY(devtmpfs::add_block_nodes());
  TRY(register_kmsg());
  TRY(mqueue::init());
  TRY(procfs::init());
  TRY(sysfs::init());
  p9::init();
  ext4::init_types();
  overlay::init();
  return {};
}

}  // namespace kernel
