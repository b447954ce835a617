// SPDX-License-Identifier: MIT
//
// Names of AF_UNIX sockets: paths, abstract ones, automatic ones, none; and how sockets show
// elsewhere: stat, /proc, ioctl.

#include "sockets.h"

#include <sys/vfs.h>

static struct sockaddr_un address;
static socklen_t size;

static void show_name(const char* label, int fd) {
  memset(&address, 0xee, sizeof address);
  size = sizeof address;
  if (getsockname(fd, (struct sockaddr*)&address, &size) == -1) {
    say("%s: %s", label, error_name(errno));
    return;
  }
  char text[160];
  size_t used = 0;
  for (size_t i = 2; i < size && i < sizeof address; i++) {
    char c = ((char*)&address)[i];
    text[used++] = c >= ' ' && c <= '~' ? c : c == 0 ? '@' : '?';
  }
  say("%s: size %u family %u \"%.*s\"", label, size, address.sun_family, (int)used, text);
}

static int try_bind(const char* label, const char* path, size_t bytes, socklen_t length) {
  int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  char room[256];
  memset(room, 0, sizeof room);
  *(sa_family_t*)room = AF_UNIX;
  memcpy(room + 2, path, bytes);
  int result = bind(fd, (struct sockaddr*)room, length);
  show_result(label, result);
  show_name("  name", fd);
  return fd;
}

static void paths(void) {
  section("paths");
  close(try_bind("with NUL", "/tmp/name-a", 12, 14));
  close(try_bind("without NUL", "/tmp/name-b", 11, 13));
  close(try_bind("cut off", "/tmp/name-c", 11, 12));
  close(try_bind("more behind NUL", "/tmp/name-d\0xyz", 15, 17));
  close(try_bind("again", "/tmp/name-a", 12, 14));
  char longest[128];
  memset(longest, 'x', sizeof longest);
  memcpy(longest, "/tmp/", 5);
  close(try_bind("108 bytes", longest, 108, 110));
  close(try_bind("109 bytes", longest, 109, 111));
  close(try_bind("size 1", "", 0, 1));
  close(try_bind("size 0", "", 0, 0));
  close(try_bind("size 128", "/tmp/name-e", 12, 128));
  close(try_bind("size 129", "/tmp/name-e", 12, 129));
  close(try_bind("size -1", "/tmp/name-e", 12, (socklen_t)-1));
  close(try_bind("nowhere", "/tmp/none/x", 12, 14));
  close(try_bind("a directory", "/tmp", 5, 7));
  close(try_bind("slash", "/tmp/name-f/", 13, 15));
  memcpy(longest, "/tmp/", 5);
  longest[108] = 0;
  say("unlink of the longest: %s", unlink(longest) == 0 ? "there" : error_name(errno));
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(bind(fd, (struct sockaddr*)BAD_KERNEL, 14));
  address.sun_family = AF_INET;
  SHOW(bind(fd, (struct sockaddr*)&address, 14));
  SHOW(bind_to(fd, "/tmp/name-g"));
  SHOW(bind_to(fd, "/tmp/name-h"));
  SHOW(bind_to(fd, "/tmp/name-g"));
  SHOW(bind_to(fd, "@abi-second"));
  SHOW(access("/tmp/name-h", F_OK));
  show_name("kept", fd);
  close(fd);
  SHOW(chdir("/tmp"));
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(bind_to(fd, "relative"));
  show_name("relative", fd);
  close(fd);
  umask(027);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(bind_to(fd, "masked"));
  struct stat st;
  SHOW(stat("masked", &st));
  say("mode %o size %ld links %lu", st.st_mode, st.st_size, (unsigned long)st.st_nlink);
  close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(fchmod(fd, 0640));
  umask(0);
  SHOW(bind_to(fd, "chosen"));
  SHOW(stat("chosen", &st));
  say("mode %o", st.st_mode);
  umask(022);
  SHOW(open("chosen", O_RDWR));
  SHOW(open("chosen", O_RDWR | O_CREAT, 0600));
  SHOW(open("chosen", O_PATH));
  close(4);
  SHOW(truncate("chosen", 0));
  SHOW(mkdir("chosen", 0755));
  close(fd);
  static const char* const left[] = {"name-a", "name-b",   "name-c", "name-d", "name-",
                                     "name-g", "relative", "masked", "chosen"};
  for (size_t i = 0; i < COUNT(left); i++)
    say("%s: %s", left[i], unlink(left[i]) == 0 ? "there" : "none");
}

