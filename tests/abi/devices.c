// SPDX-License-Identifier: MIT
//
// The character devices every program counts on, getrandom, and ioctl on things that have none.

#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/sysmacros.h>

static char buffer[8192];

static void numbers(void) {
  section("numbers and modes");
  static const char* const names[] = {"/dev/null",    "/dev/zero",    "/dev/full",
                                      "/dev/random",  "/dev/urandom", "/dev/tty",
                                      "/dev/console", "/dev/ptmx",    "/dev/kmsg"};
  for (unsigned i = 0; i < COUNT(names); i++) {
    struct stat st;
    if (stat(names[i], &st) == -1)
      say("%s: %s", names[i], error_name(errno));
    else
      say("%s: mode %o device %d:%d", names[i], st.st_mode, major(st.st_rdev), minor(st.st_rdev));
  }
}

static void null(void) {
  section("/dev/null");
  int fd = (int)OK(open("/dev/null", O_RDWR));
  SHOW(read(fd, buffer, 10));
  SHOW(write(fd, buffer, 10));
  SHOW(write(fd, BAD_KERNEL, 10));
  SHOW(write(fd, BAD_NULL, 1 << 30));
  SHOW(read(fd, BAD_KERNEL, 10));
  SHOW(lseek(fd, 100, SEEK_SET));
  SHOW(lseek(fd, 100, SEEK_END));
  SHOW(pread(fd, buffer, 10, 5));
  SHOW(ftruncate(fd, 0));
  SHOW(fsync(fd));
  SHOW_AS("mmap", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
  SHOW(ioctl(fd, FIONREAD, buffer));
  SHOW(ioctl(fd, TCGETS, buffer));
  SHOW(ioctl(fd, TIOCGWINSZ, buffer));
  close(fd);
  SHOW(open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600) >= 0);
  SHOW(open("/dev/null", O_RDONLY | O_DIRECTORY));
}

static void zero(void) {
  section("/dev/zero and /dev/full");
  int fd = (int)OK(open("/dev/zero", O_RDWR));
  memset(buffer, 'x', sizeof buffer);
  SHOW(read(fd, buffer, 5000));
  say("%d %d %c", buffer[0], buffer[4999], buffer[5000]);
  SHOW(write(fd, buffer, 100));
  SHOW(read(fd, BAD_KERNEL, 100));
  YES(read(fd, edge(100), 200) > 0);  // How far it came is the kernel's affair.
  SHOW(lseek(fd, 77, SEEK_SET));
  close(fd);
  fd = (int)OK(open("/dev/full", O_RDWR));
  SHOW(write(fd, buffer, 1));
  SHOW(write(fd, buffer, 0));
  SHOW(read(fd, buffer, 10));
  close(fd);
}

static int distinct(const unsigned char* bytes, int count) {
  bool seen[256] = {false};
  int distinct = 0;
  for (int i = 0; i < count; i++) {
    distinct += !seen[bytes[i]];
    seen[bytes[i]] = true;
  }
  return distinct;
}

