// SPDX-License-Identifier: MIT
// uname(2), sethostname(2), setdomainname(2), sysinfo(2), personality(2), getrandom(2), reboot(2).

#include "arch/smp.h"
#include "arch/timer.h"
#include "lib/log.h"
#include "lib/version.h"
#include "mm/frames.h"
#include "process/system_settings.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "sync/random.h"
#include "syscall/declarations.h"
#include "vm/io_buffer.h"

namespace kernel::syscall {
namespace {

template <size_t size>
void put(char (&to)[size], StringView text) {
  for (size_t i = 0; i < text.size() && i < size - 1; ++i) to[i] = text[i];
}

Value set_name(Context& context, UserAddr from, int32_t size, Result<> (*set)(StringView)) {
  if (!context.task.credentials().has(Capability::SysAdmin)) return Errno::Perm;
  char name[settings::kNameLimit];
  if (size < 0 || static_cast<size_t>(size) > sizeof name) return Errno::Inval;
  TRY(copy_in(name, from, static_cast<size_t>(size)));
  StringView text(name, static_cast<size_t>(size));
  TRY(set(text.substr(0, text.find('\0'))));
  return 0;
}

// personality(2), UNAME26: the release that Linux 3 and later tell programs that cannot bear it.
StringView release_for(const Context& context) {
  constexpr uint32_t kUname26 = 0x0020000;
  return (context.task.group().personality & kUname26) != 0 ? kRelease26 : kRelease;
}

// Reboot commands (linux/reboot.h).
constexpr uint32_t kRestart = 0x01234567, kHalt = 0xcdef0123, kCadOn = 0x89abcdef, kCadOff = 0,
                   kPowerOff = 0x4321fedc, kRestart2 = 0xa1b2c3d4;

bool is_reboot_magic(uint32_t magic1, uint32_t magic2) {
  bool second =
      magic2 == 672274793 || magic2 == 85072278 || magic2 == 369367448 || magic2 == 537993216;
  return magic1 == 0xfee1dead && second;
}

// The log's last lines reach the console first: nothing runs behind this. With QEMU's -icount a
// nanosecond is an instruction: so `samara run --deterministic` tells how many there were.
void say_goodbye(StringView text) {
  log_text(LogLevel::Notice, text);
  log_info("reboot: after {} ns, {} ns of them idle", clock::counter_to_ns(arch::counter()),
           sched::cpu_times(0).idle);
  while (log_drain()) {
  }
}

}  // namespace

Value sys_uname(Context& context, UserOut<abi::UtsName> out) {
  abi::UtsName name{};
  put(name.system, "Linux");
  put(name.node, TRY(settings::host_name()));
  put(name.release, release_for(context));
  put(name.version, kVersion);
  put(name.machine, "aarch64");
  put(name.domain, TRY(settings::domain_name()));
  TRY(out.write(name));
  return 0;
}

Value sys_sethostname(Context& context, UserAddr name, int32_t size) {
  return set_name(context, name, size, settings::set_host_name);
}
Value sys_setdomainname(Context& context, UserAddr name, int32_t size) {
  return set_name(context, name, size, settings::set_domain_name);
}

Value sys_sysinfo(Context&, UserOut<abi::SystemInfo> out) {
  abi::SystemInfo info{};
  uint64_t now = clock::monotonic();
  info.uptime = static_cast<int64_t>((now + kNanosPerSecond - 1) / kNanosPerSecond);
  sched::LoadAverage load = sched::load_average();
  for (size_t i = 0; i < 3; ++i)
    info.loads[i] = load.averages[i] << 5;  // 11 to 16 bits of fraction
  frames::Statistics memory = frames::statistics();
  info.total_ram = memory.total_pages * kPageSize;
  info.free_ram = memory.free_pages * kPageSize;
  info.processes = static_cast<uint16_t>(task::count.load_relaxed());
  info.unit = 1;
  TRY(out.write(info));
  return 0;
}

// 32-bit programs are refused, as Linux does on a CPU that has none.
Value sys_personality(Context& context, uint32_t persona) {
  constexpr uint32_t kKind = 0xff, kLinux32 = 8, kQuery = 0xffffffff;
  if (persona != kQuery && (persona & kKind) == kLinux32) return Errno::Inval;  // no AArch32 here
  uint32_t& present = context.task.group().personality;
  uint32_t before = present;
  if (persona != kQuery) present = persona;
  return before;
}

Value sys_getrandom(Context&, UserAddr buffer, size_t size, Flags32 flags) {
  constexpr uint32_t kNonBlock = 1, kRandom = 2, kInsecure = 4;
  constexpr Nanoseconds kLookAgain = 50'000'000;
  if (!flags.only(kNonBlock | kRandom | kInsecure) || flags.has(kRandom | kInsecure))
    return Errno::Inval;
  while (!random::is_seeded() && !flags.has(kInsecure)) {
    if (flags.has(kNonBlock)) return Errno::Again;
    sched::set_state(ThreadState::Interruptible);
    if (!sched::signal_pending()) sched::schedule_until(Deadline::after(kLookAgain));
    sched::set_state(ThreadState::Runnable);
    if (sched::signal_pending()) return Errno::RestartSys;
  }
  constexpr size_t kMost = 0x7ffff000;
  if (size > kMost) size = kMost;
  size_t done = 0;
  uint8_t bytes[256];
  IoBuffer out = IoBuffer::user(buffer, size);
  while (done < size) {
    size_t part = size - done < sizeof bytes ? size - done : sizeof bytes;
    random::fill({bytes, part});
    Result<size_t> copied = out.put(bytes, part);
    if (!copied.ok()) break;
    done += *copied;
    if (*copied < part) break;
    // A long request may be interrupted; the first page's worth is always given.
    if (done % kPageSize == 0 && sched::signal_pending()) break;
  }
  if (done == 0 && size != 0) return Errno::Fault;
  return static_cast<int64_t>(done);
}

Value sys_reboot(Context& context, uint32_t magic1, uint32_t magic2, uint32_t command,
                 UserString argument) {
  if (!context.task.credentials().has(Capability::SysBoot)) return Errno::Perm;
  if (!is_reboot_magic(magic1, magic2)) return Errno::Inval;
  switch (command) {
    case kCadOn:
    case kCadOff: return 0;  // there is no keyboard that Ctrl-Alt-Del could come from
    case kRestart2: {
      String text = TRY(argument.copy(256));
      log_info("reboot: restarting with command '{}'", text);
      [[fallthrough]];
    }
    case kRestart:
      say_goodbye("reboot: restarting system");
      arch::reset();
      break;
    case kPowerOff:
      say_goodbye("reboot: power down");
      arch::power_off();
      break;
    case kHalt:
      say_goodbye("reboot: system halted");
      sched::call_on_others([](void*) { arch::halt(); }, nullptr);
      break;
    default: return Errno::Inval;
  }
  arch::halt();
}

}  // namespace kernel::syscall
