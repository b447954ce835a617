// SPDX-License-Identifier: MIT
// As whom the file layer acts: the running task, or the kernel itself at boot, before there is one.
#pragma once

#include "fs/vfs/fs_context.h"
#include "task/task.h"

namespace kernel::vfs {

// Borrowed: they stay for as long as the caller runs.
const Credentials& acting_credentials();
FsContext& acting_context();
inline bool acting_has(Capability capability) { return acting_credentials().has(capability); }

// Somebody else's rights for a block: a file system that asks another one does that as whoever
// mounted it.
class ActingAs : public Pinned {
 public:
  explicit ActingAs(const Credentials& credentials);
  ~ActingAs();

 private:
  const Credentials* before_ = nullptr;
};

// A limit of the running process; unlimited for the kernel.
uint64_t acting_limit(Resource resource);

// What the kernel's own threads act with; set once by mount_root().
void set_kernel_identity(Ref<FsContext> context, Ref<Credentials> credentials);

}  // namespace kernel::vfs
