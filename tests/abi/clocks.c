// SPDX-License-Identifier: MIT
//
// Clocks, sleeps and the vDSO: which clocks there are, that they agree with one another and never
// go back, and what the calls refuse.

#include "abi.h"

#include <elf.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/times.h>

static int64_t read_clock(clockid_t clock) {
  struct timespec time;
  if (syscall(SYS_clock_gettime, clock, &time) == -1) return -1;
  return time.tv_sec * 1000000000l + time.tv_nsec;
}

static void reading(void) {
  section("clocks");
  static const struct {
    clockid_t id;
    const char* name;
  } clocks[] = {{CLOCK_REALTIME, "REALTIME"},
                {CLOCK_MONOTONIC, "MONOTONIC"},
                {CLOCK_PROCESS_CPUTIME_ID, "PROCESS_CPUTIME"},
                {CLOCK_THREAD_CPUTIME_ID, "THREAD_CPUTIME"},
                {CLOCK_MONOTONIC_RAW, "MONOTONIC_RAW"},
                {CLOCK_REALTIME_COARSE, "REALTIME_COARSE"},
                {CLOCK_MONOTONIC_COARSE, "MONOTONIC_COARSE"},
                {CLOCK_BOOTTIME, "BOOTTIME"},
                {CLOCK_REALTIME_ALARM, "REALTIME_ALARM"},
                {CLOCK_BOOTTIME_ALARM, "BOOTTIME_ALARM"},
                {10, "SGI_CYCLE"},
                {CLOCK_TAI, "TAI"},
                {12, "12"},
                {-1, "-1"}};
  for (unsigned i = 0; i < COUNT(clocks); i++) {
    struct timespec time = {-1, -1}, resolution = {-1, -1};
    long got = syscall(SYS_clock_gettime, clocks[i].id, &time);
    int error = errno;
    syscall(SYS_clock_getres, clocks[i].id, &resolution);
    if (clocks[i].id == CLOCK_REALTIME_ALARM || clocks[i].id == CLOCK_BOOTTIME_ALARM) continue;
    say("%s: %s, well formed %d, resolution %ld", clocks[i].name,
        got == 0 ? "ok" : error_name(error),
        time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1000000000,
        strstr(clocks[i].name, "COARSE") ? 0 : resolution.tv_nsec);
  }
  SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD_KERNEL));
  SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD_NULL));
  SHOW(syscall(SYS_clock_gettime, 99, BAD_NULL));
  SHOW(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
  SHOW(syscall(SYS_clock_getres, CLOCK_MONOTONIC, BAD_KERNEL));
  struct timespec time = {1000, 0};
  SHOW(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &time));
  SHOW(syscall(SYS_clock_settime, 99, &time));
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, BAD_KERNEL));
  time.tv_nsec = 1000000000;
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
  time = (struct timespec){-1, 0};
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
}