static void reaching(void) {
  section("reaching a path");
  int server = listener_at(SOCK_STREAM, "/tmp/reach", 10);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(link("/tmp/reach", "/tmp/reach-link"));
  SHOW(symlink("/tmp/reach", "/tmp/reach-symlink"));
  SHOW(rename("/tmp/reach", "/tmp/reach-moved"));
  SHOW(connect_to(fd, "/tmp/reach"));
  SHOW(connect_to(fd, "/tmp/reach-link"));
  close(fd);
  SHOW(symlink("/tmp/reach-moved", "/tmp/reach-symlink2"));
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(fd, "/tmp/reach-symlink2"));
  memset(&address, 0, sizeof address);
  size = sizeof address;
  SHOW(getpeername(fd, (struct sockaddr*)&address, &size));
  say("%u %s", size, address.sun_path);
  close(fd);
  fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  SHOW(connect_to(fd, "/tmp/reach-moved"));
  close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  write_file("/tmp/reach-file", "");
  SHOW(connect_to(fd, "/tmp/reach-file"));
  SHOW(connect_to(fd, "/tmp"));
  SHOW(connect_to(fd, "/tmp/reach-none"));
  SHOW(connect_to(fd, "/tmp/reach-file/x"));
  SHOW(mknod("/tmp/reach-node", S_IFSOCK | 0777, 0));
  SHOW(connect_to(fd, "/tmp/reach-node"));
  SHOW(connect(fd, (struct sockaddr*)&address, 2));
  SHOW(connect(fd, (struct sockaddr*)&address, 0));
  SHOW(connect(fd, (struct sockaddr*)&address, 111));
  address.sun_family = AF_INET;
  SHOW(connect(fd, (struct sockaddr*)&address, sizeof address));
  SHOW(chmod("/tmp/reach-moved", 0400));
  MUST(mkdir("/tmp/reach-dir", 0755));
  pid_t child = fork();
  if (child == 0) {
    setgid(1000);
    setuid(1000);
    SHOW(connect_to(fd, "/tmp/reach-moved"));
    SHOW(bind_to(fd, "/tmp/reach-dir/no"));
    _exit(0);
  }
  waitpid(child, NULL, 0);
  rmdir("/tmp/reach-dir");
  SHOW(connect_to(fd, "/tmp/reach-moved"));
  close(server);
  close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(fd, "/tmp/reach-moved"));
  SHOW(bind_to(fd, "/tmp/reach-moved"));
  close(fd);
  static const char* const left[] = {"/tmp/reach-link",     "/tmp/reach-symlink",
                                     "/tmp/reach-symlink2", "/tmp/reach-moved",
                                     "/tmp/reach-file",     "/tmp/reach-node"};
  for (size_t i = 0; i < COUNT(left); i++) unlink(left[i]);
}

static void abstract(void) {
  section("abstract");
  int a = try_bind("abstract", "\0abi-name", 9, 11);
  close(try_bind("again", "\0abi-name", 9, 11));
  close(try_bind("longer", "\0abi-name\0", 10, 12));
  close(try_bind("empty name", "\0", 1, 3));
  int d = socket(AF_UNIX, SOCK_DGRAM, 0);
  SHOW(bind_to(d, "@abi-name"));
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(fd, "@abi-name"));
  SHOW(listen(a, 5));
  SHOW(connect_to(fd, "@abi-name"));
  SHOW(connect_to(fd, "@abi-nam"));
  close(a);
  SHOW(bind_to(fd, "@abi-name"));
  close(d);
  close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(fd, "@abi-name"));
  close(fd);
  section("automatic");
  fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  show_name("before", fd);
  address.sun_family = AF_UNIX;
  SHOW(bind(fd, (struct sockaddr*)&address, 2));
  size = sizeof address;
  SHOW(getsockname(fd, (struct sockaddr*)&address, &size));
  bool good = size == 8 && address.sun_path[0] == 0;
  for (int i = 1; i < 6; i++)
    good = good && strchr("0123456789abcdef", address.sun_path[i]) != NULL;
  YES(good);
  SHOW(bind(fd, (struct sockaddr*)&address, 2));
  SHOW(bind_to(fd, "@other"));
  close(fd);
  fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  SHOW(send_to(fd, "@abi-none", "x"));
  size = sizeof address;
  SHOW(getsockname(fd, (struct sockaddr*)&address, &size));
  say("size %u", size);
  close(fd);
  section("names given back");
  fd = try_bind("name", "\0abi-out", 8, 10);
  size = 5;
  memset(&address, 0, sizeof address);
  SHOW(getsockname(fd, (struct sockaddr*)&address, &size));
  say("size %u, %.3s", size, (char*)&address + 3);
  size = 0;
  SHOW(getsockname(fd, NULL, &size));
  say("size %u", size);
  size = (socklen_t)-1;
  SHOW(getsockname(fd, (struct sockaddr*)&address, &size));
  SHOW(getsockname(fd, (struct sockaddr*)&address, BAD_NULL));
  size = sizeof address;
  SHOW(getsockname(fd, BAD_KERNEL, &size));
  SHOW(getpeername(fd, (struct sockaddr*)&address, &size));
  SHOW(getsockname(0x7777, (struct sockaddr*)&address, &size));
  int file = open("/dev/null", O_RDWR);
  SHOW(getsockname(file, (struct sockaddr*)&address, &size));
  SHOW(bind(file, (struct sockaddr*)&address, 10));
  SHOW(connect(file, (struct sockaddr*)&address, 10));
  SHOW(connect(file, BAD_KERNEL, 10));
  SHOW(accept(file, NULL, NULL));
  SHOW(accept4(file, NULL, NULL, 1));
  SHOW(listen(file, 1));
  SHOW(shutdown(file, 0));
  SHOW(send(file, "", 0, 0));
  SHOW(recv(file, BAD_KERNEL, 10, 0));
  close(file);
  close(fd);
}

