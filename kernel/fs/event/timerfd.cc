// SPDX-License-Identifier: MIT
// See timerfd.h. A periodic timer stops when it has expired, until somebody asks: what passed
// meanwhile is counted then, from the time (SY8). So a short period cannot flood a CPU, and a count
// is never invented.
//
// The callback comes in interrupt context and finds under the lock whether it still has something
// to do: a setting may have come in between.

#include "fs/event/timerfd.h"

#include "fs/vfs/anonymous.h"
#include "fs/vfs/identity.h"
#include "sched/timer.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

using timerfd::Clock;
using timerfd::Setting;

constexpr uint32_t kSetTicks = 0x4008'5400;  // TFD_IOC_SET_TICKS

bool is_alarm(Clock clock) {
  return clock == Clock::RealtimeAlarm || clock == Clock::BoottimeAlarm;
}
bool is_wall(Clock clock) { return clock == Clock::Realtime || clock == Clock::RealtimeAlarm; }

class TimerFile final : public File, public Timer, public ListNode<TimerFile> {
 public:
  static constexpr char kKind = 0;  // its address says what a File is, without RTTI

  TimerFile(Path path, Clock clock, uint32_t flags);
  const void* kind() const override { return &kKind; }
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  uint32_t poll(PollRegistration* registration) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  Result<uint64_t> seek(int64_t, Whence) override { return uint64_t{0}; }
  void show_info(FormatSink& sink) override;
  void on_close() override;

  Clock clock() const { return clock_; }
  Result<Setting> set(Setting setting, uint32_t flags);
  Setting get();
  void realtime_changed();

  // Those on a wall clock, which somebody may set.
  static SpinLock<LockRank::TimerFile> all_lock;
  static List<TimerFile> all GUARDED_BY(all_lock);

 private:
  static void expire(Timer& timer);
  struct Taken {
    uint64_t ticks = 0;
    bool cancelled = false;
  };
  std::optional<Taken> try_take();
  Nanoseconds now_locked() const REQUIRES(lock_) {
    return on_wall_ ? clock::realtime() : clock::monotonic();
  }
  void start_locked() REQUIRES(lock_);
  uint64_t forward_locked() REQUIRES(lock_);
  bool take_cancelled_locked() REQUIRES(lock_);
  Setting get_locked() const REQUIRES(lock_);

  const Clock clock_;
  SpinLock<LockRank::TimerFile> lock_;
  Nanoseconds expiry_ GUARDED_BY(lock_) = 0;
  Nanoseconds interval_ GUARDED_BY(lock_) = 0;
  bool on_wall_ GUARDED_BY(lock_) = false;  // expiry_ is a time of day, else monotonic
  bool armed_ GUARDED_BY(lock_) = false;
  bool expired_ GUARDED_BY(lock_) = false;  // since somebody asked
  uint64_t ticks_ GUARDED_BY(lock_) = 0;
  uint32_t flags_set_ GUARDED_BY(lock_) = 0;
  bool cancellable_ GUARDED_BY(lock_) = false;
  bool clock_changed_ GUARDED_BY(lock_) = false;
  uint64_t wall_offset_ GUARDED_BY(lock_) = clock::realtime_offset();  // as this knows it
  WaitQueue queue_;
};

constinit SpinLock<LockRank::TimerFile> TimerFile::all_lock;
constinit List<TimerFile> TimerFile::all;

TimerFile::TimerFile(Path path, Clock clock, uint32_t flags)
    : File(std::move(path), flags), Timer(expire), clock_(clock) {
  if (!is_wall(clock_)) return;
  Guard guard(all_lock);
  all.push_back(*this);
}

void TimerFile::on_close() {
  if (is_wall(clock_)) {
    Guard guard(all_lock);
    all.remove(*this);
  }
  {
    Guard guard(lock_);
    armed_ = false;
  }
  cancel_and_wait();
}

void TimerFile::expire(Timer& timer) {
  auto& self = static_cast<TimerFile&>(timer);
  {
    Guard guard(self.lock_);
    if (!self.armed_) return;
    if (self.now_locked() < self.expiry_) return self.start_locked();
    self.armed_ = false;
    self.expired_ = true;
    ++self.ticks_;
  }
  self.queue_.wake(1, kPollIn);
}

void TimerFile::start_locked() {
  armed_ = true;
  Nanoseconds offset = on_wall_ && expiry_ != kForever ? clock::realtime_offset() : 0;
  arm({expiry_ > offset ? expiry_ - offset : 0});
}

// A periodic timer that has expired runs again, to the end of the present period; returns how many
// periods ended since it was last running. None when the clock was set back behind the first.
uint64_t TimerFile::forward_locked() {
  Nanoseconds now = now_locked();
  uint64_t periods = now >= expiry_ ? (now - expiry_) / interval_ + 1 : 0;
  expiry_ += periods * interval_;
  expired_ = false;
  start_locked();
  return periods;
}

Setting TimerFile::get_locked() const {
  Nanoseconds now = now_locked();
  return {expiry_ > now ? expiry_ - now : 0, interval_};
}

// The clock was set, and the timer is one that wants to know (TFD_TIMER_CANCEL_ON_SET). Once.
bool TimerFile::take_cancelled_locked() {
  if (!cancellable_ || !clock_changed_) return false;
  clock_changed_ = false;
  wall_offset_ = clock::realtime_offset();
  return true;
}

