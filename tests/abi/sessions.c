// SPDX-License-Identifier: MIT
//
// Sessions, process groups and job control on a pty: who is in the foreground, what the others get
// when they read or write, orphaned groups, hangup.

#include "abi.h"

#include <sys/ioctl.h>
#include <termios.h>

static void groups(void) {
  section("groups and sessions");
  YES(getsid(0) == getpid() || getsid(0) > 0);
  SHOW(setsid());  // A group leader already.
  pid_t pid = fork();
  if (pid == 0) {
    YES(getpgrp() == getppid());
    SHOW(setpgid(0, 0));
    YES(getpgrp() == getpid());
    SHOW(setpgid(0, getppid()));
    YES(getpgrp() == getppid());
    SHOW(setpgid(0, -1));
    SHOW(setpgid(-1, 0));
    SHOW(setpgid(1, 0));
    SHOW(setpgid(1 << 22, 0));
    SHOW(setpgid(0, 1));
    SHOW(setpgid(0, 1 << 22));
    SHOW(getpgid(1 << 22));
    SHOW(getsid(1 << 22));
    SHOW(getpgid(-1));
    YES(setsid() == getpid());
    YES(getsid(0) == getpid() && getpgrp() == getpid());
    SHOW(setsid());
    SHOW(setpgid(0, 0));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  pid = fork();
  if (pid == 0) {
    execl("/bin/busybox", "sleep", "5", NULL);
    _exit(1);
  }
  sleep_ms(100);
  SHOW(setpgid(pid, pid));  // Too late: it has executed.
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  SHOW(setpgid(pid, pid));
  YES(getpgid(pid) == pid);
  SHOW(kill(-pid, SIGTERM));
  int status;
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
}

static int master, slave;
static char slave_name[64];

static void open_pty(void) {
  master = (int)MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  int unlock = 0, number = 0;
  MUST(ioctl(master, TIOCSPTLCK, &unlock));
  MUST(ioctl(master, TIOCGPTN, &number));
  snprintf(slave_name, sizeof slave_name, "/dev/pts/%d", number);
}

static volatile int got[65];
static void note(int signal) { got[signal]++; }

// A group in the background that may be stopped: its parent is in the session, in another group.
static void in_background(void) {
  // Setting things or reading stops us with SIGTTOU or SIGTTIN.
  handle_with(SIGTTOU, note, 0);
  handle_with(SIGTTIN, note, 0);
  SHOW(tcsetpgrp(slave, getpgrp()));
  say("SIGTTOU %d", got[SIGTTOU]);
  char byte;
  SHOW(read(slave, &byte, 1));
  say("SIGTTIN %d", got[SIGTTIN]);
  struct termios mode;
  SHOW(tcgetattr(slave, &mode));
  SHOW(tcsetattr(slave, TCSANOW, &mode));
  say("SIGTTOU %d", got[SIGTTOU]);
  SHOW(write(slave, "w", 1));  // Allowed without TOSTOP.
  handle_with(SIGTTOU, SIG_IGN, 0);
  mode.c_lflag |= TOSTOP;
  SHOW(tcsetattr(slave, TCSANOW, &mode));  // Ignored SIGTTOU lets it through.
  handle_with(SIGTTOU, note, 0);
  SHOW(write(slave, "w", 1));
  say("SIGTTOU %d", got[SIGTTOU]);
  handle_with(SIGTTOU, SIG_IGN, 0);
  SHOW(write(slave, "w", 1));
  handle_with(SIGTTIN, SIG_IGN, 0);
  SHOW(read(slave, &byte, 1));
  SHOW(tcsetpgrp(slave, 1 << 22));
  SHOW(tcsetpgrp(slave, -1));
  SHOW(tcsetpgrp(slave, 1));
}

// A session leader with the pty as its terminal, and one background child.
static void session(void) {
  MUST(setsid());
  SHOW(open("/dev/tty", O_RDWR));
  slave = (int)MUST(open(slave_name, O_RDWR));  // Becomes the controlling terminal.
  int tty = (int)OK(open("/dev/tty", O_RDWR));
  pid_t value = 0;
  SHOW(ioctl(slave, TIOCGPGRP, &value));
  YES(value == getpgrp());
  SHOW(ioctl(slave, TIOCGSID, &value));
  YES(value == getsid(0));
  YES(tcgetpgrp(tty) == getpgrp());
  pid_t job = fork();
  if (job == 0) {
    setpgid(0, 0);
    pause();
    _exit(0);
  }
  setpgid(job, job);
  SHOW(tcsetpgrp(slave, job));
  YES(tcgetpgrp(slave) == job);
  // Its own group is in the background now; the leader has no parent in the session to tell of a
  // stop, so the leader is refused instead of stopped.
  SHOW(tcsetpgrp(slave, getpgrp()));
  char byte;
  SHOW(read(slave, &byte, 1));
  pid_t worker = fork();
  if (worker == 0) {
    setpgid(0, 0);
    in_background();
    _exit(0);
  }
  int status;
  waitpid(worker, &status, WUNTRACED);
  say("background: %s", status_text(status));
  handle_with(SIGTTOU, SIG_IGN, 0);
  int other = open("/dev/null", O_RDWR);
  SHOW(tcsetpgrp(other, getpgrp()));
  SHOW(tcsetpgrp(slave, getpgrp()));
  YES(tcgetpgrp(slave) == getpgrp());
  kill(job, SIGKILL);
  waitpid(job, NULL, 0);
  // A second session cannot steal it, unless root says so.
  pid_t thief = fork();
  if (thief == 0) {
    setsid();
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(ioctl(slave, TIOCNOTTY, 0));
    _exit(0);
  }
  waitpid(thief, NULL, 0);
  handle_with(SIGHUP, note, 0);
  SHOW(ioctl(slave, TIOCNOTTY, 0));
  say("SIGHUP %d", got[SIGHUP]);
  SHOW(open("/dev/tty", O_RDWR));
  SHOW(ioctl(slave, TIOCSCTTY, 0));
  OK(open("/dev/tty", O_RDWR));
}

// What is typed at the master reaches the foreground group as signals.
static void typed_signals(void) {
  MUST(setsid());
  slave = (int)MUST(open(slave_name, O_RDWR));
  static const struct {
    char key;
    int signal;
  } keys[] = {{3, SIGINT}, {28, SIGQUIT}, {26, SIGTSTP}};
  for (unsigned i = 0; i < COUNT(keys); i++) {
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      for (int signal = 1; signal < 32; signal++) handle_with(signal, SIG_DFL, 0);
      for (;;) pause();
    }
    setpgid(job, job);
    handle_with(SIGTTOU, SIG_IGN, 0);
    tcsetpgrp(slave, job);
    wait_until_asleep(job);
    write(master, &keys[i].key, 1);
    int status;
    waitpid(job, &status, WUNTRACED);
    say("key %d: %s", keys[i].key, status_text(status));
    if (WIFSTOPPED(status)) {
      tcsetpgrp(slave, getpgrp());
      kill(-job, SIGCONT);
      waitpid(job, &status, WCONTINUED);
      say("%s", status_text(status));
      kill(job, SIGKILL);
      waitpid(job, &status, 0);
    }
    tcsetpgrp(slave, getpgrp());
  }
  // A new window size: SIGWINCH to the foreground group, once, and only when it is new.
  handle_with(SIGWINCH, note, SA_RESTART);
  struct winsize size = {.ws_row = 33, .ws_col = 99};
  SHOW(ioctl(master, TIOCSWINSZ, &size));
  SHOW(ioctl(master, TIOCSWINSZ, &size));
  sleep_ms(10);
  say("SIGWINCH %d", got[SIGWINCH]);
  memset(&size, 0, sizeof size);
  SHOW(ioctl(slave, TIOCGWINSZ, &size));
  say("%d x %d", size.ws_row, size.ws_col);
}

