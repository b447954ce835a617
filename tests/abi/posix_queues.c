// SPDX-License-Identifier: MIT
//
// POSIX message queues: making, opening and their errors, priorities, waiting and timeouts,
// notices, poll, attributes, limits, and the file system that shows them.

#include "sleepers.h"

#include <dirent.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statfs.h>

static mqd_t queue;
static char buffer[8192];

static mqd_t open_raw(const char* name, int flags, mode_t mode, const struct mq_attr* attributes) {
  return (mqd_t)syscall(SYS_mq_open, name, flags, mode, attributes);
}
static void show_open(const char* label, mqd_t opened) {
  if (opened == -1) {
    say("%s: %s", label, error_name(errno));
  } else {
    say("%s: open", label);
    close(opened);
  }
}
static long send_text(const char* text, unsigned priority) {
  return mq_send(queue, text, strlen(text), priority);
}
static void receive(void) {
  unsigned priority = 99999;
  errno = 0;
  ssize_t got = mq_receive(queue, buffer, sizeof buffer, &priority);
  if (got == -1) {
    say("  receive: %s", error_name(errno));
  } else {
    say("  receive: \"%.*s\", priority %u", (int)got, buffer, priority);
  }
}
static void show_attributes(const char* when) {
  struct mq_attr attributes;
  MUST(mq_getattr(queue, &attributes));
  say("  %s: flags %lo, at most %ld of %ld bytes, %ld now", when, attributes.mq_flags,
      attributes.mq_maxmsg, attributes.mq_msgsize, attributes.mq_curmsgs);
}

