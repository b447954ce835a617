// SPDX-License-Identifier: MIT
//
// execve(2) and execveat(2): odd files, odd arguments, and what is kept and lost.

#include "abi.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static char* no_arguments[] = {NULL};
static const char* self;

static long execute_at(int directory, const char* path, int flags) {
  char* arguments[] = {(char*)"exec_errors", (char*)"name", NULL};
  return syscall(SYS_execveat, directory, path, arguments, no_arguments, flags);
}

// In a child, so that a success shows too.
static void at(const char* label, int directory, const char* path, int flags) {
  pid_t pid = fork();
  if (pid == 0) {
    execute_at(directory, path, flags);
    say("%s: %s", label, error_name(errno));
    _exit(1);
  }
  int status;
  waitpid(pid, &status, 0);
  say("%s: %s", label, status_text(status));
}

static void places(void) {
  section("places");
  MUST(mkdir("/tmp/exec_place", 0755));
  MUST(symlink(self, "/tmp/exec_place/link"));
  MUST(symlink("loop", "/tmp/exec_place/loop"));
  write_file("/tmp/exec_place/plain", "x");
  write_file("/tmp/exec_place/script", "#!/bin/sh\necho script $0 $1\n");
  write_file("/tmp/exec_place/empty", "");
  write_file("/tmp/exec_place/hollow", "#!\n");
  write_file("/tmp/exec_place/blank", "#!   \n");
  write_file("/tmp/exec_place/lost", "#!/nowhere\n");
  write_file("/tmp/exec_place/itself", "#!/tmp/exec_place/itself\n");
  write_file("/tmp/exec_place/elf", "\177ELF");
  static const char* const programs[] = {"script", "empty",  "hollow", "blank",
                                         "lost",   "itself", "elf"};
  MUST(chdir("/tmp/exec_place"));
  for (size_t i = 0; i < COUNT(programs); i++) MUST(chmod(programs[i], 0755));
  int directory = (int)MUST(open("/tmp/exec_place", O_RDONLY | O_DIRECTORY));
  int program = (int)MUST(open(self, O_RDONLY));
  int closing = (int)MUST(open("script", O_RDONLY | O_CLOEXEC));
  int script = (int)MUST(open("script", O_RDONLY));
  int place = (int)MUST(open(self, O_PATH));
  int plain = (int)MUST(open("plain", O_RDONLY));
  at("relative", AT_FDCWD, "link", 0);
  at("link, not followed", AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW);
  at("link in a directory, not followed", directory, "link", AT_SYMLINK_NOFOLLOW);
  at("loop", directory, "loop", 0);
  at("in a directory", directory, "link", 0);
  at("absolute, bad directory", -1, self, 0);
  at("bad directory", -1, "link", 0);
  at("no directory", plain, "link", 0);
  at("descriptor", program, "", AT_EMPTY_PATH);
  at("descriptor, not followed", program, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
  at("descriptor without the flag", program, "", 0);
  at("place", place, "", AT_EMPTY_PATH);
  at("directory", directory, "", AT_EMPTY_PATH);
  at("working directory", AT_FDCWD, "", AT_EMPTY_PATH);
  at("not executable", plain, "", AT_EMPTY_PATH);
  at("script", directory, "script", 0);
  at("script by descriptor", script, "", AT_EMPTY_PATH);
  at("script by closing descriptor", closing, "", AT_EMPTY_PATH);
  at("unknown flag", program, "", AT_EMPTY_PATH | 0x10000);
  at("null path", program, NULL, AT_EMPTY_PATH);
  for (size_t i = 1; i < COUNT(programs); i++) at(programs[i], AT_FDCWD, programs[i], 0);
  at("plain", AT_FDCWD, "plain", 0);
  at("a directory", AT_FDCWD, "/tmp", 0);
  at("slash behind a file", AT_FDCWD, "plain/", 0);
  at("below a file", AT_FDCWD, "plain/x", 0);
  at("nowhere", AT_FDCWD, "nowhere", 0);
  at("a device", AT_FDCWD, "/dev/null", 0);
  char longest[5000];
  memset(longest, 'n', sizeof longest - 1);
  longest[4999] = 0;
  at("long path", AT_FDCWD, longest, 0);
  longest[300] = 0;
  at("long name", AT_FDCWD, longest, 0);
  at("bad path", AT_FDCWD, BAD_KERNEL, 0);
  int writer = (int)MUST(open("script", O_WRONLY));
  at("open for writing", AT_FDCWD, "script", 0);
  close(writer);
  SHOW(syscall(SYS_execve, "", no_arguments, no_arguments));
  SHOW(syscall(SYS_execve, self, BAD_KERNEL, no_arguments));
  SHOW(syscall(SYS_execve, self, no_arguments, BAD_KERNEL));
  char* bad[] = {(char*)"x", BAD_KERNEL, NULL};
  SHOW(syscall(SYS_execve, self, bad, no_arguments));
  SHOW(syscall(SYS_execve, self, no_arguments, bad));
  SHOW(syscall(SYS_execve, "nowhere", bad, no_arguments));
  char* big = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(big, 'b', 1 << 20);
  char* large[] = {big, NULL};
  big[131072] = 0;
  SHOW(syscall(SYS_execve, self, large, no_arguments));
  system("rm -r /tmp/exec_place");
}

static void print_state(void) {
  sigset_t blocked, pending;
  sigprocmask(SIG_SETMASK, NULL, &blocked);
  sigpending(&pending);
  struct sigaction usr1, usr2, child;
  sigaction(SIGUSR1, NULL, &usr1);
  sigaction(SIGUSR2, NULL, &usr2);
  sigaction(SIGCHLD, NULL, &child);
  struct itimerval timer;
  getitimer(ITIMER_REAL, &timer);
  stack_t stack;
  sigaltstack(NULL, &stack);
  int signal = -1, subreaper = -1;
  prctl(PR_GET_PDEATHSIG, &signal);
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  char name[16];
  prctl(PR_GET_NAME, name);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  void* robust;
  size_t size;
  say("blocked usr1 %d pending usr1 %d rt %d", sigismember(&blocked, SIGUSR1),
      sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN + 1));
  say("caught became default %d flags %x, ignored stayed %d, SIGCHLD ignored %d",
      usr1.sa_handler == SIG_DFL, usr1.sa_flags, usr2.sa_handler == SIG_IGN,
      child.sa_handler == SIG_IGN);
  say("timer runs %d, POSIX timer there %d, altstack %d", timer.it_value.tv_sec > 100,
      syscall(SYS_timer_getoverrun, 0) == 0, stack.ss_flags);
  say("death signal %d subreaper %d name %s dumpable %d no_new_privs %d keepcaps %d slack %d",
      signal, subreaper, name, prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
      prctl(PR_GET_KEEPCAPS), prctl(PR_GET_TIMERSLACK));
  say("personality %x nice %d policy %d files %lu umask %o thp %d", personality(0xffffffff),
      20 - (int)syscall(SYS_getpriority, 0, 0), sched_getscheduler(0), files.rlim_cur, umask(0),
      prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  syscall(SYS_get_robust_list, 0, &robust, &size);
  say("threads gone %d, locked all %d", syscall(SYS_tgkill, getpid(), getpid() + 1, 0) == -1,
      strstr(read_file("/proc/self/status"), "VmLck:\t       0 kB") != NULL);
  say("memory registered %ld", syscall(SYS_membarrier, 8, 0, 0));
  siginfo_t info;
  sigset_t set;
  sigfillset(&set);
  struct timespec none = {0, 0};
  int got;
  while ((got = sigtimedwait(&set, &info, &none)) > 0) {
    say("pending %s code %d value %d", signal_name(got), info.si_code,
        got >= 32 ? info.si_value.sival_int : 0);
  }
}

static void nothing(int signal UNUSED) {}
static void* sleeper(void* unused) {
  for (;;) pause();
  return unused;
}

static void keeps(void) {
  section("what is kept");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  union sigval value = {.sival_int = 77};
  sigqueue(getpid(), SIGRTMIN + 1, value);
  sigqueue(getpid(), SIGRTMIN + 1, value);
  handle_with(SIGUSR1, nothing, SA_RESTART | SA_SIGINFO | SA_ONSTACK);
  signal(SIGUSR2, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  struct itimerval timer = {{0, 0}, {1000, 0}};
  setitimer(ITIMER_REAL, &timer, NULL);
  int id;
  syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id);
  stack_t stack = {malloc(1 << 16), 0, 1 << 16};
  sigaltstack(&stack, NULL);
  prctl(PR_SET_PDEATHSIG, SIGRTMIN + 5);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NAME, "something");
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_KEEPCAPS, 1);
  prctl(PR_SET_TIMERSLACK, 1234567);
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC | UNAME26);
  setpriority(PRIO_PROCESS, 0, 7);
  sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
  struct rlimit files = {77, 4096};
  setrlimit(RLIMIT_NOFILE, &files);
  umask(0123);
  mlockall(MCL_CURRENT | MCL_FUTURE);
  syscall(SYS_membarrier, 16, 0, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, sleeper, NULL);
  execl(self, "exec_errors", "state", NULL);
}

