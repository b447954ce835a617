// SPDX-License-Identifier: MIT
//
// prctl, prlimit, getrusage, personality: state of a process that is neither memory nor files.

#include "abi.h"

#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void names(void) {
  section("PR_SET_NAME");
  char name[17] = "";
  SHOW(prctl(PR_GET_NAME, name));
  say("%s", name);
  SHOW(prctl(PR_SET_NAME, "a-name-of-more-than-fifteen"));
  SHOW(prctl(PR_GET_NAME, name));
  say("%s", name);
  SHOW(prctl(PR_SET_NAME, ""));
  SHOW(prctl(PR_GET_NAME, name));
  say("[%s]", name);
  SHOW(prctl(PR_SET_NAME, BAD_KERNEL));
  SHOW(prctl(PR_GET_NAME, BAD_KERNEL));
  prctl(PR_SET_NAME, "od) d\nname");
  char* line = read_file("/proc/self/status");
  *strchr(line, '\n') = 0;
  say("%s", line);
  int fd = open("/proc/self/comm", O_RDWR);
  SHOW(write(fd, "from-proc\n", 10));
  char text[32] = "";
  SHOW(pread(fd, text, sizeof text - 1, 0));
  say("[%s]", text);
}

static volatile int told;
static void on_death(int signal UNUSED) { told = 1; }

static void parent_death(void) {
  section("PR_SET_PDEATHSIG");
  int value = -1;
  SHOW(prctl(PR_GET_PDEATHSIG, &value));
  say("%d", value);
  SHOW(prctl(PR_SET_PDEATHSIG, 65));
  SHOW(prctl(PR_SET_PDEATHSIG, -1));
  SHOW(prctl(PR_GET_PDEATHSIG, BAD_KERNEL));
  int fds[2], ready[2];
  pipe(fds);
  pipe(ready);
  pid_t middle = fork();
  if (middle == 0) {
    if (fork() == 0) {
      handle_with(SIGUSR1, on_death, 0);
      prctl(PR_SET_PDEATHSIG, SIGUSR1);
      write(ready[1], "r", 1);
      for (int i = 0; i < 2000 && !told; i++) usleep(1000);
      char byte = (char)('0' + told);
      write(fds[1], &byte, 1);
      _exit(0);
    }
    char byte;
    read(ready[0], &byte, 1);
    _exit(0);
  }
  waitpid(middle, NULL, 0);
  char byte;
  read(fds[0], &byte, 1);
  say("told of the parent's death: %c", byte);
}

