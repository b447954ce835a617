// SPDX-License-Identifier: MIT
//
// dup, dup3 and fcntl: descriptor flags, status flags, POSIX locks, open-file-description locks,
// flock. Each lock is asked for from another process, since a process never conflicts with itself.

#include "abi.h"

#include <sys/file.h>

static void duplication(void) {
  section("dup");
  SHOW(open("f", O_RDWR | O_CREAT, 0600));
  SHOW(dup(3));
  SHOW(dup(99));
  SHOW(dup2(3, 7));
  SHOW(dup2(3, 3));
  SHOW(dup2(99, 99));
  SHOW(dup2(99, 3));
  SHOW(dup3(3, 8, O_CLOEXEC));
  say("flags %d", fcntl(8, F_GETFD));
  SHOW(dup3(3, 3, 0));
  SHOW(dup3(3, 9, O_RDWR));
  SHOW(dup3(3, -1, 0));
  SHOW(dup3(3, 1 << 20, 0));
  SHOW(fcntl(3, F_DUPFD, 10));
  SHOW(fcntl(3, F_DUPFD_CLOEXEC, 10));
  say("flags %d", fcntl(11, F_GETFD));
  SHOW(fcntl(3, F_DUPFD, -1));
  SHOW(fcntl(3, F_DUPFD, 1 << 20));
  // One offset for all of them, descriptor flags one each.
  write(3, "0123456789", 10);
  SHOW(lseek(7, 0, SEEK_CUR));
  SHOW(lseek(4, 4, SEEK_SET));
  SHOW(lseek(3, 0, SEEK_CUR));
  for (int fd = 4; fd < 12; fd++) close(fd);
}

static void flags(void) {
  section("flags");
  SHOW(fcntl(3, F_GETFD));
  SHOW(fcntl(3, F_SETFD, FD_CLOEXEC | 0x70));
  SHOW(fcntl(3, F_GETFD));
  SHOW(fcntl(3, F_SETFD, 0));
  SHOW(fcntl(3, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY | O_CREAT));
  say("F_GETFL %#o", fcntl(3, F_GETFL));
  SHOW(fcntl(3, F_SETFL, 0));
  say("F_GETFL %#o", fcntl(3, F_GETFL));
  SHOW(fcntl(3, F_SETFL, O_DIRECT));
  SHOW(fcntl(3, F_SETFL, O_ASYNC));
  SHOW(fcntl(99, F_GETFL));
  SHOW(fcntl(3, 12345));
  SHOW(fcntl(3, F_GETOWN));
  SHOW(fcntl(3, F_SETOWN, 0));
  SHOW(fcntl(3, F_GETSIG));
  SHOW(fcntl(3, F_SETSIG, 200));
  SHOW(fcntl(3, F_SETSIG, SIGUSR1));
  SHOW(fcntl(3, F_GETSIG));
  SHOW(fcntl(3, F_GETPIPE_SZ));
  SHOW(fcntl(3, F_GETLEASE));
  SHOW(fcntl(3, F_ADD_SEALS, 1));
  struct f_owner_ex owner = {0};
  SHOW(fcntl(3, F_GETOWN_EX, &owner));
  owner.type = 77;
  SHOW(fcntl(3, F_SETOWN_EX, &owner));
  SHOW(fcntl(3, F_GETOWN_EX, BAD_KERNEL));
}

static const char* lock_text(const struct flock* lock) {
  static char text[64];
  snprintf(text, sizeof text, "%s %d+%ld+%ld",
           lock->l_type == F_RDLCK   ? "read"
           : lock->l_type == F_WRLCK ? "write"
                                     : "none",
           lock->l_whence, (long)lock->l_start, (long)lock->l_len);
  return text;
}

static long lock(int fd, int command, int type, long start, long length) {
  struct flock range = {
      .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &range);
}

static void ask(int fd, long start, long length) {
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  SHOW(fcntl(fd, F_GETLK, &range));
  say("  %s%s", lock_text(&range),
      range.l_type == F_UNLCK    ? ""
      : range.l_pid == getppid() ? " by the parent"
      : range.l_pid == -1        ? " by a description"
                                 : " by another");
}

static void other_process(void) {
  ask(3, 0, 10);
  ask(3, 10, 10);
  ask(3, 20, 0);
  SHOW(lock(3, F_SETLK, F_RDLCK, 0, 5));
  SHOW(lock(3, F_SETLK, F_RDLCK, 20, 5));
  SHOW(lock(3, F_SETLK, F_WRLCK, 20, 5));
  SHOW(lock(3, F_SETLK, F_WRLCK, 15, 3));
}

