// SPDX-License-Identifier: MIT
//
// ptyplay SCRIPT: a person at a terminal, by script. Opens a pseudo terminal, runs a command on it
// as a session of its own, types and waits for what the screen shows; prints the transcript. Lines:
//
//     run COMMAND        start it with sh -c (first)     size ROWS COLUMNS    before or after
//     expect TEXT        wait until the screen shows it  type TEXT            \r \n \e \xNN
//     await NAME         until a program of that name is in the foreground, it and the shell asleep
//     stopped NAME       until a program of that name on the terminal has been stopped
//     make FILE          makes an empty file, for a program that waits for it
//     pause MS           let time pass                   quiet                no transcript
//     mask               numbers of two and more digits become N (process ids)
//     end                wait for the command's end, say how it was
//     show FILE          print a file afterwards
//
// An expected text that does not come within a minute is said and ends the play.

#include "../../abi/abi.h"

#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static const int64_t kPatience = 60000000000;  // nanoseconds: a hang detector
static int master = -1;
static pid_t child = -1;
static char seen[1 << 16], fresh[1 << 16];
static size_t seen_length, fresh_from;
static bool quiet, masked;
static struct winsize size = {.ws_row = 24, .ws_col = 80};

static size_t unescape(const char* from, char* to) {
  char* start = to;
  for (; *from; from++) {
    if (*from != '\\') {
      *to++ = *from;
      continue;
    }
    switch (*++from) {
      case 'r':
        *to++ = '\r';
        break;
      case 'n':
        *to++ = '\n';
        break;
      case 't':
        *to++ = '\t';
        break;
      case 'e':
        *to++ = 27;
        break;
      case 'x': {
        char digits[3] = {from[1], from[2], 0};
        *to++ = (char)strtol(digits, NULL, 16);
        from += 2;
        break;
      }
      default:
        *to++ = *from;
    }
  }
  *to = 0;
  return (size_t)(to - start);
}

// Reads what the screen shows for at most that long; false at the terminal's end.
static bool look(int milliseconds) {
  struct pollfd entry = {master, POLLIN, 0};
  if (poll(&entry, 1, milliseconds) <= 0) return true;
  ssize_t got = read(master, seen + seen_length, sizeof seen - 1 - seen_length);
  if (got <= 0) return false;
  seen_length += (size_t)got;
  seen[seen_length] = 0;
  return true;
}

