// SPDX-License-Identifier: MIT
//
// Corners of pipes, FIFOs, eventfds, splicing and copying, and of poll and select on them.

#include "abi.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char data[200000];

static void sizes(void) {
  section("sizes");
  int fds[2];
  pipe(fds);
  static const long values[] = {
      0, 1, 4096, 4097, 65536, 1 << 20, (1 << 20) + 1, 1 << 30, -1, 0x80000000l, 0x100000000l};
  for (unsigned i = 0; i < COUNT(values); i++) {
    errno = 0;
    long result = fcntl(fds[0], F_SETPIPE_SZ, values[i]);
    say("F_SETPIPE_SZ %ld: %ld %s", values[i], result, result == -1 ? error_name(errno) : "");
  }
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 65536));
  SHOW(write(fds[1], data, 50000));
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 4096));
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 53248));
  SHOW(fcntl(fds[1], F_GETPIPE_SZ));
  fcntl(fds[1], F_SETFL, O_NONBLOCK);
  SHOW(write(fds[1], data, 100000));
  int count;
  ioctl(fds[0], FIONREAD, &count);
  say("%d", count);
  close(fds[0]);
  close(fds[1]);
  pid_t child = fork();
  if (child == 0) {
    MUST(setresuid(1000, 1000, 1000));
    pipe(fds);
    SHOW(fcntl(fds[0], F_SETPIPE_SZ, 1 << 20));
    SHOW(fcntl(fds[0], F_SETPIPE_SZ, (1 << 20) + 1));
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void packets(void) {
  section("O_DIRECT");
  int fds[2];
  MUST(pipe2(fds, O_DIRECT | O_NONBLOCK));
  say("%o %o", fcntl(fds[0], F_GETFL), fcntl(fds[1], F_GETFL));
  SHOW(write(fds[1], "abc", 3));
  SHOW(write(fds[1], "defg", 4));
  SHOW(write(fds[1], "", 0));
  int count;
  ioctl(fds[0], FIONREAD, &count);
  say("%d", count);
  SHOW(read(fds[0], data, 2));
  SHOW(read(fds[0], data, 10));
  SHOW(read(fds[0], data, 10));
  SHOW(write(fds[1], data, 5000));
  SHOW(read(fds[0], data, 10000));
  SHOW(read(fds[0], data, 10000));
  fcntl(fds[1], F_SETFL, 0);
  SHOW(write(fds[1], "a", 1));
  SHOW(write(fds[1], "b", 1));
  SHOW(read(fds[0], data, 10));
  int packets = 0;
  fcntl(fds[1], F_SETFL, O_DIRECT | O_NONBLOCK);
  while (write(fds[1], "p", 1) == 1) packets++;
  say("%d packets", packets);
  struct iovec parts[3] = {{"x", 1}, {"yy", 2}, {"zzz", 3}};
  while (read(fds[0], data, 10) > 0) {
  }
  SHOW(writev(fds[1], parts, 3));
  SHOW(read(fds[0], data, 10));
  SHOW(pipe2(fds, 0x1000000));
  SHOW(pipe2(fds, O_APPEND));
  SHOW(pipe2(fds, O_NONBLOCK | O_CLOEXEC | O_DIRECT));
  SHOW(pipe2(BAD_KERNEL, 0));
  SHOW(fcntl(fds[0], F_SETFL, O_DIRECT));
  struct stat st;
  fstat(fds[0], &st);
  say("mode %o links %ld size %ld blksize %ld", st.st_mode, (long)st.st_nlink, (long)st.st_size,
      (long)st.st_blksize);
  SHOW(fchmod(fds[0], 0640));
  SHOW(fchown(fds[0], 5, 6));
  fstat(fds[1], &st);
  say("mode %o uid %d gid %d", st.st_mode, st.st_uid, st.st_gid);
  SHOW(fsync(fds[0]));
  SHOW(futimens(fds[0], NULL));
}

static int events(int fd, int wanted) {
  struct pollfd entry = {fd, (short)wanted, 0};
  poll(&entry, 1, 0);
  return entry.revents;
}

static void fifos(void) {
  section("FIFO");
  mkfifo("fifo", 0600);
  SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  int reader = (int)SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
  say("%x", events(reader, POLLIN));
  SHOW(read(reader, data, 10));
  int writer = (int)SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  say("%x %x", events(reader, POLLIN), events(writer, POLLOUT));
  SHOW(read(reader, data, 10));
  close(writer);
  say("%x", events(reader, POLLIN));
  SHOW(read(reader, data, 10));
  int second = (int)SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
  say("new reader %x old %x", events(second, POLLIN), events(reader, POLLIN));
  close(second);
  int both = (int)SHOW(open("fifo", O_RDWR));
  say("%x", events(both, POLLIN | POLLOUT));
  close(reader);
  SHOW(write(both, "kept", 4));
  struct stat st;
  stat("fifo", &st);
  say("size %ld", (long)st.st_size);
  close(both);
  reader = (int)SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
  SHOW(read(reader, data, 10));
  SHOW(open("fifo", O_RDONLY | O_NONBLOCK | O_TRUNC) >= 0);
  SHOW(open("fifo", O_RDONLY | O_NONBLOCK | O_DIRECTORY));
  SHOW(open("fifo", 3));
  SHOW(open("fifo", O_RDWR | O_DIRECT) >= 0);
  SHOW(truncate("fifo", 0));
  SHOW(ftruncate(reader, 0));
  SHOW(lseek(reader, 0, SEEK_SET));
  SHOW(pread(reader, data, 1, 0));
  for (int i = 3; i < 30; i++) close(i);
  // A blocking open is ended by a signal.
  handle_with(SIGALRM, ignore_signal, 0);
  struct timespec soon = {0, 20000000};
  pid_t child = fork();
  if (child == 0) {
    handle_with(SIGUSR1, ignore_signal, 0);
    SHOW(open("fifo", O_RDONLY));
    _exit(0);
  }
  wait_until_asleep(child);
  kill(child, SIGUSR1);
  waitpid(child, NULL, 0);
  child = fork();
  if (child == 0) {
    SHOW(open("fifo", O_RDONLY));
    _exit(0);
  }
  wait_until_asleep(child);
  writer = open("fifo", O_WRONLY | O_NONBLOCK);
  waitpid(child, NULL, 0);
  YES(writer >= 0);
  close(writer);
  nanosleep(&soon, NULL);
}

static void polling(void) {
  section("poll and select");
  int fds[2];
  pipe(fds);
  struct pollfd entries[4] = {
      {fds[0], POLLIN, 0}, {fds[1], POLLOUT, 0}, {-1, POLLIN, 55}, {99, POLLIN, 0}};
  SHOW(poll(entries, 4, 0));
  for (int i = 0; i < 4; i++) say("  %x", entries[i].revents);
  entries[0].events = POLLIN | POLLRDNORM | POLLPRI | POLLRDBAND | POLLRDHUP | 0x7000;
  entries[1].events = POLLOUT | POLLWRNORM | POLLWRBAND | POLLMSG;
  write(fds[1], "x", 1);
  SHOW(poll(entries, 2, -5));
  say("  %x %x", entries[0].revents, entries[1].revents);
  close(fds[0]);
  entries[1].events = 0;
  SHOW(poll(entries + 1, 1, 0));
  say("  %x", entries[1].revents);
  SHOW(poll(BAD_KERNEL, 1, 0));
  SHOW(poll(BAD_KERNEL, 0, 0));
  SHOW(poll(NULL, 100000000, 0));
  SHOW(syscall(SYS_ppoll, entries, 1, &(struct timespec){0, -1}, NULL, 8));
  SHOW(syscall(SYS_ppoll, entries, 1, &(struct timespec){-1, 0}, NULL, 8));
  SHOW(syscall(SYS_ppoll, entries, 1, &(struct timespec){0, 0}, NULL, 7));
  SHOW(syscall(SYS_ppoll, entries, 1, &(struct timespec){0, 0}, BAD_KERNEL, 8));
  sigset_t set;
  sigemptyset(&set);
  SHOW(syscall(SYS_ppoll, entries, 1, &(struct timespec){0, 0}, &set, 7));
  SHOW(syscall(SYS_ppoll, entries, 1, BAD_KERNEL, NULL, 8));
  int file = open("regular", O_RDWR | O_CREAT, 0600);
  say("file %x", events(file, POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLRDBAND));
  int directory = open(".", O_RDONLY);
  say("directory %x", events(directory, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
  say("null %x", events(open("/dev/null", O_RDWR), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
  say("random %x", events(open("/dev/random", O_RDWR), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
  say("proc %x",
      events(open("/proc/self/stat", O_RDWR), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
  say("kmsg %x", events(open("/dev/kmsg", O_RDWR), POLLOUT | POLLPRI));
  int event = eventfd(0, 0);
  say("eventfd %x", events(event, POLLIN | POLLOUT));
  uint64_t value = UINT64_MAX - 1;
  write(event, &value, 8);
  say("eventfd full %x", events(event, POLLIN | POLLOUT));
  fd_set in, out, except;
  FD_ZERO(&in);
  FD_SET(99, &in);
  SHOW(select(100, &in, NULL, NULL, &(struct timeval){0, 0}));
  FD_ZERO(&in);
  FD_SET(file, &in);
  FD_ZERO(&out);
  FD_SET(file, &out);
  FD_ZERO(&except);
  FD_SET(file, &except);
  SHOW(select(file + 1, &in, &out, &except, &(struct timeval){0, 0}));
  say("%d %d %d", FD_ISSET(file, &in) != 0, FD_ISSET(file, &out) != 0,
      FD_ISSET(file, &except) != 0);
  SHOW(select(-1, NULL, NULL, NULL, &(struct timeval){0, 0}));
  SHOW(syscall(SYS_pselect6, 5, BAD_KERNEL, NULL, NULL, NULL, NULL));
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &(struct timespec){0, 1000000000}, NULL));
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &(struct timespec){-1, 0}, NULL));
  struct timespec left = {0, 1000000};
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &left, NULL));
  say("left %ld %ld", (long)left.tv_sec, left.tv_nsec);
  SHOW(select(100000, &in, NULL, NULL, &(struct timeval){0, 0}));
  for (int i = 3; i < 40; i++) close(i);
}

static void counters(void) {
  section("eventfd");
  SHOW(eventfd(0, 0x10));
  int fd = eventfd(5, EFD_NONBLOCK | EFD_SEMAPHORE);
  uint64_t value = 0;
  SHOW(read(fd, &value, 7));
  SHOW(read(fd, data, 100));
  SHOW(write(fd, &value, 7));
  SHOW(write(fd, &value, 8));
  value = UINT64_MAX;
  SHOW(write(fd, &value, 8));
  value = UINT64_MAX - 1;
  SHOW(write(fd, &value, 8));
  SHOW(write(fd, data, 100));
  struct iovec parts[2] = {{&value, 4}, {(char*)&value + 4, 4}};
  SHOW(readv(fd, parts, 2));
  say("%ld", (long)value);
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(pread(fd, &value, 8, 0));
  SHOW(ftruncate(fd, 0));
  SHOW(fallocate(fd, 0, 0, 1));
  SHOW(fsync(fd));
  struct stat st;
  SHOW(fstat(fd, &st));
  say("mode %o links %ld size %ld", st.st_mode, (long)st.st_nlink, (long)st.st_size);
  SHOW(fchmod(fd, 0600));
  SHOW(fchdir(fd));
  char text[100] = "";
  snprintf(data, 100, "/proc/self/fd/%d", fd);
  SHOW(readlink(data, text, 100));
  say("%s", text);
  SHOW(open(data, O_RDWR));
  snprintf(data, 100, "/proc/self/fdinfo/%d", fd);
  char* info = strstr(read_file(data), "eventfd-count");
  say("%.30s", info != NULL ? info : "none");
  close(fd);
}

static void copies(void) {
  section("copies");
  int file = open("c1", O_RDWR | O_CREAT | O_TRUNC, 0600),
      other = open("c2", O_RDWR | O_CREAT | O_TRUNC, 0600);
  int fds[2];
  pipe2(fds, O_NONBLOCK);
  write(file, data, 10000);
  off_t in = 0, out = 0;
  SHOW(copy_file_range(file, &in, other, &out, SIZE_MAX, 0));
  SHOW(copy_file_range(file, &in, other, &out, 0, 0));
  in = 0, out = LONG_MAX - 5;
  SHOW(copy_file_range(file, &in, other, &out, 100, 0));
  in = LONG_MAX - 5, out = 0;
  SHOW(copy_file_range(file, &in, other, &out, 100, 0));
  in = 0, out = 5000;
  SHOW(copy_file_range(file, &in, file, &out, 5000, 0));
  in = 0, out = 4999;
  SHOW(copy_file_range(file, &in, file, &out, 5000, 0));
  int proc = open("/proc/self/stat", O_RDONLY), null = open("/dev/null", O_RDWR),
      zero = open("/dev/zero", O_RDWR);
  SHOW(copy_file_range(proc, NULL, other, NULL, 100, 0));
  SHOW(copy_file_range(file, NULL, null, NULL, 100, 0));
  SHOW(copy_file_range(99, NULL, 99, NULL, 100, 7));
  SHOW(copy_file_range(file, NULL, other, NULL, 100, 7));
  SHOW(sendfile(fds[1], zero, NULL, 10));
  SHOW(sendfile(null, file, &in, 100000));
  SHOW(sendfile(fds[1], fds[0], NULL, 10));
  SHOW(sendfile(other, null, NULL, 10));
  in = 9990;
  SHOW(sendfile(other, file, &in, 100));
  SHOW(sendfile(other, file, &in, 100));
  in = -1;
  SHOW(sendfile(other, file, &in, 100));
  SHOW(sendfile(other, file, NULL, -1));
  in = 0;
  SHOW(sendfile(file, file, &in, 100));
  int directory = open(".", O_RDONLY);
  SHOW(sendfile(other, directory, NULL, 100));
  SHOW(sendfile(directory, file, NULL, 100));
  SHOW(splice(directory, NULL, fds[1], NULL, 100, 0));
  SHOW(splice(zero, NULL, fds[1], NULL, 100, 0));
  SHOW(splice(fds[0], NULL, null, NULL, 1000, 0));
  SHOW(splice(fds[0], NULL, null, NULL, 1000, 0));
  SHOW(splice(null, NULL, fds[1], NULL, 10, 0));
  SHOW(splice(fds[0], NULL, other, &out, 1000, SPLICE_F_MOVE | SPLICE_F_MORE | SPLICE_F_GIFT));
  in = -5;
  SHOW(splice(file, &in, fds[1], NULL, 100, 0));
  in = 10000;
  SHOW(splice(file, &in, fds[1], NULL, 100, 0));
  in = 0;
  SHOW(splice(file, &in, fds[1], NULL, 1 << 20, 0));
  SHOW(splice(file, &in, fds[1], NULL, 1 << 20, 0));
  int memory = memfd_create("m", MFD_ALLOW_SEALING);
  SHOW(splice(fds[0], NULL, memory, NULL, 1 << 20, 0));
  fcntl(memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
  write(fds[1], "x", 1);
  SHOW(splice(fds[0], NULL, memory, NULL, 1, 0));
  SHOW(write(memory, "x", 1));
  SHOW(fcntl(memory, F_GET_SEALS));
  SHOW(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0) == MAP_FAILED ? -1 : 0);
  SHOW(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory, 0) == MAP_FAILED ? -1 : 0);
  struct iovec vector = {data, 100};
  SHOW(vmsplice(fds[1], &vector, 1, SPLICE_F_GIFT));
  SHOW(vmsplice(fds[0], &vector, 1, SPLICE_F_NONBLOCK));
  SHOW(vmsplice(fds[0], &vector, 1, SPLICE_F_NONBLOCK));
  SHOW(vmsplice(99, &vector, 1, 0));
  SHOW(tee(fds[0], fds[1], 10, 0));
  close(fds[1]);
  SHOW(splice(fds[0], NULL, null, NULL, 10, 0));
  for (int i = 3; i < 40; i++) close(i);
}

int main(void) {
  sizes();
  packets();
  fifos();
  polling();
  counters();
  copies();
}
