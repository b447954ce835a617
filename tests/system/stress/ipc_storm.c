// SPDX-License-Identifier: MIT
//
// ipc_storm [exact] [KILLS]: processes that use the same semaphores, message queues, shared memory
// and locks that inherit priorities, each killed at a random moment. What a killed one had taken
// with SEM_UNDO must come back, nobody may wait for ever, and in the end all memory is back.

#include "storm.h"

#include <linux/futex.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { kWorkers = 10, kSemaphores = 4, kTokens = 3, kLocks = 4 };

union argument {
  int value;
  unsigned short* array;
};

static int semaphores, messages, segment;
static mqd_t queue;
static struct shared {
  volatile uint32_t lock[kLocks];
  volatile long inside[kSemaphores];
} * shared;
static uint64_t random_state = 88172645463325252ul;
static uint64_t next(void) { return next_random(&random_state); }

// ---- what is killed ---

static void take_tokens(void) {
  struct sembuf take[2] = {{0, -1, SEM_UNDO}, {0, -1, SEM_UNDO}};
  take[0].sem_num = (unsigned short)(next() % kSemaphores);
  take[1].sem_num = (unsigned short)(next() % kSemaphores);
  size_t count = 1 + next() % 2;
  struct timespec soon = {0, (long)(next() % 3000000)};
  if (semtimedop(semaphores, take, count, next() % 4 == 0 ? NULL : &soon) == -1) return;
  for (size_t i = 0; i < count; i++) take[i].sem_op = 1;
  semop(semaphores, take, count);
}

static void send_and_receive(void) {
  struct {
    long type;
    char text[600];
  } message = {.type = 1 + (long)(next() % 5)};
  int wait = next() % 3 == 0 ? 0 : IPC_NOWAIT;
  msgsnd(messages, &message, next() % sizeof message.text, IPC_NOWAIT);
  msgrcv(messages, &message, sizeof message.text, (long)(next() % 5) - 2, wait);
}

static void attach(void) {
  char* at = shmat(segment, NULL, next() % 4 == 0 ? SHM_RDONLY : 0);
  if (at == (void*)-1) return;
  volatile char first = at[0];
  (void)first;
  if (next() % 3 == 0) mprotect(at + PAGE, PAGE, PROT_READ);
  int own = shmget(IPC_PRIVATE, 4 * PAGE, 0600);
  char* mine = shmat(own, NULL, 0);
  shmctl(own, IPC_RMID, NULL);  // goes with the process, however that ends
  if (mine != (void*)-1) memset(mine, 1, 4 * PAGE);
  static char* last;  // one is left attached, for the end to detach
  if (last != NULL) shmdt(last);
  last = mine;
  shmdt(at);
}

static void queue_up(void) {
  char text[64] = {0};
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec = (soon.tv_nsec + 2000000) % 1000000000;
  if (next() % 2) {
    mq_timedsend(queue, text, next() % sizeof text, (unsigned)(next() % 8), &soon);
  } else {
    mq_timedreceive(queue, text, sizeof text, NULL, &soon);
  }
}

