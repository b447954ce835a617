// SPDX-License-Identifier: MIT
//
// sysfuzz CALLS [SEED]: random system calls with random arguments, many of them pointers at page
// edges, into holes and into the kernel. Each child makes a few hundred and may die of them; the
// parent starts the next. Half of the children are root (and spared the calls that would end or
// take over the machine), half are nobody and make every call but reboot. Nothing is checked here:
// the kernel is, by its own assertions, and the machine by living on.

#include "../../abi/abi.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { kCallsAChild = 400, kNobody = 65534 };

static uint64_t state;
static uint64_t next(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 2685821657736338717ul;
}
static uint64_t below(uint64_t limit) { return next() % limit; }

static const short kNever[] = {SYS_reboot, SYS_kexec_load, 294 /* kexec_file_load */};
// What root must not do to the machine the test runs on, or to its parents.
static const short kNotAsRoot[] = {SYS_kill,
                                   SYS_tkill,
                                   SYS_tgkill,
                                   SYS_rt_sigqueueinfo,
                                   SYS_rt_tgsigqueueinfo,
                                   424 /* pidfd_send_signal */,
                                   SYS_clone,
                                   435 /* clone3 */,
                                   SYS_settimeofday,
                                   SYS_clock_settime,
                                   SYS_clock_adjtime,
                                   SYS_adjtimex,
                                   SYS_mount,
                                   SYS_umount2,
                                   SYS_pivot_root,
                                   SYS_swapon,
                                   SYS_swapoff,
                                   SYS_init_module,
                                   SYS_finit_module,
                                   SYS_delete_module,
                                   SYS_ptrace,
                                   SYS_syslog,
                                   SYS_setpriority,
                                   SYS_sched_setscheduler,
                                   SYS_sched_setparam,
                                   SYS_sched_setattr,
                                   SYS_vhangup,
                                   SYS_process_vm_writev,
                                   SYS_prlimit64,
                                   SYS_acct,
                                   SYS_quotactl,
                                   SYS_bpf,
                                   SYS_chroot,
                                   SYS_setns,
                                   SYS_unshare,
                                   428,
                                   429,
                                   430,
                                   431,
                                   432,
                                   433,
                                   440,
                                   442,
                                   SYS_sethostname,
                                   SYS_setdomainname,
                                   SYS_fanotify_init,
                                   SYS_fanotify_mark,
                                   SYS_perf_event_open,
                                   SYS_sched_setaffinity};

static bool listed(const short* list, size_t count, long number) {
  for (size_t i = 0; i < count; i++)
    if (list[i] == number) return true;
  return false;
}

static char *edges[4], *read_only, *nothing, *buffer, *hole;
static const char* const kPaths[] = {".",
                                     "file",
                                     "dir",
                                     "dir/x",
                                     "/proc/self/status",
                                     "/dev/null",
                                     "/dev/zero",
                                     "/proc/self/maps",
                                     "link",
                                     "",
                                     "nope",
                                     "fifo",
                                     "/dev/ptmx",
                                     "/proc/self/mem",
                                     "/proc/self/fd/5",
                                     "/sys"};

static void prepare(void) {
  for (int i = 0; i < 4; i++) edges[i] = edge(0);
  read_only = page_with(PROT_READ);
  nothing = page_with(PROT_NONE);
  hole = unmapped();
  buffer = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < 16 * PAGE; i += 8) {
    uint64_t value = below(4) ? below(64) : next();
    if (below(8) == 0) value = (uint64_t)(buffer + below(16 * PAGE));
    memcpy(buffer + i, &value, 8);
  }
  mkdir("dir", 0777);
  mkfifo("fifo", 0666);
  symlink("file", "link");
  int null = open("/dev/null", O_RDWR), fds[2];
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  open("file", O_RDWR | O_CREAT, 0666);
  open(".", O_RDONLY);
  pipe2(fds, O_NONBLOCK);
  open("/dev/zero", O_RDWR);
  syscall(SYS_eventfd2, 3, O_NONBLOCK);
  syscall(SYS_memfd_create, "m", 2);
  open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  open("/proc/self/status", O_RDONLY);
}

static uint64_t pointer(void) {
  switch (below(10)) {
    case 0:
      return 0;
    case 1:
      return (uint64_t)edges[below(4)] - below(64);
    case 2:
      return (uint64_t)edges[below(4)] - below(PAGE);
    case 3:
      return (uint64_t)read_only + below(PAGE);
    case 4:
      return (uint64_t)nothing + below(PAGE);
    case 5:
      return (uint64_t)hole + below(PAGE);
    case 6:
      return 0xffff000000000000ul + (next() & 0xffffffffffful);
    case 7:
      return 0x0001000000000000ul - below(64);
    case 8:
      return (uint64_t)kPaths[below(COUNT(kPaths))];
    default:
      return (uint64_t)buffer + (below(16 * PAGE) & ~7ul);
  }
}