static void others(void) {
  section("other prctl");
  SHOW(prctl(PR_GET_DUMPABLE));
  SHOW(prctl(PR_SET_DUMPABLE, 0));
  SHOW(prctl(PR_GET_DUMPABLE));
  SHOW(prctl(PR_SET_DUMPABLE, 2));
  SHOW(prctl(PR_SET_DUMPABLE, 1));
  SHOW(prctl(PR_GET_KEEPCAPS));
  SHOW(prctl(PR_SET_KEEPCAPS, 2));
  SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
  SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  SHOW(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
  SHOW(prctl(PR_GET_TIMERSLACK));
  SHOW(prctl(PR_SET_TIMERSLACK, 1000));
  SHOW(prctl(PR_GET_TIMERSLACK));
  SHOW(prctl(PR_SET_TIMERSLACK, 0));
  SHOW(prctl(PR_GET_TIMERSLACK));
  SHOW(prctl(PR_GET_TIMING));
  SHOW(prctl(PR_SET_TIMING, 1));
  SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  SHOW(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  SHOW(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
  SHOW(prctl(PR_GET_SECCOMP));
  SHOW(prctl(PR_GET_ENDIAN, BAD_NULL));
  SHOW(prctl(PR_GET_TSC, BAD_NULL));
  SHOW(prctl(PR_GET_UNALIGN, BAD_NULL));
  SHOW(prctl(PR_GET_FPEMU, BAD_NULL));
  SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  SHOW(prctl(PR_SVE_GET_VL));
  SHOW(prctl(PR_PAC_RESET_KEYS, 0, 0, 0, 0));
  SHOW(prctl(99999));
  SHOW(prctl(0));
  SHOW(personality(0xffffffff));
  SHOW(personality(ADDR_NO_RANDOMIZE));
  SHOW(personality(0xffffffff));
  SHOW(personality(0));
}

static void show_limit(const char* name, int which) {
  struct rlimit limit;
  if (getrlimit(which, &limit) == -1) {
    say("%s: %s", name, error_name(errno));
    return;
  }
  char soft[32], hard[32];
  snprintf(soft, sizeof soft, limit.rlim_cur == RLIM_INFINITY ? "unlimited" : "%lu",
           limit.rlim_cur);
  snprintf(hard, sizeof hard, limit.rlim_max == RLIM_INFINITY ? "unlimited" : "%lu",
           limit.rlim_max);
  say("%s: %s %s", name, soft, hard);
}

static void limits(void) {
  section("limits");
  static const char* const names[] = {
      "CPU",     "FSIZE", "DATA",  "STACK",      "CORE",     "RSS",  "NPROC",  "NOFILE",
      "MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};
  for (int i = 0; i < 16; i++)
    if (i != RLIMIT_NPROC && i != RLIMIT_SIGPENDING && i != RLIMIT_MEMLOCK) show_limit(names[i], i);
  show_limit("16", 16);
  struct rlimit limit = {10, 20}, old;
  SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, &limit, &old));
  show_limit("CORE", RLIMIT_CORE);
  limit = (struct rlimit){30, 20};
  SHOW(setrlimit(RLIMIT_CORE, &limit));
  limit = (struct rlimit){30, 30};
  SHOW(setrlimit(RLIMIT_CORE, &limit));
  limit = (struct rlimit){1 << 21, 1 << 21};
  SHOW(setrlimit(RLIMIT_NOFILE, &limit));
  SHOW(syscall(SYS_prlimit64, 0, 99, NULL, &old));
  SHOW(syscall(SYS_prlimit64, 1 << 22, RLIMIT_CORE, NULL, &old));
  SHOW(syscall(SYS_prlimit64, -1, RLIMIT_CORE, NULL, &old));
  SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, BAD_KERNEL));
  SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL));
  pid_t pid = fork();
  if (pid == 0) {
    show_limit("inherited CORE", RLIMIT_CORE);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  MUST(setresuid(1000, 1000, 1000));
  limit = (struct rlimit){5, 40};
  SHOW(setrlimit(RLIMIT_CORE, &limit));
  limit = (struct rlimit){5, 10};
  SHOW(setrlimit(RLIMIT_CORE, &limit));
  SHOW(syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, NULL, &old));
}

static volatile int cpu_signals;
static void on_cpu(int signal UNUSED) { cpu_signals++; }
static void cpu_limit(void) {
  handle_with(SIGXCPU, on_cpu, 0);
  struct rlimit limit = {1, 2};
  MUST(setrlimit(RLIMIT_CPU, &limit));
  while (cpu_signals == 0) {
  }
  say("SIGXCPU after a second of CPU time");
  for (;;) {
  }
}

static void usage(void) {
  section("getrusage");
  struct rusage usage;
  char* memory = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(memory, 1, 8 << 20);
  SHOW(getrusage(RUSAGE_SELF, &usage));
  YES(usage.ru_maxrss >= 8192 && usage.ru_maxrss < 100000);
  YES(usage.ru_minflt > 0 && usage.ru_majflt >= 0);
  sleep_ms(5);
  struct rusage later;
  getrusage(RUSAGE_SELF, &later);
  YES(later.ru_nvcsw > usage.ru_nvcsw);
  SHOW(getrusage(RUSAGE_CHILDREN, &usage));
  SHOW(getrusage(RUSAGE_THREAD, &usage));
  SHOW(getrusage((__rusage_who_t)9, &usage));
  SHOW(getrusage(RUSAGE_SELF, BAD_KERNEL));
  pid_t pid = fork();
  if (pid == 0) {
    int64_t until = now_ns() + 60000000;
    while (now_ns() < until) {
    }
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  getrusage(RUSAGE_CHILDREN, &usage);
  YES(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 8000);
}

int main(void) {
  IN_CHILD(names);
  parent_death();
  IN_CHILD(others);
  IN_CHILD(limits);
  usage();
  IN_CHILD(cpu_limit);
}
