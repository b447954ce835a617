// SPDX-License-Identifier: MIT
//
// exhaust [exact] [CASE]: memory, or what stands for it, runs out in each way that a program can
// bring about. It must end with an error that Linux has for it, or with the end of the program that
// took too much; a bystander lives, and what was taken comes back.

#include "counts.h"

#include <pthread.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS, kRW = PROT_READ | PROT_WRITE };

// What a case may end with: errors, or SIGKILL.
enum { kKilled = 1000 };

static bool exact;
static volatile long* progress;  // Shared with the children: how far a case came.

static void raise_limit(int resource) {
  struct rlimit limit = {1 << 20, 1 << 20};
  if (setrlimit(resource, &limit) == -1) setrlimit(resource, &(struct rlimit){4096, 4096});
}

static void fill(const void* unused UNUSED) {
  for (;; ++*progress) {
    char* map = mmap(NULL, 64 * PAGE, kRW, kAnonymous, -1, 0);
    if (map == MAP_FAILED) _exit(errno);
    memset(map, 1, 64 * PAGE);
  }
}

static void anonymous_memory(void) { fill(NULL); }

static void shared_memory(void) {
  for (;; ++*progress) {
    char* map = mmap(NULL, 64 * PAGE, kRW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) _exit(errno);
    memset(map, 1, 64 * PAGE);
  }
}

static void tmpfs_file(void) {
  static char block[65536];
  int fd = open("big", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (; write(fd, block, sizeof block) > 0; ++*progress) {
  }
  int error = errno;
  unlink("big");
  _exit(error);
}

// The file system is full already; then memory goes as well.
static void tmpfs_and_memory(void) {
  static char block[65536];
  int fd = open("big", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  unlink("big");
  while (write(fd, block, sizeof block) > 0) {
  }
  fill(NULL);
}

static void pipes(void) {
  static char block[65536];
  raise_limit(RLIMIT_NOFILE);
  for (;; ++*progress) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) == -1) _exit(errno);
    while (write(ends[1], block, sizeof block) > 0) {
    }
    if (errno != EAGAIN) _exit(errno);
  }
}

static void open_files(void) {
  raise_limit(RLIMIT_NOFILE);
  for (;; ++*progress) {
    if (open("/", O_PATH) == -1) _exit(errno);
  }
}

static void memory_files(void) {
  raise_limit(RLIMIT_NOFILE);
  for (;; ++*progress) {
    int fd = memfd_create("m", 0);
    if (fd == -1 || write(fd, "x", 1) != 1) _exit(errno);
  }
}

static void arguments(void) {
  static char block[100001];
  static char* words[1002];
  memset(block, 'x', sizeof block - 1);
  setrlimit(RLIMIT_STACK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
  for (int i = 0; i < 1001; i++) words[i] = block;
  execv("/proc/self/exe", words);
  _exit(errno);
}

static void deep_directories(void) {
  int error;
  mkdir("deep", 0700);
  chdir("deep");
  for (;; ++*progress) {
    if (mkdir("d", 0700) == -1 || chdir("d") == -1) break;
  }
  error = errno;
  for (long i = *progress; i > 0 && chdir("..") == 0; i--) rmdir("d");
  chdir("..");
  rmdir("deep");
  _exit(error);
}

static void* doze(void* unused) {
  pause();
  return unused;
}
static void threads(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 16384);
  for (;; ++*progress) {
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, doze, NULL);
    if (error != 0) _exit(error);
  }
}

static void mappings(void) {
  for (;; ++*progress) {
    void* map = mmap(NULL, PAGE, *progress % 2 ? PROT_READ : kRW, kAnonymous, -1, 0);
    if (map == MAP_FAILED) _exit(errno);
  }
}

// Nothing but page tables: one shared zero page in each 2 MiB.
static void page_tables(void) {
  size_t size = 1ul << 46;
  volatile char* map = mmap(NULL, size, PROT_READ, kAnonymous | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) _exit(errno);
  madvise((void*)map, size, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < size; at += 2ul << 20, ++*progress) (void)map[at];
  _exit(0);
}

static void signals_queued(void) {
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_SETMASK, &set, NULL);
  setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
  for (;; ++*progress) {
    if (sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == -1) _exit(errno);
  }
}

// Every child goes on forking. The first that cannot tells the parent, who ends them all.
static void fork_bomb(void) {
  setpgid(0, 0);
  for (;;) {
    pid_t pid = (fork)();
    if (pid == -1) {
      progress[1] = errno;
      for (;;) pause();
    }
    if (pid == 0) __atomic_add_fetch(&progress[0], 1, __ATOMIC_RELAXED);
  }
}

static void as_user(void) {
  setrlimit(RLIMIT_NPROC, &(struct rlimit){200, 200});
  if (setresgid(1000, 1000, 1000) == -1 || setresuid(1000, 1000, 1000) == -1) _exit(98);
}
static void fork_bomb_of_user(void) {
  as_user();
  fork_bomb();
}
static void pipes_of_user(void) {
  raise_limit(RLIMIT_NOFILE);
  as_user();
  pipes();
}

