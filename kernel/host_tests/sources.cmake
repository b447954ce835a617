# SPDX-License-Identifier: MIT
# Kernel files that the unit tests run on this machine, each once: single files by layer, then
# directories that are there whole.

list(APPEND UNDER_TEST
  ${KERNEL}/lib/crc32c.cc
  ${KERNEL}/lib/format.cc
  ${KERNEL}/lib/log.cc
  ${KERNEL}/lib/radix_tree.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/sync/lock_counters.cc
  ${KERNEL}/sync/lock_order.cc
  ${KERNEL}/sync/per_cpu.cc
  ${KERNEL}/sync/random.cc
  ${KERNEL}/sync/rcu.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/mm/allocation_failure.cc
  ${KERNEL}/mm/buddy.cc
  ${KERNEL}/mm/frame_table.cc
  ${KERNEL}/mm/frames.cc
  ${KERNEL}/mm/heap.cc
  ${KERNEL}/mm/kernel_map.cc
  ${KERNEL}/mm/kernel_stack.cc
  ${KERNEL}/mm/kernel_table.cc
  ${KERNEL}/mm/reclaim.cc
  ${KERNEL}/mm/slab.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/sched/clock.cc
  ${KERNEL}/sched/fair_queue.cc
  ${KERNEL}/sched/mutex.cc
  ${KERNEL}/sched/run_queue.cc
  ${KERNEL}/sched/rw_mutex.cc
  ${KERNEL}/sched/wait_queue.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/dev/block_device.cc
  ${KERNEL}/dev/block_request.cc
  ${KERNEL}/dev/partition_table.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/fs/tty/line_discipline.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/display/emulator.cc
  ${KERNEL}/display/emulator_sequences.cc
  ${KERNEL}/display/escape_parser.cc
  ${KERNEL}/display/font.cc
  ${KERNEL}/display/grid.cc
  ${KERNEL}/display/painter.cc
  ${KERNEL}/display/pen.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/fs/initramfs/cpio.cc
  ${KERNEL}/process/core_name.cc
  ${KERNEL}/process/elf.cc
  ${KERNEL}/process/script.cc
)

list(APPEND UNDER_TEST
  ${KERNEL}/dev/p9_channel.cc
  ${KERNEL}/fs/9p/fid.cc
  ${KERNEL}/fs/9p/mount_options.cc
  ${KERNEL}/fs/9p/protocol.cc
  ${KERNEL}/fs/9p/session.cc
)

# The file layer and what it stands on, whole: ext4's tests go through it.
file(GLOB FILE_LAYER CONFIGURE_DEPENDS ${KERNEL}/fs/block/*.cc ${KERNEL}/fs/event/*.cc
  ${KERNEL}/fs/ext4/*.cc ${KERNEL}/fs/jbd2/*.cc ${KERNEL}/fs/pipe/*.cc ${KERNEL}/fs/tmpfs/*.cc
  ${KERNEL}/fs/vfs/*.cc ${KERNEL}/task/*.cc ${KERNEL}/vm/*.cc)
list(FILTER FILE_LAYER EXCLUDE REGEX "_k?test\\.cc$|/vdso\\.cc$")
list(APPEND UNDER_TEST ${FILE_LAYER}
  ${KERNEL}/lib/command_line.cc
  ${KERNEL}/dev/block_registry.cc
  ${KERNEL}/dev/char_device.cc
  ${KERNEL}/sched/priority_inheritance.cc
  ${KERNEL}/sched/timer.cc
  ${KERNEL}/sched/work_queue.cc
)
