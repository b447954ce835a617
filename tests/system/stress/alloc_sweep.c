// SPDX-License-Identifier: MIT
//
// alloc_sweep PROGRAM RUNS SECONDS [FIRST]: runs a program again and again, each time with another
// of its memory allocations failing in the kernel (/proc/thread-self/fail-nth, Samara's debug
// build; a child inherits what is left of the count, so that each line of descent fails once). What
// the program makes of it is its own affair. The kernel must survive, every process must be
// killable, and nothing may be lost: after each run free frames and objects in use are what they
// were.
//
// RUNS 0: the 1st, 2nd, 3rd… allocation, from FIRST on, until a run has none left to fail.
// Otherwise: that many runs, spread over the allocations that the program's first process makes.
// After SECONDS no new run begins.

#include "counts.h"

#include <dirent.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/prctl.h>

enum { kFarAway = 1000000000, kReports = 5 };

static char* program;
static struct counts baseline;
static int log_fd;
static int64_t patience_ns = 40 * 1000000000l;
static long total;  // allocations of a run in which none fails

static long injected(void) {
  static int fd;
  return number_after(read_again(&fd, "/proc/vmstat"), "allocation_failures_injected ");
}

static void enter(const char* directory, long nth) {
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  for (int fd = 3; fd < 64; fd++) close(fd);
  if (setsid() == -1 || chdir(directory) == -1) _exit(98);
  char text[16];
  int length = snprintf(text, sizeof text, "%ld", nth);
  int fd = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);
  if (write(fd, text, (size_t)length) != length) _exit(98);
  execl(program, program, NULL);
  _exit(97);
}

// Ends and reaps everything but init and this process. False: something would not die.
static bool kill_all(void) {
  int64_t deadline = now_ns() + 20 * 1000000000l;
  while (now_ns() < deadline) {
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    if (errno == ECHILD) return true;
    sleep_ms(2);
  }
  return false;
}

// What IPC leaves in the system when a program ends before it has cleaned up.
static void remove_ipc(void) {
  struct msqid_ds queue;
  struct semid_ds semaphores;
  struct shmid_ds segment;
  for (int slot = 0; slot < 256; slot++) {
    int id;
    if ((id = msgctl(slot, MSG_STAT, &queue)) != -1) msgctl(id, IPC_RMID, NULL);
    if ((id = semctl(slot, 0, SEM_STAT, &semaphores)) != -1) semctl(id, 0, IPC_RMID);
    if ((id = shmctl(slot, SHM_STAT, &segment)) != -1) shmctl(id, IPC_RMID, NULL);
  }
  mkdir("/tmp/queues", 0755);
  if (mount("queues", "/tmp/queues", "mqueue", 0, NULL) == -1) return;
  DIR* directory = opendir("/tmp/queues");
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] != '.') syscall(SYS_mq_unlink, entry->d_name);
  }
  if (directory != NULL) closedir(directory);
  umount("/tmp/queues");
}

// One run with the nth allocation failing, with a /tmp of its own, which goes with all that
// the program leaves; some way down in it, for programs that go up too far when they did not get
// down. Returns how many allocations the first process had left to go; -1 when something lived on.
static long run(long nth) {
  if (mount("scratch", "/tmp", "tmpfs", 0, "mode=1777") == -1) return -1;
  char directory[64] = "/tmp";
  for (int i = 0; i < 10; i++) mkdir(strcat(directory, "/d"), 0755);
  pid_t pid = (fork)();
  if (pid == 0) enter(directory, nth);
  long left = 0;
  // A program that waits for what could not be made is the program's affair.
  for (int64_t deadline = now_ns() + patience_ns; now_ns() < deadline;) {
    siginfo_t ended = {0};
    if (pid == -1 || waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == -1) break;
    if (ended.si_pid == pid) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/fail-nth", pid);
      char* text = read_file(path);
      left = text != NULL ? atol(text) : 0;
      break;
    }
    sleep_ms(1);
  }
  bool dead = kill_all();
  remove_ipc();
  umount2("/tmp", MNT_DETACH);
  return pid != -1 && dead ? left : -1;
}

// Where the kernel's log says that the last failures were injected.
static void show_log(bool show) {
  char record[1024];
  ssize_t length;
  while ((length = read(log_fd, record, sizeof record - 1)) > 0 || errno == EPIPE) {
    if (!show || length <= 0) continue;
    record[length] = 0;
    char* text = strchr(record, ';');
    if (text == NULL) continue;
    text[strcspn(text, "\n")] = 0;
    say("    %s", text + 1);
  }
}

// One run, announced in the log, and what it has cost: 1 when something is lost, else 0; -1 when it
// left processes that cannot be killed.
static int step(long nth, long* failures, bool report) {
  char note[64];
  int length = snprintf(note, sizeof note, "<7>%s: allocation %ld", program, nth);
  int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  write(kmsg, note, (size_t)length);
  close(kmsg);
  long before = injected();
  int64_t begun = now_ns();
  long left = run(nth);
  if (left == -1) {
    say("  with allocation %ld failing it did not end, nor could it be killed", nth);
    return -1;
  }
  *failures = injected() - before;
  if (nth == kFarAway) {
    total = kFarAway - left;
    patience_ns = 2 * (now_ns() - begun) + 1000000000;
  }
  static struct counts now;
  bool good = comes_back(&baseline, &now);
  if (!good && report) {
    say("  lost after allocation %ld failed:", nth);
    compare_counts(&baseline, &now, true);
  }
  show_log(!good && report);
  if (!good) quiesce(&baseline);  // The report has cost memory, too.
  return !good;
}

int main(int argc, char** argv) {
  alarm(0);
  if (argc < 4) return 2;
  program = argv[1];
  long runs = atol(argv[2]), first = argc > 4 ? atol(argv[4]) : 1;
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (injected() == -1) {
    say("this kernel injects no allocation failures");
    return 1;
  }
  mlockall(MCL_CURRENT);
  long more;
  // Without a failure: what is filled once and kept is there afterwards, its own pages too.
  quiesce(&baseline);
  for (int i = 0; i < 2; i++) {
    if (step(kFarAway, &more, false) == -1) return 1;
  }
  quiesce(&baseline);

  int leaks = 0, idle = 0;
  long done = 0, failures = 0, last = 0;
  int64_t deadline = now_ns() + atol(argv[3]) * 1000000000l;
  for (; (runs == 0 ? idle < 2 : done < runs) && now_ns() < deadline; done++) {
    last = runs == 0 ? first + done : 1 + (2 * done + 1) * total / (2 * runs);
    int lost = step(last, &more, leaks < kReports);
    if (lost == -1) return 1;
    leaks += lost;
    failures += more;
    idle = more == 0 ? idle + 1 : 0;
  }
  say("%ld runs, up to allocation %ld of %ld, %ld failures injected, %d runs lost memory", done,
      last, total, failures, leaks);
  if (leaks == 0) say("ok");
  return leaks != 0;
}