// A dead owner leaves its number in the word: the next one to try finds that out and clears it.
static void lock_two(void) {
  volatile uint32_t* first = &shared->lock[next() % kLocks];
  volatile uint32_t* second = &shared->lock[next() % kLocks];
  if (syscall(SYS_futex, first, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == -1) {
    if (errno == ESRCH) *first = 0;
    return;
  }
  if (syscall(SYS_futex, second, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0)
    syscall(SYS_futex, second, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
  syscall(SYS_futex, first, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

static void make_own(void) {
  int own = msgget(IPC_PRIVATE, 0600);
  struct {
    long type;
    char text[8];
  } message = {.type = 1};
  msgsnd(own, &message, sizeof message.text, IPC_NOWAIT);
  msgctl(own, IPC_RMID, NULL);
  own = semget(IPC_PRIVATE, 2, 0600);
  struct sembuf up = {0, 1, SEM_UNDO};
  semop(own, &up, 1);
  semctl(own, 0, IPC_RMID);
}

static void (*const loads[])(void) = {take_tokens, send_and_receive, attach,
                                      queue_up,    lock_two,         make_own};

static void work(unsigned number) {
  random_state += number * 1234567;
  for (;;) loads[next() % COUNT(loads)]();
}

// ---- who kills ---

static pid_t workers[kWorkers];
static unsigned generation;

static void start(int slot) {
  unsigned number = generation++;
  pid_t pid = (fork)();
  if (pid == 0) work(number);
  workers[slot] = pid;
}

static bool end(int slot) {
  int status = 0;
  if (workers[slot] <= 0) return true;
  kill(workers[slot], SIGKILL);
  return waitpid(workers[slot], &status, 0) == workers[slot] && WIFSIGNALED(status);
}

// What processes killed between two calls leave: removed by identifier, as ipcrm(1) would.
static void remove_strays(void) {
  for (int slot = 0; slot < 256; slot++) {
    struct msqid_ds queue_state;
    struct semid_ds set_state;
    struct shmid_ds segment_state;
    int id = msgctl(slot, MSG_STAT, &queue_state);
    if (id != -1 && id != messages) msgctl(id, IPC_RMID, NULL);
    id = semctl(slot, 0, SEM_STAT, &set_state);
    if (id != -1 && id != semaphores) semctl(id, 0, IPC_RMID);
    id = shmctl(slot, SHM_STAT, &segment_state);
    if (id != -1 && id != segment) shmctl(id, IPC_RMID, NULL);
  }
}

static long storm(long kills) {
  long wrong = 0;
  semaphores = (int)MUST(semget(IPC_PRIVATE, kSemaphores, 0600));
  messages = (int)MUST(msgget(IPC_PRIVATE, 0600));
  segment = (int)MUST(shmget(IPC_PRIVATE, 8 * PAGE, 0600));
  shared = shmat(segment, NULL, 0);
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
  queue = (mqd_t)MUST(mq_open("/ipc_storm", O_RDWR | O_CREAT, 0600, &attributes));
  MUST(mq_unlink("/ipc_storm"));
  unsigned short tokens[kSemaphores];
  for (int i = 0; i < kSemaphores; i++) tokens[i] = kTokens;
  MUST(semctl(semaphores, 0, SETALL, (union argument){.array = tokens}));

  for (int i = 0; i < kWorkers; i++) start(i);
  for (long i = 0; i < kills; i++) {
    struct timespec pause = {0, (long)(next() % 2000000)};
    nanosleep(&pause, NULL);
    int slot = (int)(next() % kWorkers);
    wrong += !end(slot);
    start(slot);
    if (i % 8 == 0) remove_strays();  // and what the living use just now
  }
  for (int i = 0; i < kWorkers; i++) wrong += !end(i);

  MUST(semctl(semaphores, 0, GETALL, (union argument){.array = tokens}));
  for (int i = 0; i < kSemaphores; i++) {
    if (tokens[i] == kTokens) continue;
    say("semaphore %d has %d tokens", i, tokens[i]);
    wrong++;
  }
  struct shmid_ds state;
  MUST(shmctl(segment, IPC_STAT, &state));
  if (state.shm_nattch != 1) wrong++, say("%lu attachments are left", state.shm_nattch);
  shmdt(shared);
  MUST(shmctl(segment, IPC_RMID, NULL));
  MUST(msgctl(messages, IPC_RMID, NULL));
  MUST(semctl(semaphores, 0, IPC_RMID));
  close(queue);
  remove_strays();
  return wrong;
}

int main(int argc, char** argv) {
  alarm(0);
  struct words words = words_of(argc, argv);
  long kills = number_of(&words, 0, 1000);
  static struct counts before;
  long wrong = storm(40);  // Fill what is filled once and kept.
  settle(&before);
  wrong += storm(kills);
  int lost = losses_since(&before, words.exact);
  say("%ld wrong, %d losses", wrong, lost);
  if (wrong == 0 && lost == 0) say("ok");
  return wrong != 0 || lost != 0;
}
