// SPDX-License-Identifier: MIT
//
// inotify(7): the events of each operation and their order, moves and their cookies, how watches
// change and end, and how the queue is read.

#include "abi.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define SET_NEXT_WD _IOW('I', 0, int32_t)

static int queue;
static uint32_t cookies[16];

static const char* events_text(uint32_t events) {
  static const struct {
    uint32_t bit;
    const char* name;
  } names[] = {{IN_ACCESS, "ACCESS"},
               {IN_MODIFY, "MODIFY"},
               {IN_ATTRIB, "ATTRIB"},
               {IN_CLOSE_WRITE, "CLOSE_WRITE"},
               {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
               {IN_OPEN, "OPEN"},
               {IN_MOVED_FROM, "MOVED_FROM"},
               {IN_MOVED_TO, "MOVED_TO"},
               {IN_CREATE, "CREATE"},
               {IN_DELETE, "DELETE"},
               {IN_DELETE_SELF, "DELETE_SELF"},
               {IN_MOVE_SELF, "MOVE_SELF"},
               {IN_UNMOUNT, "UNMOUNT"},
               {IN_Q_OVERFLOW, "Q_OVERFLOW"},
               {IN_IGNORED, "IGNORED"},
               {IN_ISDIR, "ISDIR"}};
  static char text[200];
  text[0] = 0;
  for (unsigned i = 0; i < COUNT(names); i++) {
    if ((events & names[i].bit) == 0) continue;
    if (text[0]) strcat(text, "|");
    strcat(text, names[i].name);
    events &= ~names[i].bit;
  }
  if (events != 0) sprintf(text + strlen(text), "|%#x", events);
  return text;
}

// All events that are there, one line each. Cookies get numbers in the order in which they come.
static void show(const char* label) {
  static char buffer[65536] __attribute__((aligned(8)));
  say("%s:", label);
  ssize_t size;
  while ((size = read(queue, buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < size;) {
      struct inotify_event* event = (void*)(buffer + at);
      char cookie[32] = "";
      int known = 0;
      while (cookies[known] != 0 && cookies[known] != event->cookie) known++;
      if (event->cookie != 0) {
        cookies[known] = event->cookie;
        snprintf(cookie, sizeof cookie, " cookie %d", known + 1);
      }
      say("  %d %s%s%s%s", event->wd, events_text(event->mask), event->len != 0 ? " " : "",
          event->len != 0 ? event->name : "", cookie);
      at += (ssize_t)sizeof *event + event->len;
    }
  }
  memset(cookies, 0, sizeof cookies);
}

static void start(void) { queue = (int)MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)); }
static int watch(const char* path, uint32_t mask) { return inotify_add_watch(queue, path, mask); }
static void touch(const char* path) { close((int)MUST(open(path, O_WRONLY | O_CREAT, 0644))); }