static void agreement(void) {
  section("agreement");
  int backwards = 0;
  int64_t last = 0;
  for (int i = 0; i < 20000; i++) {
    int64_t now = i % 2 ? now_ns() : read_clock(CLOCK_MONOTONIC);  // vDSO and call in turn.
    if (now < last) backwards++;
    last = now;
  }
  say("monotonic went back %d times", backwards);
  int64_t a = read_clock(CLOCK_MONOTONIC), raw = read_clock(CLOCK_MONOTONIC_RAW);
  int64_t b = read_clock(CLOCK_MONOTONIC), boot = read_clock(CLOCK_BOOTTIME);
  YES(raw > 0 && llabs(raw - a) < 1000000000);
  YES(boot >= b && boot - b < 100000000);
  int64_t coarse = read_clock(CLOCK_MONOTONIC_COARSE), fine = read_clock(CLOCK_MONOTONIC);
  YES(coarse <= fine && fine - coarse < 50000000);
  int64_t real = read_clock(CLOCK_REALTIME);
  struct timeval of_day;
  gettimeofday(&of_day, NULL);
  YES(of_day.tv_sec * 1000000000l + of_day.tv_usec * 1000l >= real - 1000);
  YES(time(NULL) - real / 1000000000 <= 1);
  int64_t before_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  sleep_ms(50);
  YES(read_clock(CLOCK_PROCESS_CPUTIME_ID) - before_cpu < 40000000);
  before_cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
  int64_t until = now_ns() + 50000000;
  while (now_ns() < until) {
  }
  YES(read_clock(CLOCK_THREAD_CPUTIME_ID) - before_cpu > 5000000);
  struct tms usage;
  YES(times(&usage) != -1 && usage.tms_utime + usage.tms_stime >= 0);
  SHOW(syscall(SYS_times, BAD_KERNEL));
  OK(syscall(SYS_times, NULL));
  struct timezone zone = {99, 99};
  SHOW(syscall(SYS_gettimeofday, &of_day, &zone));
  say("zone %d %d", zone.tz_minuteswest, zone.tz_dsttime);
  SHOW(syscall(SYS_gettimeofday, NULL, NULL));
  SHOW(syscall(SYS_gettimeofday, BAD_KERNEL, NULL));
  of_day.tv_usec = 1000000;
  SHOW(syscall(SYS_settimeofday, &of_day, NULL));
  SHOW(syscall(SYS_settimeofday, BAD_KERNEL, NULL));
}

static void sleeping(void) {
  section("sleeps");
  int64_t before = now_ns();
  SHOW(nanosleep(&(struct timespec){0, 20000000}, NULL));
  int64_t took = now_ns() - before;
  YES(took >= 20000000 && took < 1000000000);
  SHOW(nanosleep(&(struct timespec){0, 0}, NULL));
  SHOW(nanosleep(&(struct timespec){0, 1000000000}, NULL));
  SHOW(nanosleep(&(struct timespec){0, -1}, NULL));
  SHOW(nanosleep(&(struct timespec){-1, 0}, NULL));
  SHOW(syscall(SYS_nanosleep, BAD_NULL, NULL));
  SHOW(syscall(SYS_nanosleep, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_nanosleep, &(struct timespec){0, 1000}, BAD_KERNEL));
  static const clockid_t clocks[] = {
      CLOCK_REALTIME,      CLOCK_MONOTONIC,          CLOCK_BOOTTIME,
      CLOCK_TAI,           CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
      CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE,   99};
  for (unsigned i = 0; i < COUNT(clocks); i++) {
    if (clocks[i] == CLOCK_PROCESS_CPUTIME_ID) continue;
    say("clock %d", clocks[i]);
    SHOW(syscall(SYS_clock_nanosleep, clocks[i], 0, &(struct timespec){0, 1000000}, NULL));
  }
  struct timespec deadline;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &deadline);
  before = deadline.tv_sec * 1000000000l + deadline.tv_nsec;
  deadline.tv_nsec += 30000000;
  if (deadline.tv_nsec >= 1000000000) deadline.tv_sec++, deadline.tv_nsec -= 1000000000;
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL));
  took = now_ns() - before;
  YES(took >= 30000000 && took < 1000000000);
  SHOW(
      syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL));
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 77, &(struct timespec){0, 1}, NULL));
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, BAD_KERNEL, NULL));
}

// ---- the vDSO, read as a debugger would ---------------------------------------------------------