static void opening(void) {
  section("opening");
  show_open("absent", open_raw("abi", O_RDWR, 0, NULL));
  show_open("slash", open_raw("/abi", O_RDWR | O_CREAT, 0600, NULL));
  show_open("inner slash", open_raw("a/b", O_RDWR | O_CREAT, 0600, NULL));
  show_open("empty", open_raw("", O_RDWR | O_CREAT, 0600, NULL));
  show_open("dot", open_raw(".", O_RDWR | O_CREAT, 0600, NULL));
  show_open("bad name", open_raw(BAD_KERNEL, O_RDWR | O_CREAT, 0600, NULL));
  show_open("bad attributes", open_raw("abi", O_RDWR | O_CREAT, 0600, BAD_KERNEL));
  char name[300];
  memset(name, 'n', sizeof name);
  name[256] = 0;
  show_open("long", open_raw(name, O_RDWR | O_CREAT, 0600, NULL));
  show_open("made", open_raw("abi", O_RDWR | O_CREAT | O_EXCL, 0640, NULL));
  show_open("again", open_raw("abi", O_RDWR | O_CREAT, 0600, NULL));
  show_open("exclusive", open_raw("abi", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
  show_open("mode 3", open_raw("abi", 3, 0, NULL));
  queue = (mqd_t)MUST(open_raw("abi", O_RDWR, 0, NULL));
  YES(fcntl(queue, F_GETFD) == FD_CLOEXEC);
  show_attributes("default");
  struct stat status;
  MUST(fstat(queue, &status));
  say("  mode %o, size %ld, links %ld", status.st_mode, (long)status.st_size,
      (long)status.st_nlink);
  SHOW(mq_close(queue));
  static const struct {
    long messages, size;
  } sizes[] = {{0, 1}, {1, 0}, {-1, 1}, {65537, 1}, {1, 16777217}, {65536, 16777216}, {3, 20}};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    struct mq_attr attributes = {.mq_maxmsg = sizes[i].messages, .mq_msgsize = sizes[i].size};
    char label[64];
    snprintf(label, sizeof label, "%ld of %ld", sizes[i].messages, sizes[i].size);
    show_open(label, open_raw("sized", O_RDWR | O_CREAT, 0600, &attributes));
  }
  show_open("mode 0, made", open_raw("closed", O_RDWR | O_CREAT, 0, NULL));
  SHOW(syscall(SYS_mq_unlink, "closed"));
  SHOW(syscall(SYS_mq_unlink, "closed"));
  SHOW(syscall(SYS_mq_unlink, "sized"));
  SHOW(syscall(SYS_mq_unlink, "/abi"));
  SHOW(syscall(SYS_mq_unlink, ""));
  SHOW(syscall(SYS_mq_unlink, BAD_KERNEL));
  SHOW(syscall(SYS_mq_unlink, "abi"));
}

static void messages(void) {
  section("messages");
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 20};
  queue = (mqd_t)MUST(open_raw("abi", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes));
  show_attributes("new");
  receive();
  SHOW(send_text("one", 1));
  SHOW(send_text("nine", 9));
  SHOW(send_text("one again", 1));
  SHOW(send_text("", 32767));
  SHOW(send_text("too many", 1));
  show_attributes("full");
  receive();
  receive();
  receive();
  receive();
  receive();
  SHOW(send_text("x", 32768));
  SHOW(mq_send(queue, buffer, 21, 0));
  SHOW(mq_send(queue, buffer, 20, 0));
  SHOW(mq_receive(queue, buffer, 19, NULL));
  SHOW(mq_receive(queue, buffer, 20, NULL));
  SHOW(mq_send(queue, NULL, 5, 0));
  SHOW(mq_send(queue, NULL, 0, 0));
  SHOW(mq_receive(queue, NULL, 20, NULL));
  SHOW(mq_send(queue, "abc", 3, 0));
  SHOW(mq_receive(queue, BAD_KERNEL, 20, NULL));
  SHOW(mq_receive(queue, buffer, 20, NULL));
  SHOW(mq_send(-1, "abc", 3, 0));
  SHOW(mq_send(1, "abc", 3, 0));
  SHOW(mq_receive(0, buffer, 20, NULL));
  mqd_t reader = (mqd_t)MUST(open_raw("abi", O_RDONLY, 0, NULL));
  mqd_t writer = (mqd_t)MUST(open_raw("abi", O_WRONLY, 0, NULL));
  SHOW(mq_send(reader, "abc", 3, 0));
  SHOW(mq_receive(writer, buffer, 20, NULL));
  close(reader), close(writer);
  SHOW(write(queue, "x", 1));
  struct mq_attr change = {.mq_flags = 0, .mq_maxmsg = 77};
  SHOW(mq_setattr(queue, &change, &attributes));
  say("  before: %lo %ld %ld %ld", attributes.mq_flags, attributes.mq_maxmsg,
      attributes.mq_msgsize, attributes.mq_curmsgs);
  show_attributes("after");
  change.mq_flags = O_APPEND;
  SHOW(mq_setattr(queue, &change, NULL));
  SHOW(mq_setattr(queue, BAD_KERNEL, NULL));
  SHOW(mq_setattr(-1, NULL, NULL));
  SHOW(mq_setattr(1, NULL, NULL));
  YES((fcntl(queue, F_GETFL) & O_NONBLOCK) == 0);
}

static struct timespec after_ms(long milliseconds) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_nsec += milliseconds * 1000000;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  return end;
}

static void receive_one(void) { receive(); }
static void receive_nice(void) {
  setpriority(PRIO_PROCESS, 0, 5);
  receive();
}
static void send_one(void) { _exit(send_text("from the child", 3) == 0 ? 0 : errno); }
static void receive_interrupted(void) {
  handle_with(SIGUSR1, ignore_signal, 0);
  receive();
}

static void waiting(void) {
  section("waiting");
  struct timespec bad = {0, 1000000000}, past = {1, 0}, soon = after_ms(30);
  SHOW(mq_timedreceive(queue, buffer, 20, NULL, &bad));
  SHOW(mq_timedreceive(queue, buffer, 20, NULL, &past));
  SHOW(mq_timedreceive(queue, buffer, 20, NULL, BAD_KERNEL));
  SHOW(mq_timedreceive(queue, buffer, 20, NULL, &soon));
  SHOW(mq_timedsend(queue, "x", 1, 0, &bad));
  SHOW(mq_timedsend(queue, "x", 1, 0, &past));
  SHOW(mq_timedreceive(queue, buffer, 20, NULL, &past));
  pid_t child = start_asleep(receive_one);
  MUST(send_text("for the child", 4));
  show_end("child", child);
  show_attributes("handed over");

  pid_t nice_child = start_asleep(receive_nice);
  child = start_asleep(receive_one);
  MUST(send_text("for the urgent one", 0));
  show_end("child", child);
  MUST(send_text("for the nice one", 0));
  show_end("child", nice_child);

  for (int i = 0; i < 4; i++) MUST(send_text("fill", 5));
  SHOW(mq_timedsend(queue, "x", 1, 0, &past));
  child = start_asleep(send_one);
  receive();
  show_end("child", child);
  show_attributes("full again");
  for (int i = 0; i < 4; i++) receive();

  child = start_asleep(receive_interrupted);
  kill(child, SIGUSR1);
  show_end("child", child);
  child = start_asleep(receive_one);
  kill(child, SIGKILL);
  show_end("child", child);
  MUST(send_text("nobody's", 0));
  receive();
}

