// SPDX-License-Identifier: MIT
// Per-CPU run queues: a fair class by virtual deadline, the POSIX real-time classes above it, idle
// below. Wake-ups choose a CPU and send it a reschedule interrupt; idle CPUs pull work. No tick
// when idle or when one thread runs alone.
#pragma once

#include "sched/thread.h"

namespace kernel::sched {

// Boot CPU, once; the caller becomes CPU 0's idle thread.
void init();
// A secondary CPU's idle thread, made by the boot CPU; and that CPU's entry into scheduling.
Result<Ref<Thread>> create_idle(unsigned cpu);
[[noreturn]] void run_idle();

// CPUs that run (SC7). Threads are never bound to others.
CpuMask online_cpus();
unsigned online_cpu_count();
void set_online(unsigned cpu);

// Sleep protocol: set_state(Interruptible…); test the condition; schedule(). A wake() between makes
// schedule() return at once. Preferred: WaitQueue::wait. Preemption on, no lock held (but for the
// run queue's own).
void set_state(ThreadState state);
void schedule();
// schedule() that ends at the deadline. True when woken, false when the time came.
bool schedule_until(Deadline deadline);

inline constexpr Nanoseconds kRoundRobinSlice = 100'000'000;  // of SCHED_RR

// Gives the CPU up to others of the same priority (sched_yield).
void yield();
// Sleeps without condition. Uninterruptible.
void sleep_until(Deadline deadline);

// The end of a thread. Runs on its stack for the last time; the scheduler drops its reference after
// the switch.
[[noreturn]] void exit_thread();

// True when the running thread has a signal (or a fatal one) pending.
bool signal_pending();
bool kill_pending();

// Interrupts the CPU that the thread runs on, if it is another one: the thread passes the way back
// to user mode and sees its new work bits.
void kick(const Thread& thread);

// Makes `space` (or none) the running thread's address space and loads its table. The caller keeps
// references right; sched calls vm through the hook below at each switch.
void switch_address_space(AddressSpace* space);
// vm: loads the address space's table and ASID on this CPU. Interrupts masked. `space` may be null:
// keep the previous (borrowed) one.
using LoadAddressSpace = void (*)(AddressSpace* space);
void set_address_space_loader(LoadAddressSpace load);

// Told by the interrupt entry, masked: whether it interrupted user mode. The tick samples by it.
void account_interrupt(bool from_user);
// Called at each tick of a CPU that runs a user thread: CPU-time limits and timers. Interrupt
// context.
using TickHook = void (*)(Thread& thread, bool in_user_mode);
void set_tick_hook(TickHook hook);

// Interrupt controller driver: how to poke other CPUs.
enum class Ipi : uint8_t { Reschedule, Call, Stop, Log };
using SendIpi = void (*)(unsigned cpu, Ipi ipi);
void set_ipi_sender(SendIpi send);
void handle_ipi(Ipi ipi);  // masked
// Interrupts this CPU, for work that the present context may not do. Any context; lock-free.
void interrupt_self(Ipi ipi);
// What Ipi::Log runs: the log's drain thread is woken by it.
void set_log_hook(void (*hook)());
// Stops every other CPU, for good, without waiting. Panic only.
void stop_others();
// Runs `function(argument)` on every other online CPU, in interrupt context, and waits. Thread
// context.
void call_on_others(void (*function)(void*), void* argument);

struct LoadAverage {
  uint64_t averages[3];  // 1, 5, 15 minutes, 11-bit fraction as Linux has it
  unsigned running;
};
LoadAverage load_average();
// For /proc/stat. Interrupts count for what they interrupt, as on a Linux without
// IRQ_TIME_ACCOUNTING.
struct CpuTimes {
  Nanoseconds user = 0, nice = 0, system = 0, idle = 0;
};
CpuTimes cpu_times(unsigned cpu);
uint64_t context_switches();

}  // namespace kernel::sched
