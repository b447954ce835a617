// SPDX-License-Identifier: MIT
//
// rseq(2): registration and its errors, the CPU number in the area, sequences that start over at a
// signal, a preemption, a membarrier; broken ones, which are SIGSEGV; fork, threads, exec.

#include "abi.h"

#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sys/rseq.h>
#include <sys/time.h>
#include <ucontext.h>

#define SIGNATURE 0xd428bc00u

// long spin(area, sequence, stop): announces the sequence and stays in it until *stop; 1: aborted.
__asm__(
    ".text\n"
    ".globl spin, spin_start, spin_end, spin_abort\n"
    ".align 4\n"
    "spin:\n"
    "  str x1, [x0, #8]\n"
    "spin_start:\n"
    "  ldr x3, [x2]\n"
    "  cbz x3, spin_start\n"
    "spin_end:\n"
    "  str xzr, [x0, #8]\n"
    "  mov x0, #0\n"
    "  ret\n"
    "  .word 0xd428bc00\n"
    "spin_abort:\n"
    "  mov x0, #1\n"
    "  ret\n");
extern long spin(volatile void* area, const void* sequence, volatile long* stop);
extern char spin_start[], spin_end[], spin_abort[];

static struct rseq_cs sequence __attribute__((aligned(32)));
static volatile struct area {
  uint32_t cpu_id_start, cpu_id;
  uint64_t rseq_cs;
  uint32_t flags, rest[3];
} __attribute__((aligned(32))) own;
static volatile long stop;

static volatile struct area* glibc_area(void) {
  return (volatile struct area*)((char*)__builtin_thread_pointer() + __rseq_offset);
}

static long rseq(volatile void* area, unsigned size, int flags, unsigned signature) {
  return syscall(SYS_rseq, area, size, flags, signature);
}

static void reset_sequence(void) {
  sequence = (struct rseq_cs){.start_ip = (uint64_t)spin_start,
                              .post_commit_offset = (uint64_t)(spin_end - spin_start),
                              .abort_ip = (uint64_t)spin_abort};
}

static void registration(void) {
  section("registration");
  volatile struct area* given = glibc_area();
  YES(given->cpu_id == (uint32_t)sched_getcpu() && given->cpu_id_start == given->cpu_id);
  SHOW(rseq(given, 32, 0, SIGNATURE));
  SHOW(rseq(given, 32, 0, 1));
  SHOW(rseq(given, 64, 0, SIGNATURE));
  SHOW(rseq(&own, 32, 0, SIGNATURE));
  SHOW(rseq(given, 32, 2, SIGNATURE));
  SHOW(rseq(given, 32, 3, SIGNATURE));
  SHOW(rseq(given, 32, 1, 1));
  SHOW(rseq(given, 64, 1, SIGNATURE));
  SHOW(rseq(&own, 32, 1, SIGNATURE));
  SHOW(rseq(given, 32, 1, SIGNATURE));
  YES(given->cpu_id == (uint32_t)-1 && given->cpu_id_start == 0);
  SHOW(rseq(given, 32, 1, SIGNATURE));
  SHOW(rseq(NULL, 32, 1, 0));
  SHOW(rseq((char*)&own + 8, 32, 0, SIGNATURE));
  SHOW(rseq(&own, 31, 0, SIGNATURE));
  SHOW(rseq(&own, 33, 0, SIGNATURE));
  SHOW(rseq(BAD_KERNEL, 32, 0, SIGNATURE));
  SHOW(rseq(BAD_HIGH, 32, 0, SIGNATURE));
  own.cpu_id = own.cpu_id_start = 77;
  SHOW(rseq(&own, 32, 0, SIGNATURE));
  YES(own.cpu_id == (uint32_t)sched_getcpu() && own.cpu_id_start == own.cpu_id);
}

static void processors(void) {
  section("the number of the CPU");
  cpu_set_t all, one;
  MUST(sched_getaffinity(0, sizeof all, &all));
  bool right = true;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    MUST(sched_setaffinity(0, sizeof one, &one));
    right = right && own.cpu_id == (uint32_t)cpu && own.cpu_id_start == (uint32_t)cpu;
  }
  MUST(sched_setaffinity(0, sizeof all, &all));
  YES_AS("follows the affinity", right);
}

static volatile bool handler_at_abort, handler_saw_clear;
static void on_alarm(int signal UNUSED, siginfo_t* info UNUSED, void* context) {
  handler_at_abort = ((ucontext_t*)context)->uc_mcontext.pc == (uint64_t)spin_abort;
  handler_saw_clear = own.rseq_cs == 0;
}

static void alarm_soon(void) {
  struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval soon = {.it_value = {.tv_usec = 20000}};
  setitimer(ITIMER_REAL, &soon, NULL);
}

static void aborts(void) {
  section("sequences that start over");
  reset_sequence();
  stop = 1;
  SHOW(spin(&own, &sequence, &stop));
  stop = 0;
  alarm_soon();
  SHOW_AS("spin until a signal", spin(&own, &sequence, &stop));
  // A preemption may have come first: then the handler found the program elsewhere.
  YES(own.rseq_cs == 0);

  cpu_set_t all, one;
  MUST(sched_getaffinity(0, sizeof all, &all));
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  MUST(sched_setaffinity(0, sizeof one, &one));
  pid_t rival = fork();
  if (rival == 0) {
    for (;;) {
    }
  }
  SHOW_AS("spin until preempted", spin(&own, &sequence, &stop));
  YES(own.rseq_cs == 0);
  kill(rival, SIGKILL);
  waitpid(rival, NULL, 0);
  MUST(sched_setaffinity(0, sizeof all, &all));

  // Outside its bounds an announced sequence is forgotten.
  own.rseq_cs = (uint64_t)&sequence;
  kill(getpid(), SIGALRM);
  YES(handler_saw_clear && !handler_at_abort);
  YES(own.rseq_cs == 0);
  alarm(kHang);
}

