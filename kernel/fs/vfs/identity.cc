// SPDX-License-Identifier: MIT
// See identity.h.

#include "fs/vfs/identity.h"

namespace kernel::vfs {
namespace {

constinit FsContext* kernel_context = nullptr;
constinit Credentials* kernel_credentials = nullptr;

}  // namespace

const Credentials& acting_credentials() {
  if (!current().is_user()) return *kernel_credentials;
  Task& task = current_task();
  return task.borrowed_credentials != nullptr ? *task.borrowed_credentials : task.credentials();
}

// The kernel itself may do everything anyway.
ActingAs::ActingAs(const Credentials& credentials) {
  if (current().is_user())
    before_ = std::exchange(current_task().borrowed_credentials, &credentials);
}
ActingAs::~ActingAs() {
  if (current().is_user()) current_task().borrowed_credentials = before_;
}

FsContext& acting_context() {
  return current().is_user() && current_task().fs_context != nullptr ? *current_task().fs_context
                                                                     : *kernel_context;
}

uint64_t acting_limit(Resource resource) {
  return current().is_user() ? task::soft_limit(current_task().group(), resource) : kUnlimited;
}

void set_kernel_identity(Ref<FsContext> context, Ref<Credentials> credentials) {
  CHECK(kernel_context == nullptr);
  kernel_context = std::move(context).leak();
  kernel_credentials = std::move(credentials).leak();
}

}  // namespace kernel::vfs
