// SPDX-License-Identifier: MIT
//
// Runs a command and says, a line each after "@@leaks", what the kernel has not got back after it:
// frames, and objects of each cache. What is filled once and kept, WARM-UP fills before the first
// count. Not "exact": a little may be missing (Linux keeps stocks).
//     leaks exact|about WARM-UP COMMAND...

#include "../stress/counts.h"

// A journal keeps what it has committed until it is written home, half a minute later.
enum { kJournalSeconds = 35, kPatience = 12 };  // the latter in turns of five seconds

static void nothing(int signal) { (void)signal; }

static int run(char** words) {
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    execvp(words[0], words);
    _exit(127);
  }
  waitpid(child, &status, 0);
  return status;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  // A stressor may hit whatever process there is with it.
  sigaction(SIGALRM, &(struct sigaction){.sa_handler = nothing, .sa_flags = SA_RESTART}, NULL);
  mlockall(MCL_CURRENT);  // its own pages are there from here on
  static struct counts before, after;
  run((char*[]){"bash", "-c", argv[2], NULL});
  sync();
  sleep_ms(kJournalSeconds * 1000);
  quiesce(&before);
  int status = run(argv + 3);
  bool back = false;  // more than before is no leak
  for (int turn = 0; turn < kPatience && !back; turn++) back = comes_back(&before, &after);
  say("@@leaks");
  if (!back) compare_counts(&before, &after, strcmp(argv[1], "exact") == 0);
  say("@@done");
  return status == 0 ? 0 : 1;
}
