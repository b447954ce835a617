// SPDX-License-Identifier: MIT
//
// Record locks and flock between processes: deadlock, upgrade, inheritance, what close and exec do,
// and how /proc/locks shows them.

#include "abi.h"

#include <sys/file.h>

static int request(int fd, int command, short type, off_t start, off_t length) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &lock);
}

static int compare(const void* a, const void* b) { return strcmp(a, b); }

// Of this file, sorted: Linux keeps a list for each CPU.
static void show_locks(const char* path) {
  struct stat st;
  stat(path, &st);
  char inode[40], lines[16][128];
  int count = 0;
  snprintf(inode, sizeof inode, ":%ld ", (long)st.st_ino);
  char* text = read_file("/proc/locks");
  if (text == NULL) {
    say("  /proc/locks: %s", error_name(errno));
    return;
  }
  for (char* line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    if (strstr(line, inode) == NULL) continue;
    char kind[20], mode[20], access[20], start[30], end[30], file[50], arrow[8] = "";
    int number, pid;
    if (sscanf(line, "%d: -> %19s %19s %19s %d %49s %29s %29s", &number, kind, mode, access, &pid,
               file, start, end) == 8)
      strcpy(arrow, "-> ");
    else if (sscanf(line, "%d: %19s %19s %19s %d %49s %29s %29s", &number, kind, mode, access, &pid,
                    file, start, end) != 8) {
      say("  ? %s", line);
      continue;
    }
    unsigned major, minor;
    sscanf(file, "%x:%x", &major, &minor);
    snprintf(lines[count++ % 16], 128, "  %s%s %s %s mine %d %s %s%s", arrow, kind, mode, access,
             pid == getpid(), start, end, pid < 0 ? " no pid" : "");
  }
  qsort(lines, (size_t)count, sizeof lines[0], compare);
  for (int i = 0; i < count; i++) say("%s", lines[i]);
}

static void deadlock(void) {
  section("deadlock of two");
  int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  int ready[2];
  pipe(ready);
  SHOW(request(fd, F_SETLK, F_WRLCK, 0, 1));
  pid_t child = fork();
  if (child == 0) {
    MUST(request(fd, F_SETLK, F_WRLCK, 10, 1));
    write(ready[1], "x", 1);
    _exit(request(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 3 : errno == EDEADLK ? 4 : 5);
  }
  char byte;
  read(ready[0], &byte, 1);
  wait_until_asleep(child);
  show_locks("f");
  SHOW(request(fd, F_SETLKW, F_WRLCK, 10, 1));
  SHOW(request(fd, F_SETLK, F_WRLCK, 10, 1));
  SHOW(request(fd, F_SETLK, F_UNLCK, 0, 1));
  int status;
  waitpid(child, &status, 0);
  say("%s", status_text(status));
  close(fd);
  section("three in a ring");
  fd = (int)MUST(open("f", O_RDWR));
  pid_t children[2];
  MUST(request(fd, F_SETLK, F_WRLCK, 0, 1));
  for (int i = 0; i < 2; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      MUST(request(fd, F_SETLK, F_WRLCK, 10 * (i + 1), 1));
      write(ready[1], "x", 1);
      sleep_ms(50);
      int result = request(fd, F_SETLKW, F_WRLCK, 10 * i, 1) == 0 ? 0 : errno == EDEADLK ? 4 : 5;
      _exit(result);
    }
    read(ready[0], &byte, 1);
  }
  wait_until_asleep(children[0]);
  sleep_ms(100);
  wait_until_asleep(children[1]);
  SHOW(request(fd, F_SETLKW, F_WRLCK, 20, 1));
  close(fd);
  for (int i = 0; i < 2; i++) {
    waitpid(children[i], &status, 0);
    say("%s", status_text(status));
  }
}

static void upgrade(void) {
  section("upgrade");
  int fd = (int)MUST(open("f", O_RDWR));
  SHOW(request(fd, F_SETLK, F_RDLCK, 0, 0));
  pid_t child = fork();
  int ready[2];
  pipe(ready);
  if (child == 0) {
    int mine = (int)MUST(open("f", O_RDWR));
    SHOW(request(mine, F_SETLK, F_RDLCK, 0, 10));
    SHOW(request(mine, F_SETLK, F_WRLCK, 0, 10));
    show_locks("f");
    close(open("f", O_RDONLY));
    say("after another close:");
    show_locks("f");
    _exit(0);
  }
  waitpid(child, NULL, 0);
  SHOW(request(fd, F_SETLK, F_WRLCK, 5, 5));
  show_locks("f");
  SHOW(request(fd, F_SETLK, F_UNLCK, 7, 1));
  show_locks("f");
  SHOW(request(fd, F_SETLK, F_RDLCK, 3, 9));
  show_locks("f");
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -5, .l_len = -3};
  ftruncate(fd, 100);
  SHOW(fcntl(fd, F_SETLK, &lock));
  show_locks("f");
  int copy = dup(fd);
  close(copy);
  say("closed a copy:");
  show_locks("f");
  close(fd);
}