static void creation(void) {
  section("socket and socketpair");
  int pair[2];
  SHOW(socket(-1, SOCK_STREAM, 0));
  SHOW(socket(46, SOCK_STREAM, 0));
  SHOW(socket(AF_UNIX, 0, 0));
  SHOW(socket(AF_UNIX, SOCK_RDM, 0));
  SHOW(socket(AF_UNIX, 10, 0));
  SHOW(socket(AF_UNIX, 11, 0));
  SHOW(socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
  SHOW(socket(AF_UNIX, SOCK_STREAM, 1));
  close(3);
  SHOW(socket(AF_UNIX, SOCK_STREAM, 2));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD_NULL));
  SHOW(socketpair(46, SOCK_STREAM, 0, pair));
  SHOW(socketpair(46, SOCK_STREAM, 0, BAD_NULL));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
  say("fds %d %d, %d %#x", pair[0], pair[1], fcntl(pair[0], F_GETFD), fcntl(pair[1], F_GETFL));
  close_pair(pair);
  SHOW(socketpair(AF_UNIX, SOCK_RAW, 0, pair));
  int type = 0;
  size = sizeof type;
  getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &type, &size);
  say("raw becomes %d", type);
  close_pair(pair);
}

static void outside(void) {
  section("seen from outside");
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct stat st;
  SHOW(fstat(fd, &st));
  say("mode %o links %lu size %ld blocks %ld", st.st_mode, (unsigned long)st.st_nlink, st.st_size,
      (long)st.st_blocks);
  struct statfs fs;
  SHOW(fstatfs(fd, &fs));
  say("type %#lx", (unsigned long)fs.f_type);
  char path[64], text[128], expected[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(path, text, sizeof text - 1);
  text[length < 0 ? 0 : length] = 0;
  snprintf(expected, sizeof expected, "socket:[%lu]", (unsigned long)st.st_ino);
  YES(strcmp(text, expected) == 0);
  SHOW(open(path, O_RDWR));
  SHOW(fchown(fd, 1000, 1000));
  SHOW(fstat(fd, &st));
  say("owner %u %u", st.st_uid, st.st_gid);
  SHOW(queued(fd, SIOCUNIXFILE));
  SHOW(bind_to(fd, "/tmp/outside"));
  int place = queued(fd, SIOCUNIXFILE);
  int opened = ioctl(fd, SIOCUNIXFILE, NULL);
  YES(opened >= 0);
  say("%d flags %#o fd flags %d", place == -1, fcntl(opened, F_GETFL), fcntl(opened, F_GETFD));
  struct stat node, named_node;
  fstat(opened, &node);
  stat("/tmp/outside", &named_node);
  YES(node.st_ino == named_node.st_ino);
  close(opened);
  SHOW(queued(fd, 0x12345));
  SHOW(queued(fd, TCGETS));
  int on = 1;
  SHOW(ioctl(fd, FIONBIO, &on));
  SHOW(fcntl(fd, F_GETFL));
  listen(fd, 3);
  char* lines = read_file("/proc/net/unix");
  YES(lines != NULL &&
      strncmp(lines, "Num       RefCount Protocol Flags    Type St Inode Path\n", 56) == 0);
  char* line = lines != NULL ? strstr(lines, "/tmp/outside") : NULL;
  if (line != NULL) {
    while (line > lines && line[-1] != '\n') line--;
    unsigned long inode;
    unsigned protocol, flags, type, state;
    char name[64];
    int fields = sscanf(line, "%*x: %*x %x %x %x %x %lu %63s", &protocol, &flags, &type, &state,
                        &inode, name);
    say("%d fields: %x %x %x %x %s, inode %d", fields, protocol, flags, type, state, name,
        inode == st.st_ino);
  }
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  char* info = read_file(path);
  YES(info != NULL && strstr(info, "scm_fds: 0\n") != NULL);
  close(fd);
  fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  bind_to(fd, "@abi-listed");
  lines = read_file("/proc/net/unix");
  YES(lines != NULL && strstr(lines, " @abi-listed\n") != NULL);
  close(fd);
  lines = read_file("/proc/net/unix");
  YES(lines != NULL && strstr(lines, " @abi-listed\n") == NULL);
  YES(lines != NULL && strstr(lines, "/tmp/outside") == NULL);
  unlink("/tmp/outside");
}

int main(void) {
  creation();
  paths();
  reaching();
  abstract();
  outside();
  return 0;
}