static void randomness(void) {
  section("randomness");
  static const char* const names[] = {"/dev/urandom", "/dev/random"};
  for (int i = 0; i < 2; i++) {
    int fd = (int)OK(open(names[i], O_RDWR));
    SHOW(read(fd, buffer, 4096));
    YES(distinct((unsigned char*)buffer, 4096) > 200);
    SHOW(read(fd, BAD_KERNEL, 10));
    SHOW(read(fd, buffer, 0));
    SHOW(write(fd, "entropy", 7));
    struct pollfd entry = {fd, POLLIN | POLLOUT, 0};
    SHOW(poll(&entry, 1, 0));
    say("%x", entry.revents);
    close(fd);
  }
  section("getrandom");
  memset(buffer, 0, 256);
  SHOW(getrandom(buffer, 256, 0));
  YES(distinct((unsigned char*)buffer, 256) > 100);
  char second[256];
  SHOW(getrandom(second, 256, GRND_RANDOM));
  YES(memcmp(buffer, second, 256) != 0);
  SHOW(getrandom(buffer, 16, GRND_NONBLOCK));
  SHOW(getrandom(buffer, 16, GRND_INSECURE));
  SHOW(getrandom(buffer, 16, GRND_INSECURE | GRND_RANDOM));
  SHOW(getrandom(buffer, 16, 8));
  SHOW(getrandom(buffer, 0, 0));
  SHOW(getrandom(BAD_NULL, 16, 0));
  SHOW(getrandom(BAD_KERNEL, 16, 0));
  SHOW(getrandom(BAD_NULL, 0, 0));
  YES(getrandom(edge(10), 20, 0) < 11);
  char* shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) {
    getrandom(shared, 32, 0);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  getrandom(buffer, 32, 0);
  YES(memcmp(buffer, shared, 32) != 0);
}

static void messages(void) {
  section("/dev/kmsg");
  int fd = (int)OK(open("/dev/kmsg", O_RDWR | O_NONBLOCK));
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(write(fd, "<6>samara abi test\n", 19));
  long length = read(fd, buffer, sizeof buffer - 1);
  YES(length > 0);
  buffer[length > 0 ? length : 0] = 0;
  int priority;
  unsigned long sequence, microseconds;
  char flag;
  YES(sscanf(buffer, "%d,%lu,%lu,%c", &priority, &sequence, &microseconds, &flag) == 4);
  say("priority %d flag %c text %s", priority, flag,
      strchr(buffer, ';') != NULL ? strchr(buffer, ';') + 1 : "?");
  SHOW(read(fd, buffer, sizeof buffer));
  write(fd, "<4>a longer line than the reader has room for\n", 46);
  SHOW(read(fd, buffer, 8));
  SHOW(lseek(fd, 10, SEEK_SET));
  SHOW(lseek(fd, 0, SEEK_SET));
  YES(read(fd, buffer, sizeof buffer) > 0);
  close(fd);
  MUST(setresuid(1000, 1000, 1000));
  SHOW(open("/dev/kmsg", O_RDONLY));
}

static void controls(void) {
  section("ioctl");
  int value = 1, file = open("f", O_RDWR | O_CREAT, 0600);
  write(file, "0123456789", 10);
  lseek(file, 3, SEEK_SET);
  SHOW(ioctl(file, FIONREAD, &value));
  say("%d", value);
  SHOW(ioctl(file, FIONREAD, BAD_KERNEL));
  value = 1;
  SHOW(ioctl(file, FIONBIO, &value));
  say("%o", fcntl(file, F_GETFL));
  value = 0;
  SHOW(ioctl(file, FIONBIO, &value));
  say("%o", fcntl(file, F_GETFL));
  SHOW(ioctl(file, FIOCLEX));
  say("%d", fcntl(file, F_GETFD));
  SHOW(ioctl(file, FIONCLEX));
  say("%d", fcntl(file, F_GETFD));
  SHOW(ioctl(file, FIONBIO, BAD_KERNEL));
  SHOW(ioctl(file, FIOASYNC, &value));
  SHOW(ioctl(file, TCGETS, buffer));
  SHOW(ioctl(file, 0x12345678, 0));
  SHOW(ioctl(99, FIONREAD, &value));
  int directory = open(".", O_RDONLY);
  SHOW(ioctl(directory, TCGETS, buffer));
  SHOW(ioctl(directory, FIONREAD, &value));
  int fds[2];
  pipe(fds);
  SHOW(ioctl(fds[0], TCGETS, buffer));
  SHOW(ioctl(fds[0], FIONREAD, BAD_KERNEL));
  SHOW(ioctl(fds[1], FIONREAD, &value));
}

int main(void) {
  numbers();
  null();
  zero();
  randomness();
  controls();
  IN_CHILD(messages);
}
