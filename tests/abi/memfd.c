// SPDX-License-Identifier: MIT
//
// memfd_create, its seals, and how much fallocate takes.

#include "abi.h"

#include <linux/memfd.h>
#include <sys/mount.h>
#include <sys/time.h>

static void creating(void) {
  section("memfd_create");
  SHOW(memfd_create("name", 0));
  say("fd flags %d status %#o seals %#x", fcntl(3, F_GETFD), fcntl(3, F_GETFL),
      fcntl(3, F_GET_SEALS));
  struct stat st;
  fstat(3, &st);
  say("mode %o nlink %ld size %ld", st.st_mode, (long)st.st_nlink, (long)st.st_size);
  char text[64] = "";
  readlink("/proc/self/fd/3", text, sizeof text - 1);
  say("%s", text);
  SHOW(fcntl(3, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(write(3, "hello", 5));
  SHOW(pread(3, text, 5, 0));
  close(3);
  SHOW(memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  say("fd flags %d seals %#x", fcntl(3, F_GETFD), fcntl(3, F_GET_SEALS));
  close(3);
  char longest[260];
  memset(longest, 'n', sizeof longest);
  longest[249] = 0;
  SHOW_AS("memfd_create(249 bytes)", memfd_create(longest, 0));
  close(3);
  longest[249] = 'n';
  longest[250] = 0;
  SHOW_AS("memfd_create(250 bytes)", memfd_create(longest, 0));
  SHOW(memfd_create("", 0));
  close(3);
  SHOW(memfd_create(BAD_NULL, 0));
  SHOW(memfd_create(BAD_KERNEL, 0));
  SHOW(memfd_create("x", 0x100));
}

static void sealing(void) {
  section("seals");
  int fd = (int)MUST(memfd_create("sealed", MFD_ALLOW_SEALING));
  ftruncate(fd, 8192);
  SHOW(fcntl(fd, F_ADD_SEALS, 0x100));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  SHOW(ftruncate(fd, 4096));
  SHOW(ftruncate(fd, 12288));
  SHOW(open("/proc/self/fd/3", O_RDWR | O_TRUNC));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  SHOW(ftruncate(fd, 16384));
  SHOW(pwrite(fd, "x", 1, 12287));
  SHOW(pwrite(fd, "x", 1, 12288));
  SHOW(pwrite(fd, "xx", 2, 12287));
  SHOW(fallocate(fd, 0, 0, 20000));
  char* map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));  // A writable mapping stands against it.
  munmap(map, PAGE);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(write(fd, "x", 1));
  SHOW(fallocate(fd, 3, 0, 4096));
  SHOW_AS("mmap shared writable",
          mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  YES(map != MAP_FAILED);
  SHOW(mprotect(map, PAGE, PROT_READ | PROT_WRITE));
  map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  YES(map != MAP_FAILED);
  map[0] = 'p';
  SHOW(fcntl(fd, F_GET_SEALS));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(fcntl(fd, F_GET_SEALS));
  close(fd);
  section("future writes");
  fd = (int)MUST(memfd_create("future", MFD_ALLOW_SEALING));
  ftruncate(fd, 4096);
  map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
  map[0] = 'w';
  SHOW(write(fd, "x", 1));
  SHOW_AS("mmap shared writable",
          mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  char byte;
  pread(fd, &byte, 1, 0);
  say("%c", byte);
  int reader = open("/proc/self/fd/3", O_RDONLY);
  SHOW(fcntl(reader, F_ADD_SEALS, F_SEAL_SHRINK));
}

static void sharing(void) {
  section("shared by processes");
  int fd = (int)MUST(memfd_create("shared", 0));
  ftruncate(fd, (long)PAGE);
  volatile char* map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t pid = fork();
  if (pid == 0) {
    volatile char* mine = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    mine[100] = 'c';
    pwrite(fd, "w", 1, 101);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  say("%c%c", map[100], map[101]);
}

static void nothing(int signal) { (void)signal; }

// More than there can be is refused at once, a signal ends what takes long, and neither leaves a
// page behind.
static void allocating_too_much(void) {
  section("fallocate of too much");
  struct stat status;
  MUST(mkdir("small", 0755));
  MUST(mount("none", "small", "tmpfs", 0, "size=1m"));
  int fd = open("small/file", O_RDWR | O_CREAT, 0600);
  SHOW(fallocate(fd, 0, 0, 1L << 40));
  SHOW(fallocate(fd, 0, 1L << 40, (1 << 20) + 1));
  SHOW(fallocate(fd, 0, 1L << 40, 1 << 20));
  SHOW(fallocate(fd, 0, 0, 4096));
  SHOW(ftruncate(fd, 0));
  fstat(fd, &status);
  SHOW(status.st_blocks);
  close(fd);
  MUST(umount("small"));
  rmdir("small");

  fd = memfd_create("much", 0);
  sigaction(SIGALRM, &(struct sigaction){.sa_handler = nothing}, NULL);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 5000}, {0, 5000}}, NULL);
  SHOW(fallocate(fd, 0, 0, 1L << 40));
  setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
  fstat(fd, &status);
  SHOW(status.st_size);
  SHOW(status.st_blocks);
  close(fd);
}

int main(void) {
  creating();
  sealing();
  sharing();
  allocating_too_much();
}
