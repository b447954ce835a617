// SPDX-License-Identifier: MIT
//
// Every mode bit of a terminal as it is felt, EXTPROC, packet mode's status bytes, TIOCSTI,
// hang-ups, and who may have which terminal as its controlling one.

#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char slave_name[64];

static void open_pair(void) {
  if (slave > 0) close(slave);
  if (master > 0) close(master);
  master = (int)MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
  int zero = 0, number;
  MUST(ioctl(master, TIOCSPTLCK, &zero));
  MUST(ioctl(master, TIOCGPTN, &number));
  snprintf(slave_name, sizeof slave_name, "/dev/pts/%d", number);
  slave = (int)MUST(open(slave_name, O_RDWR | O_NOCTTY | O_NONBLOCK));
}

static const char* quoted(const char* bytes, long length) {
  static char text[4][4096];
  static int next;
  char* out = text[next++ % 4];
  int at = 0;
  for (long i = 0; i < length && at < 4000; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (c < 32 || c > 126)
      at += sprintf(out + at, "\\x%02x", c);
    else
      out[at++] = (char)c;
  }
  out[at] = 0;
  return out;
}

static const char* all_of(int fd) {
  static char bytes[2][5000];
  static int next;
  char* into = bytes[next++ % 2];
  int length = 0;
  sleep_ms(15);
  for (;;) {
    struct pollfd entry = {fd, POLLIN, 0};
    if (poll(&entry, 1, 0) != 1) break;
    long got = read(fd, into + length, 4000 - (size_t)length);
    if (got <= 0) break;
    length += (int)got;
  }
  return quoted(into, length);
}

static void set(tcflag_t in, tcflag_t out, tcflag_t local) {
  struct termios mode;
  tcgetattr(slave, &mode);
  mode.c_iflag = in, mode.c_oflag = out, mode.c_lflag = local;
  mode.c_cc[VMIN] = 1, mode.c_cc[VTIME] = 0;
  tcsetattr(slave, TCSANOW, &mode);
  tcflush(slave, TCIFLUSH);
  all_of(master);
}

static void typed(const char* label, const char* text, size_t length) {
  write(master, text, length);
  const char* input = all_of(slave);
  say("  %-22s input \"%s\" screen \"%s\"", label, input, all_of(master));
}

static void input_bits(void) {
  section("input");
  static const struct {
    const char* name;
    tcflag_t in, local;
  } cases[] = {
      {"none", 0, 0},
      {"ICRNL", ICRNL, 0},
      {"INLCR", INLCR, 0},
      {"IGNCR", IGNCR, 0},
      {"IGNCR ICRNL", IGNCR | ICRNL, 0},
      {"INLCR ICRNL", INLCR | ICRNL, 0},
      {"ISTRIP", ISTRIP, 0},
      {"IUCLC", IUCLC, 0},
      {"IUCLC IEXTEN", IUCLC, IEXTEN},
      {"ISTRIP IUCLC IEXTEN", ISTRIP | IUCLC, IEXTEN},
      {"PARMRK", PARMRK, 0},
      {"PARMRK ISTRIP", PARMRK | ISTRIP, 0},
      {"IXON", IXON, 0},
      {"ICANON", 0, ICANON},
      {"ICANON ICRNL", ICRNL, ICANON},
      {"ISIG", 0, ISIG},
      {"ECHO", 0, ECHO},
      {"ECHO ECHOCTL", 0, ECHO | ECHOCTL},
      {"ECHONL", 0, ECHONL},
      {"ICANON ECHONL", 0, ICANON | ECHONL},
      {"ICANON ECHO ECHOE", 0, ICANON | ECHO | ECHOE},
      {"ICANON ECHO ECHOPRT", 0, ICANON | ECHO | ECHOPRT | ECHOE},
      {"ICANON ECHO ECHOK", 0, ICANON | ECHO | ECHOK},
      {"ICANON ECHO ECHOKE", 0, ICANON | ECHO | ECHOK | ECHOKE | ECHOE},
      {"ICANON ECHO IEXTEN", 0, ICANON | ECHO | IEXTEN},
      {"ICANON ECHO IEXTEN CTL", 0, ICANON | ECHO | IEXTEN | ECHOCTL},
      {"EXTPROC", 0, EXTPROC | ICANON | ECHO},
      {"IUTF8 ICANON ECHO", IUTF8, ICANON | ECHO | ECHOE},
  };
  static const char bytes[] =
      "aB\r\n\xe9\xff\x13\x11z\x03\x15kl\x7fm\x16\x03q w\x17r\x12\xc3\xa9\x7fs\x04t\n";
  for (unsigned i = 0; i < COUNT(cases); i++) {
    set(cases[i].in, 0, cases[i].local);
    typed(cases[i].name, bytes, sizeof bytes - 1);
  }
}

