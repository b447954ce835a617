// SPDX-License-Identifier: MIT
//
// /proc: which files there are and the form of each. Numbers and addresses become N, so that the
// words and the layout are compared and the values not; what a value must be is asked with
// relations.

#include "abi.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>

// Runs of decimal digits, and of hexadecimal ones at least 8 long, become N; runs of spaces one
// space.
static const char* masked(const char* line) {
  static char text[4][2048];
  static int next;
  char* out = text[next++ % 4];
  int at = 0;
  for (const char* c = line; *c != 0 && *c != '\n' && at < 2000;) {
    const char* end = c;
    bool boundary = c == line || !(isalnum((unsigned char)c[-1]) || c[-1] == '_');
    if (boundary) {
      while (isxdigit((unsigned char)*end)) end++;
      bool decimal = end > c;
      for (const char* d = c; d < end; d++) decimal = decimal && isdigit((unsigned char)*d);
      if ((decimal || end - c >= 8) && !isalpha((unsigned char)*end)) {
        out[at++] = 'N';
        c = end;
        continue;
      }
    }
    if (*c == ' ' && at > 0 && out[at - 1] == ' ') {
      c++;
      continue;
    }
    out[at++] = *c++;
  }
  out[at] = 0;
  return out;
}

static void show_form(const char* path, int lines) {
  char* text = read_file(path);
  if (text == NULL) {
    say("%s: %s", path, error_name(errno));
    return;
  }
  say("%s:", path);
  static char copy[65536];
  strcpy(copy, text);
  int count = 0;
  for (char* line = strtok(copy, "\n"); line != NULL && count < lines;
       line = strtok(NULL, "\n"), count++)
    say("  %s", masked(line));
}

static void own_files(void) {
  section("/proc/self");
  show_form("/proc/self/stat", 1);
  show_form("/proc/self/statm", 1);
  show_form("/proc/self/comm", 1);
  show_form("/proc/self/io", 20);
  show_form("/proc/self/limits", 20);
  show_form("/proc/self/oom_score_adj", 1);
  show_form("/proc/self/wchan", 1);
  char text[4096];
  int fd = open("/proc/self/cmdline", O_RDONLY);
  long length = read(fd, text, sizeof text);
  say("cmdline %ld bytes: %s, ends with 0 %d", length, text, text[length - 1] == 0);
  close(fd);
  fd = open("/proc/self/environ", O_RDONLY);
  length = read(fd, text, sizeof text);
  YES(length > 5 && memmem(text, (size_t)length, "\0PATH=/bin", 10) != NULL);
  close(fd);
  static const char* const links[] = {"exe", "cwd", "root"};
  for (unsigned i = 0; i < COUNT(links); i++) {
    char path[64], target[256] = "";
    snprintf(path, sizeof path, "/proc/self/%s", links[i]);
    readlink(path, target, sizeof target - 1);
    say("%s -> %s", links[i], target);
  }
}

static const char* status_value(const char* key) {
  static char values[4][128];
  static int next;
  char* value = values[next++ % 4];
  char* text = read_file("/proc/self/status");
  char pattern[64];
  snprintf(pattern, sizeof pattern, "\n%s:\t", key);
  char* at = strstr(text, pattern);
  if (at == NULL) return "missing";
  at += strlen(pattern);
  size_t length = strcspn(at, "\n");
  snprintf(value, 128, "%.*s", (int)length, at);
  return value;
}

