// SPDX-License-Identifier: MIT
//
// System V message queues: making, sending and receiving in every order, waiting, copying, limits,
// permissions, removal under those who wait.

#include "sleepers.h"

#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct message {
  long type;
  char text[9000];
};
static struct message out, in;

static long send_text(int queue, long type, const char* text, int flags) {
  out.type = type;
  strcpy(out.text, text);
  return msgsnd(queue, &out, strlen(text), flags);
}

static void receive(int queue, size_t size, long type, int flags) {
  memset(&in, 0, sizeof in);
  errno = 0;
  long got = msgrcv(queue, &in, size, type, flags);
  if (got == -1) {
    say("  receive %ld, flags %o: %s", type, flags, error_name(errno));
  } else {
    say("  receive %ld, flags %o: %ld bytes, type %ld, \"%s\"", type, flags, got, in.type, in.text);
  }
}

static void show_state(int queue) {
  struct msqid_ds state;
  MUST(msgctl(queue, IPC_STAT, &state));
  say("  %lu messages, %lu bytes of %lu, mode %o, sent by us %d, received by us %d, times %d%d%d",
      state.msg_qnum, state.__msg_cbytes, state.msg_qbytes, state.msg_perm.mode,
      state.msg_lspid == getpid(), state.msg_lrpid == getpid(), state.msg_stime != 0,
      state.msg_rtime != 0, state.msg_ctime != 0);
}

static void making(void) {
  section("making");
  const key_t key = 0x5a5a0001;
  SHOW(msgget(key, 0600));
  int queue = (int)MUST(msgget(key, IPC_CREAT | 0640));
  YES(msgget(key, 0) == queue);
  YES(msgget(key, IPC_CREAT | 0777) == queue);
  SHOW(msgget(key, IPC_CREAT | IPC_EXCL));
  int own = (int)MUST(msgget(IPC_PRIVATE, 0600));
  YES(own != queue && msgget(IPC_PRIVATE, 0) != own);
  show_state(queue);
  SHOW(msgctl(queue, IPC_RMID, NULL));
  SHOW(msgctl(queue, IPC_RMID, NULL));
  SHOW(msgctl(queue, 99, NULL));
  SHOW(msgctl(-1, IPC_RMID, NULL));
  SHOW(msgctl(own, -1, NULL));
  SHOW(msgctl(own, IPC_STAT, NULL));
  SHOW(msgctl(own, IPC_SET, BAD_KERNEL));
  SHOW(msgctl(own, IPC_RMID, NULL));
  // The slot is not used again at once, and an old identifier is not a new queue.
  int again = (int)MUST(msgget(key, IPC_CREAT | 0600));
  YES(again != queue && again != own);
  SHOW(msgctl(again + (1 << 15), IPC_RMID, NULL));
  SHOW(msgctl(again, IPC_RMID, NULL));
}

static void order(void) {
  section("order");
  int queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
  static const long types[] = {3, 1, 2, 3, 5, 1};
  for (size_t i = 0; i < COUNT(types); i++) {
    char text[16];
    snprintf(text, sizeof text, "no %zu", i);
    MUST(send_text(queue, types[i], text, 0));
  }
  show_state(queue);
  receive(queue, 100, 0, IPC_NOWAIT | MSG_COPY);
  receive(queue, 100, 4, IPC_NOWAIT | MSG_COPY);
  receive(queue, 100, 6, IPC_NOWAIT | MSG_COPY);
  receive(queue, 2, 4, IPC_NOWAIT | MSG_COPY);
  receive(queue, 2, 4, IPC_NOWAIT | MSG_COPY | MSG_NOERROR);
  receive(queue, 100, 4, MSG_COPY);
  receive(queue, 100, 4, IPC_NOWAIT | MSG_COPY | MSG_EXCEPT);
  receive(queue, 100, -2, IPC_NOWAIT);
  receive(queue, 100, 3, IPC_NOWAIT | MSG_EXCEPT);
  receive(queue, 100, 3, IPC_NOWAIT);
  receive(queue, 100, 4, IPC_NOWAIT);
  receive(queue, 100, -1, IPC_NOWAIT);
  receive(queue, 3, 0, IPC_NOWAIT);
  receive(queue, 3, 0, IPC_NOWAIT | MSG_NOERROR);
  receive(queue, 100, LONG_MIN, IPC_NOWAIT);
  receive(queue, 100, 0, IPC_NOWAIT);
  show_state(queue);
  MUST(send_text(queue, 9, "", 0));
  receive(queue, 0, 0, IPC_NOWAIT);
  MUST(msgctl(queue, IPC_RMID, NULL));
}

