// SPDX-License-Identifier: MIT
//
// The links of /proc/PID/ns and setns(2), where everybody is in the first namespace of each kind:
// what their files are, who may "move", and what comes with it.

#include "abi.h"

#include <dirent.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

static const char* const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children",
                                    "time", "time_for_children", "user", "uts"};
static const int kinds[] = {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID,
                            CLONE_NEWPID, 0x80, 0x80, CLONE_NEWUSER, CLONE_NEWUTS};

static int open_namespace(const char* name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/ns/%s", name);
  return (int)MUST(open(path, O_RDONLY));
}

static void links(void) {
  section("links");
  struct stat status, through;
  stat("/proc/self/ns", &status);
  say("mode %o links %d", status.st_mode, (int)status.st_nlink);
  DIR* listing = opendir("/proc/self/ns");
  for (struct dirent* entry; (entry = readdir(listing)) != NULL;)
    say("  %s type %d", entry->d_name, entry->d_type);
  closedir(listing);
  for (size_t i = 0; i < COUNT(names); i++) {
    char path[64], text[64] = "", expected[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    ssize_t length = readlink(path, text, sizeof text - 1);
    lstat(path, &status), stat(path, &through);
    bool is_dynamic = strcmp(names[i], "mnt") == 0 || strcmp(names[i], "net") == 0;
    snprintf(expected, sizeof expected, "%.*s:[%lu]", (int)strcspn(names[i], "_"), names[i],
             (unsigned long)through.st_ino);
    say("%s: mode %o, to mode %o links %d size %ld, %s; as its number says: %s", names[i],
        status.st_mode, through.st_mode, (int)through.st_nlink, (long)through.st_size,
        is_dynamic ? "" : text, length > 0 && strcmp(text, expected) == 0 ? "yes" : "no");
  }
  SHOW(open("/proc/self/ns/none", O_RDONLY));
  SHOW(open("/proc/self/ns/new", O_CREAT | O_WRONLY, 0644));
  YES(stat("/proc/1/ns/mnt", &status) == 0 && stat("/proc/thread-self/ns/mnt", &through) == 0 &&
      status.st_ino == through.st_ino && status.st_dev == through.st_dev);
  SHOW(chmod("/proc/self/ns/uts", 0600));
  SHOW(chown("/proc/self/ns/uts", 1, 1));
}

static void files(void) {
  section("files");
  char data[8];
  struct statfs system;
  int fd = open_namespace("uts");
  SHOW(read(fd, data, sizeof data));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW_AS("mmap", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
  SHOW(fstatfs(fd, &system));
  say("type %lx", (long)system.f_type);
  SHOW(ftruncate(fd, 0));
  SHOW(ioctl(fd, 0x1234, 0));
  close(fd);
  for (size_t i = 0; i < COUNT(names); i++) {
    fd = open_namespace(names[i]);
    uid_t owner = 77;
    int user = ioctl(fd, NS_GET_USERNS);
    say("%s: user namespace %s", names[i], user >= 0 ? "opened" : error_name(errno));
    if (user >= 0) {
      YES(ioctl(user, NS_GET_NSTYPE) == CLONE_NEWUSER);
      SHOW(fcntl(user, F_GETFD));
      close(user);
    }
    SHOW(ioctl(fd, NS_GET_PARENT));
    YES(ioctl(fd, NS_GET_NSTYPE) == kinds[i]);
    SHOW(ioctl(fd, NS_GET_OWNER_UID, &owner));
    say("owner %u", owner);
    close(fd);
  }
  fd = open_namespace("user");
  SHOW(ioctl(fd, NS_GET_OWNER_UID, BAD_NULL));
  close(fd);
}

static void moves(void) {
  for (size_t i = 0; i < COUNT(names); i++) {
    int fd = open_namespace(names[i]);
    say("setns: %s", names[i]);
    SHOW(setns(fd, 0));
    SHOW(setns(fd, kinds[i]));
    SHOW(setns(fd, kinds[i] == CLONE_NEWNET ? CLONE_NEWUTS : CLONE_NEWNET));
    close(fd);
  }
}

static void moves_of_users(void) {
  MUST(setresuid(1000, 1000, 1000));
  moves();
}

static void other_files(void) {
  section("other files");
  int fds[2];
  MUST(pipe(fds));
  SHOW(setns(fds[0], 0));
  SHOW(setns(fds[0], CLONE_NEWNET));
  SHOW(setns(-1, 0));
  SHOW(setns(MUST(open("/proc/self/ns/net", O_PATH)), 0));
}

static void pidfds(void) {
  section("pidfds");
  int self = (int)MUST(syscall(SYS_pidfd_open, getpid(), 0));
  SHOW(setns(self, 0));
  SHOW(setns(self, 1));
  SHOW(setns(self, CLONE_NEWNET));
  SHOW(setns(self, CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWNS));
  SHOW(setns(self, CLONE_NEWNET | CLONE_NEWUSER));
  pid_t child = fork();
  if (child == 0) _exit(0);
  int ended = (int)MUST(syscall(SYS_pidfd_open, child, 0));
  waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT);
  SHOW(setns(ended, CLONE_NEWNET));
  wait(NULL);
  SHOW(setns(ended, CLONE_NEWNET));
}

static void* sleeper(void* argument UNUSED) {
  for (;;) pause();
  return NULL;
}

static void places(void) {
  section("root and working directory");
  char where[64];
  MUST(mkdir("/tmp/ns-root", 0755));
  MUST(chdir("/tmp/ns-root"));
  int fd = open_namespace("mnt");
  struct stat before, after;
  stat("/", &before);
  MUST(chroot("."));
  SHOW(setns(fd, CLONE_NEWNS));
  stat("/", &after);
  YES(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
  getcwd(where, sizeof where);
  say("in %s", where);
  MUST(rmdir("/tmp/ns-root"));
}

static void threads(void) {
  section("with threads");
  pthread_t thread;
  pthread_create(&thread, NULL, sleeper, NULL);
  moves();
}

static void of_another(void) {
  section("of somebody else");
  MUST(setresuid(1000, 1000, 1000));
  char text[64];
  DIR* listing = opendir("/proc/1/ns");
  YES(listing != NULL);
  SHOW(readlink("/proc/1/ns/mnt", text, sizeof text));
  SHOW(open("/proc/1/ns/mnt", O_RDONLY));
}

int main(void) {
  links();
  files();
  section("as root");
  IN_CHILD(moves);
  section("as a user");
  IN_CHILD(moves_of_users);
  IN_CHILD(other_files);
  IN_CHILD(pidfds);
  IN_CHILD(places);
  IN_CHILD(threads);
  IN_CHILD(of_another);
  return 0;
}
