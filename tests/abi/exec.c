// SPDX-License-Identifier: MIT
//
// execve and execveat: arguments, scripts with #!, permissions, limits, what survives, and threads.

#include "abi.h"

#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#define PROGRAM "/tests/helper_exec"

static char* no_environment[] = {NULL};

static void plain(void) {
  char* argv[] = {"zero", "one", "", "three words here", NULL};
  char* env[] = {"A=1", "EMPTY=", "odd", NULL};
  execve(PROGRAM, argv, env);
}
static void without_arguments(void) {
  syscall(SYS_execve, PROGRAM, NULL, NULL);
  say("%s", error_name(errno));
}
static void with_empty_arguments(void) {
  syscall(SYS_execve, PROGRAM, no_environment, no_environment);
  say("%s", error_name(errno));
}
static void interpreted(void) {
  char* argv[] = {"ignored", "one", "two", NULL};
  execve("./script", argv, no_environment);
  say("%s", error_name(errno));
}
static void interpreted_by_script(void) {
  char* argv[] = {"ignored", "last", NULL};
  execve("./outer", argv, no_environment);
  say("%s", error_name(errno));
}
static void by_descriptor(void) {
  int fd = open(PROGRAM, O_PATH);
  char* argv[] = {"from-fd", NULL};
  syscall(SYS_execveat, fd, "", argv, no_environment, AT_EMPTY_PATH);
  say("%s", error_name(errno));
}
static void by_directory(void) {
  int fd = open("/tests", O_RDONLY);
  char* argv[] = {"from-dir", NULL};
  syscall(SYS_execveat, fd, "helper_exec", argv, no_environment, 0);
  say("%s", error_name(errno));
}
static void script_by_descriptor(void) {
  int fd = open("./script", O_RDONLY);
  char* argv[] = {"x", "y", NULL};
  syscall(SYS_execveat, fd, "", argv, no_environment, AT_EMPTY_PATH);
  say("%s", error_name(errno));
}
static void script_by_closing_descriptor(void) {
  int fd = open("./script", O_RDONLY | O_CLOEXEC);
  char* argv[] = {"x", "y", NULL};
  syscall(SYS_execveat, fd, "", argv, no_environment, AT_EMPTY_PATH);
  say("%s", error_name(errno));
}

static void script(const char* name, const char* text, int mode) {
  write_file(name, text);
  chmod(name, (mode_t)mode);
}

static void running(void) {
  section("running");
  IN_CHILD(plain);
  IN_CHILD(without_arguments);
  IN_CHILD(with_empty_arguments);
  script("script", "#! " PROGRAM "  an argument with  spaces \nrest\n", 0755);
  IN_CHILD(interpreted);
  script("outer", "#!./script\n", 0755);
  IN_CHILD(interpreted_by_script);
  IN_CHILD(by_descriptor);
  IN_CHILD(by_directory);
  IN_CHILD(script_by_descriptor);
  IN_CHILD(script_by_closing_descriptor);
}

static void attempt(const char* path) {
  char* argv[] = {"x", NULL};
  char label[300];
  snprintf(label, sizeof label, "execve(%.40s)", path);
  SHOW_AS(label, syscall(SYS_execve, path, argv, no_environment));
}

static void refused(void) {
  section("refused");
  attempt("nope");
  attempt("");
  attempt("/");
  attempt("/dev/null");
  script("plain-text", "hello\n", 0755);
  attempt("./plain-text");
  script("empty", "", 0755);
  attempt("./empty");
  script("not-executable", "#!" PROGRAM "\n", 0644);
  attempt("./not-executable");
  script("no-interpreter", "#!/nope\n", 0755);
  attempt("./no-interpreter");
  script("empty-interpreter", "#!\n", 0755);
  attempt("./empty-interpreter");
  script("blank-interpreter", "#!   \n", 0755);
  attempt("./blank-interpreter");
  script("directory-interpreter", "#!/tmp\n", 0755);
  attempt("./directory-interpreter");
  script("itself", "#!./itself\n", 0755);
  attempt("./itself");
  attempt("script/x");
  char name[8];
  script("s0", "#!" PROGRAM "\n", 0755);
  for (int i = 1; i < 8; i++) {  // A chain of scripts: five are followed.
    char text[32];
    snprintf(name, sizeof name, "s%d", i);
    snprintf(text, sizeof text, "#!./s%d\n", i - 1);
    script(name, text, 0755);
  }
  attempt("./s7");
  SHOW(syscall(SYS_execve, BAD_NULL, NULL, NULL));
  SHOW(syscall(SYS_execve, BAD_KERNEL, NULL, NULL));
  SHOW(syscall(SYS_execve, PROGRAM, BAD_KERNEL, NULL));
  char* bad[] = {"x", (char*)BAD_KERNEL, NULL};
  SHOW(syscall(SYS_execve, PROGRAM, bad, NULL));
  char* fine[] = {"x", NULL};
  SHOW(syscall(SYS_execve, PROGRAM, fine, bad));
  SHOW(syscall(SYS_execveat, 99, "x", fine, NULL, 0));
  SHOW(syscall(SYS_execveat, AT_FDCWD, PROGRAM, fine, NULL, 0x100000));
  symlink("./script", "link");
  SHOW(syscall(SYS_execveat, AT_FDCWD, "link", fine, NULL, AT_SYMLINK_NOFOLLOW));
  int writer = open("copy", O_CREAT | O_RDWR, 0755);
  int source = open(PROGRAM, O_RDONLY);
  char block[65536];
  ssize_t count;
  while ((count = read(source, block, sizeof block)) > 0) write(writer, block, (size_t)count);
  attempt("./copy");
  close(writer);
}