static volatile int noticed, notice_code, notice_value, notice_pid;
static void on_notice(int signal UNUSED, siginfo_t* info, void* context UNUSED) {
  noticed++;
  notice_code = info->si_code;
  notice_value = info->si_value.sival_int;
  notice_pid = info->si_pid;
}

static void notify_too(void) {
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  SHOW(mq_notify(queue, &event));
  SHOW(mq_notify(queue, NULL));
}
static void send_quietly(void) { send_text("wakes", 0); }

static void show_text(void) {
  char text[200] = "";
  ssize_t length = pread(queue, text, sizeof text - 1, 0);
  char* pid = strstr(text, "NOTIFY_PID:");
  if (pid == NULL) {
    say("  no text: %zd", length);
    return;
  }
  int notified = atoi(pid + 11);
  *pid = 0;
  say("  %zd bytes: %spid %s", length, text,
      notified == 0 ? "0" : notified == getpid() ? "ours" : "?");
}

static void notices(void) {
  section("notices");
  struct sigaction action = {.sa_sigaction = on_notice, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                           .sigev_signo = SIGUSR1,
                           .sigev_value = {.sival_int = 4711}};
  show_text();
  SHOW(mq_notify(queue, &event));
  SHOW(mq_notify(queue, &event));
  show_text();
  IN_CHILD(notify_too);
  pid_t child = fork();
  if (child == 0) {
    send_quietly();
    _exit(0);
  }
  waitpid(child, NULL, 0);
  YES(noticed == 1 && notice_code == SI_MESGQ && notice_value == 4711 && notice_pid == child);
  show_text();
  SHOW(mq_notify(queue, &event));
  MUST(send_text("second", 0));
  YES(noticed == 1);
  receive(), receive();
  MUST(send_text("third", 0));
  YES(noticed == 2);
  receive();
  SHOW(mq_notify(queue, &event));
  pid_t reader = start_asleep(receive_one);  // what goes to a reader at once is no notice
  MUST(send_text("for the reader", 0));
  show_end("child", reader);
  YES(noticed == 2);
  SHOW(mq_notify(queue, NULL));
  SHOW(mq_notify(queue, NULL));
  MUST(send_text("unnoticed", 0));
  YES(noticed == 2);
  receive();
  event.sigev_signo = 65;
  SHOW(mq_notify(queue, &event));
  event.sigev_signo = 0;
  SHOW(mq_notify(queue, &event));
  show_text();
  SHOW(mq_notify(queue, NULL));
  event.sigev_notify = 77;
  SHOW(mq_notify(queue, &event));
  SHOW(syscall(SYS_mq_notify, queue, BAD_KERNEL));
  SHOW(mq_notify(1, NULL));
  SHOW(mq_notify(-1, NULL));
  event = (struct sigevent){.sigev_notify = SIGEV_NONE};
  SHOW(mq_notify(queue, &event));
  show_text();
  mqd_t copy = dup(queue);
  close(copy);  // any close by the process ends it
  show_text();
}

