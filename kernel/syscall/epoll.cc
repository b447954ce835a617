// SPDX-License-Identifier: MIT
// epoll_create1(2), epoll_ctl(2), epoll_pwait(2), epoll_pwait2(2).

#include "fs/event/epoll.h"

#include "sched/clock.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"
#include "syscall/temporary_mask.h"

namespace kernel::syscall {
namespace {

constexpr int32_t kMaxEvents = INT32_MAX / static_cast<int32_t>(sizeof(EpollEvent));

struct Limit {
  epoll::Patience patience = epoll::Patience::UntilDeadline;
  Deadline deadline;
  static Limit after(Nanoseconds time) {
    if (time == 0) return {epoll::Patience::None, {}};
    return {epoll::Patience::UntilDeadline, Deadline::after(time)};
  }
};

Result<size_t> wait(Context& context, Fd fd, UserAddr events, int32_t most, Limit limit) {
  if (most <= 0 || most > kMaxEvents) return Errno::Inval;
  size_t size = static_cast<size_t>(most) * sizeof(EpollEvent);
  if (!is_user_range(events, size)) return Errno::Fault;
  IoBuffer buffer = user_buffer(events, size);
  FileUse set = TRY(use_file(context, fd));
  return epoll::wait(*set, buffer, limit.patience, limit.deadline);
}

Value wait_with_mask(Context& context, Fd fd, UserAddr events, int32_t most, Limit limit,
                     UserIn<uint64_t> signals, size_t size) {
  TemporaryMask mask(context.task);
  TRY(mask.load(signals, size));
  Result<size_t> count = wait(context, fd, events, most, limit);
  mask.finish(count.failed_with(Errno::Intr));
  return static_cast<int64_t>(TRY(count));
}

}  // namespace

Value sys_epoll_create1(Context& context, Flags32 flags) {
  if (!flags.only(kOpenCloseOnExec)) return Errno::Inval;
  return install_file(context, TRY(epoll::create()), flags.has(kOpenCloseOnExec));
}

Value sys_epoll_ctl(Context& context, Fd set, int32_t operation, Fd fd,
                    UserAddr user_event) {
  auto wanted = static_cast<epoll::Operation>(operation);
  EpollEvent event{};
  if (wanted != epoll::Operation::Delete) event = TRY(UserIn<EpollEvent>(user_event).read());
  FileUse set_file = TRY(use_file(context, set));
  FileUse target = TRY(use_file(context, fd));
  TRY(epoll::control(*set_file, wanted, *target, fd, event));
  return 0;
}

Value sys_epoll_pwait(Context& context, Fd set, UserAddr events, int32_t most, int32_t timeout_ms,
                      UserIn<uint64_t> signals, size_t size) {
  Limit limit;
  if (timeout_ms >= 0) limit = Limit::after(static_cast<uint64_t>(timeout_ms) * 1'000'000);
  return wait_with_mask(context, set, events, most, limit, signals, size);
}

Value sys_epoll_pwait2(Context& context, Fd set, UserAddr events, int32_t most,
                       UserIn<abi::TimeSpec> timeout, UserIn<uint64_t> signals, size_t size) {
  Limit limit;
  if (!timeout.is_null()) {
    abi::TimeSpec time = TRY(timeout.read());
    if (!time.is_valid()) return Errno::Inval;
    limit = Limit::after(time.to_ns());
  }
  return wait_with_mask(context, set, events, most, limit, signals, size);
}

}  // namespace kernel::syscall
