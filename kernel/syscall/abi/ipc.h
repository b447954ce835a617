// SPDX-License-Identifier: MIT
// Structures of System V IPC and of POSIX message queues (asm-generic/ipcbuf.h, msgbuf.h, sembuf.h,
// shmbuf.h; linux/msg.h, mqueue.h, sem.h, shm.h).
#pragma once

#include "ipc/semaphore_set.h"

namespace kernel::abi {

// Commands of msgctl, semctl and shmctl.
inline constexpr int32_t kIpcRemove = 0, kIpcSet = 1, kIpcStat = 2, kIpcInfo = 3;
inline constexpr int32_t kMessageStat = 11, kMessageInfo = 12, kMessageStatAny = 13;
inline constexpr int32_t kSemGetPid = 11, kSemGetValue = 12, kSemGetAll = 13,
                         kSemGetGrowWaiters = 14, kSemGetZeroWaiters = 15, kSemSetValue = 16,
                         kSemSetAll = 17, kSemStat = 18, kSemInfo = 19, kSemStatAny = 20;
inline constexpr int32_t kSegmentLock = 11, kSegmentUnlock = 12, kSegmentStat = 13,
                         kSegmentInfo = 14, kSegmentStatAny = 15;

struct IpcPermission {
  int32_t key;
  uint32_t uid, gid, creator_uid, creator_gid, mode;
  uint16_t sequence;
  uint16_t holes[3];
  uint64_t unused[2];
};
static_assert(sizeof(IpcPermission) == 48);

struct SegmentState {  // struct shmid64_ds
  IpcPermission permission;
  uint64_t size;
  int64_t attach_time, detach_time, change_time;
  int32_t creator_pid, last_pid;
  uint64_t attachments;
  uint64_t unused[2];
};
static_assert(sizeof(SegmentState) == 112);

struct SegmentLimits {  // struct shminfo64
  uint64_t most_size, least_size, most_segments, most_attached, most_pages;
  uint64_t unused[4];
};
static_assert(sizeof(SegmentLimits) == 72);

struct SegmentUsage {  // struct shm_info
  int32_t used;
  int32_t hole;
  uint64_t total_pages, resident_pages, swapped_pages, swap_attempts, swap_successes;
};
static_assert(sizeof(SegmentUsage) == 48);

struct SemaphoreState {  // struct semid64_ds
  IpcPermission permission;
  int64_t operation_time, change_time;
  uint64_t count;
  uint64_t unused[2];
};
static_assert(sizeof(SemaphoreState) == 88);

struct SemaphoreInfo {  // struct seminfo
  int32_t map, most_sets, most_semaphores, most_undos, most_in_set, most_operations,
      most_undo_entries, undo_size, most_value, most_adjustment;
};
static_assert(sizeof(SemaphoreInfo) == 40);

using SemaphoreOperation = ipc::SemaphoreOperation;  // struct sembuf
static_assert(sizeof(SemaphoreOperation) == 6);

struct QueueState {  // struct msqid64_ds
  IpcPermission permission;
  int64_t send_time, receive_time, change_time;
  uint64_t bytes, count, capacity;
  int32_t last_sender, last_receiver;
  uint64_t unused[2];
};
static_assert(sizeof(QueueState) == 120);

struct QueueInfo {  // struct msginfo
  int32_t pool, map, most_size, most_bytes, most_queues, segment_size, most_messages;
  uint16_t segments;
  uint16_t hole;
};
static_assert(sizeof(QueueInfo) == 32);

struct QueueAttributes {  // struct mq_attr
  int64_t flags, most_messages, message_size, messages;
  int64_t unused[4];
};
static_assert(sizeof(QueueAttributes) == 64);

}  // namespace kernel::abi
