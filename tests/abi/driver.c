// SPDX-License-Identifier: MIT
//
// Runs many test programs in one boot and sends what each printed to the console. It asks little
// of a kernel: fork, execve, wait4, open, read, write, and a tmpfs. It can be PID 1 (then it
// mounts what is needed and powers off at the end) or an ordinary program.
//
// It reads /tests/list, one test a line: NAME TIMEOUT_SECONDS SHELL_FLAG COMMAND. With flag '-' the
// command is a program with words as arguments, with 's' it goes to `/bin/sh -c` whole.
//
// What it writes, each on its own line, so that a reader finds it between lines of a kernel log:
//     @@start NAME            @@data NAME SUM HEX…            @@end NAME STATUS MILLISECONDS
// and last `@@done`. SUM is a checksum of the hex digits: a log line in the middle is noticed.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { kOutputLimit = 1 << 20, kBytesALine = 600 };

static int is_init;

static void line(const char* format, ...) {
  char text[2 * kBytesALine + 256];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text - 1, format, arguments);
  va_end(arguments);
  text[length++] = '\n';
  for (int sent = 0; sent < length;) {
    ssize_t more = write(1, text + sent, (size_t)(length - sent));
    if (more > 0)
      sent += (int)more;
    else if (more < 0 && errno != EINTR && errno != EAGAIN)
      _exit(1);
  }
}

static int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000l + time.tv_nsec / 1000000;
}

static void send_output(const char* name, int fd) {
  static unsigned char bytes[kBytesALine];
  char hex[2 * kBytesALine + 1];
  ssize_t count;
  lseek(fd, 0, SEEK_SET);
  for (long total = 0; (count = read(fd, bytes, sizeof bytes)) > 0 && total < kOutputLimit;) {
    unsigned sum = 0;
    for (ssize_t i = 0; i < count; i++) {
      sprintf(hex + 2 * i, "%02x", bytes[i]);
      sum = (sum * 31 + bytes[i]) & 0xffff;
    }
    line("@@data %s %04x %s", name, sum, hex);
    total += count;
  }
}

static void exec_child(char* command, int use_shell, int out, const char* directory) {
  setsid();
  if (chdir(directory) == -1) chdir("/tmp");
  int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(out, 1);
  dup2(out, 2);
  for (int fd = 3; fd < 64; fd++) close(fd);
  if (use_shell) {
    execl("/bin/sh", "sh", "-c", command, NULL);
  } else {
    char* words[64];
    int count = 0;
    for (char* word = strtok(command, " "); word != NULL && count < 63; word = strtok(NULL, " "))
      words[count++] = word;
    words[count] = NULL;
    execv(words[0], words);
  }
  dprintf(1, "driver: cannot run %s: %s\n", command, strerror(errno));
  _exit(127);
}

// Waits for the child, at most until the deadline. Polling is crude and needs the fewest calls.
static int wait_bounded(pid_t pid, int64_t deadline, int* status) {
  for (;;) {
    pid_t got = waitpid(-1, status, WNOHANG);
    if (got == pid) return 1;
    if (got > 0) continue;
    if (now_ms() > deadline) return 0;
    struct timespec pause = {0, 4000000};
    nanosleep(&pause, NULL);
  }
}

static void run_one(char* name, long seconds, int use_shell, char* command) {
  char directory[256], output[256], result[64];
  snprintf(directory, sizeof directory, "/tmp/work.%s", name);
  snprintf(output, sizeof output, "/tmp/out.%s", name);
  mkdir(directory, 0755);
  int out = open(output, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  line("@@start %s", name);
  int64_t begun = now_ms();
  pid_t pid = fork();
  if (pid == 0) exec_child(command, use_shell, out, directory);
  int status = 0;
  if (pid == -1) {
    snprintf(result, sizeof result, "fork-failed");
  } else if (!wait_bounded(pid, begun + seconds * 1000, &status)) {
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    wait_bounded(pid, now_ms() + 2000, &status);
    snprintf(result, sizeof result, "timeout");
  } else if (WIFSIGNALED(status)) {
    snprintf(result, sizeof result, "signal-%d", WTERMSIG(status));
  } else {
    snprintf(result, sizeof result, "exit-%d", WEXITSTATUS(status));
  }
  if (is_init) {  // Whatever the program left behind must not disturb the next one.
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  } else if (pid > 0) {
    kill(-pid, SIGKILL);
  }
  send_output(name, out);
  line("@@end %s %s %ld", name, result, (long)(now_ms() - begun));
  close(out);
  unlink(output);
  pid_t cleaner = fork();
  if (cleaner == 0) {
    execl("/bin/busybox", "rm", "-rf", directory, NULL);
    _exit(1);
  }
  if (cleaner > 0) waitpid(cleaner, &status, 0);
}

static void become_init(void) {
  mkdir("/proc", 0555);
  mkdir("/sys", 0555);
  mkdir("/dev", 0755);
  mkdir("/tmp", 01777);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sysfs", "/sys", "sysfs", 0, NULL);
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  mkdir("/dev/pts", 0755);
  mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666");
  mkdir("/dev/shm", 01777);
  mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
  mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
  int console = open("/dev/console", O_RDWR | O_NOCTTY);
  if (console >= 0) {
    dup2(console, 0);
    dup2(console, 1);
    dup2(console, 2);
    if (console > 2) close(console);
  }
}

int main(void) {
  is_init = getpid() == 1;
  if (is_init) become_init();
  setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin:/tests", 1);
  setenv("HOME", "/", 1);
  setenv("TERM", "vt100", 1);
  setenv("LC_ALL", "C", 1);
  struct termios mode;
  if (tcgetattr(1, &mode) == 0) {  // No CR before LF, no echo of what nobody types.
    cfmakeraw(&mode);
    tcsetattr(1, TCSANOW, &mode);
  }
  FILE* list = fopen("/tests/list", "re");
  static char text[8192];
  line("@@ready");
  while (list != NULL && fgets(text, sizeof text, list) != NULL) {
    char name[128], flag[8];
    long seconds;
    int at = 0;
    text[strcspn(text, "\n")] = 0;
    if (sscanf(text, "%127s %ld %7s %n", name, &seconds, flag, &at) < 3) continue;
    run_one(name, seconds, flag[0] == 's', text + at);
  }
  line("@@done");
  if (is_init) {
    tcdrain(1);
    sync();
    reboot(RB_POWER_OFF);
  }
  return 0;
}
