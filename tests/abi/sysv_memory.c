// SPDX-License-Identifier: MIT
//
// System V shared memory: making, attaching where and how, pieces of attachments, what fork, exec
// and exit do to the count, removal while attached, locking, limits, permissions.

#include "abi.h"

#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>

static int segment;

static void show_state(const char* when) {
  struct shmid_ds state;
  if (shmctl(segment, IPC_STAT, &state) == -1) {
    say("  %s: %s", when, error_name(errno));
    return;
  }
  say("  %s: %lu attached, mode %o, size %zu, made by us %d, last us %d, times %d%d%d", when,
      state.shm_nattch, state.shm_perm.mode, state.shm_segsz, state.shm_cpid == getpid(),
      state.shm_lpid == getpid(), state.shm_atime != 0, state.shm_dtime != 0,
      state.shm_ctime != 0);
}

static long attach(const void* address, int flags) {
  void* at = shmat(segment, address, flags);
  if (at == (void*)-1) return -1;
  return address == NULL ? 1 : at == address ? 2 : 3;
}

static void making(void) {
  section("making");
  const key_t key = 0x5a5a2001;
  SHOW(shmget(key, 1, 0600));
  SHOW(shmget(key, 0, IPC_CREAT | 0600));
  SHOW(shmget(key, -1ul, IPC_CREAT | 0600));
  SHOW(shmget(key, -1ul - (1ul << 24), IPC_CREAT | 0600));
  SHOW(shmget(key, 1ul << 46, IPC_CREAT | 0600));
  segment = (int)MUST(shmget(key, 5000, IPC_CREAT | 0640));
  show_state("new");
  YES(shmget(key, 0, 0) == segment && shmget(key, 5000, 0) == segment);
  SHOW(shmget(key, 5001, 0));
  SHOW(shmget(key, 5000, IPC_CREAT | IPC_EXCL));
  SHOW(shmget(IPC_PRIVATE, 4096, 0600 | SHM_HUGETLB));
  SHOW(shmget(IPC_PRIVATE, 4096, 0600 | SHM_HUGETLB | (5 << 26)));
  SHOW(shmctl(segment, 99, NULL));
  SHOW(shmctl(-1, IPC_RMID, NULL));
  SHOW(shmctl(segment, -1, NULL));
  SHOW(shmctl(segment, IPC_STAT, NULL));
  SHOW(shmctl(segment, IPC_SET, NULL));
  SHOW(shmctl(segment, IPC_RMID, NULL));
  SHOW(shmctl(segment, IPC_RMID, NULL));
  SHOW(attach(NULL, 0));
}

static char* room(void) {
  char* at = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(at, 16 * PAGE);
  return at;
}

static void attaching(void) {
  section("attaching");
  segment = (int)MUST(shmget(IPC_PRIVATE, 3 * PAGE - 100, 0600));
  char* at = room();
  SHOW(attach(at + 1, 0));
  SHOW(attach(at + 1, SHM_REMAP));
  SHOW(attach(NULL, SHM_REMAP));
  SHOW(attach((char*)100, SHM_RND | SHM_REMAP));
  SHOW(attach(BAD_HIGH, 0));
  SHOW(attach(BAD_HOLE, 0));
  SHOW(attach(at, 0));
  SHOW(attach(at + PAGE, 0));
  SHOW(attach(at + PAGE, SHM_REMAP));
  show_state("twice, one over the other");
  strcpy(at, "first");
  YES(strcmp(at + PAGE, "first") == 0);
  SHOW(shmdt(at + PAGE));
  SHOW(shmdt(at + PAGE));
  show_state("one piece left");
  SHOW(shmdt(at));
  SHOW(shmdt(at + 1));
  SHOW(shmdt(NULL));
  SHOW(shmdt(BAD_KERNEL));
  show_state("none");
  YES(shmat(segment, at + 100, SHM_RND) == at);
  YES(strcmp(at, "first") == 0);
  at[3 * PAGE - 1] = 1;  // up to the end of the page
  SHOW(mprotect(at + PAGE, PAGE, PROT_READ));
  show_state("three pieces");
  SHOW(mprotect(at + PAGE, PAGE, PROT_READ | PROT_WRITE));
  show_state("still");
  SHOW(munmap(at, PAGE));
  show_state("two");
  SHOW(shmdt(at + PAGE));
  SHOW(shmdt(at));
  show_state("none");

  char* once = shmat(segment, NULL, SHM_RDONLY);
  YES(strcmp(once, "first") == 0);
  SHOW(mprotect(once, PAGE, PROT_READ | PROT_WRITE));
  SHOW(mprotect(once, PAGE, PROT_READ | PROT_EXEC));
  SHOW(shmdt(once));
  once = shmat(segment, NULL, SHM_EXEC);
  static const uint32_t code[] = {0x52800540, 0xd65f03c0};  // mov w0, #42; ret
  memcpy(once, code, sizeof code);
  __builtin___clear_cache(once, once + sizeof code);
  SHOW(((int (*)(void))once)());
  char* more = mremap(once, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room());
  YES(more != MAP_FAILED && memcmp(more, code, sizeof code) == 0);
  show_state("moved");
  SHOW(shmdt(more));
  char* two[2] = {room(), NULL};
  two[1] = two[0] + 3 * PAGE;
  SHOW(attach(two[1], 0));
  SHOW(attach(two[0], 0));
  SHOW(shmdt(two[0]));
  show_state("neighbours are two");
  SHOW(shmdt(two[1]));
  SHOW(munmap(two[0], 6 * PAGE));
  MUST(shmctl(segment, IPC_RMID, NULL));
}