static void vdso(void) {
  section("vDSO");
  const char* base = (const char*)getauxval(AT_SYSINFO_EHDR);
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)base;
  YES(header->e_type == ET_DYN && header->e_machine == EM_AARCH64);
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(base + header->e_phoff);
  const Elf64_Dyn* dynamic = NULL;
  for (int i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type == PT_DYNAMIC) dynamic = (const Elf64_Dyn*)(base + segments[i].p_vaddr);
  }
  const Elf64_Sym* symbols = NULL;
  const char* strings = NULL;
  const uint32_t* hash = NULL;
  const Elf64_Verdef* versions = NULL;
  const char* soname = NULL;
  uint64_t soname_at = 0;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    const char* at = base + dynamic->d_un.d_ptr;
    if (dynamic->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym*)at;
    if (dynamic->d_tag == DT_STRTAB) strings = at;
    if (dynamic->d_tag == DT_HASH) hash = (const uint32_t*)at;
    if (dynamic->d_tag == DT_VERDEF) versions = (const Elf64_Verdef*)at;
    if (dynamic->d_tag == DT_SONAME) soname_at = dynamic->d_un.d_val;
  }
  soname = strings + soname_at;
  say("soname %s, has DT_HASH %d", soname, hash != NULL);
  for (;;) {
    const Elf64_Verdaux* name = (const Elf64_Verdaux*)((const char*)versions + versions->vd_aux);
    say("version %s%s", strings + name->vda_name,
        versions->vd_flags & VER_FLG_BASE ? " (base)" : "");
    if (versions->vd_next == 0) break;
    versions = (const Elf64_Verdef*)((const char*)versions + versions->vd_next);
  }
  static const char* const wanted[] = {"__kernel_clock_getres", "__kernel_clock_gettime",
                                       "__kernel_gettimeofday", "__kernel_rt_sigreturn"};
  for (unsigned w = 0; w < COUNT(wanted) && hash != NULL; w++) {
    const Elf64_Sym* found = NULL;
    for (uint32_t i = 0; i < hash[1]; i++)
      if (strcmp(strings + symbols[i].st_name, wanted[w]) == 0) found = &symbols[i];
    if (found == NULL) {
      say("%s missing", wanted[w]);
      continue;
    }
    say("%s bind %d", wanted[w], ELF64_ST_BIND(found->st_info));
    const void* at = base + found->st_value;
    if (w == 0) {
      struct timespec resolution = {9, 9};
      SHOW_AS("clock_getres",
              ((int (*)(clockid_t, struct timespec*))at)(CLOCK_MONOTONIC, &resolution));
      say("%ld", resolution.tv_nsec);
      SHOW_AS("clock_getres of a bad clock",
              ((int (*)(clockid_t, struct timespec*))at)(99, &resolution));
    } else if (w == 1) {
      struct timespec time;
      SHOW_AS("clock_gettime", ((int (*)(clockid_t, struct timespec*))at)(CLOCK_REALTIME, &time));
      SHOW_AS("clock_gettime of a bad clock",
              ((int (*)(clockid_t, struct timespec*))at)(99, &time));
      SHOW_AS("clock_gettime of CPU time",
              ((int (*)(clockid_t, struct timespec*))at)(CLOCK_THREAD_CPUTIME_ID, &time));
    } else if (w == 2) {
      struct timeval time;
      SHOW_AS("gettimeofday", ((int (*)(struct timeval*, void*))at)(&time, NULL));
    } else {
      const uint32_t* code = at;
      say("rt_sigreturn: %08x %08x", code[0], code[1]);  // mov x8, #139; svc #0
    }
  }
  char* line = strstr(read_file("/proc/self/maps"), "[vdso]");
  YES(line != NULL);
  YES(strstr(read_file("/proc/self/maps"), "[vvar]") != NULL);
}

static volatile int done;
static volatile int64_t newest;
static void* compare_clocks(void* unused UNUSED) {
  long wrong = 0;
  while (!done) {
    int64_t seen = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
    int64_t now = now_ns();
    if (now < seen) wrong++;
    int64_t old = seen;
    if (now > seen)
      __atomic_compare_exchange_n(&newest, &old, now, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
  }
  return (void*)wrong;
}

static void across_cpus(void) {
  section("across CPUs");
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, compare_clocks, NULL);
  sleep_ms(200);
  done = 1;
  long wrong = 0;
  for (int i = 0; i < 4; i++) {
    void* result;
    pthread_join(threads[i], &result);
    wrong += (long)result;
  }
  say("seen going back %ld times", wrong);
}

int main(void) {
  reading();
  agreement();
  sleeping();
  vdso();
  across_cpus();
}