static void own_status(void) {
  section("/proc/self/status");
  static char copy[65536];
  strcpy(copy, read_file("/proc/self/status"));
  for (char* line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    *strchrnul(line, ':') = 0;
    // Names that depend on the configuration of a kernel and not on its ABI are left out.
    static const char* const skipped[] = {"Seccomp",
                                          "Seccomp_filters",
                                          "Speculation_Store_Bypass",
                                          "SpeculationIndirectBranch",
                                          "Cpus_allowed",
                                          "NStgid",
                                          "NSpid",
                                          "NSpgid",
                                          "NSsid",
                                          "THP_enabled",
                                          "HugetlbPages",
                                          "Cpus_allowed_list",
                                          "Mems_allowed",
                                          "Mems_allowed_list"};
    bool skip = false;
    for (unsigned i = 0; i < COUNT(skipped); i++) skip = skip || strcmp(line, skipped[i]) == 0;
    if (!skip) say("  %s", line);
  }
  YES(atoi(status_value("Pid")) == getpid());
  YES(atoi(status_value("PPid")) == getppid());
  say("State %s", status_value("State"));
  say("Uid %s Umask %s FDSize %s", status_value("Uid"), status_value("Umask"),
      status_value("FDSize"));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  handle_with(SIGUSR2, SIG_IGN, 0);
  handle_with(SIGHUP, ignore_signal, 0);
  say("SigPnd %s ShdPnd %s", status_value("SigPnd"), status_value("ShdPnd"));
  say("SigBlk %s SigIgn %s SigCgt %s", status_value("SigBlk"), status_value("SigIgn"),
      status_value("SigCgt"));
  say("CapEff %s CapBnd %s NoNewPrivs %s", status_value("CapEff"), status_value("CapBnd"),
      status_value("NoNewPrivs"));
  YES(atoi(status_value("VmSize")) >= atoi(status_value("VmRSS")));
  YES(atoi(status_value("VmPeak")) >= atoi(status_value("VmSize")));
  YES(atoi(status_value("VmHWM")) >= atoi(status_value("VmRSS")));
  int before = atoi(status_value("VmRSS"));
  char* memory = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(memory, 1, 4 << 20);
  int grown = atoi(status_value("VmRSS")) - before;
  YES(grown > 3500 && grown < 5000);
}

static void own_maps(void) {
  section("/proc/self/maps");
  static char copy[65536];
  strcpy(copy, read_file("/proc/self/maps"));
  unsigned long last = 0;
  bool ordered = true;
  for (char* line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    unsigned long start, end, offset, inode;
    unsigned major, minor;
    char permissions[8], name[256] = "";
    if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %255[^\n]", &start, &end, permissions, &offset,
               &major, &minor, &inode, name) < 7) {
      say("  does not parse: %s", line);
      continue;
    }
    ordered = ordered && start >= last;
    last = end;
    if (name[0] != 0) {
      say("  %s %s column %ld", permissions, name, (long)(strlen(line) - strlen(name)));
    }
  }
  YES(ordered);
  show_form("/proc/self/smaps", 24);
  section("smaps of a known mapping");
  char* map = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(map, PAGE);  // So that it does not join its neighbour.
  mprotect(map + 15 * PAGE, PAGE, PROT_NONE);
  for (int i = 1; i < 5; i++) map[(unsigned)i * PAGE] = 1;
  char start[32];
  snprintf(start, sizeof start, "%lx-", (unsigned long)map + PAGE);
  char* at = strstr(read_file("/proc/self/smaps"), start);
  static const char* const keys[] = {
      "Size:", "KernelPageSize:", "Rss:", "Pss:", "Shared_Clean:", "Private_Dirty:", "Anonymous:"};
  for (unsigned i = 0; at != NULL && i < COUNT(keys); i++) {
    char* line = strstr(at, keys[i]);
    say("  %s %ld", keys[i], line != NULL ? strtol(line + strlen(keys[i]), NULL, 10) : -1);
  }
}

static void own_descriptors(void) {
  section("/proc/self/fd");
  int file = open("file", O_RDWR | O_CREAT | O_APPEND, 0600);
  write(file, "12345", 5);
  int fds[2];
  pipe2(fds, O_NONBLOCK | O_CLOEXEC);
  char path[64], target[256];
  for (int fd = 0; fd < 7; fd++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct stat st;
    if (lstat(path, &st) == -1) {
      say("fd %d: %s", fd, error_name(errno));
      continue;
    }
    long length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    char* digits = strpbrk(target, "[");
    if (digits != NULL) strcpy(digits, "[N]");
    say("fd %d: mode %o -> %s", fd, st.st_mode, target);
  }
  static const int shown[] = {3, 4, 5};
  for (unsigned i = 0; i < COUNT(shown); i++) {
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", shown[i]);
    char* text = read_file(path);
    if (text == NULL) continue;
    char* inode = strstr(text, "mnt_id:");
    if (inode != NULL) *inode = 0;
    say("fdinfo %d: %s", shown[i], text);
  }
  unlink("file");
  readlink("/proc/self/fd/3", target, sizeof target);
  say("unlinked: %s", strstr(target, "file") != NULL
                          ? strstr(target, "(deleted)") != NULL ? "(deleted)" : "no mark"
                          : "?");
  SHOW(open("/proc/self/fd/99", O_RDONLY));
  int again = (int)OK(open("/proc/self/fd/3", O_RDONLY));
  char byte;
  SHOW(read(again, &byte, 1));
  SHOW(unlink("/proc/self/fd/3"));
  SHOW(mkdir("/proc/self/x", 0755));
  SHOW(rmdir("/proc/self/fd"));
  SHOW(open("/proc/self/x", O_CREAT | O_RDWR, 0600));
}