static char* memory;
static void child_of_fork(void) {
  show_state("in the child");
  memory[0] = 'c';
}
static void child_of_exec(void) { execl("/bin/true", "true", NULL); }

static void processes(void) {
  section("processes");
  segment = (int)MUST(shmget(IPC_PRIVATE, PAGE, 0600));
  memory = shmat(segment, NULL, 0);
  IN_CHILD(child_of_fork);
  YES(memory[0] == 'c');
  show_state("after it");
  IN_CHILD(child_of_exec);
  show_state("after exec");
  SHOW(shmctl(segment, IPC_RMID, NULL));
  show_state("removed");
  YES(shmget(IPC_PRIVATE, 0, 0) == -1);
  memory[1] = 'x';
  char* again = shmat(segment, NULL, 0);
  YES(again != (void*)-1 && again[1] == 'x');
  SHOW(shmctl(segment, IPC_RMID, NULL));
  SHOW(shmdt(memory));
  show_state("one left");
  SHOW(shmdt(again));
  show_state("none left");
  SHOW(attach(NULL, 0));
}

static void named_removal(void) {
  section("a removed key");
  segment = (int)MUST(shmget(0x5a5a2002, PAGE, IPC_CREAT | 0600));
  int first = segment;
  memory = shmat(segment, NULL, 0);
  memory[0] = 'o';
  MUST(shmctl(segment, IPC_RMID, NULL));
  SHOW(shmget(0x5a5a2002, PAGE, 0));
  segment = (int)MUST(shmget(0x5a5a2002, PAGE, IPC_CREAT | 0600));
  YES(segment != first);
  char* fresh = shmat(segment, NULL, 0);
  YES(fresh[0] == 0 && memory[0] == 'o');
  shmdt(fresh), shmdt(memory);
  MUST(shmctl(segment, IPC_RMID, NULL));
}

static void unprivileged(void) {
  struct shmid_ds state;
  MUST(setgid(1234));
  MUST(setuid(1234));
  SHOW(shmget(0x5a5a2003, 1, 0));
  SHOW(shmget(0x5a5a2003, 1, 0400));
  SHOW(attach(NULL, 0));
  SHOW(attach(NULL, SHM_RDONLY));
  SHOW(attach(NULL, SHM_RDONLY | SHM_EXEC));
  SHOW(shmctl(segment, IPC_STAT, &state));
  SHOW(shmctl(segment, IPC_SET, &state));
  SHOW(shmctl(segment, SHM_LOCK, NULL));
  SHOW(shmctl(segment, IPC_RMID, NULL));
}

