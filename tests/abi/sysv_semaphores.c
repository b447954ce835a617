// SPDX-License-Identifier: MIT
//
// System V semaphores: making, atomic lists of operations, the order of those who wait, undoing at
// exit and what shares it, limits, permissions, removal under those who wait.

#include "sleepers.h"

#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

union argument {
  int value;
  struct semid_ds* state;
  unsigned short* array;
  struct seminfo* info;
};

static int set;

static long get(int number) { return semctl(set, number, GETVAL); }
static void show_values(int count) {
  char line[128];
  int length = 0;
  for (int i = 0; i < count; i++) length += snprintf(line + length, 16, " %ld", get(i));
  say("  values:%s", line);
}
static long op(int number, int change, int flags) {
  struct sembuf one = {(unsigned short)number, (short)change, (short)flags};
  return semop(set, &one, 1);
}

static void making(void) {
  section("making");
  const key_t key = 0x5a5a1001;
  SHOW(semget(key, 1, 0600));
  SHOW(semget(key, 0, IPC_CREAT | 0600));
  SHOW(semget(key, -1, IPC_CREAT | 0600));
  SHOW(semget(key, 32001, IPC_CREAT | 0600));
  set = (int)MUST(semget(key, 3, IPC_CREAT | 0640));
  YES(semget(key, 0, 0) == set && semget(key, 3, 0) == set);
  SHOW(semget(key, 4, 0));
  SHOW(semget(key, 3, IPC_CREAT | IPC_EXCL));
  show_values(3);
  struct semid_ds state;
  union argument argument = {.state = &state};
  SHOW(semctl(set, 0, IPC_STAT, argument));
  say("%lu of them, mode %o, otime %d, ctime %d", state.sem_nsems, state.sem_perm.mode,
      state.sem_otime != 0, state.sem_ctime != 0);
  SHOW(semctl(set, 3, GETVAL));
  SHOW(semctl(set, -1, GETVAL));
  SHOW(semctl(set, 0, 99));
  SHOW(semctl(-1, 0, GETVAL));
  SHOW(semctl(set, 0, GETPID));
  SHOW(semctl(set, 0, SETVAL, (union argument){.value = 7}));
  YES(semctl(set, 0, GETPID) == getpid());
  SHOW(semctl(set, 0, SETVAL, (union argument){.value = -1}));
  SHOW(semctl(set, 0, SETVAL, (union argument){.value = 32768}));
  SHOW(semctl(set, 3, SETVAL, (union argument){.value = 1}));
  SHOW(semctl(set, 0, SETVAL, (union argument){.value = 32767}));
  unsigned short values[3] = {1, 2, 3};
  SHOW(semctl(set, 99, SETALL, (union argument){.array = values}));
  show_values(3);
  values[1] = 40000;
  SHOW(semctl(set, 0, SETALL, (union argument){.array = values}));
  SHOW(semctl(set, 0, SETALL, (union argument){.array = NULL}));
  SHOW(semctl(set, 0, GETALL, (union argument){.array = NULL}));
  memset(values, 0xff, sizeof values);
  SHOW(semctl(set, 0, GETALL, (union argument){.array = values}));
  say("  %d %d %d", values[0], values[1], values[2]);
  SHOW(semctl(set, 0, IPC_RMID));
  SHOW(semctl(set, 0, IPC_RMID));
  SHOW(op(0, 1, 0));
}