static void posix_locks(void) {
  section("POSIX locks");
  SHOW(lock(3, F_SETLK, F_WRLCK, 0, 10));
  SHOW(lock(3, F_SETLK, F_RDLCK, 20, 10));
  IN_CHILD(other_process);
  section("a hole in the middle");
  SHOW(lock(3, F_SETLK, F_UNLCK, 3, 4));
  IN_CHILD(other_process);
  section("closing any descriptor of the file drops them");
  int again = open("f", O_RDWR);
  close(again);
  IN_CHILD(other_process);
  section("errors");
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -100};
  SHOW(fcntl(3, F_SETLK, &range));
  range = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 5};
  SHOW(fcntl(3, F_SETLK, &range));
  IN_CHILD(other_process);
  range = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = -10};
  SHOW(fcntl(3, F_SETLK, &range));
  range = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = -10};
  SHOW(fcntl(3, F_SETLK, &range));
  range = (struct flock){.l_type = 9};
  SHOW(fcntl(3, F_SETLK, &range));
  range = (struct flock){.l_type = F_RDLCK, .l_whence = 9};
  SHOW(fcntl(3, F_SETLK, &range));
  SHOW(fcntl(3, F_SETLK, BAD_NULL));
  SHOW(fcntl(3, F_GETLK, BAD_KERNEL));
  int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
  SHOW(lock(reader, F_SETLK, F_WRLCK, 0, 1));
  SHOW(lock(writer, F_SETLK, F_RDLCK, 0, 1));
  close(reader);
  close(writer);
}

static int report[2], release[2];

static void holder(void) {
  lock(3, F_SETLK, F_WRLCK, 0, 10);
  write(report[1], "h", 1);
  char byte;
  read(release[0], &byte, 1);
}

static void on_alarm(int signal UNUSED) {}

static void waiting(void) {
  section("waiting for a lock");
  pipe(report);
  pipe(release);
  pid_t pid = fork();
  if (pid == 0) {
    holder();
    _exit(0);
  }
  char byte;
  read(report[0], &byte, 1);
  SHOW(lock(3, F_SETLK, F_WRLCK, 5, 1));
  handle_with(SIGALRM, on_alarm, 0);
  ualarm(kSoon, 0);
  SHOW(lock(3, F_SETLKW, F_WRLCK, 5, 1));
  handle_with(SIGALRM, on_alarm, SA_RESTART);
  ualarm(kSoon, 0);
  pid_t freer = fork();
  if (freer == 0) {
    sleep_ms(600);
    write(release[1], "r", 1);
    _exit(0);
  }
  SHOW(lock(3, F_SETLKW, F_WRLCK, 5, 1));
  waitpid(pid, NULL, 0);
  waitpid(freer, NULL, 0);
  alarm(kHang);
}

static void deadlocker(void) {
  lock(3, F_SETLK, F_WRLCK, 100, 1);
  write(report[1], "h", 1);
  lock(3, F_SETLKW, F_WRLCK, 101, 1);  // Waits for the parent.
}

static void deadlock(void) {
  section("deadlock");
  SHOW(lock(3, F_SETLK, F_WRLCK, 101, 1));
  pid_t pid = fork();
  if (pid == 0) {
    deadlocker();
    _exit(0);
  }
  char byte;
  read(report[0], &byte, 1);
  wait_until_asleep(pid);
  SHOW(lock(3, F_SETLKW, F_WRLCK, 100, 1));
  SHOW(lock(3, F_SETLK, F_UNLCK, 0, 0));
  waitpid(pid, NULL, 0);
}

static void description_locks(void) {
  section("open file description locks");
  int other = open("f", O_RDWR);
  int same = dup(3);
  SHOW(lock(3, F_OFD_SETLK, F_WRLCK, 0, 10));
  SHOW(lock(other, F_OFD_SETLK, F_WRLCK, 5, 1));
  SHOW(lock(same, F_OFD_SETLK, F_WRLCK, 5, 1));
  SHOW(lock(other, F_SETLK, F_WRLCK, 5, 1));  // A POSIX lock conflicts with it too.
  struct flock range = {.l_type = F_RDLCK};
  SHOW(fcntl(other, F_OFD_GETLK, &range));
  say("  %s pid %d", lock_text(&range), range.l_pid);
  range = (struct flock){.l_type = F_RDLCK, .l_pid = 1};
  SHOW(fcntl(other, F_OFD_SETLK, &range));
  close(same);
  SHOW(lock(other, F_OFD_SETLK, F_WRLCK, 5, 1));
  SHOW(lock(3, F_OFD_SETLK, F_UNLCK, 0, 0));
  SHOW(lock(other, F_OFD_SETLK, F_WRLCK, 5, 1));
  ask(3, 0, 0);
  close(other);
}

static void whole_file(void) {
  section("flock");
  int other = open("f", O_RDONLY);
  int same = dup(3);
  SHOW(flock(3, LOCK_SH));
  SHOW(flock(other, LOCK_SH | LOCK_NB));
  SHOW(flock(3, LOCK_EX | LOCK_NB));
  SHOW(flock(other, LOCK_UN));
  SHOW(flock(3, LOCK_EX | LOCK_NB));
  SHOW(flock(other, LOCK_SH | LOCK_NB));
  SHOW(flock(same, LOCK_SH | LOCK_NB));
  SHOW(flock(other, LOCK_SH | LOCK_NB));
  SHOW(flock(other, LOCK_UN));
  SHOW(flock(3, LOCK_EX));
  close(same);
  SHOW(flock(other, LOCK_EX | LOCK_NB));
  handle_with(SIGALRM, on_alarm, 0);
  ualarm(kSoon, 0);
  SHOW(flock(other, LOCK_EX));
  alarm(kHang);
  close(3);
  SHOW(flock(other, LOCK_EX | LOCK_NB));
  SHOW(flock(other, 0));
  SHOW(flock(other, 64));
  SHOW(flock(99, LOCK_EX));
  close(other);
}

int main(void) {
  duplication();
  flags();
  posix_locks();
  waiting();
  deadlock();
  description_locks();
  whole_file();
}