// By a thread that is not the leader: it becomes the process.
static void* execute_in_thread(void* unused) {
  execl(self, "exec_errors", "pid", getenv("EXEC_PID"), NULL);
  return unused;
}

static void from_thread(void) {
  section("from a thread");
  char text[32];
  snprintf(text, sizeof text, "%d", getpid());
  setenv("EXEC_PID", text, 1);
  pthread_t thread;
  pthread_create(&thread, NULL, execute_in_thread, NULL);
  for (;;) pause();
}

static void vforks(void) {
  section("vfork");
  int ends[2];
  MUST(pipe(ends));
  volatile int shared = 0;
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    shared = 1;
    _exit(3);
  }
  SHOW(shared);
  int status;
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
  pid = (pid_t)syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    syscall(SYS_execve, "/nowhere", no_arguments, no_arguments);
    shared = errno;
    execl(self, "exec_errors", "name", NULL);
    _exit(1);
  }
  waitpid(pid, &status, 0);  // the new program speaks while we run again
  SHOW(shared == ENOENT);
  say("%s", status_text(status));
}

int main(int argc, char** argv) {
  if (argc > 1) {
    if (strcmp(argv[1], "state") == 0) print_state();
    if (strcmp(argv[1], "name") == 0) {
      char name[16];
      prctl(PR_GET_NAME, name);
      const char* path = (const char*)getauxval(AT_EXECFN);
      say("running as %s, %s, %s", argv[0], strncmp(path, "/dev/fd/", 8) == 0 ? "/dev/fd" : path,
          name[0] >= '0' && name[0] <= '9' ? "a number" : name);
    }
    if (strcmp(argv[1], "pid") == 0) {
      YES(atoi(argv[2]) == getpid());
      YES(syscall(SYS_gettid) == getpid());
    }
    return 0;
  }
  self = argv[0];
  IN_CHILD(places);
  IN_CHILD(keeps);
  IN_CHILD(from_thread);
  vforks();
  return 0;
}