static int by_name(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}

static void list(const char* path) {
  DIR* directory = opendir(path);
  char* names[512];
  int count = 0;
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;)
    if (count < 512) names[count++] = strdup(entry->d_name);
  if (directory != NULL) closedir(directory);
  qsort(names, (size_t)count, sizeof names[0], by_name);
  static const char* const wanted[] = {
      "self",    "thread-self", "cpuinfo",   "meminfo",       "stat",       "uptime",
      "loadavg", "version",     "mounts",    "filesystems",   "interrupts", "sys",
      "cmdline", "devices",     "slabinfo",  "swaps",         "stat",       "status",
      "statm",   "maps",        "smaps",     "environ",       "exe",        "cwd",
      "root",    "fd",          "fdinfo",    "task",          "limits",     "comm",
      "io",      "auxv",        "mountinfo", "oom_score_adj", "wchan",      "children"};
  char text[1024] = "";
  for (int i = 0; i < count; i++)
    for (unsigned j = 0; j < COUNT(wanted); j++)
      if (strcmp(names[i], wanted[j]) == 0 && strstr(text, names[i]) == NULL) {
        strcat(text, " ");
        strcat(text, names[i]);
      }
  say("%s has%s", path, text);
}

static void system_files(void) {
  section("/proc");
  list("/proc");
  list("/proc/self");
  show_form("/proc/uptime", 1);
  show_form("/proc/loadavg", 1);
  show_form("/proc/cmdline", 0);
  show_form("/proc/swaps", 1);
  show_form("/proc/self/mountinfo", 0);
  char* text = read_file("/proc/version");
  YES(strncmp(text, "Linux version 6.", 16) == 0);
  text = read_file("/proc/stat");
  for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    line[strcspn(line, " ")] = 0;
    if (strncmp(line, "cpu", 3) != 0 || line[3] == 0) say("  stat: %s", line);
  }
  text = read_file("/proc/meminfo");
  static const char* const memory[] = {
      "MemTotal:",    "MemFree:",      "MemAvailable:", "Buffers:",     "Cached:",
      "SwapCached:",  "Active:",       "Inactive:",     "SwapTotal:",   "SwapFree:",
      "Dirty:",       "Writeback:",    "AnonPages:",    "Mapped:",      "Shmem:",
      "Slab:",        "SReclaimable:", "SUnreclaim:",   "KernelStack:", "PageTables:",
      "CommitLimit:", "Committed_AS:", "VmallocTotal:"};
  for (unsigned i = 0; i < COUNT(memory); i++) {
    char* line = strstr(text, memory[i]);
    say("  meminfo: %s", line != NULL ? masked(line) : memory[i]);
  }
  text = read_file("/proc/cpuinfo");
  static char copy[65536];
  strcpy(copy, text);
  *strstr(copy, "\n\n") = 0;
  for (char* line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    if (strncmp(line, "BogoMIPS", 8) == 0) line = (char*)masked(line);
    say("  cpuinfo: %s", line);
  }
  text = read_file("/proc/filesystems");
  say("tmpfs %d proc %d sysfs %d devpts %d devtmpfs %d", strstr(text, "nodev\ttmpfs\n") != NULL,
      strstr(text, "nodev\tproc\n") != NULL, strstr(text, "nodev\tsysfs\n") != NULL,
      strstr(text, "nodev\tdevpts\n") != NULL, strstr(text, "nodev\tdevtmpfs\n") != NULL);
  text = read_file("/proc/interrupts");
  YES(strstr(text, "CPU0") != NULL);
  text = read_file("/proc/self/mounts");
  static char lines[65536];
  strcpy(lines, text);
  for (char* line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char device[64], where[128], kind[64], options[256];
    if (sscanf(line, "%63s %127s %63s %255s", device, where, kind, options) == 4)
      say("  mount: %s %s %s %.2s", device, where, kind, options);
  }
}

