// SPDX-License-Identifier: MIT
//
// cachejit COUNT: one thread writes a function, makes it visible as the architecture asks (dc cvau,
// ic ivau), and another thread on another CPU calls it at once; it must run the new code each time.
// Pages are also written through a second mapping, and fresh executable pages are mapped anew.

#include "../../abi/abi.h"

#include <pthread.h>

static uint32_t *writable, *executable;
static volatile long published, called;
static long wanted;
static volatile long wrong;

static void pin(unsigned cpu) {
  uint64_t mask = 1ul << cpu;
  syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask);
}

static void write_function(uint32_t* at, uint32_t value) {
  at[0] = 0x52800000 | (value & 0xffff) << 5;  // movz w0, #low
  at[1] = 0x72a00000 | (value >> 16) << 5;     // movk w0, #high, lsl #16
  at[2] = 0xd65f03c0;                          // ret
}

static void* caller(void* unused UNUSED) {
  pin(1);
  for (long i = 1; i <= wanted; i++) {
    for (unsigned spin = 0; __atomic_load_n(&published, __ATOMIC_ACQUIRE) < i; spin++)
      if (spin % 64 == 63) sched_yield();
    __asm__ volatile("isb" ::: "memory");
    uint32_t got = ((uint32_t(*)(void))(void*)(executable + i % 256 * 4))();
    if (got != (uint32_t)(i * 2654435761u)) wrong++;
    __atomic_store_n(&called, i, __ATOMIC_RELEASE);
  }
  return NULL;
}

static void fresh_pages(void) {
  for (uint32_t i = 0; i < 500; i++) {
    uint32_t* page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    write_function(page, i * 77);
    __builtin___clear_cache((char*)page, (char*)(page + 3));
    mprotect(page, PAGE, PROT_READ | PROT_EXEC);
    if (((uint32_t(*)(void))(void*)page)() != i * 77) wrong++;
    munmap(page, PAGE);
    // A file's page: the kernel makes it coherent when it is first mapped for execution.
    int fd = memfd_create("code", 0);
    uint32_t code[3];
    write_function(code, i * 99);
    write(fd, code, sizeof code);
    page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (((uint32_t(*)(void))(void*)page)() != i * 99) wrong++;
    munmap(page, PAGE);
    close(fd);
  }
}

int main(int argc, char** argv) {
  alarm(0);
  wanted = argc > 1 ? atol(argv[1]) : 10000;
  int fd = (int)MUST(memfd_create("jit", 0));
  ftruncate(fd, (long)PAGE);
  writable = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  executable = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, caller, NULL);
  pin(0);
  for (long i = 1; i <= wanted; i++) {
    uint32_t* at = writable + i % 256 * 4;
    write_function(at, (uint32_t)(i * 2654435761u));
    __builtin___clear_cache((char*)at, (char*)(at + 3));
    uint32_t* run = executable + i % 256 * 4;
    __builtin___clear_cache((char*)run, (char*)(run + 3));
    __atomic_store_n(&published, i, __ATOMIC_RELEASE);
    for (unsigned spin = 0; __atomic_load_n(&called, __ATOMIC_ACQUIRE) < i; spin++)
      if (spin % 64 == 63) sched_yield();
  }
  pthread_join(thread, NULL);
  fresh_pages();
  say("functions %ld, stale %ld", wanted, wrong);
  if (wrong == 0) say("ok");
  return wrong != 0;
}
