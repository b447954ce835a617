// SPDX-License-Identifier: MIT
//
// ioprio_set, ioprio_get: classes, levels, whom they reach, what a child gets, who may.

#include "abi.h"

#include <sys/resource.h>

enum { kProcess = 1, kGroup, kUser };
enum { kNone, kRealTime, kBestEffort, kIdle };
#define PRIORITY(class, level) ((class) << 13 | (level))

static long set(int which, int who, int priority) {
  return syscall(SYS_ioprio_set, which, who, priority);
}
static long get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }

static void show(const char* label, int which, int who) {
  errno = 0;
  long value = get(which, who);
  if (value < 0)
    say("%s: %s", label, error_name(errno));
  else
    say("%s: class %ld level %ld", label, value >> 13, value & 0x1fff);
}

static void arguments(void) {
  section("arguments");
  for (int class = 0; class < 9; class ++) {
    for (int level = 0; level < 9; level += 4) {
      say("set class %d level %d", class, level);
      SHOW(set(kProcess, 0, PRIORITY(class, level)));
      show("now", kProcess, 0);
    }
  }
  SHOW(set(kProcess, 0, PRIORITY(kIdle, 0x1fff)));
  show("an idle level", kProcess, 0);
  SHOW(set(kProcess, 0, 1 << 16 | PRIORITY(kBestEffort, 2)));
  show("bits above", kProcess, 0);
  SHOW(set(kProcess, 0, -1));
  SHOW(set(0, 0, PRIORITY(kBestEffort, 2)));
  SHOW(set(4, 0, PRIORITY(kBestEffort, 2)));
  SHOW(set(4, 0, PRIORITY(5, 2)));
  SHOW(get(0, 0));
  SHOW(get(4, 0));
  SHOW(set(kProcess, 999999, PRIORITY(kBestEffort, 2)));
  SHOW(set(kProcess, -1, PRIORITY(kBestEffort, 2)));
  SHOW(set(kGroup, 999999, PRIORITY(kBestEffort, 2)));
  SHOW(set(kUser, 999999, PRIORITY(kBestEffort, 2)));
  SHOW(get(kProcess, 999999));
  SHOW(get(kProcess, -1));
  SHOW(get(kGroup, 999999));
  SHOW(get(kUser, 999999));
}

static void child(void) {
  show("inherited", kProcess, 0);
  SHOW(set(kProcess, getppid(), PRIORITY(kBestEffort, 1)));
  SHOW(set(kProcess, 0, PRIORITY(kNone, 0)));
  for (int nice = -20; nice < 20; nice += 9) {
    MUST(setpriority(PRIO_PROCESS, 0, nice));
    say("nice %d", nice);
    show("process", kProcess, 0);
    setpgid(0, 0);
    show("group", kGroup, 0);
  }
  struct sched_param param = {.sched_priority = 5};
  MUST(sched_setscheduler(0, SCHED_FIFO, &param));
  show("real time", kGroup, 0);
  param.sched_priority = 0;
  MUST(sched_setscheduler(0, SCHED_IDLE, &param));
  show("idle", kGroup, getpid());
}

static void group_of_two(void) {
  setpgid(0, 0);
  MUST(set(kProcess, 0, PRIORITY(kBestEffort, 6)));
  int ready[2], end[2];
  MUST(pipe(ready));
  MUST(pipe(end));
  if (fork() == 0) {
    char byte = 0;
    MUST(set(kProcess, 0, PRIORITY(kBestEffort, 3)));
    write(ready[1], &byte, 1);
    read(end[0], &byte, 1);
    show("the other, set with the group", kProcess, 0);
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  show("the best of two", kGroup, 0);
  SHOW(set(kGroup, 0, PRIORITY(kIdle, 0)));
  write(end[1], "", 1);
  wait(NULL);
  show("this one", kProcess, 0);
}

static void a_user(void) {
  pid_t parent = getppid();
  MUST(setresuid(1000, 1000, 1000));
  show("another's", kProcess, parent);
  SHOW(set(kProcess, parent, PRIORITY(kBestEffort, 1)));
  SHOW(set(kProcess, 0, PRIORITY(kRealTime, 1)));
  SHOW(set(kProcess, 0, PRIORITY(kIdle, 0)));
  SHOW(set(kUser, 0, PRIORITY(kBestEffort, 7)));
  show("of the user", kUser, 1000);
  SHOW(set(kUser, 1000, PRIORITY(kBestEffort, 7)));
  show("of the user", kUser, 1000);
  show("of user 0", kUser, 0);
  SHOW(set(kUser, 0x7fff0000, PRIORITY(kBestEffort, 7)));
}

int main(void) {
  show("at first", kProcess, 0);
  arguments();
  section("inheritance, and what nice gives");
  SHOW(set(kProcess, 0, PRIORITY(kBestEffort, 5)));
  in_child(child);
  show("set by the child", kProcess, getpid());
  section("groups");
  in_child(group_of_two);
  section("permission");
  in_child(a_user);
  return 0;
}