static void settings(void) {
  section("/proc/sys/kernel");
  static const char* const names[] = {"ostype",      "pid_max",      "threads-max",
                                      "ngroups_max", "cap_last_cap", "random/poolsize",
                                      "overflowuid"};
  for (unsigned i = 0; i < COUNT(names); i++) {
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/kernel/%s", names[i]);
    char* text = read_file(path);
    if (text == NULL)
      say("%s: %s", names[i], error_name(errno));
    else if (strcmp(names[i], "threads-max") == 0)
      YES(atoi(text) > 100);
    else
      say("%s: %.*s", names[i], (int)strcspn(text, "\n"), text);
  }
  char* text = read_file("/proc/sys/kernel/random/uuid");
  say("uuid of %ld characters, dashes %d", (long)strlen(text), text[8] == '-' && text[23] == '-');
  char first[64];
  strcpy(first, text);
  YES(strcmp(first, read_file("/proc/sys/kernel/random/uuid")) != 0);
  strcpy(first, read_file("/proc/sys/kernel/random/boot_id"));
  YES(strcmp(first, read_file("/proc/sys/kernel/random/boot_id")) == 0);
  sethostname("through-proc", 12);
  say("%s", read_file("/proc/sys/kernel/hostname"));
  int fd = open("/proc/sys/kernel/hostname", O_WRONLY);
  SHOW(write(fd, "written\n", 8));
  char name[65];
  gethostname(name, sizeof name);
  say("%s", name);
  sethostname("(none)", 6);
  SHOW(open("/proc/sys/kernel/ostype", O_WRONLY));
  SHOW(open("/proc/sys/kernel/nothing", O_RDONLY));
}

static void* idle(void* unused UNUSED) {
  prctl(PR_SET_NAME, "worker");
  sleep_ms(10000);
  return NULL;
}

static void others(void) {
  section("other processes");
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_NAME, "child) x");
    pause();
    _exit(0);
  }
  wait_until_asleep(pid);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  char* text = read_file(path);
  int own, parent, group, session;
  char state;
  sscanf(text, "%d", &own);
  sscanf(strrchr(text, ')') + 1, " %c %d %d %d", &state, &parent, &group, &session);
  say("state %c, pid %d, parent %d, group %d, session %d, name %.10s", state, own == pid,
      parent == getpid(), group == getpgrp(), session == getsid(0), strchr(text, '('));
  kill(pid, SIGSTOP);
  waitpid(pid, NULL, WUNTRACED);
  text = read_file(path);
  say("stopped: %c", strrchr(text, ')')[2]);
  kill(pid, SIGKILL);
  siginfo_t info;
  waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
  text = read_file(path);
  say("zombie: %c", strrchr(text, ')')[2]);
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  say("its cmdline is empty: %d", read_file(path)[0] == 0);
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  char target[64];
  SHOW(readlink(path, target, sizeof target));
  int directory;
  snprintf(path, sizeof path, "/proc/%d", pid);
  directory = open(path, O_RDONLY);
  waitpid(pid, NULL, 0);
  SHOW(open(path, O_RDONLY));
  SHOW(openat(directory, "stat", O_RDONLY));
  pthread_t thread;
  pthread_create(&thread, NULL, idle, NULL);
  sleep_ms(30);
  DIR* tasks = opendir("/proc/self/task");
  int count = 0, workers = 0;
  for (struct dirent* entry; (entry = readdir(tasks)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    count++;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", entry->d_name);
    workers += strcmp(read_file(path), "worker\n") == 0;
  }
  closedir(tasks);
  say("tasks %d, workers %d", count, workers);
  MUST(setresuid(1000, 1000, 1000));
  SHOW(open("/proc/1/environ", O_RDONLY));
  SHOW(open("/proc/1/maps", O_RDONLY));
  SHOW(open("/proc/1/stat", O_RDONLY) >= 0);
  SHOW(readlink("/proc/1/exe", target, sizeof target));
  SHOW(open("/proc/1/fd", O_RDONLY | O_DIRECTORY));
}

int main(void) {
  own_files();
  IN_CHILD(own_status);
  own_maps();
  own_descriptors();
  system_files();
  settings();
  IN_CHILD(others);
}
