// SPDX-License-Identifier: MIT
//
// preempt [SECONDS]: compute-bound processes that make no system calls share one CPU fairly; nice
// values and eight threads on all CPUs are looked at as well. Counts differ from run to run, so
// only the judgement is printed.

#include "../../abi/abi.h"

#include <pthread.h>
#include <sys/resource.h>

static volatile uint64_t* counts;  // Shared; each on its own cache line.

static void spin(int index) {
  volatile uint64_t* mine = counts + index * 16;
  for (;;) ++*mine;
}

static void pin(uint64_t mask) { syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask); }

static void run(int count, int seconds, const int* nice_values, uint64_t mask) {
  pid_t pids[16];
  for (int i = 0; i < count; i++) {
    counts[i * 16] = 0;
    pids[i] = fork();
    if (pids[i] == 0) {
      pin(mask);
      if (nice_values != NULL) setpriority(PRIO_PROCESS, 0, nice_values[i]);
      spin(i);
    }
  }
  sleep_ms(seconds * 1000l);
  for (int i = 0; i < count; i++) kill(pids[i], SIGKILL);
  for (int i = 0; i < count; i++) waitpid(pids[i], NULL, 0);
}

static double ratio(int a, int b) { return (double)counts[a * 16] / (double)(counts[b * 16] + 1); }

int main(int argc, char** argv) {
  alarm(0);
  int seconds = argc > 1 ? atoi(argv[1]) : 3;
  counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pin(1);
  run(2, seconds, NULL, 1);
  double fair = ratio(0, 1);
  bool good = fair > 0.85 && fair < 1.18;
  say("two spinners on one CPU: %s", good ? "fair" : "unfair");
  if (!good) say("ratio %.3f", fair);
  static const int kNice[] = {0, 10};
  run(2, seconds, kNice, 1);
  double weighted = ratio(0, 1);  // Linux's weights: 1024 to 110.
  bool nice = weighted > 5 && weighted < 16;
  say("nice 0 against nice 10: %s", nice ? "about nine to one" : "wrong");
  if (!nice) say("ratio %.3f", weighted);
  bool all_run = true;
  run(8, seconds, NULL, ~0ul >> 32);
  for (int i = 0; i < 8; i++) all_run = all_run && counts[i * 16] > counts[0] / 3;
  say("eight spinners on all CPUs: %s", all_run ? "all ran" : "some starved");
  if (good && nice && all_run) say("ok");
  return !(good && nice && all_run);
}
