// SPDX-License-Identifier: MIT
//
// Private and shared mappings of files, shared anonymous memory, and copy-on-write over fork: who
// sees whose stores, and how read and write on the file agree with the mapping.

#include "abi.h"

enum { kRW = PROT_READ | PROT_WRITE, kAnon = MAP_PRIVATE | MAP_ANONYMOUS };

static int file;

static void coherence(void) {
  section("mapping and file agree");
  char text[16] = "";
  write_file("f", "0123456789");
  file = (int)MUST(open("f", O_RDWR));
  char* shared = mmap(NULL, PAGE, kRW, MAP_SHARED, file, 0);
  char* again = mmap(NULL, PAGE, kRW, MAP_SHARED, file, 0);
  char* private = mmap(NULL, PAGE, kRW, MAP_PRIVATE, file, 0);
  shared[0] = 'S';
  say("second mapping %c, private before it was written %c", again[0], private[0]);
  pread(file, text, 10, 0);
  say("read %s", text);
  pwrite(file, "W", 1, 1);
  say("shared %c private %c", shared[1], private[1]);
  private[2] = 'P';
  shared[3] = 'X';  // The private page is a copy now.
  pread(file, text, 10, 0);
  say("read %s, private %.10s", text, private);
  say("past the end of the file: %d", shared[10]);
  shared[20] = 'Z';  // Lost: no file there.
  ftruncate(file, 30);
  pread(file, text, 1, 20);
  say("after growing: %d (shared %d)", text[0], shared[20]);
  close(file);
  shared[4] = 'C';  // The mapping holds the file.
  unlink("f");
  shared[5] = 'U';
  say("%.10s", again);
  munmap(shared, PAGE);
  say("%.10s", again);
}

static void many_pages(void) {
  section("many pages");
  file = (int)MUST(open("big", O_RDWR | O_CREAT, 0600));
  enum { kPages = 64 };
  ftruncate(file, kPages * (long)PAGE);
  for (int i = 0; i < kPages; i++) pwrite(file, &i, sizeof i, i * (long)PAGE);
  char* map = mmap(NULL, kPages * PAGE, kRW, MAP_PRIVATE, file, 0);
  int wrong = 0;
  for (int i = 0; i < kPages; i++)
    wrong += *(int*)(map + (unsigned)(i * 37 % kPages) * PAGE) != i * 37 % kPages;
  for (int i = 0; i < kPages; i += 3) *(int*)(map + (unsigned)i * PAGE) = -i;
  for (int i = 0; i < kPages; i++) {
    int value;
    pread(file, &value, sizeof value, i * (long)PAGE);
    wrong += value != i;
    wrong += *(int*)(map + (unsigned)i * PAGE) != (i % 3 == 0 ? -i : i);
  }
  say("wrong %d", wrong);
  char* middle = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, file, 10 * (long)PAGE);
  say("offset: %d %d", *(int*)middle, *(int*)(middle + PAGE));
  close(file);
}

static char *private_memory, *shared_memory, *private_file, *shared_file;

static void child_writes(void) {
  private_memory[0] = shared_memory[0] = private_file[0] = shared_file[0] = 'c';
  say("child sees %c%c%c%c", private_memory[1], shared_memory[1], private_file[1], shared_file[1]);
}

static void forked(void) {
  section("fork");
  write_file("g", "ffff");
  file = (int)MUST(open("g", O_RDWR));
  private_memory = mmap(NULL, PAGE, kRW, kAnon, -1, 0);
  shared_memory = mmap(NULL, PAGE, kRW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  private_file = mmap(NULL, PAGE, kRW, MAP_PRIVATE, file, 0);
  shared_file = mmap(NULL, PAGE, kRW, MAP_SHARED, file, 0);
  memcpy(private_memory, "pp", 2);
  memcpy(shared_memory, "pp", 2);
  memcpy(private_file, "pp", 2);
  memcpy(shared_file, "pp", 2);
  IN_CHILD(child_writes);
  say("parent sees %c%c%c%c", private_memory[0], shared_memory[0], private_file[0], shared_file[0]);
}

// A chain of forks, each changing one page of many: every generation has its own view.
static void generations(void) {
  section("copy on write over generations");
  enum { kPages = 600 };  // More than one leaf table.
  int* memory = mmap(NULL, kPages * PAGE, kRW, kAnon, -1, 0);
  for (int i = 0; i < kPages; i++) memory[(unsigned)i * PAGE / sizeof(int)] = i;
  int wrong = 0, depth;
  pid_t pid = 0;
  for (depth = 0; depth < 5; depth++) {
    pid = fork();
    if (pid != 0) break;
    for (int i = depth; i < kPages; i += 7)
      memory[(unsigned)i * PAGE / sizeof(int)] += 1000 * (depth + 1);
  }
  if (pid != 0) waitpid(pid, NULL, 0);
  for (int i = 0; i < kPages; i++) {
    int expected = i;
    for (int level = 0; level < depth; level++)
      if (i >= level && (i - level) % 7 == 0) expected += 1000 * (level + 1);
    wrong += memory[(unsigned)i * PAGE / sizeof(int)] != expected;
  }
  say("generation %d wrong %d", depth, wrong);
  if (depth != 0) _exit(0);
}

// A page written by the kernel on the program's behalf must be copied just as well.
static void kernel_writes(void) {
  section("system calls break the sharing too");
  char* memory = mmap(NULL, PAGE, kRW, kAnon, -1, 0);
  strcpy(memory, "parent");
  int fds[2], back[2];
  pipe(fds);
  pipe(back);
  pid_t pid = fork();
  if (pid == 0) {
    write(fds[1], "child!", 6);
    read(fds[0], memory, 6);
    write(back[1], memory, 6);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  char text[8] = "";
  read(back[0], text, 6);
  say("child %s parent %s", text, memory);
}

static void zero_page(void) {
  section("the zero page");
  char* memory = mmap(NULL, 4 * PAGE, kRW, kAnon, -1, 0);
  volatile char* reading = memory;
  say("%d", reading[0] + reading[PAGE]);
  memory[0] = 1;
  char* other = mmap(NULL, PAGE, kRW, kAnon, -1, 0);
  say("%d %d", other[0], memory[PAGE]);
  int zero = open("/dev/zero", O_RDWR);
  char* shared = mmap(NULL, PAGE, kRW, MAP_SHARED, zero, 0);
  char* private = mmap(NULL, PAGE, kRW, MAP_PRIVATE, zero, 0);
  shared[0] = private[0] = 'z';
  pid_t pid = fork();
  if (pid == 0) {
    shared[0] = private[0] = 'c';
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  say("/dev/zero: shared %c private %c", shared[0], private[0]);
}

static void grandchildren(void) {
  section("shared memory outlives its maker");
  int* shared = mmap(NULL, PAGE, kRW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (fork() == 0) {
      __atomic_add_fetch(&shared[0], 40, __ATOMIC_SEQ_CST);
      __atomic_store_n(&shared[1], 1, __ATOMIC_SEQ_CST);
    }
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  for (int i = 0; i < 1000 && !__atomic_load_n(&shared[1], __ATOMIC_SEQ_CST); i++) sleep_ms(2);
  say("%d", shared[0]);
}

int main(void) {
  coherence();
  many_pages();
  forked();
  generations();
  kernel_writes();
  zero_page();
  grandchildren();
}