static void polling(void) {
  section("poll");
  struct pollfd entry = {.fd = queue, .events = POLLIN | POLLOUT};
  SHOW(poll(&entry, 1, 0));
  say("  events %x", entry.revents);
  MUST(send_text("1", 0));
  SHOW(poll(&entry, 1, 0));
  say("  events %x", entry.revents);
  for (int i = 0; i < 3; i++) MUST(send_text("n", 0));
  SHOW(poll(&entry, 1, 0));
  say("  events %x", entry.revents);
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(30);
    mq_receive(queue, buffer, sizeof buffer, NULL);
    _exit(0);
  }
  entry.events = POLLOUT;
  SHOW(poll(&entry, 1, 5000));
  waitpid(child, NULL, 0);
  for (int i = 0; i < 3; i++) receive();
  child = fork();
  if (child == 0) {
    sleep_ms(30);
    send_quietly();
    _exit(0);
  }
  entry.events = POLLIN;
  SHOW(poll(&entry, 1, 5000));
  waitpid(child, NULL, 0);
  receive();
}

static void unprivileged(void) {
  MUST(setgid(1234));
  MUST(setuid(1234));
  show_open("read", open_raw("abi", O_RDONLY, 0, NULL));
  show_open("write", open_raw("abi", O_WRONLY, 0, NULL));
  show_open("both", open_raw("abi", O_RDWR, 0, NULL));
  SHOW(syscall(SYS_mq_unlink, "abi"));
  struct mq_attr attributes = {.mq_maxmsg = 11, .mq_msgsize = 10};
  show_open("11 messages", open_raw("own", O_RDWR | O_CREAT, 0600, &attributes));
  attributes = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 8193};
  show_open("8193 bytes", open_raw("own", O_RDWR | O_CREAT, 0600, &attributes));
  char name[16];
  int made = 0;
  for (; made < 20; made++) {
    snprintf(name, sizeof name, "own%d", made);
    mqd_t one = open_raw(name, O_RDWR | O_CREAT, 0600, NULL);
    if (one == -1) break;
    close(one);
  }
  say("%d queues, then %s", made, error_name(errno));
  while (made-- > 0) {
    snprintf(name, sizeof name, "own%d", made);
    MUST(syscall(SYS_mq_unlink, name));
  }
  struct rlimit limit = {80000, 80000};
  MUST(setrlimit(RLIMIT_MSGQUEUE, &limit));
  show_open("over the limit", open_raw("own", O_RDWR | O_CREAT, 0600, NULL));
}

static void files(void) {
  section("files");
  MUST(fchmod(queue, 0604));
  IN_CHILD(unprivileged);
  mkdir("queues", 0755);
  SHOW(mount("none", "queues", "mqueue", 0, NULL));
  struct statfs statistics;
  SHOW(statfs("queues", &statistics));
  say("  type %lx", (long)statistics.f_type);
  struct stat status;
  SHOW(stat("queues", &status));
  say("  mode %o, size %ld", status.st_mode, (long)status.st_size);
  struct dirent** entries;
  int count = scandir("queues", &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) say("  %s", entries[i]->d_name);
  MUST(send_text("twelve bytes", 0));
  char* text = read_file("queues/abi");
  say("  %s", text == NULL ? "none" : text);
  receive();
  YES(close(open("queues/plain", O_RDWR | O_CREAT, 0600)) == 0);
  show_open("made by open", open_raw("plain", O_RDWR, 0, NULL));
  SHOW(mkdir("queues/directory", 0700));
  SHOW(symlink("x", "queues/symlink"));
  SHOW(link("queues/plain", "queues/link"));
  SHOW(rename("queues/plain", "queues/renamed"));
  SHOW(mkfifo("queues/fifo", 0600));
  SHOW(unlink("queues/plain"));
  show_open("gone", open_raw("plain", O_RDWR, 0, NULL));
  SHOW(stat("queues/abi", &status));
  say("  mode %o, size %ld, links %ld", status.st_mode, (long)status.st_size,
      (long)status.st_nlink);
  SHOW(syscall(SYS_mq_unlink, "abi"));
  SHOW(access("queues/abi", F_OK));
  SHOW(send_text("still there", 1));
  receive();
  syscall(SYS_mq_unlink, "own");
  SHOW(umount("queues"));
  rmdir("queues");
  static const char* const settings[] = {"queues_max", "msg_max", "msgsize_max", "msg_default",
                                         "msgsize_default"};
  for (size_t i = 0; i < COUNT(settings); i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", settings[i]);
    say("%s %s", settings[i], read_file(path));
  }
}

int main(void) {
  opening();
  messages();
  waiting();
  notices();
  polling();
  files();
}