static void start(const char* command) {
  master = (int)MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  int zero = 0, number;
  MUST(ioctl(master, TIOCSPTLCK, &zero));
  MUST(ioctl(master, TIOCGPTN, &number));
  MUST(ioctl(master, TIOCSWINSZ, &size));
  char name[64];
  snprintf(name, sizeof name, "/dev/pts/%d", number);
  child = fork();
  if (child == 0) {
    alarm(0);
    setsid();
    int slave = open(name, O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    close(slave);
    close(master);
    execl("/bin/sh", "sh", "-c", command, NULL);
    _exit(127);
  }
}

static void transcript(void) {
  if (quiet) return;
  size_t at = 0;
  for (size_t i = 0; i < seen_length;) {
    if (seen[i] == 0) {
      i++;
      continue;
    }
    size_t digits = 0;
    while (i + digits < seen_length && isdigit((unsigned char)seen[i + digits])) digits++;
    if (masked && digits >= 2) {
      fresh[at++] = 'N';
      i += digits;
      continue;
    }
    if (seen[i] != '\r') fresh[at++] = seen[i] == 27 ? '~' : seen[i];
    i++;
  }
  write(1, fresh, at);
  write(1, "\n", 1);
}

static bool expect(const char* text, size_t length) {
  int64_t deadline = now_ns() + kPatience;
  for (;;) {
    char* at = memmem(seen + fresh_from, seen_length - fresh_from, text, length);
    if (at != NULL) {
      fresh_from = (size_t)(at - seen) + length;
      return true;
    }
    bool open = look(100);
    if (now_ns() > deadline ||
        (!open && memmem(seen + fresh_from, seen_length - fresh_from, text, length) == NULL)) {
      quiet = false;
      transcript();
      say("[did not see %s]", text);
      return false;
    }
  }
}

// Whether the process has that state and that name, NULL: any, and belongs to the session on the
// terminal.
static bool is(pid_t process, const char* name, char state) {
  char path[64], stat[512], has;
  int session = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  int fd = open(path, O_RDONLY);
  ssize_t length = fd == -1 ? 0 : read(fd, stat, sizeof stat - 1);
  if (fd != -1) close(fd);
  stat[length > 0 ? length : 0] = 0;
  char *begin = strchr(stat, '('), *end = strrchr(stat, ')');
  if (end == NULL || sscanf(end + 1, " %c %*d %*d %d", &has, &session) != 2) return false;
  *end = 0;
  return (name == NULL || strcmp(begin + 1, name) == 0) && has == state && session == child;
}

// The shell sleeps as well: before, it may still be about to send SIGCONT.
static bool is_in_the_foreground(const char* name) {
  pid_t group = 0;
  return ioctl(master, TIOCGPGRP, &group) == 0 && group > 0 && is(group, name, 'S') &&
         is(child, NULL, 'S');
}

static bool is_stopped(const char* name) {
  bool found = false;
  DIR* processes = opendir("/proc");
  for (struct dirent* entry; processes != NULL && (entry = readdir(processes)) != NULL;)
    found = found || (atoi(entry->d_name) > 0 && is(atoi(entry->d_name), name, 'T'));
  if (processes != NULL) closedir(processes);
  return found;
}

static bool await(const char* name, bool (*has_come)(const char*)) {
  for (int64_t deadline = now_ns() + kPatience; now_ns() < deadline; look(10))
    if (has_come(name)) return true;
  quiet = false;
  transcript();
  say("[%s did not come]", name);
  return false;
}

static void finish(void) {
  int status = 0;
  int64_t deadline = now_ns() + kPatience;
  while (waitpid(child, &status, WNOHANG) == 0) {
    look(20);
    if (now_ns() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      say("[had to be killed]");
      break;
    }
  }
  while (look(50)) {
    struct pollfd entry = {master, POLLIN, 0};
    if (poll(&entry, 1, 50) == 0 || entry.revents == POLLHUP) break;
  }
  transcript();
  say("[%s]", status_text(status));
}

int main(int argc, char** argv) {
  alarm(300);
  FILE* script = fopen(argc > 1 ? argv[1] : "/dev/null", "r");
  if (script == NULL) return 1;
  char line[4096], text[4096];
  while (fgets(line, sizeof line, script) != NULL) {
    line[strcspn(line, "\n")] = 0;
    char* rest = strchrnul(line, ' ');
    if (*rest) *rest++ = 0;
    size_t length = unescape(rest, text);
    if (strcmp(line, "run") == 0)
      start(text);
    else if (strcmp(line, "type") == 0)
      write(master, text, length);
    else if (strcmp(line, "pause") == 0) {
      for (int64_t until = now_ns() + atol(text) * 1000000l; now_ns() < until;) look(5);
    } else if (strcmp(line, "size") == 0) {
      int rows, columns;
      if (sscanf(text, "%d %d", &rows, &columns) == 2)
        size.ws_row = (unsigned short)rows, size.ws_col = (unsigned short)columns;
      if (master != -1) ioctl(master, TIOCSWINSZ, &size);
    } else if (strcmp(line, "quiet") == 0)
      quiet = true;
    else if (strcmp(line, "mask") == 0)
      masked = true;
    else if (strcmp(line, "end") == 0)
      finish();
    else if (strcmp(line, "make") == 0)
      close((int)MUST(open(text, O_WRONLY | O_CREAT, 0644)));
    else if (strcmp(line, "show") == 0)
      say("%s: %s", text, read_file(text) ? read_file(text) : "missing");
    else if ((strcmp(line, "expect") == 0 && !expect(text, length)) ||
             (strcmp(line, "await") == 0 && !await(text, is_in_the_foreground)) ||
             (strcmp(line, "stopped") == 0 && !await(text, is_stopped))) {
      kill(child, SIGKILL);
      return 1;
    }
  }
  return 0;
}