static void locking(void) {
  struct rlimit limit = {2 * PAGE, 2 * PAGE};
  MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
  MUST(setuid(1234));
  segment = (int)MUST(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
  SHOW(shmctl(segment, SHM_LOCK, NULL));
  SHOW(shmctl(segment, SHM_LOCK, NULL));
  show_state("locked");
  int other = (int)MUST(shmget(IPC_PRIVATE, PAGE, 0600));
  SHOW(shmctl(other, SHM_LOCK, NULL));
  SHOW(shmctl(segment, SHM_UNLOCK, NULL));
  SHOW(shmctl(segment, SHM_UNLOCK, NULL));
  SHOW(shmctl(other, SHM_LOCK, NULL));
  SHOW(shmctl(other, IPC_RMID, NULL));
  SHOW(shmctl(segment, SHM_LOCK, NULL));
  MUST(shmctl(segment, IPC_RMID, NULL));
  limit.rlim_cur = 0;
  MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
  segment = (int)MUST(shmget(IPC_PRIVATE, PAGE, 0600));
  SHOW(shmctl(segment, SHM_LOCK, NULL));
  SHOW(shmctl(segment, SHM_UNLOCK, NULL));
  MUST(shmctl(segment, IPC_RMID, NULL));
}

static void permissions(void) {
  section("permissions");
  segment = (int)MUST(shmget(0x5a5a2003, PAGE, IPC_CREAT | 0600));
  IN_CHILD(unprivileged);
  struct shmid_ds state;
  MUST(shmctl(segment, IPC_STAT, &state));
  state.shm_perm.mode = 07604;
  SHOW(shmctl(segment, IPC_SET, &state));
  show_state("changed");
  IN_CHILD(unprivileged);
  IN_CHILD(locking);
  SHOW(shmctl(segment, SHM_LOCK, NULL));
  show_state("locked");
  SHOW(shmctl(segment, SHM_UNLOCK, NULL));
  MUST(shmctl(segment, IPC_RMID, NULL));
}

static void information(void) {
  section("information");
  segment = (int)MUST(shmget(0x5a5a2004, 3 * PAGE + 1, IPC_CREAT | 0602));
  memory = shmat(segment, NULL, 0);
  memory[0] = memory[PAGE] = 1;
  struct shminfo limits;
  YES(shmctl(0, IPC_INFO, (void*)&limits) >= 0);
  say("%lu %lu %lu %lu %lu", limits.shmmax, limits.shmmin, limits.shmmni, limits.shmseg,
      limits.shmall);
  struct shm_info info;
  YES(shmctl(0, SHM_INFO, (void*)&info) >= 0);
  say("%d segments, %lu pages, %lu resident, %lu swapped", info.used_ids, info.shm_tot,
      info.shm_rss, info.shm_swp);
  struct shmid_ds state;
  YES(shmctl(segment & 0x7fff, SHM_STAT, &state) == segment);
  YES(shmctl(segment & 0x7fff, 15, &state) == segment);
  SHOW(shmctl(30000, SHM_STAT, &state));
  char* text = read_file("/proc/sysvipc/shm");
  if (text == NULL) return;
  char* line = strstr(text, "1515855876");
  *strchr(text, '\n') = 0;
  say("%s", text);
  int id, mode, maker, last;
  unsigned long size, count, resident = 0;
  if (line != NULL && sscanf(line, "%*d %d %o %lu %d %d %lu %*d %*d %*d %*d %*d %*d %*d %lu", &id,
                             &mode, &size, &maker, &last, &count, &resident) == 7)
    say("id %d, mode %o, size %lu, made by %d, last %d, %lu attached, %lu resident", id == segment,
        mode, size, maker == getpid(), last == getpid(), count, resident);
  text = read_file("/proc/self/maps");
  line = strstr(text, "/SYSV");
  char access[8];
  unsigned long offset, inode;
  *strchr(line, '\n') = 0;
  while (line > text && line[-1] != '\n') line--;
  sscanf(line, "%*s %4s %lx %*s %lu", access, &offset, &inode);
  say("%s offset %lx, inode %d, %s", access, offset, inode == (unsigned long)segment,
      strstr(line, "/SYSV"));
  shmdt(memory);
  MUST(shmctl(segment, IPC_RMID, NULL));
  say("%s", read_file("/proc/sys/kernel/shmmax"));
  say("%s", read_file("/proc/sys/kernel/shmall"));
  say("%s", read_file("/proc/sys/kernel/shmmni"));
}

static void limits_of_the_system(void) {
  section("limits");
  write_file("/proc/sys/kernel/shmmax", "8192\n");
  SHOW(shmget(IPC_PRIVATE, 8193, 0600));
  write_file("/proc/sys/kernel/shmmax", "18446744073692774399\n");
  write_file("/proc/sys/kernel/shmall", "2\n");
  SHOW(shmget(IPC_PRIVATE, 3 * PAGE, 0600));
  write_file("/proc/sys/kernel/shmall", "18446744073692774399\n");
  write_file("/proc/sys/kernel/shmmni", "1\n");
  segment = (int)MUST(shmget(IPC_PRIVATE, 1, 0600));
  SHOW(shmget(IPC_PRIVATE, 1, 0600));
  write_file("/proc/sys/kernel/shmmni", "4096\n");
  MUST(shmctl(segment, IPC_RMID, NULL));
}

int main(void) {
  making();
  attaching();
  processes();
  named_removal();
  permissions();
  information();
  limits_of_the_system();
}