Result<Setting> TimerFile::set(Setting setting, uint32_t flags) {
  Guard guard(lock_);
  bool absolute = (flags & timerfd::kAbsolute) != 0;
  cancellable_ = is_wall(clock_) && absolute && (flags & timerfd::kCancelOnSet) != 0;
  cancel();  // a callback under way finds armed_ false, or the new expiry
  if (expired_ && interval_ != 0) forward_locked();
  Setting old = get_locked();
  cancel();
  armed_ = expired_ = false;
  ticks_ = 0;
  interval_ = setting.interval;
  expiry_ = 0;
  on_wall_ = is_wall(clock_) && absolute;
  if (setting.value != 0) {
    expiry_ = absolute ? setting.value : Deadline::after(setting.value).at;
    start_locked();
    if (take_cancelled_locked()) return Errno::Canceled;
  }
  flags_set_ = flags;
  return old;
}

Setting TimerFile::get() {
  Guard guard(lock_);
  if (expired_ && interval_ != 0) ticks_ += forward_locked() - 1;
  return get_locked();
}

void TimerFile::realtime_changed() {
  Guard guard(lock_, 1);
  if (armed_ && on_wall_) start_locked();
  if (!cancellable_ || (!clock_changed_ && wall_offset_ == clock::realtime_offset())) return;
  clock_changed_ = true;
  ++ticks_;
  queue_.wake(1, kPollIn);
}

// Nothing: it has not expired.
std::optional<TimerFile::Taken> TimerFile::try_take() {
  Guard guard(lock_);
  if (take_cancelled_locked()) {
    ticks_ = 0;
    expired_ = false;
    return Taken{.cancelled = true};
  }
  if (ticks_ == 0) return {};
  if (expired_ && interval_ != 0) ticks_ += forward_locked() - 1;
  expired_ = false;
  return Taken{std::exchange(ticks_, 0)};
}

Result<size_t> TimerFile::read(IoBuffer& buffer, uint64_t) {
  if (buffer.remaining() < sizeof(uint64_t)) return Errno::Inval;
  std::optional<Taken> taken = try_take();
  if (!taken) {
    if (nonblocking()) return Errno::Again;
    TRY(queue_.wait([&] { return (taken = try_take()).has_value(); }));
  }
  if (taken->cancelled) return Errno::Canceled;
  if (taken->ticks == 0) return size_t{0};  // the clock was set back meanwhile
  size_t moved = TRY(buffer.put(&taken->ticks, sizeof taken->ticks));
  return moved == sizeof taken->ticks ? Result<size_t>(moved) : Errno::Fault;
}

uint32_t TimerFile::poll(PollRegistration* registration) {
  if (registration != nullptr) registration->wait_on(queue_);
  Guard guard(lock_);
  return ticks_ != 0 ? kPollIn : 0;
}

Result<int64_t> TimerFile::ioctl(uint32_t request, uint64_t argument) {
  if (request != kSetTicks) return Errno::NoTty;
  auto ticks = TRY(UserIn<uint64_t>(UserAddr{argument}).read());
  if (ticks == 0) return Errno::Inval;
  {
    Guard guard(lock_);
    if (take_cancelled_locked()) return Errno::Canceled;
    ticks_ = ticks;
  }
  queue_.wake(1, kPollIn);
  return 0;
}

void TimerFile::show_info(FormatSink& sink) {
  Guard guard(lock_);
  Setting setting = get_locked();
  format(sink,
         "clockid: {}\nticks: {}\nsettime flags: 0{o}\nit_value: ({}, {})\nit_interval: ({}, {})\n",
         static_cast<int32_t>(clock_), ticks_, flags_set_, setting.value / kNanosPerSecond,
         setting.value % kNanosPerSecond, setting.interval / kNanosPerSecond,
         setting.interval % kNanosPerSecond);
}

Result<TimerFile*> timer_of(File& file) {
  if (file.kind() != &TimerFile::kKind) return Errno::Inval;
  return static_cast<TimerFile*>(&file);
}

bool may_use(Clock clock) { return !is_alarm(clock) || vfs::acting_has(Capability::WakeAlarm); }

}  // namespace

namespace timerfd {

Result<Ref<File>> create(Clock clock, uint32_t flags) {
  switch (clock) {
    case Clock::Realtime:
    case Clock::Monotonic:
    case Clock::Boottime:
    case Clock::RealtimeAlarm:
    case Clock::BoottimeAlarm: break;
    default: return Errno::Inval;
  }
  if (!may_use(clock)) return Errno::Perm;
  Path path = TRY(anonymous::make_place(anonymous::Kind::Event, "anon_inode:[timerfd]", false));
  uint32_t status = (flags & kOpenNonBlock) | kOpenReadWrite;
  return Ref<File>(TRY(make_ref<TimerFile>(std::move(path), clock, status)));
}

Result<Setting> set(File& file, Setting setting, uint32_t flags) {
  TimerFile* timer = TRY(timer_of(file));
  if (!may_use(timer->clock())) return Errno::Perm;
  return timer->set(setting, flags);
}

Result<Setting> get(File& file) { return TRY(timer_of(file))->get(); }

void realtime_changed() {
  Guard guard(TimerFile::all_lock);
  for (TimerFile& timer : TimerFile::all) timer.realtime_changed();
}

}  // namespace timerfd
}  // namespace kernel
