// SPDX-License-Identifier: MIT
//
// futex_handover COUNT: pairs pass a token to and fro with futex wait and wake, COUNT times in all.
// Half of the pairs are threads with a private futex, half are processes with a shared one. A lost
// wake-up hangs a pair: that is noticed when nothing moves for ten seconds.

#include "../../abi/abi.h"

#include <linux/futex.h>
#include <pthread.h>

enum { kPairs = 4 };

struct pair {
  uint32_t token;  // Whose turn: 0 or 1.
  int flags;
  long count;
  long done;
} __attribute__((aligned(128)));

static struct pair* pairs;

static void play(struct pair* pair, uint32_t me) {
  long rounds = pair->count;
  uint32_t random = 12345 + me;
  for (long i = 0; i < rounds; i++) {
    uint32_t token;
    random = random * 1664525 + 1013904223;
    for (uint32_t spin = random >> 22;
         spin > 0 && __atomic_load_n(&pair->token, __ATOMIC_ACQUIRE) != me;)
      spin--;
    while ((token = __atomic_load_n(&pair->token, __ATOMIC_ACQUIRE)) != me)
      syscall(SYS_futex, &pair->token, FUTEX_WAIT | pair->flags, token, NULL);
    __atomic_add_fetch(&pair->done, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&pair->token, 1 - me, __ATOMIC_RELEASE);
    syscall(SYS_futex, &pair->token, FUTEX_WAKE | pair->flags, 1);
  }
}

static void* first(void* pair) {
  play(pair, 0);
  return NULL;
}
static void* second(void* pair) {
  play(pair, 1);
  return NULL;
}

static long total(void) {
  long sum = 0;
  for (int i = 0; i < kPairs; i++) sum += __atomic_load_n(&pairs[i].done, __ATOMIC_RELAXED);
  return sum;
}

int main(int argc, char** argv) {
  alarm(0);
  long count = argc > 1 ? atol(argv[1]) : 100000;
  pairs = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_t threads[2 * kPairs];
  pid_t children[2 * kPairs];
  int thread_count = 0, child_count = 0;
  for (int i = 0; i < kPairs; i++) {
    pairs[i] = (struct pair){.flags = i % 2 ? 0 : FUTEX_PRIVATE_FLAG, .count = count / kPairs / 2};
    if (i % 2) {
      for (int side = 0; side < 2; side++) {
        pid_t pid = fork();
        if (pid == 0) {
          play(&pairs[i], (uint32_t)side);
          _exit(0);
        }
        children[child_count++] = pid;
      }
    }
  }
  for (int i = 0; i < kPairs; i += 2) {
    pthread_create(&threads[thread_count++], NULL, first, &pairs[i]);
    pthread_create(&threads[thread_count++], NULL, second, &pairs[i]);
  }
  long wanted = count / kPairs / 2 * 2 * kPairs, last = -1;
  for (int still = 0; total() < wanted; sleep_ms(100)) {
    still = total() == last ? still + 1 : 0;
    last = total();
    if (still > 100) {
      for (int i = 0; i < kPairs; i++)
        say("pair %d stands at %ld, token %u", i, pairs[i].done, pairs[i].token);
      say("lost: %ld of %ld", wanted - total(), wanted);
      for (int c = 0; c < child_count; c++) kill(children[c], SIGKILL);
      return 1;
    }
  }
  for (int i = 0; i < thread_count; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < child_count; i++) waitpid(children[i], NULL, 0);
  say("hand-overs %ld, lost 0", total());
  say("ok");
  return 0;
}
