// SPDX-License-Identifier: MIT
// What the *ctl calls of System V IPC share: owner and mode as structures, what IPC_SET takes, and
// which object a command means.
#pragma once

#include "ipc/table.h"
#include "syscall/abi/ipc.h"
#include "syscall/context.h"

namespace kernel::syscall {

template <class T>
abi::IpcPermission encode_permission_locked(const T& object) REQUIRES(object.lock) {
  const ipc::Permission& from = object.permission;
  return {.key = from.key,
          .uid = from.uid,
          .gid = from.gid,
          .creator_uid = from.creator_uid,
          .creator_gid = from.creator_gid,
          .mode = from.mode,
          .sequence = object.sequence(),
          .holes = {},
          .unused = {}};
}

inline ipc::PermissionChange change_of(const abi::IpcPermission& from) {
  return {from.uid, from.gid, from.mode};
}

// IPC_STAT goes by identifier, the others by slot; *_STAT_ANY asks for no permission. What they
// return: 0, or the identifier.
enum class Stat : uint8_t { ById, BySlot, BySlotUnchecked };

template <class T>
Result<Ref<T>> find_for_stat(ipc::Table<T>& table, int32_t id, Stat stat) {
  return stat == Stat::ById ? table.find(id) : table.find_slot(id);
}

template <class T>
Result<> check_stat_locked(const Context& context, const T& object, Stat stat)
    REQUIRES(object.lock) {
  if (stat != Stat::BySlotUnchecked)
    TRY(object.permission.check(ipc::kMayRead, context.task.credentials()));
  return object.removed ? Result<>(Errno::IdRm) : Result<>();
}

// IPC_SET.
template <class T>
Result<> set_permission(const Context& context, ipc::Table<T>& table, int32_t id,
                        const abi::IpcPermission& wanted) {
  Ref<T> object = TRY(table.find(id));
  Guard guard(object->lock);
  if (object->removed) return Errno::IdRm;
  TRY(object->permission.check_owner(context.task.credentials()));
  TRY(change_of(wanted).apply_to(object->permission));
  object->change_time = ipc::now_seconds();
  return {};
}

}  // namespace kernel::syscall