static void errors(void) {
  section("errors");
  int queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
  SHOW(send_text(queue, 0, "x", 0));
  SHOW(send_text(queue, -1, "x", 0));
  SHOW(send_text(-1, 1, "x", 0));
  SHOW(send_text(queue + 1, 1, "x", 0));
  out.type = 1;
  SHOW(msgsnd(queue, &out, 8193, IPC_NOWAIT));
  SHOW(msgsnd(queue, &out, -1, IPC_NOWAIT));
  SHOW(msgsnd(queue, NULL, 1, IPC_NOWAIT));
  char* last = edge(8);
  memcpy(last, &out.type, 8);
  SHOW(msgsnd(queue, last, 0, IPC_NOWAIT));
  SHOW(msgsnd(queue, last, 1, IPC_NOWAIT));
  SHOW(msgrcv(queue, last, 100, 0, IPC_NOWAIT));
  MUST(send_text(queue, 1, "some text", 0));
  SHOW(msgrcv(queue, last, 100, 0, IPC_NOWAIT));
  SHOW(msgrcv(queue, last, 100, 0, IPC_NOWAIT));
  SHOW(msgrcv(queue, &in, -1, 0, IPC_NOWAIT));
  SHOW(msgrcv(-1, &in, 1, 0, IPC_NOWAIT));
  SHOW(msgrcv(queue, BAD_KERNEL, 1, 0, IPC_NOWAIT | MSG_COPY));
  MUST(msgctl(queue, IPC_RMID, NULL));
  SHOW(msgrcv(queue, &in, 1, 0, IPC_NOWAIT));
}

static void capacity(void) {
  section("capacity");
  int queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
  struct msqid_ds state;
  MUST(msgctl(queue, IPC_STAT, &state));
  state.msg_qbytes = 100;
  SHOW(msgctl(queue, IPC_SET, &state));
  out.type = 1;
  SHOW(msgsnd(queue, &out, 60, IPC_NOWAIT));
  SHOW(msgsnd(queue, &out, 41, IPC_NOWAIT));
  SHOW(msgsnd(queue, &out, 40, IPC_NOWAIT));
  SHOW(msgsnd(queue, &out, 0, IPC_NOWAIT));
  SHOW(msgsnd(queue, &out, 1, IPC_NOWAIT));
  int empty = 0;
  while (msgsnd(queue, &out, 0, IPC_NOWAIT) == 0) empty++;
  say("%d more empty ones, then %s", empty, error_name(errno));
  state.msg_qbytes = 20000;
  SHOW(msgctl(queue, IPC_SET, &state));
  state.msg_perm.uid = (uid_t)-1;
  SHOW(msgctl(queue, IPC_SET, &state));
  MUST(msgctl(queue, IPC_RMID, NULL));
}

static int shared_queue;
static void wait_for_seven(void) { receive(shared_queue, 100, 7, 0); }
static void wait_for_small(void) { receive(shared_queue, 2, 0, 0); }
static void send_big(void) {
  out.type = 4;
  _exit(msgsnd(shared_queue, &out, 90, 0) == 0 ? 0 : errno);
}
static void with_handler(void) {
  handle_with(SIGUSR1, ignore_signal, SA_RESTART);
  receive(shared_queue, 100, 7, 0);
}

static void waiting(void) {
  section("waiting");
  shared_queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
  pid_t child = start_asleep(wait_for_seven);
  MUST(send_text(shared_queue, 6, "six", 0));
  MUST(send_text(shared_queue, 7, "seven", 0));
  show_end("child", child);
  struct msqid_ds state;
  MUST(msgctl(shared_queue, IPC_STAT, &state));
  YES(state.msg_lrpid == child && state.msg_qnum == 1);
  receive(shared_queue, 100, 0, IPC_NOWAIT);

  child = start_asleep(wait_for_small);
  MUST(send_text(shared_queue, 1, "too long", 0));
  show_end("child", child);
  show_state(shared_queue);
  receive(shared_queue, 100, 0, IPC_NOWAIT);

  state.msg_qbytes = 100;
  MUST(msgctl(shared_queue, IPC_SET, &state));
  MUST(msgsnd(shared_queue, &out, 50, 0));
  child = start_asleep(send_big);
  receive(shared_queue, 100, 0, MSG_NOERROR);
  show_end("child", child);
  child = start_asleep(send_big);
  state.msg_qbytes = 200;
  MUST(msgctl(shared_queue, IPC_SET, &state));
  show_end("child", child);

  child = start_asleep(with_handler);
  kill(child, SIGUSR1);
  show_end("child", child);
  child = start_asleep(wait_for_seven);
  kill(child, SIGSTOP);
  waitpid(child, NULL, WUNTRACED);
  kill(child, SIGCONT);
  wait_until_asleep(child);
  MUST(send_text(shared_queue, 7, "after a stop", 0));
  show_end("child", child);
  child = start_asleep(wait_for_seven);
  kill(child, SIGKILL);
  show_end("child", child);
  MUST(send_text(shared_queue, 7, "nobody's", IPC_NOWAIT));
  receive(shared_queue, 100, 7, IPC_NOWAIT);

  child = start_asleep(wait_for_seven);
  state.msg_qbytes = 91;
  MUST(msgctl(shared_queue, IPC_SET, &state));
  pid_t sender = start_asleep(send_big);
  MUST(msgctl(shared_queue, IPC_RMID, NULL));
  show_end("child", child);
  show_end("child", sender);
}