static void description(void) {
  section("open file description locks");
  int fd = (int)MUST(open("f", O_RDWR));
  int other = (int)MUST(open("f", O_RDWR));
  SHOW(request(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
  SHOW(request(other, F_OFD_SETLK, F_RDLCK, 20, 0));
  SHOW(request(fd, F_SETLK, F_RDLCK, 0, 10));
  show_locks("f");
  SHOW(request(fd, F_OFD_SETLK, F_RDLCK, 0, 10));
  SHOW(request(other, F_OFD_SETLK, F_RDLCK, 0, 10));
  SHOW(request(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
  pid_t child = fork();
  if (child == 0) {
    // Inherited: it is the description's.
    SHOW(request(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
    show_locks("f");
    _exit(0);
  }
  waitpid(child, NULL, 0);
  show_locks("f");
  close(other);
  show_locks("f");
  // Waiting for itself is no deadlock: EDEADLK is for processes only.
  other = (int)MUST(open("f", O_RDWR));
  MUST(request(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
  handle_with(SIGALRM, ignore_signal, 0);
  alarm(1);
  SHOW(request(other, F_OFD_SETLKW, F_WRLCK, 0, 10));
  alarm(kHang);
  close(fd);
  close(other);
}

static void whole(void) {
  section("flock");
  int fd = (int)MUST(open("f", O_RDWR));
  SHOW(flock(fd, LOCK_SH));
  show_locks("f");
  int reader = (int)MUST(open("f", O_RDONLY));
  SHOW(flock(reader, LOCK_SH | LOCK_NB));
  SHOW(flock(fd, LOCK_EX | LOCK_NB));
  show_locks("f");
  SHOW(flock(reader, LOCK_UN));
  SHOW(flock(fd, LOCK_EX));
  SHOW(request(fd, F_SETLK, F_WRLCK, 0, 0));
  show_locks("f");
  pid_t child = fork();
  if (child == 0) {
    SHOW(flock(fd, LOCK_SH));
    SHOW(flock(reader, LOCK_EX | LOCK_NB));
    close(fd);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  show_locks("f");
  SHOW(flock(reader, LOCK_EX | LOCK_NB));
  SHOW(flock(fd, LOCK_UN | LOCK_NB));
  SHOW(flock(fd, LOCK_UN));
  SHOW(flock(fd, LOCK_SH | LOCK_EX));
  SHOW(flock(fd, LOCK_NB));
  SHOW(flock(fd, LOCK_MAND | LOCK_READ));
  SHOW(flock(fd, -1));
  int directory = (int)MUST(open(".", O_RDONLY));
  SHOW(flock(directory, LOCK_EX | LOCK_NB));
  int fds[2];
  pipe(fds);
  SHOW(flock(fds[0], LOCK_EX | LOCK_NB));
  SHOW(flock(fds[1], LOCK_SH | LOCK_NB));
  SHOW(request(fds[0], F_SETLK, F_RDLCK, 0, 0));
  SHOW(request(directory, F_SETLK, F_RDLCK, 0, 0));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LONG_MAX, .l_len = 1};
  SHOW(fcntl(fd, F_SETLK, &lock));
  lock.l_len = 2;
  SHOW(fcntl(fd, F_SETLK, &lock));
  lock.l_start = 5, lock.l_len = LONG_MIN;
  SHOW(fcntl(fd, F_SETLK, &lock));
  lock.l_start = 5, lock.l_len = -5;
  SHOW(fcntl(fd, F_SETLK, &lock));
  lock.l_start = 5, lock.l_len = -6;
  SHOW(fcntl(fd, F_SETLK, &lock));
  lock.l_type = F_UNLCK, lock.l_len = 0;
  SHOW(fcntl(fd, F_GETLK, &lock));
  lock.l_type = 3;
  SHOW(fcntl(fd, F_GETLK, &lock));
  lock.l_type = F_EXLCK;
  SHOW(fcntl(fd, F_SETLK, &lock));
}

int main(void) {
  deadlock();
  upgrade();
  description();
  whole();
}