static const struct {
  const char* name;
  void (*body)(void);
  int outcomes[5];
} cases[] = {
    {"anonymous memory", anonymous_memory, {kKilled}},
    {"shared memory", shared_memory, {kKilled}},
    {"tmpfs file", tmpfs_file, {ENOSPC}},
    {"tmpfs file and memory", tmpfs_and_memory, {kKilled}},
    {"pipes", pipes, {EMFILE, ENFILE, ENOMEM, kKilled}},
    {"pipes of a user", pipes_of_user, {EMFILE, ENFILE, ENOMEM, kKilled}},
    {"open files", open_files, {EMFILE, ENFILE, ENOMEM, kKilled}},
    {"memory files", memory_files, {EMFILE, ENFILE, ENOMEM, ENOSPC, kKilled}},
    {"arguments", arguments, {E2BIG}},
    {"deep directories", deep_directories, {ENOSPC, ENOMEM, kKilled}},
    {"threads", threads, {EAGAIN, ENOMEM, kKilled}},
    {"mappings", mappings, {ENOMEM}},
    {"page tables", page_tables, {kKilled}},
    {"queued signals", signals_queued, {EAGAIN, ENOMEM, kKilled}},
    {"fork bomb", fork_bomb, {EAGAIN, ENOMEM, kKilled}},
    {"fork bomb of a user", fork_bomb_of_user, {EAGAIN}},
};

static const char* outcome_name(int outcome) {
  return outcome == kKilled ? "killed SIGKILL" : outcome == 0 ? "nothing" : error_name(outcome);
}

// The outcome; the group goes as soon as one of it has run into something.
static int run(unsigned number) {
  progress[0] = progress[1] = 0;
  pid_t pid = (fork)();
  if (pid == -1) return errno;
  if (pid == 0) {
    // Linux counts only what is mapped, and would go on with everybody else.
    if (!exact) write_file("/proc/self/oom_score_adj", "1000");
    cases[number].body();
    _exit(0);
  }
  bool is_group = cases[number].body == fork_bomb || cases[number].body == fork_bomb_of_user;
  int status = 0, outcome = -1;
  int64_t deadline = now_ns() + 100 * 1000000000l;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (is_group && progress[1] != 0) outcome = (int)progress[1];
    if (outcome != -1 || now_ns() > deadline) {
      // Again and again: some are being born.
      kill(is_group ? -pid : pid, SIGKILL);
    }
    sleep_ms(5);
  }
  while (is_group && kill(-pid, SIGKILL) == 0) {
    while (waitpid(-pid, NULL, WNOHANG) > 0) {
    }
    sleep_ms(1);
  }
  if (outcome != -1) return outcome;
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGKILL ? kKilled : -WTERMSIG(status);
  return WEXITSTATUS(status);
}

static void stand_by(void) {
  memset(mmap(NULL, 1 << 20, kRW, kAnonymous, -1, 0), 1, 1 << 20);
  alarm(0);
  for (;;) pause();
}

// A new program, that it shares no pages with this one.
static pid_t bystander(void) {
  pid_t pid = fork();
  if (pid == 0) execl("/proc/self/exe", "exhaust", "bystander", NULL);
  return pid;
}

int main(int argc, char** argv) {
  alarm(0);
  if (argc > 1 && strcmp(argv[1], "bystander") == 0) stand_by();
  exact = argc > 1 && strcmp(argv[1], "exact") == 0;
  const char* only = argc > 1 + exact ? argv[1 + exact] : "";
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  mlockall(MCL_CURRENT);  // its own pages are there from here on
  progress = mmap(NULL, PAGE, kRW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  progress[0] = 0;
  pid_t other = bystander();
  int wrong = 0;
  static struct counts before, after;
  // Fill what is filled once and kept.
  if (run(0) != kKilled) wrong++;
  close(memfd_create("m", 0));
  quiesce(&after);
  quiesce(&before);
  for (unsigned i = 0; i < COUNT(cases); i++) {
    if (strstr(cases[i].name, only) == NULL) continue;
    int outcome = run(i);
    bool allowed = false;
    for (unsigned j = 0; j < COUNT(cases[i].outcomes); j++)
      allowed = allowed || (cases[i].outcomes[j] != 0 && cases[i].outcomes[j] == outcome);
    say("%s: %s after %ld%s", cases[i].name, outcome_name(outcome), progress[0],
        allowed ? "" : ", which is wrong");
    bool alive = waitpid(other, NULL, WNOHANG) == 0;
    if (!alive) {
      say("  the bystander died");
      other = bystander();
    }
    if (!comes_back(&before, &after)) wrong += compare_counts(&before, &after, exact);
    wrong += !allowed + !alive;
    before = after;
  }
  kill(other, SIGKILL);
  if (wrong == 0) say("ok");
  return wrong != 0;
}