static void unprivileged(void) {
  struct msqid_ds state;
  MUST(msgctl(shared_queue, IPC_STAT, &state));
  MUST(setgid(1234));
  MUST(setuid(1234));
  SHOW(msgctl(shared_queue, IPC_STAT, &state));
  SHOW(msgget(0x5a5a0002, 0));
  SHOW(msgget(0x5a5a0002, 0400));
  SHOW(msgget(0x5a5a0002, 0004));
  SHOW(send_text(shared_queue, 1, "x", IPC_NOWAIT));
  receive(shared_queue, 10, 0, IPC_NOWAIT);
  SHOW(msgctl(shared_queue, IPC_SET, &state));
  SHOW(msgctl(shared_queue, IPC_RMID, NULL));
  int own = (int)MUST(msgget(IPC_PRIVATE, 0));
  SHOW(send_text(own, 1, "x", IPC_NOWAIT));
  SHOW(msgctl(own, IPC_STAT, &state));
  state.msg_perm.mode = 07600;
  state.msg_perm.uid = state.msg_perm.gid = 1234;
  state.msg_qbytes = 16385;
  SHOW(msgctl(own, IPC_SET, &state));
  state.msg_qbytes = 16384;
  SHOW(msgctl(own, IPC_SET, &state));
  SHOW(msgctl(own, IPC_STAT, &state));
  say("mode %o", state.msg_perm.mode);
  SHOW(msgctl(own, IPC_RMID, NULL));
}

static void permissions(void) {
  section("permissions");
  shared_queue = (int)MUST(msgget(0x5a5a0002, IPC_CREAT | 0600));
  IN_CHILD(unprivileged);
  struct msqid_ds state;
  MUST(msgctl(shared_queue, IPC_STAT, &state));
  state.msg_perm.mode = 0604;
  MUST(msgctl(shared_queue, IPC_SET, &state));
  IN_CHILD(unprivileged);
  state.msg_perm.gid = 1234;
  state.msg_perm.mode = 0624;
  MUST(msgctl(shared_queue, IPC_SET, &state));
  IN_CHILD(unprivileged);
  MUST(msgctl(shared_queue, IPC_RMID, NULL));
}

static void information(void) {
  section("information");
  int queue = (int)MUST(msgget(0x5a5a0003, IPC_CREAT | 0602));
  MUST(send_text(queue, 1, "12345", 0));
  struct msginfo info;
  memset(&info, 0, sizeof info);
  YES(msgctl(0, IPC_INFO, (void*)&info) >= 0);
  say("%d %d %d %d %d %d %d %d", info.msgpool, info.msgmap, info.msgmax, info.msgmnb, info.msgmni,
      info.msgssz, info.msgtql, info.msgseg);
  YES(msgctl(0, MSG_INFO, (void*)&info) >= 0);
  say("%d %d %d %d %d %d %d %d", info.msgpool, info.msgmap, info.msgmax, info.msgmnb, info.msgmni,
      info.msgssz, info.msgtql, info.msgseg);
  struct msqid_ds state;
  YES(msgctl(queue & 0x7fff, MSG_STAT, &state) == queue);
  YES(msgctl(queue & 0x7fff, 13, &state) == queue);
  YES(state.msg_perm.__seq == queue >> 15 && state.msg_perm.__key == 0x5a5a0003);
  SHOW(msgctl(30000, MSG_STAT, &state));
  char* text = read_file("/proc/sysvipc/msg");
  if (text == NULL) return;
  char* line = strstr(text, "1515847683");
  *strchr(text, '\n') = 0;
  say("%s", text);
  int id, mode, bytes, count, sender, receiver;
  if (line != NULL &&
      sscanf(line, "%*d %d %o %d %d %d %d", &id, &mode, &bytes, &count, &sender, &receiver) == 6)
    say("id %d, mode %o, %d bytes, %d messages, sender %d, receiver %d", id == queue, mode, bytes,
        count, sender == getpid(), receiver);
  MUST(msgctl(queue, IPC_RMID, NULL));
  say("%s", read_file("/proc/sys/kernel/msgmax"));
  say("%s", read_file("/proc/sys/kernel/msgmnb"));
  say("%s", read_file("/proc/sys/kernel/msgmni"));
}

int main(void) {
  making();
  order();
  errors();
  capacity();
  waiting();
  permissions();
  information();
}
