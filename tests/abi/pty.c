// SPDX-License-Identifier: MIT
//
// Pseudo terminals and the line discipline: canonical editing, echo in all its forms, input and
// output mapping, VMIN and VTIME, flow control, packet mode, and the ioctls of a terminal.

#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static struct termios initial;

static void open_pair(void) {
  if (master > 0) close(master);
  if (slave > 0) close(slave);
  master = (int)MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
  int zero = 0, number;
  char name[64];
  MUST(ioctl(master, TIOCSPTLCK, &zero));
  MUST(ioctl(master, TIOCGPTN, &number));
  snprintf(name, sizeof name, "/dev/pts/%d", number);
  slave = (int)MUST(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
  tcgetattr(slave, &initial);
}

// Bytes as a C string would have them.
static const char* quoted(const char* bytes, long length) {
  static char text[4][4096];
  static int next;
  char* out = text[next++ % 4];
  int at = 0;
  for (long i = 0; i < length && at < 4000; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (c == '\n')
      at += sprintf(out + at, "\\n");
    else if (c == '\r')
      at += sprintf(out + at, "\\r");
    else if (c == '\t')
      at += sprintf(out + at, "\\t");
    else if (c < 32 || c > 126)
      at += sprintf(out + at, "\\x%02x", c);
    else
      out[at++] = (char)c;
  }
  out[at] = 0;
  return out;
}

// Linux hands output over in pieces, in its own time: wait until no more comes.
static void settle(int fd) {
  int before = -1, now = 0;
  for (int i = 0; i < 100 && before != now; i++) {
    before = now;
    sleep_ms(10);
    ioctl(fd, FIONREAD, &now);
  }
}

static void show_read(const char* who, int fd) {
  settle(fd);
  char bytes[5000];
  long got = read(fd, bytes, sizeof bytes);
  if (got == -1)
    say("  %s: %s", who, error_name(errno));
  else
    say("  %s: %ld \"%s\"", who, got, quoted(bytes, got));
}

static int waiting_bytes(void) {
  int screen = 0, program = 0;
  ioctl(master, FIONREAD, &screen);
  ioctl(slave, FIONREAD, &program);
  return screen * 10000 + program;
}

// The line discipline works on what is typed in its own time: wait for an effect, not for ever.
static void type(const char* text) {
  say("type \"%s\"", quoted(text, (long)strlen(text)));
  int before = waiting_bytes();
  write(master, text, strlen(text));
  for (int i = 0; i < 100 && waiting_bytes() == before; i++) sleep_ms(1);
  sleep_ms(5);
}

static void both(void) {
  show_read("program reads", slave);
  show_read("screen shows", master);
}

static void set(tcflag_t input, tcflag_t output, tcflag_t local) {
  struct termios mode = initial;
  mode.c_iflag = input;
  mode.c_oflag = output;
  mode.c_lflag = local;
  tcsetattr(slave, TCSANOW, &mode);
}

static void fresh_modes(void) {
  section("a new terminal");
  open_pair();
  say("iflag %o oflag %o cflag %o lflag %o", initial.c_iflag, initial.c_oflag, initial.c_cflag,
      initial.c_lflag);
  say("characters %s", quoted((char*)initial.c_cc, 17));
  say("speeds %u %u", cfgetispeed(&initial), cfgetospeed(&initial));
  struct winsize size;
  SHOW(ioctl(slave, TIOCGWINSZ, &size));
  say("%d x %d", size.ws_row, size.ws_col);
  struct stat st;
  fstat(slave, &st);
  say("slave mode %o major %d", st.st_mode & 07777777, (int)(st.st_rdev >> 8));
  YES(isatty(slave) && isatty(master) && !isatty(1));
}

static void canonical(void) {
  section("canonical");
  open_pair();
  type("hello\n");
  both();
  type("ab");
  both();
  type(
      "\x7f"
      "c\n");  // Erase.
  both();
  type("one two three");
  type("\x17\n");  // Word erase.
  both();
  type(
      "gone\x15"
      "kept\n");  // Kill.
  both();
  type(
      "lit\x16\x03"
      " eral\n");  // Literal next.
  both();
  type("partial\x04");  // End of file after text: what there is; at the start: end of file.
  both();
  type("\x04");
  both();
  type("two\nlines\n");
  show_read("program reads", slave);
  show_read("program reads", slave);
  show_read("screen shows", master);
  type("short reads\n");
  char few[4];
  SHOW(read(slave, few, 4));
  show_read("program reads", slave);
  show_read("screen shows", master);
  type("tab\there\x7f\x7f\x7f\x7f\x7f\n");
  both();
  type(
      "ctrl\x01 \x1b"
      " esc\n");
  both();
  type(
      "re\x12"
      "print\n");
  both();
  type("cr\rnl\n");
  show_read("program reads", slave);
  both();
  type(
      "caf\xc3\xa9"
      "\x7f\x7f\n");
  both();
  struct termios mode = initial;
  mode.c_iflag |= IUTF8;
  tcsetattr(slave, TCSANOW, &mode);
  type("caf\xc3\xa9\x7f\n");
  both();
  mode = initial;
  mode.c_cc[VEOL] = ';';
  tcsetattr(slave, TCSANOW, &mode);
  type("a;b\n");
  show_read("program reads", slave);
  both();
}

static void echoing(void) {
  section("echo");
  open_pair();
  set(ICRNL, OPOST | ONLCR, ICANON);
  type("secret\n");
  both();
  set(ICRNL, OPOST | ONLCR, ICANON | ECHONL);
  type("secret\n");
  both();
  set(ICRNL, OPOST | ONLCR, ICANON | ECHO);
  type("no ECHOE\x7f\n");
  both();
  set(ICRNL, OPOST | ONLCR, ICANON | ECHO | ECHOE);
  type(
      "\x01"
      " without ECHOCTL\n");
  both();
  set(ICRNL, OPOST | ONLCR, ICANON | ECHO | ECHOK);
  type(
      "kill\x15"
      "new\n");
  both();
  set(ICRNL, OPOST | ONLCR, ICANON | ECHO | ECHOPRT);
  type(
      "print\x7f\x7f"
      "ed\n");
  both();
}

static void mapping(void) {
  section("input and output mapping");
  open_pair();
  set(0, 0, ICANON);
  type("a\rb\n");
  both();
  set(INLCR, 0, 0);
  type("a\nb");
  both();
  set(IGNCR, 0, 0);
  type("a\rb");
  both();
  set(ISTRIP, 0, 0);
  type("\xe1");
  both();
  set(IUCLC, 0, IEXTEN);
  type("ABC");
  both();
  static const struct {
    const char* name;
    tcflag_t flags;
  } kinds[] = {{"raw", 0},
               {"OPOST", OPOST},
               {"ONLCR", OPOST | ONLCR},
               {"OCRNL", OPOST | OCRNL},
               {"ONLRET", OPOST | ONLRET},
               {"ONOCR", OPOST | ONOCR},
               {"XTABS", OPOST | XTABS},
               {"OLCUC", OPOST | OLCUC}};
  for (unsigned i = 0; i < COUNT(kinds); i++) {
    set(0, kinds[i].flags, 0);
    write(slave, "\ra\tb\nc\rd", 8);
    show_read(kinds[i].name, master);
  }
}

static volatile int handled;
static void note(int signal UNUSED) { handled++; }

static void raw_reads(void) {
  section("VMIN and VTIME");
  open_pair();
  fcntl(slave, F_SETFL, 0);
  static const struct { int minimum, time; } kinds[] = {{0, 0}, {0, 1}, {1, 0}, {3, 0}, {3, 1}};
  for (unsigned i = 0; i < COUNT(kinds); i++) {
    struct termios mode = initial;
    cfmakeraw(&mode);
    mode.c_cc[VMIN] = (cc_t)kinds[i].minimum;
    mode.c_cc[VTIME] = (cc_t)kinds[i].time;
    tcsetattr(slave, TCSANOW, &mode);
    say("min %d time %d", kinds[i].minimum, kinds[i].time);
    if (kinds[i].minimum == 0) {
      int64_t before = now_ns();
      show_read("nothing there", slave);
      if (kinds[i].time) YES_AS("  waited for VTIME", now_ns() - before >= 90000000);
    }
    write(master, "ab", 2);
    sleep_ms(60);
    if (kinds[i].minimum == 3 && kinds[i].time == 0) {
      pid_t pid = fork();
      if (pid == 0) {
        sleep_ms(50);
        write(master, "c", 1);
        _exit(0);
      }
      show_read("two, then a third", slave);
      waitpid(pid, NULL, 0);
    } else {
      show_read("two there", slave);
    }
  }
  handle_with(SIGALRM, note, 0);
  ualarm(kSoon, 0);
  char byte;
  SHOW(read(slave, &byte, 1));
  alarm(kHang);
  fcntl(slave, F_SETFL, O_NONBLOCK);
  SHOW(read(slave, &byte, 1));
}

static void flow(void) {
  section("flow control and flushing");
  open_pair();
  SHOW(tcflow(slave, TCOOFF));
  SHOW(write(slave, "held", 4));
  show_read("screen shows", master);
  SHOW(tcflow(slave, TCOON));
  SHOW(write(slave, "free", 4));
  show_read("screen shows", master);
  write(master, "\x13", 1);  // Ctrl-S at the keyboard.
  sleep_ms(100);
  SHOW(write(slave, "x", 1));
  show_read("screen shows", master);
  write(master, "\x11", 1);
  sleep_ms(100);
  SHOW(write(slave, "y", 1));
  show_read("screen shows", master);
  SHOW(tcflow(slave, 77));
  type("lost\n");
  int count = -1;
  SHOW(ioctl(slave, FIONREAD, &count));
  say("%d", count);
  SHOW(tcflush(slave, TCIFLUSH));
  show_read("program reads", slave);
  show_read("screen shows", master);
  SHOW(tcflush(slave, 77));
  SHOW(tcdrain(slave));
  SHOW(tcsendbreak(slave, 0));
  type("kept\n");
  struct termios mode = initial;
  SHOW(tcsetattr(slave, TCSAFLUSH, &mode));
  show_read("program reads", slave);
  show_read("screen shows", master);
  SHOW(ioctl(slave, TIOCOUTQ, &count));
  say("%d", count);
  SHOW(ioctl(master, TIOCSTI, "z"));
}

static void mode_switch(void) {
  section("from canonical to raw with text waiting");
  open_pair();
  type("no newline yet");
  show_read("program reads", slave);
  struct termios mode = initial;
  cfmakeraw(&mode);
  tcsetattr(slave, TCSANOW, &mode);
  show_read("program reads", slave);
}

static void packets(void) {
  section("packet mode");
  open_pair();
  int on = 1;
  SHOW(ioctl(master, TIOCPKT, &on));
  write(slave, "data", 4);
  show_read("master", master);
  tcflush(slave, TCIFLUSH);
  show_read("master", master);
  tcflow(slave, TCOOFF);
  show_read("master", master);
  tcflow(slave, TCOON);
  show_read("master", master);
  show_read("master", master);
  struct pollfd entry = {master, POLLIN | POLLPRI, 0};
  tcflush(slave, TCOFLUSH);
  SHOW(poll(&entry, 1, 0));
  say("%x", entry.revents);
}

static void calls(void) {
  section("ioctls");
  open_pair();
  int value = -1;
  SHOW(ioctl(master, TIOCGPTN, BAD_KERNEL));
  SHOW(ioctl(slave, TIOCGPTN, &value));
  SHOW(ioctl(master, TIOCGPTLCK, &value));
  say("%d", value);
  int peer = (int)OK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  close(peer);
  SHOW(ioctl(slave, TCGETS, BAD_KERNEL));
  SHOW(ioctl(slave, TCSETS, BAD_KERNEL));
  SHOW(ioctl(slave, TIOCGWINSZ, BAD_KERNEL));
  SHOW(ioctl(slave, 0x5499, 0));
  SHOW(ioctl(slave, TIOCGPGRP, &value));
  SHOW(ioctl(slave, TIOCGSID, &value));
  SHOW(ioctl(slave, TIOCEXCL));
  SHOW(ioctl(slave, TIOCNXCL));
  SHOW(ioctl(slave, TIOCGETD, &value));
  say("%d", value);
  SHOW(lseek(slave, 0, SEEK_SET));
  SHOW(read(slave, BAD_KERNEL, 0));
  type("x\n");
  SHOW(read(slave, BAD_KERNEL, 5));
  SHOW(write(slave, BAD_KERNEL, 5));
  SHOW(write(master, BAD_NULL, 5));
  struct pollfd entries[2] = {{master, POLLIN | POLLOUT, 0}, {slave, POLLIN | POLLOUT, 0}};
  show_read("screen shows", master);
  SHOW(poll(entries, 2, 0));
  say("%x %x", entries[0].revents, entries[1].revents);
  section("a locked slave");
  value = 1;
  SHOW(ioctl(master, TIOCSPTLCK, &value));
  char name[64];
  int number;
  ioctl(master, TIOCGPTN, &number);
  snprintf(name, sizeof name, "/dev/pts/%d", number);
  SHOW(open(name, O_RDWR | O_NOCTTY));
  SHOW(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  section("one side closed");
  open_pair();
  write(slave, "last words", 10);
  close(slave);
  slave = 0;
  show_read("master", master);
  show_read("master", master);
  entries[0].fd = master;
  SHOW(poll(entries, 1, 0));
  say("%x", entries[0].revents);
  SHOW(write(master, "nobody", 6));
  SHOW(open("/dev/pts/9999", O_RDWR));
}

static void long_line(void) {
  section("a line longer than the buffer");
  open_pair();
  set(ICRNL, 0, ICANON);
  static char text[5000];
  memset(text, 'x', sizeof text);
  long written = 0, more;
  while (written < 5000 && (more = write(master, text, (size_t)(5000 - written))) > 0)
    written += more;
  sleep_ms(20);
  write(master, "\n", 1);
  sleep_ms(20);
  static char back[6000];
  long got = read(slave, back, sizeof back);
  say("line of %ld, ends with newline %d", got, got > 0 && back[got - 1] == '\n');
}

int main(void) {
  fresh_modes();
  canonical();
  echoing();
  mapping();
  raw_reads();
  flow();
  mode_switch();
  packets();
  calls();
  long_line();
}
