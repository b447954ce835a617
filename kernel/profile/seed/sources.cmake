# SPDX-License-Identifier: MIT
# The small kernel (docs/audit.md): which files of each layer are in it. What they ask of files that
# are not is answered by the seams in this folder.
set(PROFILE_SOURCES
  lib/check.cc lib/command_line.cc lib/format.cc lib/log.cc lib/radix_tree.cc
  lib/libc/gcc_runtime.cc lib/libc/string.cc

  arch/aarch64/backtrace.cc arch/aarch64/cpu.cc arch/aarch64/early_map.cc arch/aarch64/el2.S
  arch/aarch64/emulation.cc arch/aarch64/entry.cc arch/aarch64/exception_table.cc
  arch/aarch64/features.cc arch/aarch64/head.S arch/aarch64/kernel_memory_map.cc
  arch/aarch64/memory.S arch/aarch64/mmu.cc arch/aarch64/psci.cc arch/aarch64/user_copy.S
  arch/aarch64/user_copy.cc arch/aarch64/user_state.S arch/aarch64/user_state.cc
  arch/aarch64/vdso_image.S arch/aarch64/vdso_image.cc arch/aarch64/vectors.S

  sync/per_cpu.cc sync/random.cc sync/rcu.cc

  mm/buddy.cc mm/frame_table.cc mm/frames.cc mm/heap.cc mm/kernel_map.cc mm/kernel_stack.cc
  mm/kernel_table.cc mm/operator_new.cc mm/reclaim.cc mm/slab.cc

  sched/accounting.cc sched/clock.cc sched/fair_queue.cc sched/mutex.cc sched/rcu_thread.cc
  sched/run_queue.cc sched/rw_mutex.cc sched/scheduler.cc sched/thread.cc sched/timer.cc
  sched/wait_queue.cc sched/wake.cc

  task/credentials.cc task/limits.cc task/pid.cc task/process_tree.cc task/session.cc
  task/signal.cc task/signal_post.cc task/task.cc task/user_account.cc

  vm/address_space.cc vm/asid.cc vm/break.cc vm/fault.cc vm/fork.cc vm/io_buffer.cc vm/map.cc
  vm/mapping.cc vm/mapping_tree.cc vm/memory_object.cc vm/overcommit.cc vm/page_tables.cc
  vm/protect.cc vm/stack_growth.cc vm/table_clear.cc vm/table_sharing.cc vm/transfer.cc
  vm/truncation.cc vm/unmap.cc vm/user_copy.cc vm/user_fault.cc vm/vdso.cc

  dev/char_device.cc dev/device_tree.cc dev/driver.cc dev/early_console.cc
  dev/interrupt.cc dev/stream_device.cc

  drivers/irqchip/gic_v3.cc drivers/serial/pl011_early.cc drivers/serial/virtio_console.cc
  drivers/timer/arm_timer.cc drivers/virtio/bind.cc drivers/virtio/mmio.cc drivers/virtio/queue.cc

  fs/vfs/anonymous.cc fs/vfs/attributes.cc fs/vfs/dentry_cache.cc fs/vfs/directory_file.cc
  fs/vfs/fd_table.cc fs/vfs/file.cc fs/vfs/fs_context.cc fs/vfs/identity.cc fs/vfs/inode.cc
  fs/vfs/mount.cc fs/vfs/mount_tree.cc fs/vfs/names.cc fs/vfs/open.cc fs/vfs/path.cc
  fs/vfs/path_walk.cc fs/vfs/permission.cc fs/vfs/poll_set.cc fs/vfs/read_write.cc
  fs/vfs/regular_file.cc fs/vfs/rename.cc fs/vfs/root.cc fs/vfs/sorted_listing.cc
  fs/vfs/super_block.cc fs/tmpfs/tmpfs.cc fs/tmpfs/tmpfs_directory.cc fs/tmpfs/tmpfs_inode.cc
  fs/pipe/pipe.cc fs/pipe/pipe_file.cc fs/devfs/devtmpfs.cc fs/devfs/memory_devices.cc
  fs/devfs/stream_file.cc fs/initramfs/cpio.cc fs/initramfs/initramfs.cc fs/initramfs/unpacker.cc

  process/argument_block.cc process/elf.cc process/elf_loader.cc process/exec.cc
  process/exec_program.cc process/exec_stack.cc process/exec_strings.cc process/exec_threads.cc
  process/exit.cc process/fork.cc process/init.cc process/job_control.cc process/kill.cc
  process/notify.cc process/script.cc process/signal_delivery.cc process/signal_frame.cc
  process/signal_info.cc process/task_factory.cc process/user_trap.cc process/wait.cc

  syscall/attributes.cc syscall/clocks.cc syscall/clone.cc syscall/descriptors.cc
  syscall/directories.cc syscall/dispatch.cc syscall/execve.cc syscall/fcntl.cc
  syscall/file_arguments.cc syscall/identity.cc syscall/ioctl.cc syscall/kill.cc syscall/limits.cc
  syscall/memory.cc syscall/mmap.cc syscall/mount.cc syscall/names.cc syscall/open.cc
  syscall/poll.cc syscall/process.cc syscall/read_write.cc syscall/signal_action.cc
  syscall/signal_mask.cc syscall/sleep.cc syscall/stat.cc syscall/sync.cc syscall/system.cc
  syscall/table.cc syscall/wait.cc

  boot/main.cc boot/memory_scan.cc boot/panic.cc boot/power.cc boot/random_seed.cc
  boot/user_space.cc

  profile/seed/clocks.cc profile/seed/memory_only.cc profile/seed/one_cpu.cc
  profile/seed/one_user.cc profile/seed/plain_files.cc profile/seed/plain_processes.cc
  profile/seed/services.cc
)
set(PROFILE_LIBRARIES)
set(PROFILE_OPTIMISATION -Oz)
set(PROFILE_SYMBOLS_SIZE 0)