static void output_bits(void) {
  section("output");
  static const struct {
    const char* name;
    tcflag_t out;
  } cases[] = {
      {"none", 0},
      {"OPOST", OPOST},
      {"ONLCR", ONLCR},
      {"OPOST ONLCR", OPOST | ONLCR},
      {"OPOST OCRNL", OPOST | OCRNL},
      {"OPOST ONOCR", OPOST | ONOCR},
      {"OPOST ONLRET", OPOST | ONLRET},
      {"OPOST OLCUC", OPOST | OLCUC},
      {"OPOST XTABS", OPOST | XTABS},
      {"OPOST ONLCR OCRNL", OPOST | ONLCR | OCRNL},
      {"OPOST ONLCR ONLRET XT", OPOST | ONLCR | ONLRET | XTABS},
      {"OPOST OCRNL ONLRET XT", OPOST | OCRNL | ONLRET | XTABS},
      {"OPOST OFILL", OPOST | OFILL | ONLCR},
  };
  for (unsigned i = 0; i < COUNT(cases); i++) {
    set(0, cases[i].out, 0);
    const char text[] = "\rab\tc\r\nD\b\b\b\b\te\n\rf\xe9\n";
    long wrote = write(slave, text, sizeof text - 1);
    say("  %-22s %ld \"%s\"", cases[i].name, wrote, all_of(master));
  }
}

static volatile int signals;
static volatile int last;
static void on_signal(int signal) { signals++, last = signal; }

static void packets(void) {
  section("packet mode");
  open_pair();
  int on = 1, off = 0, value;
  set(ICRNL | IXON, OPOST | ONLCR, ICANON | ECHO | ISIG);
  SHOW(ioctl(master, TIOCGPKT, &value));
  say("%d", value);
  SHOW(ioctl(master, TIOCPKT, &on));
  SHOW(ioctl(master, TIOCGPKT, &value));
  say("%d", value);
  write(slave, "data", 4);
  say("data: %s", all_of(master));
  tcflush(slave, TCIFLUSH);
  say("TCIFLUSH: %s", all_of(master));
  tcflush(slave, TCOFLUSH);
  say("TCOFLUSH: %s", all_of(master));
  tcflush(slave, TCIOFLUSH);
  say("TCIOFLUSH: %s", all_of(master));
  tcflow(slave, TCOOFF);
  struct pollfd entry = {master, POLLIN | POLLPRI, 0};
  poll(&entry, 1, 100);
  say("TCOOFF: %x %s", entry.revents, all_of(master));
  tcflow(slave, TCOON);
  say("TCOON: %s", all_of(master));
  set(ICRNL, OPOST | ONLCR, ICANON | ECHO | ISIG);
  say("IXON off: %s", all_of(master));
  struct termios mode;
  tcgetattr(slave, &mode);
  mode.c_iflag &= ~(tcflag_t)IXON;
  tcsetattr(slave, TCSANOW, &mode);
  say("IXON off again: %s", all_of(master));
  mode.c_iflag |= IXON;
  tcsetattr(slave, TCSANOW, &mode);
  say("IXON on: %s", all_of(master));
  mode.c_cc[VSTOP] = 'x';
  tcsetattr(slave, TCSANOW, &mode);
  say("other VSTOP: %s", all_of(master));
  mode.c_lflag |= EXTPROC;
  tcsetattr(slave, TCSANOW, &mode);
  say("EXTPROC: %s", all_of(master));
  mode.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr(slave, TCSANOW, &mode);
  say("EXTPROC without ECHO: %s", all_of(master));
  mode.c_lflag &= ~(tcflag_t)EXTPROC;
  tcsetattr(slave, TCSANOW, &mode);
  say("no EXTPROC: %s", all_of(master));
  write(slave, "more", 4);
  char two[2];
  SHOW(read(master, two, 1));
  say("%d", two[0]);
  SHOW(read(master, two, 2));
  say("%d %c", two[0], two[1]);
  SHOW(ioctl(master, TIOCPKT, &off));
  say("rest: %s", all_of(master));
  SHOW(ioctl(slave, TIOCPKT, &on));
  SHOW(ioctl(slave, TIOCGPKT, &on));
}