static void lists(void) {
  section("lists");
  set = (int)MUST(semget(IPC_PRIVATE, 3, 0600));
  struct sembuf all[] = {{0, 2, 0}, {1, 3, 0}, {0, -1, 0}};
  SHOW(semop(set, all, 3));
  show_values(3);
  struct sembuf fails[] = {{0, 5, 0}, {1, -4, IPC_NOWAIT}};
  SHOW(semop(set, fails, 2));
  show_values(3);
  struct sembuf zero[] = {{2, 0, IPC_NOWAIT}, {2, 1, 0}};
  SHOW(semop(set, zero, 2));
  SHOW(semop(set, zero, 2));
  struct sembuf same[] = {{2, -1, 0}, {2, 0, 0}, {2, 2, 0}, {2, -2, 0}, {2, 1, 0}};
  SHOW(semop(set, same, 5));
  show_values(3);
  SHOW(op(3, 1, 0));
  SHOW(op(65535, 0, 0));
  SHOW(op(0, 32767, 0));
  SHOW(op(0, 32766, 0));
  SHOW(op(0, -32768, IPC_NOWAIT));
  show_values(3);
  SHOW(semop(set, all, 0));
  SHOW(semop(set, NULL, 1));
  SHOW(semop(set, NULL, 501));
  SHOW(semop(-1, all, 1));
  static struct sembuf many[500];
  for (int i = 0; i < 500; i++) many[i] = (struct sembuf){1, (short)(i % 2 ? -1 : 1), 0};
  SHOW(semop(set, many, 500));
  struct timespec bad = {0, 1000000000}, negative = {-1, 0}, soon = {0, 20000000};
  SHOW(semtimedop(set, all, 3, &bad));
  SHOW(semtimedop(set, all, 3, &negative));
  SHOW(syscall(SYS_semtimedop, set, all, 3, BAD_KERNEL));
  SHOW(syscall(SYS_semtimedop, set, NULL, 0, &bad));
  SHOW(syscall(SYS_semtimedop, set, NULL, 1, &bad));
  struct sembuf down = {1, -100, 0};
  int64_t before = now_ns();
  SHOW(semtimedop(set, &down, 1, &soon));
  YES(now_ns() - before >= 20000000);
  show_values(3);
  MUST(semctl(set, 0, IPC_RMID));
}

static void take_one(void) { _exit(op(0, -1, 0) == 0 ? 0 : errno); }
static void take_three(void) { _exit(op(0, -3, 0) == 0 ? 0 : errno); }
static void wait_zero(void) { _exit(op(0, 0, 0) == 0 ? 0 : errno); }
static void take_both(void) {
  struct sembuf both[] = {{0, -1, 0}, {1, -1, 0}};
  _exit(semop(set, both, 2) == 0 ? 0 : errno);
}
static void zero_then_add(void) {
  struct sembuf both[] = {{0, 0, 0}, {1, 1, 0}};
  _exit(semop(set, both, 2) == 0 ? 0 : errno);
}
static void interrupted(void) {
  handle_with(SIGUSR1, ignore_signal, SA_RESTART);
  SHOW(op(0, -1, 0));
}

static void show_waiting(void) {
  say("  waiting: %d %d to grow, %d %d for zero", semctl(set, 0, GETNCNT), semctl(set, 1, GETNCNT),
      semctl(set, 0, GETZCNT), semctl(set, 1, GETZCNT));
}

static bool is_running(pid_t child) {
  siginfo_t info = {0};
  waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == 0;
}

