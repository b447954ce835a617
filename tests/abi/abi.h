// SPDX-License-Identifier: MIT
//
// The small vocabulary that the ABI programs share. A program makes system calls and prints what
// came back, one line each, in a form that is the same on every run and on every correct kernel;
// the runner compares what Linux printed with what Samara printed. Nothing here decides what is
// right: Linux does. Never print a pid, an address or a time: print a relation between them.
//
//     SHOW(openat(AT_FDCWD, "nope", O_RDONLY));     openat(AT_FDCWD, "nope", O_RDONLY) = -1 ENOENT
//     OK(getpid());                                 getpid() = ok
//     YES(getppid() > 0);                           getppid() > 0: yes
//
// Every line leaves with one write(2), so lines of different processes do not mix and nothing is
// left in a buffer across fork. An alarm ends a program that hangs.

#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Times on a machine that its host may stop for long. An alarm so many microseconds from now comes
// after the next call has begun to wait; a program that takes so many seconds hangs.
enum { kSoon = 200000, kHang = 120 };

// One line of output, sent at once.
static UNUSED __attribute__((format(printf, 1, 2))) void say(const char* format, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  int saved = errno;
  if (write(1, line, (size_t)length) != length) _exit(99);
  errno = saved;
}

// ---- names ------------------------------------------------------------------------------------

static UNUSED const char* error_name(int error) {
  const char* name = strerrorname_np(error);
  static char number[32];
  if (name != NULL) return error == EDEADLK ? "EDEADLK" : name;
  snprintf(number, sizeof number, "E#%d", error);
  return number;
}

static UNUSED const char* signal_name(int signal) {
  static char name[8][24];
  static int next;
  char* out = name[next++ % 8];
  if (signal == 0) return "0";
  if (signal >= 32) {
    snprintf(out, 24, "RT%d", signal);
  } else {
    const char* abbreviation = sigabbrev_np(signal);
    snprintf(out, 24, "SIG%s", abbreviation != NULL ? abbreviation : "?");
  }
  return out;
}

// What a wait status says: "exit 3", "killed SIGSEGV", "stopped SIGTSTP", "continued".
static UNUSED const char* status_text(int status) {
  static char text[4][64];
  static int next;
  char* out = text[next++ % 4];
  if (WIFEXITED(status)) {
    snprintf(out, 64, "exit %d", WEXITSTATUS(status));
  } else if (WIFSIGNALED(status)) {
    snprintf(out, 64, "killed %s", signal_name(WTERMSIG(status)));
  } else if (WIFSTOPPED(status)) {
    snprintf(out, 64, "stopped %s", signal_name(WSTOPSIG(status)));
  } else if (WIFCONTINUED(status)) {
    snprintf(out, 64, "continued");
  } else {
    snprintf(out, 64, "status 0x%x", status);
  }
  return out;
}

// ---- one call, one line ------------------------------------------------------------------------

static UNUSED long show_result(const char* what, long value) {
  if (value == -1 && errno != 0) {
    say("%s = -1 %s", what, error_name(errno));
  } else {
    say("%s = %ld", what, value);
  }
  return value;
}

static UNUSED long ok_result(const char* what, long value) {
  if (value == -1) {
    say("%s = -1 %s", what, error_name(errno));
  } else {
    say("%s = ok", what);
  }
  return value;
}

// The expression is its own label. SHOW prints the value, OK only whether there was one (for pids
// and addresses), YES a relation. *_AS take a label, where the expression would not tell.
#define SHOW(expression) (errno = 0, show_result(#expression, (long)(expression)))
#define SHOW_AS(label, expression) (errno = 0, show_result(label, (long)(expression)))
#define OK(expression) (errno = 0, ok_result(#expression, (long)(expression)))
#define OK_AS(label, expression) (errno = 0, ok_result(label, (long)(expression)))
#define YES(expression) say("%s: %s", #expression, (expression) ? "yes" : "no")
#define YES_AS(label, expression) say("%s: %s", label, (expression) ? "yes" : "no")

