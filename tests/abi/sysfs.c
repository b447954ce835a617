// SPDX-License-Identifier: MIT
//
// sysfs: the shape of the tree, the character devices in it, what can be opened and changed. And
// small files of /proc/PID that are one value.

#include "abi.h"

#include <sys/prctl.h>
#include <sys/statfs.h>

static char* text_of(const char* path) {
  static char text[4096];
  int fd = open(path, O_RDONLY);
  if (fd == -1) {
    snprintf(text, sizeof text, "%s", error_name(errno));
    return text;
  }
  ssize_t length = read(fd, text, sizeof text - 1);
  text[length > 0 ? length : 0] = 0;
  close(fd);
  return text;
}

static long put(const char* path, const char* text) {
  int fd = open(path, O_WRONLY);
  if (fd == -1) return -1;
  long written = write(fd, text, strlen(text));
  int error = errno;
  close(fd);
  errno = error;
  return written;
}

static void show_link(const char* path) {
  char target[256] = "";
  ssize_t length = readlink(path, target, sizeof target - 1);
  say("%s -> %s", path, length < 0 ? error_name(errno) : target);
}

static void tree(void) {
  section("the tree");
  struct statfs info;
  MUST(statfs("/sys", &info));
  YES(info.f_type == 0x62656572);
  static const char* const names[] = {"/sys/block",
                                      "/sys/bus",
                                      "/sys/class",
                                      "/sys/dev",
                                      "/sys/dev/block",
                                      "/sys/dev/char",
                                      "/sys/devices",
                                      "/sys/devices/system/cpu/cpu0",
                                      "/sys/devices/virtual",
                                      "/sys/firmware",
                                      "/sys/fs",
                                      "/sys/kernel",
                                      "/sys/module",
                                      "/sys/kernel/mm/transparent_hugepage",
                                      "/sys/nothing",
                                      "/sys/class/nothing"};
  for (size_t i = 0; i < COUNT(names); i++) SHOW_AS(names[i], access(names[i], F_OK));
  say("offline: %s", text_of("/sys/devices/system/cpu/offline"));
  char online[256];
  snprintf(online, sizeof online, "%s", text_of("/sys/devices/system/cpu/online"));
  YES(strcmp(online, text_of("/sys/devices/system/cpu/present")) == 0);
  YES(strcmp(online, text_of("/sys/devices/system/cpu/possible")) == 0);
  YES(strcmp(online, text_of("/sys/devices/system/node/node0/cpulist")) == 0);
  static const char* const nodes[] = {"online", "possible", "has_cpu", "has_memory",
                                      "has_normal_memory", "node0/distance"};
  for (size_t i = 0; i < COUNT(nodes); i++) {
    char path[100];
    snprintf(path, sizeof path, "/sys/devices/system/node/%s", nodes[i]);
    say("%s: %s", path, text_of(path));
  }
  unsigned long total = 0, free = 0, used = 0;
  SHOW(sscanf(text_of("/sys/devices/system/node/node0/meminfo"),
              " Node 0 MemTotal: %lu kB Node 0 MemFree: %lu kB Node 0 MemUsed: %lu", &total, &free,
              &used));
  YES(total == free + used && total > 100000);
}

static void devices(void) {
  section("devices");
  static const char* const mem[] = {"null", "zero", "full", "random", "urandom", "kmsg"};
  char path[128];
  for (size_t i = 0; i < COUNT(mem); i++) {
    snprintf(path, sizeof path, "/sys/class/mem/%s", mem[i]);
    show_link(path);
    snprintf(path, sizeof path, "/sys/class/mem/%s/dev", mem[i]);
    say("%s: %s", path, text_of(path));
    snprintf(path, sizeof path, "/sys/devices/virtual/mem/%s/uevent", mem[i]);
    say("%s: %s", path, text_of(path));
  }
  static const char* const links[] = {
      "/sys/dev/char/1:3",          "/sys/dev/char/5:0",   "/sys/dev/char/5:1",
      "/sys/dev/char/5:2",          "/sys/dev/char/1:99",  "/sys/class/tty/tty",
      "/sys/class/tty/console",     "/sys/class/tty/ptmx", "/sys/class/mem/null/subsystem",
      "/sys/dev/char/1:3/subsystem"};
  for (size_t i = 0; i < COUNT(links); i++) show_link(links[i]);
  say("console: %s", text_of("/sys/class/tty/console/active"));
  say("ptmx: %s", text_of("/sys/class/tty/ptmx/uevent"));
  struct stat info;
  MUST(stat("/sys/class/mem/null", &info));
  say("directory %o, a text %o", info.st_mode,
      stat("/sys/class/mem/null/dev", &info) == 0 ? info.st_mode : 0);
  SHOW(open("/sys/class/mem/null/dev", O_WRONLY));
  SHOW(open("/sys/class/mem/null/dev", O_RDWR));
  SHOW(open("/sys/class/mem/null/new", O_WRONLY | O_CREAT, 0600));
  SHOW(symlink("x", "/sys/class/mem/null/new"));
  SHOW(unlink("/sys/class/mem/null/dev"));
  SHOW(mkdir("/sys/class/new", 0700));
  SHOW(access("/sys/class/mem/null/active", F_OK));
}

static void login_of_a_user(void) {
  MUST(setresuid(1000, 1000, 1000));
  SHOW(put("/proc/self/loginuid", "7"));
  say("a user's: %s", text_of("/proc/self/loginuid"));
}

static void logins(void) {
  say("at first: %s", text_of("/proc/self/loginuid"));
  say("session: %s", text_of("/proc/self/sessionid"));
  SHOW(put("/proc/self/loginuid", "x"));
  SHOW(put("/proc/self/loginuid", "1000\n"));
  say("now: %s", text_of("/proc/self/loginuid"));
  YES(strcmp(text_of("/proc/self/sessionid"), "4294967295") != 0);
  long first = atol(text_of("/proc/self/sessionid"));
  in_child(login_of_a_user);
  SHOW(put("/proc/self/loginuid", "1001"));
  YES(atol(text_of("/proc/self/sessionid")) == first + 1);
  SHOW(put("/proc/self/loginuid", "4294967295"));
  say("none again: %s", text_of("/proc/self/loginuid"));
  say("session: %s", text_of("/proc/self/sessionid"));
  SHOW(put("/proc/self/sessionid", "1"));
  SHOW(put("/proc/1/loginuid", "1"));
}

static void values(void) {
  section("loginuid, timerslack_ns, children");
  in_child(logins);
  say("slack: %s", text_of("/proc/self/timerslack_ns"));
  SHOW(put("/proc/self/timerslack_ns", "1234"));
  SHOW(prctl(PR_GET_TIMERSLACK));
  SHOW(put("/proc/self/timerslack_ns", "0"));
  SHOW(prctl(PR_GET_TIMERSLACK));
  SHOW(put("/proc/self/timerslack_ns", "abc"));
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  say("children: '%s'", text_of(path));
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  char expected[32];
  snprintf(expected, sizeof expected, "%d ", pid);
  YES(strcmp(text_of(path), expected) == 0);
  kill(pid, SIGKILL);
  wait(NULL);
  say("children: '%s'", text_of(path));
  SHOW(access("/proc/self/children", F_OK));
  SHOW(put("/proc/version", "x"));
  SHOW(put("/proc/self/stat", "x"));
  say("modules '%s' partitions '%s'", text_of("/proc/modules"), text_of("/proc/partitions"));
}

int main(void) {
  tree();
  devices();
  values();
  return 0;
}