// A background reader with the default action stops; when its parent dies the group is orphaned
// and gets SIGHUP and SIGCONT.
static void orphaned(void) {
  MUST(setsid());
  slave = (int)MUST(open(slave_name, O_RDWR));
  int fds[2];
  pipe(fds);
  pid_t shell = fork();
  if (shell == 0) {
    setpgid(0, 0);
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      handle_with(SIGHUP, note, 0);
      handle_with(SIGCONT, note, 0);
      char byte;
      errno = 0;
      long result = read(slave, &byte, 1);  // Stops.
      char text[100];
      int length = snprintf(text, sizeof text, "read %ld %s, SIGHUP %d SIGCONT %d", result,
                            error_name(errno), got[SIGHUP], got[SIGCONT]);
      write(fds[1], text, (size_t)length);
      _exit(0);
    }
    setpgid(job, job);
    int status;
    waitpid(job, &status, WUNTRACED);
    say("%s", status_text(status));
    _exit(0);
  }
  waitpid(shell, NULL, 0);
  char text[100] = "";
  read(fds[0], text, sizeof text - 1);
  say("%s", text);
}

// An orphaned group cannot be stopped from the terminal: reads fail instead.
static void orphan_reads(void) {
  MUST(setsid());
  slave = (int)MUST(open(slave_name, O_RDWR));
  int fds[2];
  pipe(fds);
  if (fork() == 0) {
    setpgid(0, 0);
    if (fork() == 0) {
      sleep_ms(50);  // The parent is gone by now.
      char byte;
      long result = read(slave, &byte, 1);
      int error = errno;
      kill(getpid(), SIGTSTP);  // Has no effect.
      char text[100];
      int length =
          snprintf(text, sizeof text, "read %ld %s, not stopped", result, error_name(error));
      write(fds[1], text, (size_t)length);
      _exit(0);
    }
    _exit(0);
  }
  wait(NULL);
  char text[100] = "";
  read(fds[0], text, sizeof text - 1);
  say("%s", text);
}