static void busy(void) {
  section("a running program cannot be written");
  int fds[2];
  pipe(fds);
  pid_t pid = fork();
  if (pid == 0) {
    close(fds[1]);
    dup2(fds[0], 0);
    execl("/bin/busybox", "cat", NULL);
    _exit(9);
  }
  close(fds[0]);
  wait_until_asleep(pid);
  sleep_ms(50);
  SHOW(open("/bin/busybox", O_WRONLY));
  SHOW(truncate("/bin/busybox", 1000));
  close(fds[1]);
  waitpid(pid, NULL, 0);
}

static void too_long(void) {
  section("E2BIG");
  static char big[140000];
  memset(big, 'x', sizeof big);
  big[131072] = 0;
  char* argv[] = {"x", big, NULL};
  SHOW_AS("one string of 128 KiB", syscall(SYS_execve, PROGRAM, argv, no_environment));
  static char* many[70];
  big[40000] = 0;
  for (int i = 0; i < 69; i++) many[i] = big;
  SHOW_AS("2.7 MB in all", syscall(SYS_execve, PROGRAM, many, no_environment));
}
static void long_enough(void) {
  static char big[131072];
  memset(big, 'x', sizeof big - 1);
  char* argv[] = {"helper", "quiet", big, NULL};
  execve(PROGRAM, argv, no_environment);
  say("%s", error_name(errno));
}
static void half_of_stack_limit(void) {
  struct rlimit limit = {1 << 20, 8 << 20};
  setrlimit(RLIMIT_STACK, &limit);
  static char big[100001];
  memset(big, 'x', sizeof big - 1);
  char* argv[6] = {"helper", "quiet", big, big, big, NULL};
  execve(PROGRAM, argv, no_environment);
  say("%s", error_name(errno));
}

static void handler(int signal UNUSED) {}
static void survivors(void) {
  handle_with(SIGUSR1, handler, 0);
  handle_with(SIGUSR2, SIG_IGN, 0);
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  sigprocmask(SIG_BLOCK, &hangup, NULL);
  raise(SIGHUP);
  int fd = open("/dev/null", O_RDONLY);
  dup2(fd, 10);
  dup3(fd, 11, O_CLOEXEC);
  static char stack[65536];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, NULL);
  prctl(PR_SET_NAME, "old-name");
  prctl(PR_SET_KEEPCAPS, 1);
  prctl(PR_SET_DUMPABLE, 0);
  umask(027);
  setpriority(PRIO_PROCESS, 0, 5);
  execl(PROGRAM, "helper", "state", NULL);
}

static pid_t original;
static void* thread_execs(void* unused UNUSED) {
  char* argv[] = {"by-a-thread", NULL};
  execve(PROGRAM, argv, no_environment);
  return NULL;
}
static void* thread_sleeps(void* unused UNUSED) {
  for (;;) pause();
  return NULL;
}
static void from_a_thread(void) {
  original = getpid();
  pthread_t thread;
  pthread_create(&thread, NULL, thread_sleeps, NULL);
  pthread_create(&thread, NULL, thread_execs, NULL);
  pause();
}

static void set_user_id(void) {
  section("set-user-id");
  if (fork() == 0) {
    int in = open(PROGRAM, O_RDONLY), out = open("setuid", O_CREAT | O_WRONLY, 0755);
    char block[65536];
    ssize_t count;
    while ((count = read(in, block, sizeof block)) > 0) write(out, block, (size_t)count);
    fchown(out, 1234, 1235);
    fchmod(out, 06755);
    close(out);
    setgroups(0, NULL);
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    execl("./setuid", "setuid", "state", NULL);
    _exit(1);
  }
  wait(NULL);
}

static void no_permission(void) {
  section("without permission");
  script("private", "#!" PROGRAM "\n", 0700);
  script("exec-only", "#!" PROGRAM "\n", 0711);
  setgroups(0, NULL);
  setresgid(1000, 1000, 1000);
  setresuid(1000, 1000, 1000);
  attempt("./private");
}

int main(void) {
  running();
  refused();
  busy();
  too_long();
  IN_CHILD(long_enough);
  IN_CHILD(half_of_stack_limit);
  section("state");
  IN_CHILD(survivors);
  IN_CHILD(from_a_thread);
  set_user_id();
  IN_CHILD(no_permission);
}