static void* fence(void* unused UNUSED) {
  sleep_ms(20);
  return (void*)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
}

static void barriers(void) {
  section("membarrier");
  int command = MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
  YES((syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) & 0x180) == 0x180);
  SHOW(syscall(SYS_membarrier, command, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 1, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0));
  SHOW(syscall(SYS_membarrier, command, 0, 0));
  SHOW(syscall(SYS_membarrier, command, 2, 0));
  SHOW(syscall(SYS_membarrier, command, MEMBARRIER_CMD_FLAG_CPU, 0));
  SHOW(syscall(SYS_membarrier, command, MEMBARRIER_CMD_FLAG_CPU, 5000));
  SHOW(syscall(SYS_membarrier, command, MEMBARRIER_CMD_FLAG_CPU, -1));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_FLAG_CPU, 0));
  pthread_t thread;
  pthread_create(&thread, NULL, fence, NULL);
  SHOW_AS("spin until a fence", spin(&own, &sequence, &stop));
  void* result;
  pthread_join(thread, &result);
  SHOW_AS("fence", (long)result);
}

// Each breaks something and spins; a signal or a preemption finds it.
static void find_out(void) {
  alarm_soon();
  say("went on: %ld", spin(&own, &sequence, &stop));
}
static void bad_signature(void) {
  sequence.abort_ip = (uint64_t)spin_end;
  find_out();
}
static void bad_version(void) {
  sequence.version = 1;
  find_out();
}
static void bad_flags(void) {
  sequence.flags = 1;
  find_out();
}
static void bad_area_flags(void) {
  own.flags = 4;
  find_out();
}
static void abort_inside(void) {
  sequence.abort_ip = sequence.start_ip + 4;
  find_out();
}
static void bad_length(void) {
  sequence.post_commit_offset = UINT64_MAX - 4;
  find_out();
}
static void kernel_sequence(void) {
  own.rseq_cs = (uint64_t)BAD_KERNEL;
  sched_yield();
  kill(getpid(), SIGALRM);
  say("went on");
}
static void unmapped_sequence(void) {
  own.rseq_cs = (uint64_t)unmapped();
  kill(getpid(), SIGALRM);
  say("went on");
}
static void unmapped_area(void) {
  MUST(rseq(&own, 32, 1, SIGNATURE));
  void* area = unmapped();
  SHOW_AS("register what is not there", rseq(area, 32, 0, SIGNATURE));
}
static void read_only_area(void) {
  MUST(rseq(&own, 32, 1, SIGNATURE));
  SHOW_AS("register what cannot be written", rseq(page_with(PROT_READ), 32, 0, SIGNATURE));
}
static void on_segv(int signal UNUSED) {
  own.rseq_cs = 0;
  say("SIGSEGV is caught");
  _exit(3);
}
// The signal finds it, and the handler can run as long as no preemption finds it again.
static void caught(void) {
  struct sched_param param = {.sched_priority = 1};
  MUST(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
  handle_with(SIGSEGV, on_segv, 0);
  struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO};
  sigaction(SIGALRM, &action, NULL);
  sequence.version = 1;
  own.rseq_cs = (uint64_t)&sequence;
  kill(getpid(), SIGALRM);
  say("went on");
}

static void broken(void) {
  section("broken ones");
  IN_CHILD(bad_signature);
  IN_CHILD(bad_version);
  IN_CHILD(bad_flags);
  IN_CHILD(bad_area_flags);
  IN_CHILD(abort_inside);
  IN_CHILD(bad_length);
  IN_CHILD(kernel_sequence);
  IN_CHILD(unmapped_sequence);
  IN_CHILD(unmapped_area);
  IN_CHILD(read_only_area);
}

static void in_fork(void) {
  YES(own.cpu_id == (uint32_t)sched_getcpu());
  SHOW(rseq(&own, 32, 0, SIGNATURE));
  SHOW(rseq(&own, 32, 1, SIGNATURE));
}

static void* in_thread(void* unused UNUSED) {
  YES(glibc_area()->cpu_id == (uint32_t)sched_getcpu());
  SHOW(rseq(&own, 32, 0, SIGNATURE));
  SHOW(rseq(glibc_area(), 32, 0, SIGNATURE));
  return NULL;
}

static void in_vfork(void) {
  if (vfork() == 0) {
    SHOW(rseq(&own, 32, 1, SIGNATURE));
    _exit(0);
  }
  SHOW(rseq(&own, 32, 0, SIGNATURE));
}

int main(int argc, char** argv) {
  if (argc > 1) {
    // glibc has registered its own area: the old one is forgotten.
    YES(glibc_area()->cpu_id == (uint32_t)sched_getcpu());
    return 0;
  }
  registration();
  processors();
  aborts();
  barriers();
  broken();
  IN_CHILD(caught);
  section("fork, threads, exec");
  IN_CHILD(in_fork);
  pthread_t thread;
  pthread_create(&thread, NULL, in_thread, NULL);
  pthread_join(thread, NULL);
  in_vfork();
  fflush(stdout);
  execv("/proc/self/exe", (char*[]){argv[0], (char*)"again", NULL});
  say("execv: %s", error_name(errno));
  return 1;
}