static void controlling(void) {
  section("controlling terminal");
  open_pair();
  int value = 0, other;
  char text[16];
  SHOW(ioctl(slave, TIOCSTI, "x"));
  pid_t child = fork();
  if (child == 0) {
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    MUST(setsid());
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(ioctl(slave, TIOCGSID, &value));
    SHOW(ioctl(master, TIOCGSID, &value));
    SHOW(ioctl(slave, TIOCGPGRP, &value));
    SHOW(ioctl(slave, TIOCNOTTY, 0));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(ioctl(slave, TIOCGSID, &value));
    YES(value == getpid());
    SHOW(ioctl(master, TIOCGSID, &value));
    YES(value == getpid());
    SHOW(ioctl(slave, TIOCGPGRP, &value));
    YES(value == getpid());
    SHOW(ioctl(master, TIOCGPGRP, &value));
    YES(value == getpid());
    value = 999999;
    SHOW(ioctl(slave, TIOCSPGRP, &value));
    value = -1;
    SHOW(ioctl(slave, TIOCSPGRP, &value));
    value = 1;
    SHOW(ioctl(slave, TIOCSPGRP, &value));
    SHOW(ioctl(slave, TIOCSPGRP, BAD_KERNEL));
    value = getpid();
    SHOW(ioctl(master, TIOCSPGRP, &value));
    SHOW(ioctl(slave, TIOCSTI, "x"));
    SHOW(ioctl(slave, TIOCSTI, "\n"));
    SHOW(ioctl(slave, TIOCSTI, BAD_KERNEL));
    SHOW(read(slave, text, 10));
    int tty = (int)OK(open("/dev/tty", O_RDWR));
    SHOW(write(tty, "hi", 2));
    SHOW(ioctl(tty, TIOCGPGRP, &value));
    struct stat st;
    fstat(tty, &st);
    say("rdev %lx", (long)st.st_rdev);
    // A second terminal is not wanted, a second session may not have it.
    other = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    int zero = 0, number;
    char name[64];
    ioctl(other, TIOCSPTLCK, &zero);
    ioctl(other, TIOCGPTN, &number);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    int second = open(name, O_RDWR);
    SHOW(ioctl(second, TIOCSCTTY, 0));
    SHOW(ioctl(second, TIOCGPGRP, &value));
    pid_t thief = fork();
    if (thief == 0) {
      setsid();
      SHOW(ioctl(slave, TIOCSCTTY, 0));
      SHOW(ioctl(slave, TIOCSCTTY, 1));
      SHOW(ioctl(slave, TIOCGSID, &value));
      YES(value == getpid());
      _exit(0);
    }
    waitpid(thief, NULL, 0);
    say("signals %d last %s", signals, signal_name(last));
    SHOW(ioctl(slave, TIOCGSID, &value));
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(ioctl(slave, TIOCNOTTY, 0));
    say("signals %d last %s", signals, signal_name(last));
    SHOW(ioctl(slave, TIOCNOTTY, 0));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    MUST(setresuid(1000, 1000, 1000));
    SHOW(ioctl(second, TIOCSTI, "x"));
    SHOW(ioctl(slave, TIOCSTI, "x"));
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  say("%s", status_text(status));
}

static void hangup(void) {
  section("hang-up");
  open_pair();
  int ready[2];
  pipe(ready);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    setsid();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    int tty = (int)MUST(open("/dev/tty", O_RDWR));
    close(master);
    write(ready[1], "x", 1);
    for (int i = 0; i < 100 && signals < 2; i++) sleep_ms(10);
    say("signals %d", signals);
    char text[10];
    struct pollfd entries[1] = {{tty, POLLIN | POLLOUT, 0}};
    SHOW(read(tty, text, 10));
    SHOW(write(tty, "x", 1));
    SHOW(poll(entries, 1, 0));
    say("%x", entries[0].revents);
    SHOW(ioctl(tty, TCGETS, text));
    SHOW(ioctl(tty, TIOCGWINSZ, text));
    SHOW(read(slave, text, 10));
    SHOW(write(slave, "x", 1));
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(open(slave_name, O_RDWR));
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  close(slave);
  close(master);
  master = slave = 0;
  int status;
  waitpid(child, &status, 0);
  say("%s", status_text(status));
  // vhangup of one's own terminal.
  open_pair();
  child = fork();
  if (child == 0) {
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    setsid();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    SHOW(vhangup());
    say("signals %d", signals);
    char text[10];
    SHOW(read(slave, text, 10));
    SHOW(write(slave, "x", 1));
    SHOW(open("/dev/tty", O_RDWR));
    OK(open(slave_name, O_RDWR | O_NOCTTY));
    SHOW(vhangup());
    MUST(setresuid(1000, 1000, 1000));
    SHOW(vhangup());
    _exit(0);
  }
  waitpid(child, &status, 0);
  say("%s", status_text(status));
}

static void window(void) {
  section("window size");
  open_pair();
  pid_t child = fork();
  if (child == 0) {
    signal(SIGWINCH, on_signal);
    setsid();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    struct winsize size = {25, 80, 1, 2};
    SHOW(ioctl(master, TIOCSWINSZ, &size));
    sleep_ms(10);
    say("signals %d", signals);
    SHOW(ioctl(slave, TIOCSWINSZ, &size));
    sleep_ms(10);
    say("same: signals %d", signals);
    size.ws_xpixel = 9;
    SHOW(ioctl(slave, TIOCSWINSZ, &size));
    sleep_ms(10);
    say("from the slave: signals %d", signals);
    SHOW(ioctl(slave, TIOCSWINSZ, BAD_KERNEL));
    ioctl(master, TIOCGWINSZ, &size);
    say("%d %d %d %d", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void jobs(void) {
  section("background");
  open_pair();
  pid_t child = fork();
  if (child == 0) {
    setsid();
    MUST(ioctl(slave, TIOCSCTTY, 0));
    fcntl(slave, F_SETFL, O_RDWR);
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      char byte;
      struct termios mode;
      tcgetattr(slave, &mode);
      signal(SIGTTIN, SIG_IGN);
      SHOW(read(slave, &byte, 1));
      SHOW(write(slave, "x", 1));
      signal(SIGTTOU, SIG_IGN);
      SHOW(tcsetattr(slave, TCSANOW, &mode));
      mode.c_lflag |= TOSTOP;
      SHOW(tcsetattr(slave, TCSANOW, &mode));
      SHOW(write(slave, "x", 1));
      signal(SIGTTOU, SIG_DFL);
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGTTOU);
      sigprocmask(SIG_BLOCK, &set, NULL);
      SHOW(write(slave, "x", 1));
      SHOW(tcsetattr(slave, TCSANOW, &mode));
      sigprocmask(SIG_UNBLOCK, &set, NULL);
      SHOW(write(slave, "x", 1));
      SHOW(tcflush(slave, TCIFLUSH));
      SHOW(tcsendbreak(slave, 0));
      int group = getpgrp();
      SHOW(ioctl(slave, TIOCSPGRP, &group));
      SHOW(ioctl(slave, TIOCSWINSZ, &(struct winsize){1, 2, 3, 4}));
      _exit(0);
    }
    int status;
    for (;;) {
      waitpid(job, &status, WUNTRACED);
      if (!WIFSTOPPED(status)) break;
      say("  job: %s", status_text(status));
      if (WSTOPSIG(status) == SIGTTOU) ioctl(slave, TIOCSPGRP, &job);
      kill(job, SIGCONT);
    }
    say("  job: %s", status_text(status));
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  say("%s", status_text(status));
}

static void orphans(void) {
  section("ends");
  open_pair();
  char text[10];
  struct pollfd entry = {master, POLLIN | POLLOUT, 0};
  close(slave);
  slave = 0;
  SHOW(read(master, text, 10));
  poll(&entry, 1, 0);
  say("%x", entry.revents);
  SHOW(write(master, "kept\n", 5));
  slave = open(slave_name, O_RDWR | O_NOCTTY | O_NONBLOCK);
  YES(slave >= 0);
  sleep_ms(30);
  SHOW(read(slave, text, 10));
  write(slave, "left", 4);
  close(slave);
  sleep_ms(10);
  SHOW(read(master, text, 10));
  SHOW(read(master, text, 10));
  slave = 0;
  int on = 1;
  slave = open(slave_name, O_RDWR | O_NOCTTY | O_NONBLOCK);
  SHOW(ioctl(slave, TIOCEXCL, 0));
  SHOW(ioctl(slave, TIOCGEXCL, &on));
  say("%d", on);
  pid_t child = fork();
  if (child == 0) {
    MUST(setresuid(0, 1000, 1000));
    setresuid(1000, 1000, 1000);
    SHOW(open(slave_name, O_RDWR | O_NOCTTY));
    _exit(0);
  }
  waitpid(child, NULL, 0);
  int second = (int)OK(open(slave_name, O_RDWR | O_NOCTTY));
  close(second);
  SHOW(ioctl(slave, TIOCNXCL, 0));
  struct stat st;
  stat(slave_name, &st);
  say("mode %o uid %d gid %d", st.st_mode, st.st_uid, st.st_gid);
  SHOW(chmod(slave_name, 0600));
  SHOW(chown(slave_name, 5, 5));
  stat(slave_name, &st);
  say("mode %o uid %d gid %d", st.st_mode, st.st_uid, st.st_gid);
  SHOW(unlink(slave_name));
  SHOW(rename(slave_name, "/dev/pts/x"));
  SHOW(mkdir("/dev/pts/d", 0755));
  SHOW(open("/dev/pts/new", O_CREAT | O_RDWR, 0600));
  // The modes of the master are the slave's.
  struct termios mode;
  SHOW(tcgetattr(master, &mode));
  mode.c_lflag ^= ECHO;
  SHOW(tcsetattr(master, TCSANOW, &mode));
  struct termios other;
  tcgetattr(slave, &other);
  YES(other.c_lflag == mode.c_lflag);
  SHOW(ioctl(slave, TCSETSF, BAD_NULL));
  SHOW(ioctl(slave, TCXONC, 9));
  SHOW(ioctl(slave, TCFLSH, 9));
  SHOW(ioctl(master, TCFLSH, TCIOFLUSH));
  SHOW(ioctl(slave, TIOCMGET, &on));
  SHOW(ioctl(slave, TIOCSBRK, 0));
  SHOW(ioctl(slave, TIOCGSOFTCAR, &on));
  SHOW(ioctl(slave, TIOCGETD, &on));
  on = 0;
  SHOW(ioctl(slave, TIOCSETD, &on));
  on = 77;
  SHOW(ioctl(slave, TIOCSETD, &on));
  SHOW(ioctl(slave, FIONREAD, BAD_KERNEL));
  SHOW(ioctl(slave, TIOCGPTPEER, 0));
  SHOW(ioctl(master, TIOCSIG, SIGINT));
  SHOW(ioctl(master, TIOCSIG, 0));
  SHOW(ioctl(master, TIOCSIG, 100));
  SHOW(ioctl(slave, TIOCSIG, SIGINT));
}

int main(void) {
  open_pair();
  input_bits();
  output_bits();
  packets();
  controlling();
  hangup();
  window();
  jobs();
  orphans();
}
