// SPDX-License-Identifier: MIT
//
// Which files /proc has, with what modes, what they refuse, and their formats: digits
// become 9, so that what remains is the shape of each line.

#include "abi.h"

#include <dirent.h>
#include <sys/prctl.h>

// Numbers become N, hexadecimal strings of eight and more H.
static const char* shape(const char* line) {
  static char out[2000];
  char* to = out;
  while (*line && to < out + 1900) {
    if ((*line >= '0' && *line <= '9')) {
      while ((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f')) line++;
      *to++ = 'N';
    } else if (*line == ' ' && line[1] == ' ') {
      while (*line == ' ') line++;
      *to++ = ' ';
    } else {
      *to++ = *line++;
    }
  }
  *to = 0;
  return out;
}

static void shapes(const char* path, int most) {
  char* text = read_file(path);
  say("%s:%s%s", path, text == NULL ? " " : "", text == NULL ? error_name(errno) : "");
  if (text == NULL) return;
  int lines = 0;
  for (char* line = strtok(text, "\n"); line != NULL && lines < most;
       line = strtok(NULL, "\n"), lines++) {
    // What depends on the machine.
    if (strncmp(line, "Speculation", 11) == 0 || strncmp(line, "Cpus_allowed", 12) == 0) continue;
    if (strstr(line, "[rollup]") != NULL) continue;
    say("  %s", shape(line));
  }
}

static void value(const char* path) {
  char* text = read_file(path);
  say("%s: %.*s", path, text ? (int)strcspn(text, "\n") : 20, text ? text : error_name(errno));
}

static void mode(const char* path) {
  struct stat st;
  if (lstat(path, &st) == -1)
    say("%s: %s", shape(path), error_name(errno));
  else
    say("%s: %o links %s size %ld uid %d", shape(path), st.st_mode,
        S_ISDIR(st.st_mode) ? "-"
        : st.st_nlink == 1  ? "1"
                            : "more",
        S_ISDIR(st.st_mode) ? 0 : (long)st.st_size, st.st_uid);
}

static const char* const of_process[] = {
    "auxv",         "cmdline",       "comm",        "cwd",        "environ", "exe",       "fd",
    "fdinfo",       "gid_map",       "io",          "limits",     "maps",    "mountinfo", "mounts",
    "oom_score",    "oom_score_adj", "personality", "projid_map", "root",    "setgroups", "smaps",
    "smaps_rollup", "stat",          "statm",       "status",     "task",    "uid_map",   "wchan"};

static void process_modes(void) {
  section("/proc/self");
  char path[100];
  for (unsigned i = 0; i < COUNT(of_process); i++) {
    snprintf(path, sizeof path, "/proc/self/%s", of_process[i]);
    mode(path);
  }
  mode("/proc/self/.");
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  mode(path);
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", getpid());
  mode(path);
  mode("/proc/self");
  mode("/proc/thread-self");
  mode("/proc/self/fd/.");
  mode("/proc/self/fdinfo/.");
  mode("/proc/self/task/.");
  mode("/proc/self/fdinfo/1");
}

static void process_shapes(void) {
  section("formats");
  shapes("/proc/self/stat", 3);
  shapes("/proc/self/statm", 3);
  shapes("/proc/self/status", 100);
  shapes("/proc/self/limits", 100);
  shapes("/proc/self/io", 100);
  shapes("/proc/self/oom_score", 1);
  shapes("/proc/self/oom_score_adj", 1);
  shapes("/proc/self/wchan", 1);
  shapes("/proc/self/personality", 1);
  shapes("/proc/self/uid_map", 3);
  shapes("/proc/self/gid_map", 3);
  shapes("/proc/self/setgroups", 3);
  shapes("/proc/self/smaps", 24);
  shapes("/proc/self/smaps_rollup", 40);
  shapes("/proc/self/fdinfo/1", 10);
  value("/proc/self/uid_map");
  value("/proc/self/personality");
  value("/proc/self/setgroups");
  value("/proc/self/oom_score_adj");
  value("/proc/self/comm");
}

static long put(const char* path, const char* text) {
  int fd = open(path, O_WRONLY);
  if (fd == -1) return -1;
  long result = write(fd, text, strlen(text));
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static void writing(void) {
  section("writing");
  SHOW(put("/proc/self/comm", "renamed"));
  value("/proc/self/comm");
  char name[20];
  prctl(PR_GET_NAME, name);
  say("%s", name);
  SHOW(put("/proc/self/comm", "a name that is longer than fits"));
  value("/proc/self/comm");
  SHOW(put("/proc/self/oom_score_adj", "500"));
  value("/proc/self/oom_score_adj");
  SHOW(put("/proc/self/oom_score_adj", "-1000\n"));
  value("/proc/self/oom_score_adj");
  SHOW(put("/proc/self/oom_score_adj", "1001"));
  SHOW(put("/proc/self/oom_score_adj", "x"));
  SHOW(put("/proc/self/oom_score_adj", ""));
  value("/proc/self/oom_score_adj");
  SHOW(put("/proc/self/oom_score_adj", "0"));
  SHOW(put("/proc/self/cmdline", "x"));
  SHOW(put("/proc/self/stat", "x"));
  SHOW(put("/proc/uptime", "x"));
  SHOW(truncate("/proc/self/comm", 0));
  SHOW(truncate("/proc/self/stat", 0));
  SHOW(open("/proc/self/stat", O_RDWR));
  SHOW(open("/proc/self/comm", O_WRONLY | O_TRUNC) >= 0);
  SHOW(chmod("/proc/self/comm", 0777));
  SHOW(chown("/proc/self/comm", 5, 5));
  SHOW(chmod("/proc/uptime", 0444));
  SHOW(unlink("/proc/self/comm"));
  SHOW(unlink("/proc/uptime"));
  SHOW(rmdir("/proc/self/task"));
  SHOW(mkdir("/proc/x", 0755));
  SHOW(open("/proc/x", O_CREAT | O_RDWR, 0600));
  SHOW(rename("/proc/uptime", "/proc/x"));
  SHOW(link("/proc/uptime", "/proc/x"));
  SHOW(symlink("x", "/proc/x"));
  SHOW(mknod("/proc/x", S_IFREG, 0));
  SHOW(open("/proc/99999", O_RDONLY));
  SHOW(open("/proc/0", O_RDONLY));
  SHOW(open("/proc/01", O_RDONLY));
  SHOW(open("/proc/1", O_RDONLY) >= 0);
  SHOW(open("/proc/self/task/1", O_RDONLY));
  SHOW(open("/proc/self/fd/1x", O_RDONLY));
}

static void others(void) {
  section("of another user's process");
  pid_t target = getppid();
  gid_t none[1] = {1000};
  (void)none;
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  char path[100], text[100];
  for (unsigned i = 0; i < COUNT(of_process); i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", target, of_process[i]);
    errno = 0;
    int fd = open(path, O_RDONLY);
    int open_error = errno;
    errno = 0;
    long got = fd >= 0 ? read(fd, text, 100) : 0;
    int read_error = errno;
    errno = 0;
    long link = readlink(path, text, 100);
    int link_error = link == -1 ? errno : 0;
    say("  %s: open %s read %s readlink %s", of_process[i],
        open_error ? error_name(open_error) : "ok",
        got == -1  ? error_name(read_error)
        : got == 0 ? "nothing"
                   : "ok",
        link_error ? error_name(link_error) : "ok");
  }
  snprintf(path, sizeof path, "/proc/%d/comm", target);
  SHOW(put(path, "x"));
  snprintf(path, sizeof path, "/proc/%d/oom_score_adj", target);
  SHOW(put(path, "0"));
  snprintf(path, sizeof path, "/proc/%d/fd/1", target);
  struct stat st;
  SHOW(stat(path, &st));
  SHOW(lstat(path, &st));
  snprintf(path, sizeof path, "/proc/%d/task/%d/fd", target, target);
  SHOW(open(path, O_RDONLY));
}

static void undumpable(void) {
  section("not dumpable");
  struct stat st;
  prctl(PR_SET_DUMPABLE, 0);
  MUST(setresuid(1000, 1000, 1000));
  prctl(PR_SET_DUMPABLE, 0);
  stat("/proc/self", &st);
  say("uid %d", st.st_uid);
  stat("/proc/self/status", &st);
  say("uid %d", st.st_uid);
  stat("/proc/self/fd", &st);
  say("uid %d", st.st_uid);
  OK(open("/proc/self/maps", O_RDONLY));
  OK(open("/proc/self/environ", O_RDONLY));
  OK(open("/proc/self/fd", O_RDONLY));
}

static const char* const system_files[] = {"cmdline",     "cpuinfo", "filesystems", "interrupts",
                                           "loadavg",     "locks",   "meminfo",     "self",
                                           "slabinfo",    "stat",    "swaps",       "sys",
                                           "thread-self", "uptime",  "version",     "vmstat"};

static void system_modes(void) {
  section("/proc");
  char path[100];
  for (unsigned i = 0; i < COUNT(system_files); i++) {
    snprintf(path, sizeof path, "/proc/%s", system_files[i]);
    mode(path);
  }
}

static void system_shapes(void) {
  section("system formats");
  shapes("/proc/stat", 1);
  shapes("/proc/uptime", 3);
  shapes("/proc/loadavg", 3);
  shapes("/proc/swaps", 1);
  shapes("/proc/slabinfo", 2);
}

// Those that can be set on both; the others here are facts.
static const char* const sysctls[] = {"kernel/ostype",
                                      "kernel/hostname",
                                      "kernel/domainname",
                                      "kernel/pid_max",
                                      "kernel/ngroups_max",
                                      "kernel/cap_last_cap",
                                      "kernel/randomize_va_space",
                                      "kernel/random/entropy_avail",
                                      "kernel/random/poolsize",
                                      "vm/overcommit_memory",
                                      "vm/drop_caches",
                                      "fs/protected_hardlinks",
                                      "fs/protected_symlinks",
                                      "fs/protected_fifos",
                                      "fs/protected_regular"};

static void sysctl_values(void) {
  section("/proc/sys");
  char path[100];
  for (unsigned i = 0; i < COUNT(sysctls); i++) {
    snprintf(path, sizeof path, "/proc/sys/%s", sysctls[i]);
    struct stat st;
    errno = 0;
    if (lstat(path, &st) == -1) {
      say("%s: %s", sysctls[i], error_name(errno));
      continue;
    }
    char* text = read_file(path);
    // Sizes of this machine are shapes, settings are values.
    static const char* const machine[] = {"threads-max", "random/",   "file-nr",  "file-max",
                                          "inode",       "dentry",    "min_free", "max_user_",
                                          "version",     "osrelease", "hostname", "pty/nr",
                                          "printk",      "tainted",   "aio-nr"};
    bool masked = false;
    for (unsigned j = 0; j < COUNT(machine); j++) masked |= strstr(path, machine[j]) != NULL;
    if (text == NULL)
      say("%s: mode %o %s", sysctls[i], st.st_mode, error_name(errno));
    else {
      text[strcspn(text, "\n")] = 0;
      say("%s: mode %o %s", sysctls[i], st.st_mode, masked ? shape(text) : text);
    }
  }
  mode("/proc/sys");
  mode("/proc/sys/kernel");
}

int main(void) {
  process_modes();
  process_shapes();
  IN_CHILD(writing);
  IN_CHILD(others);
  IN_CHILD(undumpable);
  system_modes();
  system_shapes();
  sysctl_values();
}