// For the scaffolding of a test, not its subject: say what failed and stop.
#define MUST(expression)                                                               \
  ({                                                                                   \
    long must_value = (long)(expression);                                              \
    if (must_value == -1) {                                                            \
      say("cannot go on: %s: %s (line %d)", #expression, error_name(errno), __LINE__); \
      exit(1);                                                                         \
    }                                                                                  \
    must_value;                                                                        \
  })

static UNUSED void section(const char* title) { say("--- %s", title); }

// ---- bad pointers ------------------------------------------------------------------------------

#define BAD_NULL ((void*)0)
#define BAD_KERNEL ((void*)0xffff000000100000ul)  // Linear map: a kernel address, never the user's.
#define BAD_HIGH ((void*)0xfffffffffffff000ul)    // Top of the address space; adding wraps round.
#define BAD_HOLE ((void*)0x0001000000000000ul)    // One past the last user address.
#define BAD_POINTERS(name) static void* const name[] = {BAD_NULL, BAD_KERNEL, BAD_HIGH, BAD_HOLE}

#define PAGE 4096ul

// A fresh page with nothing mapped after it. edge(n) points n bytes before its end, so that an
// object of n bytes just fits and one of n+1 bytes crosses into the hole.
static UNUSED char* edge(size_t bytes) {
  char* map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) {
    say("edge: mmap failed");
    exit(1);
  }
  munmap(map + PAGE, PAGE);
  return map + PAGE - bytes;
}

static UNUSED void* unmapped(void) {
  char* map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(map, PAGE);
  return map;
}

static UNUSED void* page_with(int protection) {
  void* map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map, 0, PAGE);
  mprotect(map, PAGE, protection);
  return map;
}

// ---- time, as relations -------------------------------------------------------------------------

static UNUSED int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000l + time.tv_nsec;
}

static UNUSED void sleep_ms(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
}

// ---- children -----------------------------------------------------------------------------------

// A fork that must work: a program that took -1 for a pid would kill everybody with it. Where the
// failure is the subject, (fork)() is the plain call.
static UNUSED pid_t fork_or_end(void) { return (pid_t)MUST(fork()); }
#define fork() fork_or_end()

// Runs body in a child and returns its wait status; the child exits 0 when body returns.
static UNUSED int in_child(void (*body)(void)) {
  pid_t pid = fork();
  if (pid == 0) {
    alarm(kHang);
    body();
    _exit(0);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
  }
  return status;
}

#define IN_CHILD(body) say("%s: %s", #body, status_text(in_child(body)))

// Until the thread sleeps in a system call (its state in /proc is S): the way to be sure that the
// other side is blocked before the test goes on. Gives up after two seconds.
static UNUSED bool wait_until_asleep(pid_t tid) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", tid);
  for (int attempt = 0; attempt < 2000; attempt++) {
    int fd = open(path, O_RDONLY);
    if (fd == -1) {
      // Not a thread group leader of ours, or no /proc: a plain wait is the best there is.
      sleep_ms(50);
      return true;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length > 0) {
      text[length] = 0;
      char* state = strrchr(text, ')');
      if (state != NULL && (state[2] == 'S' || state[2] == 'T')) return true;
    }
    sleep_ms(1);
  }
  return false;
}

// ---- signals ------------------------------------------------------------------------------------

static UNUSED void handle_with(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(signal, &action, NULL);
}

static UNUSED void ignore_signal(int signal UNUSED) {}

// ---- files --------------------------------------------------------------------------------------

static UNUSED void write_file(const char* path, const char* text) {
  int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  MUST(write(fd, text, strlen(text)));
  close(fd);
}

// The whole of a small file as a string, in a static buffer; NULL when it cannot be opened.
static UNUSED char* read_file(const char* path) {
  static char text[65536];
  int fd = open(path, O_RDONLY);
  if (fd == -1) return NULL;
  size_t length = 0;
  ssize_t more;
  while ((more = read(fd, text + length, sizeof text - 1 - length)) > 0) length += (size_t)more;
  close(fd);
  text[length] = 0;
  return text;
}

// ---- start --------------------------------------------------------------------------------------

__attribute__((constructor)) static void abi_start(void) {
  alarm(kHang);
  umask(022);
}