static void waiting(void) {
  section("waiting");
  set = (int)MUST(semget(IPC_PRIVATE, 2, 0600));
  pid_t three = start_asleep(take_three), one = start_asleep(take_one);
  show_waiting();
  SHOW(op(0, 2, 0));  // not enough for the first: the second goes on
  show_end("one", one);
  YES(is_running(three));
  show_values(2);
  show_waiting();
  SHOW(op(0, 2, 0));
  show_end("three", three);
  show_values(2);

  pid_t both = start_asleep(take_both);
  one = start_asleep(take_one);
  show_waiting();
  SHOW(op(0, 1, 0));  // the list cannot go on: the simple one behind it takes it
  show_end("one", one);
  show_waiting();
  struct sembuf give[] = {{0, 1, 0}, {1, 1, 0}};
  SHOW(semop(set, give, 2));
  show_end("both", both);
  show_values(2);

  MUST(op(0, 1, 0));
  pid_t zero = start_asleep(wait_zero);
  pid_t chain = start_asleep(zero_then_add), last = start_asleep(take_both);
  show_waiting();
  SHOW(semctl(set, 0, SETVAL, (union argument){.value = 0}));
  show_end("zero", zero);
  show_end("chain", chain);
  show_waiting();
  SHOW(op(0, 1, 0));
  show_end("last", last);
  show_values(2);

  pid_t caught = start_asleep(interrupted);
  kill(caught, SIGUSR1);
  show_end("interrupted", caught);
  pid_t killed = start_asleep(take_one);
  kill(killed, SIGKILL);
  show_end("killed", killed);
  show_waiting();
  SHOW(op(0, 1, 0));
  show_values(2);
  MUST(op(0, -1, 0));

  one = start_asleep(take_one);
  both = start_asleep(take_both);
  unsigned short values[2] = {2, 1};
  SHOW(semctl(set, 0, SETALL, (union argument){.array = values}));
  show_end("one", one);
  show_end("both", both);
  one = start_asleep(take_one);
  SHOW(semctl(set, 0, IPC_RMID));
  show_end("removed", one);
}

static void undo_exit(void) {
  MUST(op(0, -3, SEM_UNDO));
  MUST(op(1, 4, SEM_UNDO));
  show_values(2);
}
static void undo_too_much(void) {
  MUST(op(0, 5, SEM_UNDO));
  MUST(op(0, -7, 0));
  show_values(2);
}
static void undo_forgotten(void) {
  MUST(op(0, -3, SEM_UNDO));
  MUST(op(1, 1, SEM_UNDO));
  MUST(semctl(set, 0, SETVAL, (union argument){.value = 2}));
}
static void undo_range(void) {
  SHOW(op(1, 32000, SEM_UNDO));
  SHOW(op(1, -32000, 0));
  SHOW(op(1, 700, 0));
  SHOW(op(1, 769, SEM_UNDO));
  SHOW(op(1, 768, SEM_UNDO));
  SHOW(op(1, -1468, SEM_UNDO));
}
static void undo_in_fork(void) {
  MUST(op(0, 1, SEM_UNDO));
  pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  show_values(2);
}
static void* thread_undo(void* unused UNUSED) {
  MUST(op(0, 1, SEM_UNDO));
  return NULL;
}
static void undo_of_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, thread_undo, NULL);
  pthread_join(thread, NULL);
  show_values(2);  // still there: the process shares it
}
static void undo_unshared(void) {
  MUST(op(0, 1, SEM_UNDO));
  SHOW(unshare(CLONE_SYSVSEM));
  show_values(2);
}
static int sharing_child(void* unused UNUSED) {
  op(0, 1, SEM_UNDO);
  return 0;
}
static char stack[16384] __attribute__((aligned(16)));
static void undo_shared(void) {
  int child = clone(sharing_child, stack + sizeof stack, CLONE_SYSVSEM | SIGCHLD, NULL);
  waitpid(child, NULL, 0);
  show_values(2);
}
static void undo_removed(void) {
  int own = (int)MUST(semget(IPC_PRIVATE, 1, 0600));
  struct sembuf up = {0, 1, SEM_UNDO};
  SHOW(semop(own, &up, 1));
  SHOW(semctl(own, 0, IPC_RMID));
  SHOW(semop(own, &up, 1));
  SHOW(op(0, 0, SEM_UNDO | IPC_NOWAIT));
}
static void take_and_pause(void) {
  MUST(op(0, -1, SEM_UNDO));
  pause();
}