static uint64_t argument(void) {
  switch (below(12)) {
    case 0:
      return below(4);
    case 1:
      return below(16);  // A descriptor, likely.
    case 2:
      return below(5000);
    case 3:
      return 1ul << below(64);
    case 4:
      return (uint64_t)-1 - below(100);
    case 5:
      return next();
    case 6:
      return next() & 0xffffffff;
    case 7:
      return 4096 * below(20);
    case 8:
      return 1ul << below(20) | 1ul << below(20);
    default:
      return pointer();
  }
}

// x8 and the arguments are raw: glibc's wrapper would look at some of them.
static long call(long number, const uint64_t* a) {
  register long x8 __asm__("x8") = number;
  register uint64_t x0 __asm__("x0") = a[0];
  register uint64_t x1 __asm__("x1") = a[1];
  register uint64_t x2 __asm__("x2") = a[2];
  register uint64_t x3 __asm__("x3") = a[3];
  register uint64_t x4 __asm__("x4") = a[4];
  register uint64_t x5 __asm__("x5") = a[5];
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory", "cc");
  return (long)x0;
}

static void limit(int which, unsigned long value) {
  struct rlimit limit = {value, value};
  setrlimit((__rlimit_resource_t)which, &limit);
}

static void child(long number, volatile long* counter) {
  bool root = number % 2 == 0;
  setpgid(0, 0);
  char directory[64];
  snprintf(directory, sizeof directory, "fuzz.%ld", number % 8);
  mkdir(directory, 0777);
  chmod(directory, 0777);
  chdir(directory);
  prepare();
  limit(RLIMIT_AS, 128 << 20);
  limit(RLIMIT_FSIZE, 1 << 20);
  limit(RLIMIT_CPU, 2);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 64);
  limit(RLIMIT_MEMLOCK, 1 << 20);
  if (!root) {
    limit(RLIMIT_NPROC, 20);
    setgroups(0, NULL);
    setresgid(kNobody, kNobody, kNobody);
    setresuid(kNobody, kNobody, kNobody);
  }
  struct itimerval soon = {{0, 0}, {0, 300000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  for (int i = 0; i < kCallsAChild; i++) {
    long which = (long)below(460);
    if (below(50) == 0) which = (long)next();
    long effective = (int)which;
    if (listed(kNever, COUNT(kNever), effective)) continue;
    if (root && listed(kNotAsRoot, COUNT(kNotAsRoot), effective)) continue;
    // Ending at once every time would make for short lives.
    if ((effective == SYS_exit || effective == SYS_exit_group) && below(20)) continue;
    if ((effective == SYS_rt_sigreturn || effective == SYS_munmap) && below(5)) continue;
    uint64_t arguments[6];
    for (int a = 0; a < 6; a++) arguments[a] = argument();
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
    call(which, arguments);
  }
  _exit(0);
}

// Whatever nobody's children left behind, in whatever session.
static void sweep_up(void) {
  pid_t pid = (fork)();
  if (pid == 0) {
    setresuid(kNobody, kNobody, kNobody);
    kill(-1, SIGKILL);
    _exit(0);
  }
  while (waitpid(-1, NULL, 0) > 0) {
  }
}

int main(int argc, char** argv) {
  alarm(0);
  long wanted = argc > 1 ? atol(argv[1]) : 100000;
  uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
  volatile long* counter =
      mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  handle_with(SIGHUP, SIG_IGN, 0);
  long children = 0, killed = 0;
  chmod(".", 0777);
  for (; *counter < wanted; children++) {
    state = (seed << 20) + (uint64_t)children + 1;
    state *= 0x9e3779b97f4a7c15ul;
    pid_t pid = (fork)();
    if (pid == -1) {
      sweep_up();
      continue;
    }
    if (pid == 0) child(children, counter);
    int64_t deadline = now_ns() + 2000000000;
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
      if (now_ns() > deadline) {
        kill(pid, SIGKILL);
        deadline = INT64_MAX;
        killed++;
      }
      usleep(2000);
    }
    if (children % 8 == 7) sweep_up();
  }
  sweep_up();
  say("calls %s", *counter >= wanted ? "all made" : "missing");
  (void)killed;
  say("ok");
  return 0;
}