// The leader's death tells the foreground group; the pty itself stays open as long as its master.
static void leader_dies(void) {
  int fds[2];
  pipe(fds);
  pid_t leader = fork();
  if (leader == 0) {
    setsid();
    slave = open(slave_name, O_RDWR | O_NONBLOCK);
    if (fork() == 0) {
      handle_with(SIGHUP, note, 0);
      handle_with(SIGCONT, note, 0);
      write(fds[1], "r", 1);
      for (int i = 0; i < 1000 && !got[SIGHUP]; i++) usleep(1000);
      usleep(20000);
      char byte, text[100];
      long result = read(slave, &byte, 1);
      int length = snprintf(text, sizeof text, "SIGHUP %d SIGCONT %d, read %ld, /dev/tty %s",
                            got[SIGHUP], got[SIGCONT], result,
                            open("/dev/tty", O_RDWR) == -1 ? error_name(errno) : "opens");
      write(fds[1], text, (size_t)length);
      _exit(0);
    }
    char byte;
    read(fds[0], &byte, 1);
    _exit(0);
  }
  waitpid(leader, NULL, 0);
  char text[100] = "";
  read(fds[0], text, sizeof text - 1);
  say("%s", text);
}

static void master_closes(void) {
  int fds[2];
  pipe(fds);
  open_pty();
  pid_t leader = fork();
  if (leader == 0) {
    close(master);
    setsid();
    slave = open(slave_name, O_RDWR);
    handle_with(SIGHUP, note, 0);
    handle_with(SIGCONT, note, 0);
    write(fds[1], "r", 1);
    char byte;
    errno = 0;
    long result = read(slave, &byte, 1);
    int error = errno;
    sleep_ms(50);  // The reader wakes before the hangup is complete.
    errno = error;
    say("read %ld %s, SIGHUP %d SIGCONT %d", result, result == -1 ? error_name(errno) : "-",
        got[SIGHUP], got[SIGCONT]);
    SHOW(read(slave, &byte, 1));
    SHOW(write(slave, "x", 1));
    struct termios mode;
    SHOW(tcgetattr(slave, &mode));
    _exit(0);
  }
  char byte;
  read(fds[0], &byte, 1);
  wait_until_asleep(leader);
  close(master);
  waitpid(leader, NULL, 0);
}

int main(void) {
  groups();
  section("controlling terminal");
  open_pty();
  IN_CHILD(session);
  section("keys");
  open_pty();
  IN_CHILD(typed_signals);
  section("orphans");
  open_pty();
  IN_CHILD(orphaned);
  open_pty();
  IN_CHILD(orphan_reads);
  section("hangup");
  open_pty();
  leader_dies();
  master_closes();
}