static void undoing(void) {
  section("undoing");
  set = (int)MUST(semget(IPC_PRIVATE, 2, 0600));
  MUST(op(0, 5, 0));
  IN_CHILD(undo_exit);
  show_values(2);
  IN_CHILD(undo_too_much);
  show_values(2);
  MUST(op(0, 10, 0));
  IN_CHILD(undo_forgotten);
  show_values(2);
  IN_CHILD(undo_range);
  show_values(2);
  IN_CHILD(undo_in_fork);
  show_values(2);
  IN_CHILD(undo_of_thread);
  show_values(2);
  IN_CHILD(undo_unshared);
  show_values(2);
  IN_CHILD(undo_shared);
  show_values(2);
  IN_CHILD(undo_removed);
  MUST(semctl(set, 0, SETVAL, (union argument){.value = 1}));
  pid_t holder = start_asleep(take_and_pause), one = start_asleep(take_one);
  kill(holder, SIGKILL);  // what it gives back wakes the other
  show_end("holder", holder);
  show_end("one", one);
  MUST(semctl(set, 0, IPC_RMID));
}

static void unprivileged(void) {
  struct semid_ds state;
  MUST(setgid(1234));
  MUST(setuid(1234));
  SHOW(semget(0x5a5a1002, 1, 0));
  SHOW(semget(0x5a5a1002, 1, 0400));
  SHOW(op(0, 0, IPC_NOWAIT));
  SHOW(op(0, 1, IPC_NOWAIT));
  SHOW(op(9, 1, IPC_NOWAIT));
  SHOW(semctl(set, 0, GETVAL));
  SHOW(semctl(set, 9, GETVAL));
  SHOW(semctl(set, 0, SETVAL, (union argument){.value = 0}));
  SHOW(semctl(set, 9, SETVAL, (union argument){.value = 0}));
  SHOW(semctl(set, 0, SETALL, (union argument){.array = NULL}));
  SHOW(semctl(set, 0, IPC_STAT, (union argument){.state = &state}));
  SHOW(semctl(set, 0, IPC_SET, (union argument){.state = &state}));
  SHOW(semctl(set, 0, IPC_RMID));
}

static void permissions(void) {
  section("permissions");
  set = (int)MUST(semget(0x5a5a1002, 1, IPC_CREAT | 0600));
  IN_CHILD(unprivileged);
  struct semid_ds state;
  MUST(semctl(set, 0, IPC_STAT, (union argument){.state = &state}));
  state.sem_perm.mode = 0604;
  SHOW(semctl(set, 0, IPC_SET, (union argument){.state = &state}));
  IN_CHILD(unprivileged);
  state.sem_perm.uid = 1234;
  SHOW(semctl(set, 0, IPC_SET, (union argument){.state = &state}));
  IN_CHILD(unprivileged);
}

static void information(void) {
  section("information");
  set = (int)MUST(semget(0x5a5a1003, 5, IPC_CREAT | 0602));
  struct seminfo info;
  for (int command = IPC_INFO;; command = SEM_INFO) {
    YES(semctl(0, 0, command, (union argument){.info = &info}) >= 0);
    say("%d %d %d %d %d %d %d %d %d %d", info.semmap, info.semmni, info.semmns, info.semmnu,
        info.semmsl, info.semopm, info.semume, info.semusz, info.semvmx, info.semaem);
    if (command == SEM_INFO) break;
  }
  struct semid_ds state;
  YES(semctl(set & 0x7fff, 0, SEM_STAT, (union argument){.state = &state}) == set);
  YES(semctl(set & 0x7fff, 0, 20, (union argument){.state = &state}) == set);
  SHOW(semctl(30000, 0, SEM_STAT, (union argument){.state = &state}));
  char* text = read_file("/proc/sysvipc/sem");
  if (text == NULL) return;
  char* line = strstr(text, "1515851779");
  *strchr(text, '\n') = 0;
  say("%s", text);
  int id, mode, count;
  if (line != NULL && sscanf(line, "%*d %d %o %d", &id, &mode, &count) == 3)
    say("id %d, mode %o, %d semaphores", id == set, mode, count);
  MUST(semctl(set, 0, IPC_RMID));
  say("%s", read_file("/proc/sys/kernel/sem"));
}

int main(void) {
  making();
  lists();
  waiting();
  undoing();
  permissions();
  information();
}
