// SPDX-License-Identifier: MIT
// The rules by which credentials change: setuid(2) and its eleven relatives, capset(2), execve(2)
// (credentials(7), capabilities(7)). Each makes a copy of the running task's credentials and
// publishes it, or fails without effect.
#pragma once

#include <span>

#include "task/file_capabilities.h"
#include "task/task.h"

namespace kernel {

class CredentialChange {
 public:
  static Result<> set_uid(Task& task, Uid uid);
  static Result<> set_real_effective_uid(Task& task, Uid real, Uid effective);
  static Result<> set_all_uids(Task& task, Uid real, Uid effective, Uid saved);
  static Result<Uid> set_fs_uid(Task& task, Uid uid);  // returns the one before, whatever happened
  static Result<> set_gid(Task& task, Gid gid);
  static Result<> set_real_effective_gid(Task& task, Gid real, Gid effective);
  static Result<> set_all_gids(Task& task, Gid real, Gid effective, Gid saved);
  static Result<Gid> set_fs_gid(Task& task, Gid gid);
  static Result<> set_groups(Task& task, Vector<Gid> groups);

  static Result<> set_capabilities(Task& task, CapabilitySet effective, CapabilitySet permitted,
                                   CapabilitySet inheritable);
  static Result<> drop_bounding(Task& task, Capability capability);
  static Result<> set_securebits(Task& task, uint32_t bits);
  static Result<> keep_capabilities(Task& task, bool keep);  // PR_SET_KEEPCAPS
  static Result<> raise_ambient(Task& task, Capability capability);
  static Result<> lower_ambient(Task& task, CapabilitySet capabilities);

  // execve: what the new image runs with. `set_uid`/`set_gid`: the file's bits, with its owner; the
  // caller has looked at nosuid and no_new_privs. `shares_fs`: somebody else could change our root.
  struct ExecRequest {
    std::optional<Uid> set_uid;
    std::optional<Gid> set_gid;
    std::optional<FileCapabilities> file;
    bool shares_fs = false;
  };
  struct ExecResult {
    Ref<Credentials> credentials;
    bool secure = false;        // AT_SECURE
    bool gained = false;        // clears dangerous personality bits
  };
  // Error: Perm when the file must have what this task may not.
  static Result<ExecResult> for_exec(Task& task, const ExecRequest& request);

  // Makes `credentials` those of the running task. Cannot fail.
  static void commit(Task& task, Ref<Credentials> credentials);
};

}  // namespace kernel