static void create_queue(void) {
  section("create");
  SHOW(inotify_init1(0));
  SHOW(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  say("flags %d %d status %#o %#o", fcntl(3, F_GETFD), fcntl(4, F_GETFD), fcntl(3, F_GETFL),
      fcntl(4, F_GETFL));
  SHOW(inotify_init1(1));
  char text[64] = "";
  readlink("/proc/self/fd/3", text, sizeof text - 1);
  say("%s", text);
  SHOW(write(4, text, 8));
  SHOW(lseek(4, 1, SEEK_SET));
  SHOW(read(4, text, sizeof text));
  SHOW(read(4, text, 0));
  SHOW(read(4, BAD_KERNEL, 64));
  close(3);
  close(4);
}

static void errors(void) {
  section("errors");
  start();
  touch("file");
  symlink("file", "link");
  symlink("nowhere", "dangling");
  int fds[2];
  pipe(fds);
  SHOW(inotify_add_watch(99, "file", IN_OPEN));
  SHOW(inotify_add_watch(fds[0], "file", IN_OPEN));
  SHOW(watch("file", 0));
  SHOW(watch("file", 0x1000));
  SHOW(watch("file", 0x10000));
  SHOW(watch("file", IN_OPEN | 0x08000000));
  SHOW(inotify_add_watch(99, "file", 0));
  SHOW(watch("file", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
  SHOW(watch("absent", IN_OPEN));
  SHOW(watch("", IN_OPEN));
  SHOW(watch("file/x", IN_OPEN));
  SHOW(watch(BAD_KERNEL, IN_OPEN));
  SHOW(watch("dangling", IN_OPEN));
  SHOW(watch("file", IN_OPEN | IN_ONLYDIR));
  SHOW(watch("link", IN_OPEN | IN_ONLYDIR));
  SHOW(watch("file", IN_ISDIR));
  SHOW(watch("link", IN_ATTRIB));
  SHOW(watch("link", IN_ATTRIB | IN_DONT_FOLLOW));
  SHOW(watch("dangling", IN_ATTRIB | IN_DONT_FOLLOW));
  SHOW(watch(".", IN_OPEN | IN_ONLYDIR));
  SHOW(watch("file", IN_OPEN | IN_MASK_CREATE));
  SHOW(watch("absent", IN_OPEN | IN_MASK_CREATE));
  SHOW(inotify_rm_watch(99, 1));
  SHOW(inotify_rm_watch(fds[0], 1));
  SHOW(inotify_rm_watch(queue, 0));
  SHOW(inotify_rm_watch(queue, -1));
  SHOW(inotify_rm_watch(queue, 77));
  SHOW(inotify_rm_watch(queue, 1));
  SHOW(inotify_rm_watch(queue, 1));
  SHOW_AS("a number is not used again", watch("file", IN_OPEN));
  int32_t number = 1;
  SHOW(ioctl(queue, SET_NEXT_WD, 100));
  SHOW(ioctl(queue, SET_NEXT_WD, 0));
  SHOW(ioctl(queue, SET_NEXT_WD, &number));
  SHOW(inotify_rm_watch(queue, watch("file", IN_OPEN)));
  SHOW(watch("file", IN_OPEN));
  show("left");
  close(queue);
  close(fds[0]);
  close(fds[1]);
  chmod("file", 0);
  unlink("link");
  unlink("dangling");
}

static void as_user(void) {
  int other = inotify_init1(0);
  setresuid(1000, 1000, 1000);
  SHOW(inotify_add_watch(other, "file", IN_OPEN));
  SHOW(inotify_add_watch(other, ".", IN_OPEN));
}

static void files(void) {
  section("a file");
  unlink("file");
  start();
  SHOW(watch(".", IN_ALL_EVENTS));
  touch("file");
  show("created");
  SHOW(watch("file", IN_ALL_EVENTS));
  char data[100] = "data";
  int fd = open("file", O_RDWR);
  show("opened");
  write(fd, data, 100);
  show("written");
  write(fd, data, 100);
  pwrite(fd, data, 10, 0);
  show("written twice: equal events are one");
  SHOW(read(fd, data, 100));
  show("nothing was read");
  lseek(fd, 0, SEEK_SET);
  read(fd, data, 10);
  show("read");
  write(fd, data, 0);
  ftruncate(fd, 50);
  show("truncated");
  ftruncate(fd, 50);
  truncate("file", 60);
  show("to the same size, and by name");
  fallocate(fd, 0, 0, 4096);
  show("allocated");
  fchmod(fd, 0600);
  show("mode");
  fchown(fd, 0, 0);
  show("owner");
  fchown(fd, -1, -1);
  show("no owner");
  futimens(fd, NULL);
  show("times");
  struct timespec times[2] = {{5, 0}, {0, UTIME_OMIT}};
  futimens(fd, times);
  show("access time");
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  futimens(fd, times);
  show("modification time");
  times[1].tv_nsec = UTIME_OMIT;
  futimens(fd, times);
  show("no time");
  fsetxattr(fd, "trusted.a", "x", 1, 0);
  fremovexattr(fd, "trusted.a");
  SHOW(fremovexattr(fd, "trusted.a"));
  show("attributes");
  fsync(fd);
  int copy = dup(fd);
  close(fd);
  show("one of two descriptors closed");
  close(copy);
  show("closed");
  close(open("file", O_RDONLY));
  show("opened and closed for reading");
  close(open("file", O_WRONLY | O_TRUNC));
  show("truncated by open");
  close(open("file", O_RDWR | O_CREAT, 0600));
  show("opened with O_CREAT");
  SHOW(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
  show("refused");
  fd = open("file", O_PATH);
  close(fd);
  show("O_PATH");
  struct stat status;
  stat("file", &status);
  access("file", R_OK);
  show("stat");
  fd = open("file", O_RDWR);
  write(fd, data, 100);
  show("opened again");
  void* map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memcpy(map, "x", 1);
  munmap(map, 4096);
  show("mapped and written");
  link("file", "link");
  show("linked");
  int other = open("link", O_RDWR);
  write(other, data, 1);
  show("written through the link");
  close(other);
  unlink("link");
  show("the link unlinked");
  unlink("file");
  show("unlinked while open");
  write(fd, data, 1);
  show("written behind that");
  close(fd);
  show("closed");
  touch("file");
  SHOW(watch("file", IN_ALL_EVENTS));
  unlink("file");
  show("made and unlinked");
  fd = open(".", O_TMPFILE | O_RDWR, 0600);
  write(fd, data, 1);
  close(fd);
  mknod("fifo", S_IFIFO | 0600, 0);
  symlink("x", "symbolic");
  fd = open("fifo", O_RDWR);
  write(fd, data, 1);
  read(fd, data, 1);
  close(fd);
  unlink("fifo");
  unlink("symbolic");
  show("a fifo and a link (and an unnamed file)");
  close(queue);
}

static void directories(void) {
  section("directories");
  start();
  SHOW(watch(".", IN_ALL_EVENTS));
  mkdir("sub", 0755);
  SHOW(watch("sub", IN_ALL_EVENTS));
  show("made");
  int fd = open("sub", O_RDONLY);
  char buffer[1000];
  syscall(SYS_getdents64, fd, buffer, sizeof buffer);
  syscall(SYS_getdents64, fd, buffer, sizeof buffer);
  close(fd);
  show("listed");
  chmod("sub", 0700);
  show("mode");
  touch("sub/file");
  show("a file in it");
  chdir("sub");
  chdir("..");
  show("entered");
  unlink("sub/file");
  show("the file unlinked");
  rename("sub", "moved");
  show("renamed");
  mkdir("moved/deep", 0755);
  rename("moved/deep", "deep");
  show("out of it");
  rmdir("deep");
  show("removed");
  fd = open("moved", O_RDONLY);
  rmdir("moved");
  show("removed while open");
  close(fd);
  show("closed");
  mkdir("sub", 0755);
  SHOW(watch("sub", IN_ALL_EVENTS));
  rmdir("sub");
  show("made and removed");
  close(queue);
}

static void moves(void) {
  section("moves");
  start();
  mkdir("a", 0755);
  mkdir("b", 0755);
  touch("a/1");
  touch("a/2");
  SHOW(watch("a", IN_ALL_EVENTS));
  SHOW(watch("b", IN_ALL_EVENTS));
  SHOW(watch("a/1", IN_ALL_EVENTS));
  SHOW(watch("a/2", IN_ALL_EVENTS));
  rename("a/1", "a/3");
  show("in one directory");
  rename("a/3", "b/1");
  show("to another");
  rename("b/1", "b/1");
  show("to itself");
  rename("b/1", "a/2");
  show("over another");
  touch("b/x");
  show("made");
  syscall(SYS_renameat2, AT_FDCWD, "a/2", AT_FDCWD, "b/x", RENAME_EXCHANGE);
  show("exchanged");
  SHOW(rename("a/none", "b/none"));
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "a/2", AT_FDCWD, "b/x", RENAME_NOREPLACE));
  mkdir("a/sub", 0755);
  mkdir("b/sub", 0755);
  rename("a/sub", "b/sub");
  show("a directory over another");
  SHOW(watch("a", IN_MOVED_TO));
  rename("b/sub", "a/sub");
  show("one side watched");
  rmdir("a/sub");
  unlink("a/2");
  unlink("b/x");
  rmdir("a");
  rmdir("b");
  show("the end");
  close(queue);
}

static void watches(void) {
  section("watches");
  start();
  touch("file");
  SHOW(watch("file", IN_OPEN));
  SHOW_AS("again: the same", watch("file", IN_ACCESS));
  close(open("file", O_RDONLY));
  show("replaced");
  SHOW_AS("added", watch("file", IN_OPEN | IN_MASK_ADD));
  int fd = open("file", O_RDONLY);
  show("both");
  SHOW(inotify_rm_watch(queue, 1));
  close(fd);
  show("removed");
  link("file", "other");
  SHOW(watch("file", IN_OPEN));
  SHOW_AS("another name of it", watch("other", IN_OPEN));
  close(open("other", O_RDONLY));
  show("the other name");
  unlink("file");
  show("one name gone, not wanted");
  unlink("other");
  show("both");
  section("one-shot");
  touch("file");
  SHOW(watch("file", IN_OPEN | IN_CLOSE | IN_ONESHOT));
  close(open("file", O_RDONLY));
  show("once");
  SHOW(watch(".", IN_OPEN | IN_ONESHOT));
  SHOW(watch(".", IN_CLOSE | IN_MASK_ADD));
  close(open("file", O_RDONLY));
  show("a directory");
  section("unlinked children");
  SHOW(watch(".", IN_ALL_EVENTS | IN_EXCL_UNLINK));
  SHOW(watch("file", IN_ALL_EVENTS));
  fd = open("file", O_RDWR);
  unlink("file");
  show("unlinked");
  char byte = 0;
  write(fd, &byte, 1);
  fchmod(fd, 0600);
  ftruncate(fd, 0);
  close(fd);
  show("used");
  touch("file");
  SHOW(watch("file", IN_ALL_EVENTS | IN_EXCL_UNLINK));
  fd = open("file", O_RDWR);
  unlink("file");
  write(fd, &byte, 1);
  close(fd);
  show("the file's own");
  section("a fifo of one's own");
  mknod("fifo", S_IFIFO | 0600, 0);
  SHOW(watch("fifo", IN_ALL_EVENTS));
  fd = open("fifo", O_RDWR);
  write(fd, &byte, 1);
  read(fd, &byte, 1);
  close(fd);
  unlink("fifo");
  show("used");
  section("two queues");
  touch("file");
  int first = queue;
  show("made");
  SHOW(inotify_rm_watch(queue, watch(".", IN_OPEN)));
  SHOW(watch("file", IN_OPEN));
  start();
  SHOW(watch("file", IN_CLOSE));
  close(open("file", O_RDONLY));
  show("second");
  close(queue);
  queue = first;
  close(open("file", O_RDONLY));
  show("first");
  section("fdinfo");
  SHOW(watch("file", IN_MODIFY | IN_EXCL_UNLINK));
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", queue);
  char* text = read_file(path);
  char* line = text != NULL ? strstr(text, "inotify wd") : NULL;
  if (line != NULL) {
    unsigned number, mask, ignored;
    if (sscanf(line, "inotify wd:%x ino:%*x sdev:%*x mask:%x ignored_mask:%x ", &number, &mask,
               &ignored) == 3) {
      say("wd %x mask %x ignored %x", number, mask, ignored);
    }
  }
  close(queue);
  section("terminals");
  start();
  SHOW(watch("/dev/pts", IN_CREATE | IN_DELETE));
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  grantpt(master);
  unlockpt(master);
  SHOW(watch(ptsname(master), IN_OPEN | IN_DELETE_SELF));
  fd = open(ptsname(master), O_RDWR | O_NOCTTY);
  close(fd);
  close(master);
  show("made, opened and gone");
  close(queue);
  section("mounts");
  start();
  mkdir("mount", 0755);
  MUST(mount("none", "mount", "tmpfs", 0, NULL));
  touch("mount/file");
  SHOW(watch("mount", IN_OPEN));
  SHOW(watch("mount/file", IN_ALL_EVENTS));
  SHOW(watch(".", IN_ALL_EVENTS));
  umount("mount");
  show("unmounted");
  rmdir("mount");
  SHOW(inotify_rm_watch(queue, 1));
  unlink("file");
  close(queue);
}

static volatile int handled;
static void count_signal(int signal UNUSED) { handled++; }

static void reading(void) {
  section("reading");
  start();
  char buffer[4096];
  SHOW(watch(".", IN_CREATE | IN_DELETE));
  touch("a");
  touch("fifteen-letters");
  touch("sixteen--letters");
  int size = 0;
  SHOW(ioctl(queue, FIONREAD, &size));
  say("size %d", size);
  SHOW(ioctl(queue, FIONREAD, BAD_KERNEL));
  SHOW(read(queue, buffer, 0));
  SHOW(read(queue, buffer, 16));
  SHOW(read(queue, buffer, 31));
  SHOW(read(queue, buffer, 32));
  SHOW(read(queue, buffer, 40));
  SHOW(read(queue, buffer, 47));
  SHOW(read(queue, buffer, 48));
  int zeros = 0;
  for (int i = 32; i < 48; i++) zeros += buffer[i] == 0;
  say("zeros %d", zeros);
  SHOW(read(queue, buffer, 100));
  touch("b");
  touch("c");
  touch("d");
  SHOW(read(queue, buffer, 70));
  SHOW(read(queue, edge(20), 100));
  SHOW(read(queue, buffer, 100));
  unlink("a");
  unlink("b");
  SHOW(read(queue, edge(32), 64));
  SHOW(read(queue, buffer, 100));
  unlink("c");
  struct pollfd entry = {queue, POLLIN | POLLOUT | POLLRDNORM, 0};
  say("poll %d %#x", poll(&entry, 1, 0), entry.revents);
  int set = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  SHOW(epoll_ctl(set, EPOLL_CTL_ADD, queue, &event));
  SHOW(epoll_wait(set, &event, 1, 0));
  SHOW(epoll_wait(set, &event, 1, 0));
  unlink("d");
  SHOW(epoll_wait(set, &event, 1, 0));
  SHOW(read(queue, buffer, 1000));
  say("poll %d", poll(&entry, 1, 0));
  fcntl(queue, F_SETFL, 0);
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(40);
    touch("later");
    _exit(0);
  }
  SHOW_AS("blocking read", read(queue, buffer, 1000));
  waitpid(pid, NULL, 0);
  handle_with(SIGALRM, count_signal, 0);
  ualarm(kSoon, 0);
  SHOW_AS("interrupted", read(queue, buffer, 1000));
  pid = fork();
  if (pid == 0) {
    sleep_ms(40);
    unlink("later");
    _exit(0);
  }
  say("poll %d %#x", poll(&entry, 1, 5000), entry.revents);
  waitpid(pid, NULL, 0);
  fcntl(queue, F_SETFL, O_NONBLOCK);
  show("unlinked");
  unlink("fifteen-letters");
  unlink("sixteen--letters");
  char name[256];
  memset(name, 'n', 255);
  name[255] = 0;
  touch(name);
  unlink(name);
  SHOW(ioctl(queue, FIONREAD, &size));
  say("size %d", size);
  close(set);
  close(queue);
}

static void overflow(void) {
  section("overflow");
  char* before = read_file("/proc/sys/fs/inotify/max_queued_events");
  say("max_queued_events %s", before != NULL ? strtok(before, "\n") : "none");
  int limit = before != NULL ? atoi(before) : 0;
  write_file("/proc/sys/fs/inotify/max_queued_events", "4\n");
  start();
  char text[32];
  snprintf(text, sizeof text, "%d\n", limit);
  write_file("/proc/sys/fs/inotify/max_queued_events", text);
  SHOW(watch(".", IN_CREATE | IN_DELETE));
  for (int i = 0; i < 4; i++) touch("x"), unlink("x");
  show("eight events, room for four");
  touch("x");
  unlink("x");
  show("again");
  close(queue);
  say("max_user_instances %s", strtok(read_file("/proc/sys/fs/inotify/max_user_instances"), "\n"));
  YES(atoi(read_file("/proc/sys/fs/inotify/max_user_watches")) >= 8192);
}

static void limited(void) {
  setresuid(1001, 1001, 1001);
  int made = 0;
  while (inotify_init1(0) != -1) made++;
  say("instances %d %s", made, error_name(errno));
  close(20);
  SHOW(inotify_init1(0) == 20);
}

static void others(void) {
  section("copies and programs");
  start();
  touch("from");
  touch("to");
  write_file("from", "some text");
  SHOW(watch("from", IN_ALL_EVENTS));
  SHOW(watch("to", IN_ALL_EVENTS));
  int in = open("from", O_RDONLY), out = open("to", O_WRONLY);
  show("opened");
  off_t offset = 0;
  SHOW(sendfile(out, in, &offset, 100));
  show("sendfile");
  SHOW(copy_file_range(in, NULL, out, NULL, 100, 0));
  show("copy_file_range");
  struct iovec vector = {"abc", 3};
  SHOW(writev(out, &vector, 1));
  show("writev");
  int fds[2];
  pipe(fds);
  lseek(in, 0, SEEK_SET);
  SHOW(splice(in, NULL, fds[1], NULL, 5, 0));
  show("splice to a pipe");
  SHOW(splice(fds[0], NULL, out, NULL, 5, 0));
  show("splice from a pipe");
  lseek(in, 0, SEEK_SET);
  SHOW(sendfile(fds[1], in, NULL, 5));
  show("sendfile to a pipe");
  close(fds[0]);
  close(fds[1]);
  close(in);
  close(out);
  show("closed");
  close(queue);
  unlink("from");
  unlink("to");
}

int main(void) {
  mkdir("/tmp/inotify", 0755);
  MUST(mount("none", "/tmp/inotify", "tmpfs", 0, NULL));
  MUST(chdir("/tmp/inotify"));
  create_queue();
  errors();
  IN_CHILD(as_user);
  files();
  directories();
  moves();
  watches();
  reading();
  overflow();
  IN_CHILD(limited);
  others();
  chdir("/");
  umount("/tmp/inotify");
  rmdir("/tmp/inotify");
}
