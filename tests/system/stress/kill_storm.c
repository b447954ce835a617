// SPDX-License-Identifier: MIT
//
// kill_storm [exact] [KILLS]: processes that fork, execute, map, fault, move files, fill pipes and
// run threads, each ended at a random moment of its life by SIGKILL or SIGSEGV, or stopped and
// continued. Each must end of just that, and afterwards everything that they had must have come
// back.

#include "storm.h"

#include <pthread.h>
#include <sys/prctl.h>

enum { kWorkers = 12, kRW = PROT_READ | PROT_WRITE, kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS };

static char helper[256];

static uint64_t random_state = 88172645463325252ul;
static uint64_t next(void) { return next_random(&random_state); }

// ---- what is killed ---

static void forks(void) {
  pid_t pid = (fork)();
  if (pid == 0) {
    execl(helper, "helper_exec", "quiet", NULL);
    _exit(99);
  }
  if (pid != -1) waitpid(pid, NULL, 0);
}

static void maps(void) {
  size_t size = (1 + next() % 64) * PAGE;
  char* map = mmap(NULL, size, kRW, next() % 2 ? kAnonymous : MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memset(map, 1, size);
  mprotect(map, PAGE, PROT_READ);
  map = mremap(map, size, 2 * size, MREMAP_MAYMOVE);
  if (map != MAP_FAILED) munmap(map, 2 * size);
}

static void files(void) {
  char name[32], other[32];
  snprintf(name, sizeof name, "kill.%d", getpid());
  snprintf(other, sizeof other, "kill2.%d", getpid());
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  static char block[3 * PAGE];
  write(fd, block, sizeof block);
  char* map = mmap(NULL, sizeof block, kRW, MAP_SHARED, fd, 0);
  if (map != MAP_FAILED) {
    map[PAGE] = 1;
    rename(name, other);
    ftruncate(fd, PAGE);
    munmap(map, sizeof block);
  }
  close(fd);
  unlink(other);
}

static void pipes(void) {
  static char block[65536];
  int ends[2];
  if (pipe(ends) == -1) return;
  pid_t pid = (fork)();
  if (pid == 0) {
    close(ends[1]);
    while (read(ends[0], block, sizeof block) > 0) {
    }
    _exit(0);
  }
  close(ends[0]);
  for (int i = 0; i < 4; i++) write(ends[1], block, sizeof block);
  close(ends[1]);
  if (pid != -1) waitpid(pid, NULL, 0);
}

static void* fault_pages(void* unused) {
  for (int i = 0; i < 8; i++) maps();
  return unused;
}
static void threads(void) {
  pthread_t made[4];
  int count = 0;
  while (count < 4 && pthread_create(&made[count], NULL, fault_pages, NULL) == 0) count++;
  maps();
  while (count > 0) pthread_join(made[--count], NULL);
}

static void procs(void) {
  read_file("/proc/self/maps");
  read_file("/proc/self/status");
  int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  write(fd, "text\n", 5);
  close(fd);
}

static void (*const loads[])(void) = {forks, maps, files, pipes, threads, procs};

static void work(unsigned number) {
  setpgid(0, 0);
  random_state += number * 1234567;
  for (;;) loads[number % COUNT(loads)]();
}

// ---- who kills ---

static pid_t workers[kWorkers];
static unsigned generation;

static void start(int slot) {
  unsigned number = generation++;
  pid_t pid = (fork)();
  if (pid == 0) work(number);
  workers[slot] = pid;
  if (pid > 0) setpgid(pid, pid);
}

// The worker, then whoever it has made; the others become ours.
static bool end(int slot, int signal) {
  pid_t pid = workers[slot];
  int status = 0;
  if (pid <= 0) return true;
  kill(pid, signal);
  bool right = waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == signal;
  if (!right) say("killed by %s: %s", signal_name(signal), status_text(status));
  while (kill(-pid, SIGKILL) == 0) {
    while (waitpid(-pid, NULL, WNOHANG) > 0) {
    }
    sleep_ms(1);
  }
  char name[32];
  snprintf(name, sizeof name, "kill.%d", pid);
  unlink(name);
  snprintf(name, sizeof name, "kill2.%d", pid);
  unlink(name);
  return right;
}

static long storm(long kills) {
  long wrong = 0;
  for (int i = 0; i < kWorkers; i++) start(i);
  for (long i = 0; i < kills; i++) {
    struct timespec pause = {0, (long)(next() % 4000000)};
    nanosleep(&pause, NULL);
    int slot = (int)(next() % kWorkers);
    if (workers[slot] <= 0) {
      start(slot);
      continue;
    }
    switch (next() % 4) {
      case 0:
        kill(-workers[slot], SIGSTOP);
        nanosleep(&pause, NULL);
        kill(-workers[slot], SIGCONT);
        break;
      case 1:
        wrong += !end(slot, SIGSEGV);
        start(slot);
        break;
      case 2:
        kill(workers[slot], SIGSTOP);  // a stopped process dies as well
        __attribute__((fallthrough));
      default:
        wrong += !end(slot, SIGKILL);
        start(slot);
    }
  }
  for (int i = 0; i < kWorkers; i++) wrong += !end(i, SIGKILL);
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
  return wrong;
}

int main(int argc, char** argv) {
  alarm(0);
  struct words words = words_of(argc, argv);
  long kills = number_of(&words, 0, 1000);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  snprintf(helper, sizeof helper, "%s",
           access("/tests/helper_exec", X_OK) == 0 ? "/tests/helper_exec" : "./helper_exec");
  static struct counts before;
  long wrong = storm(40);  // Fill what is filled once and kept.
  settle(&before);
  wrong += storm(kills);
  int lost = losses_since(&before, words.exact);
  say("%ld processes did not end as they were told, %d losses", wrong, lost);
  if (wrong == 0 && lost == 0) say("ok");
  return wrong != 0 || lost != 0;
}
