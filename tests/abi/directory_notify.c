// SPDX-License-Identifier: MIT
//
// F_NOTIFY: which changes below a directory send its owner a signal, how often, and until when.

#include "abi.h"

static volatile int count, last_code, last_fd;
static volatile long last_band;

static void on_signal(int signal UNUSED, siginfo_t* info, void* context UNUSED) {
  count++;
  last_code = info->si_code;
  last_fd = info->si_fd;
  last_band = info->si_band;
}

static int directory = -1;

static void ask(int mask) { MUST(fcntl(directory, F_NOTIFY, mask)); }

// Signals come in the thread that does it, before its call returns.
static void happened(const char* what) {
  if (count == 0) {
    say("  %-30s nothing", what);
  } else {
    say("  %-30s %d, code %d, the directory's fd: %s, band %lx", what, count, last_code,
        last_fd == directory ? "yes" : "no", last_band);
  }
  count = 0;
}

static void make(const char* name) { close(MUST(open(name, O_CREAT | O_RDWR, 0644))); }

static void everything_once(int mask, const char* title) {
  section(title);
  ask(mask);
  char data[8] = "x";
  int file = MUST(open("d/file", O_CREAT | O_RDWR, 0644));
  happened("create");
  write(file, data, 1);
  happened("write");
  pread(file, data, 1, 0);
  happened("read");
  fchmod(file, 0600);
  happened("chmod");
  ftruncate(file, 10);
  happened("truncate");
  close(file);
  happened("close");
  futimens(directory, NULL);
  happened("utimens of the directory");
  mkdir("d/sub", 0755);
  happened("mkdir");
  make("d/sub/deeper");
  happened("create in a subdirectory");
  rename("d/file", "d/other");
  happened("rename within");
  rename("d/other", "other");
  happened("rename out");
  rename("other", "d/file");
  happened("rename in");
  link("d/file", "d/second");
  happened("link");
  symlink("nowhere", "d/link");
  happened("symlink");
  chmod("d/sub", 0700);
  happened("chmod of a subdirectory");
  syscall(SYS_getdents64, directory, (char[1024]){0}, 1024);
  happened("getdents of the directory");
  unlink("d/file");
  happened("unlink");
  unlink("d/second");
  unlink("d/link");
  unlink("d/sub/deeper");
  rmdir("d/sub");
  happened("three more are gone");
  ask(0);
  lseek(directory, 0, SEEK_SET);
}

static void once(void) {
  section("without DN_MULTISHOT");
  ask(DN_CREATE | DN_DELETE);
  make("d/a");
  happened("the first");
  make("d/b");
  happened("the second");
  ask(DN_CREATE);
  ask(DN_DELETE);
  unlink("d/a");
  happened("unlink, asked for later");
  unlink("d/b");
  happened("unlink again");
}

static void until_closed(void) {
  section("until a descriptor is closed");
  ask(DN_CREATE | DN_MULTISHOT);
  close(dup(directory));
  make("d/a");
  happened("a duplicate was closed");
  ask(DN_CREATE | DN_MULTISHOT);
  if (fork() == 0) _exit(0);
  wait(NULL);
  make("d/b");
  happened("a child ended");
  if (fork() == 0) {
    ask(DN_DELETE | DN_MULTISHOT);
    _exit(0);
  }
  wait(NULL);
  unlink("d/a");
  happened("a child had asked");
  int other = MUST(dup2(directory, 30));
  ask(0);
  make("d/c");
  happened("taken back");
  MUST(fcntl(other, F_NOTIFY, DN_CREATE));
  make("d/a");
  YES(count == 1 && last_fd == 30);
  count = 0;
  close(other);
  unlink("d/a"), unlink("d/b"), unlink("d/c");
  count = 0;
}

static void owners(void) {
  section("the owner");
  int fresh = MUST(open("d", O_RDONLY));
  SHOW(fcntl(fresh, F_GETOWN));
  SHOW(fcntl(fresh, F_NOTIFY, DN_MULTISHOT));
  SHOW(fcntl(fresh, F_GETOWN));
  SHOW(fcntl(fresh, F_NOTIFY, 0x40));
  YES(fcntl(fresh, F_GETOWN) == getpid());
  close(fresh);
  int child_saw[2];
  MUST(pipe(child_saw));
  pid_t child = fork();
  if (child == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    write(child_saw[1], "r", 1);
    siginfo_t info;
    sigwaitinfo(&set, &info);
    say("  the child got code %d", info.si_code);
    _exit(0);
  }
  read(child_saw[0], (char[1]){0}, 1);
  MUST(fcntl(directory, F_SETOWN, child));
  ask(DN_CREATE);
  make("d/a");
  wait(NULL);
  happened("its parent");
  MUST(fcntl(directory, F_SETOWN, getpid()));
  MUST(fcntl(directory, F_SETSIG, 0));
  ask(DN_DELETE);
  unlink("d/a");
  YES(count == 1 && last_code == SI_KERNEL);
  count = 0;
  MUST(fcntl(directory, F_SETSIG, SIGRTMIN));
}

static void errors(void) {
  section("errors");
  make("file");
  int file = MUST(open("file", O_RDONLY)), place = MUST(open("d", O_PATH));
  SHOW(fcntl(file, F_NOTIFY, DN_CREATE));
  SHOW(fcntl(file, F_NOTIFY, 0));
  SHOW(fcntl(place, F_NOTIFY, DN_CREATE));
  SHOW(fcntl(-1, F_NOTIFY, DN_CREATE));
  SHOW(fcntl(directory, F_NOTIFY, DN_ACCESS | 1ul << 40));
  ask(0);
  close(file), close(place);
  unlink("file");
}

int main(void) {
  char top[] = "/tmp/notify-XXXXXX";
  if (mkdtemp(top) == NULL || chdir(top) == -1 || mkdir("d", 0755) == -1) return 1;
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN, &action, NULL);
  sigaction(SIGIO, &action, NULL);
  directory = (int)MUST(open("d", O_RDONLY));
  MUST(fcntl(directory, F_SETSIG, SIGRTMIN));
  everything_once(DN_CREATE | DN_MULTISHOT, "DN_CREATE");
  everything_once(DN_DELETE | DN_MULTISHOT, "DN_DELETE");
  everything_once(DN_MODIFY | DN_MULTISHOT, "DN_MODIFY");
  everything_once(DN_ACCESS | DN_MULTISHOT, "DN_ACCESS");
  everything_once(DN_ATTRIB | DN_MULTISHOT, "DN_ATTRIB");
  everything_once(DN_RENAME | DN_MULTISHOT, "DN_RENAME");
  once();
  until_closed();
  owners();
  errors();
  chdir("/");
  char path[64];
  snprintf(path, sizeof path, "%s/d", top);
  rmdir(path), rmdir(top);
  return 0;
}
