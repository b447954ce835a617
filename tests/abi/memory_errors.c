// SPDX-License-Identifier: MIT
//
// mmap(2) and what works on mappings: every flag, every advice, and which complaint comes first.

#include "abi.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char* area(size_t pages, int protection) {
  char* map = mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) {
    say("cannot map");
    exit(1);
  }
  return map;
}

static const char* map_result(void* address, size_t size, int protection, int flags, int fd,
                              off_t offset) {
  errno = 0;
  void* got = (void*)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
  if (got == MAP_FAILED) return error_name(errno);
  munmap(got, size);
  return "ok";
}
#define MAP(address, size, protection, flags, fd, offset)                              \
  say("mmap(" #address ", " #size ", " #protection ", " #flags ", " #fd ", " #offset "): %s", \
      map_result(address, size, protection, flags, fd, offset))

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

static void maps(void) {
  section("mmap");
  int fd = (int)MUST(open("/tmp/memory_file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  MUST(ftruncate(fd, 3 * PAGE));
  int reader = (int)MUST(open("/tmp/memory_file", O_RDONLY));
  int writer = (int)MUST(open("/tmp/memory_file", O_WRONLY));
  int path = (int)MUST(open("/tmp/memory_file", O_PATH));
  int directory = (int)MUST(open("/tmp", O_RDONLY));
  int ends[2];
  MUST(pipe(ends));
  MAP(NULL, 0, RW, PRIVATE, -1, 0);
  MAP(NULL, 0, RW, PRIVATE, -1, 1);
  MAP(NULL, 0, RW, MAP_PRIVATE, 99, 0);
  MAP(NULL, 0, RW, MAP_PRIVATE, fd, 0);
  MAP(NULL, PAGE, RW, PRIVATE, 99, 0);
  MAP(NULL, PAGE, RW, PRIVATE, -1, 1);
  MAP(NULL, PAGE, RW, PRIVATE, -1, PAGE);
  MAP(NULL, PAGE, RW, PRIVATE, -1, -PAGE);
  MAP(NULL, ~0ul, RW, PRIVATE, -1, 0);
  MAP(NULL, ~0ul - PAGE, RW, PRIVATE, -1, 0);
  MAP(NULL, 1ul << 48, RW, PRIVATE, -1, 0);
  MAP(NULL, PAGE, 0x100, PRIVATE, -1, 0);
  MAP(NULL, PAGE, 0x10, PRIVATE, -1, 0);
  MAP(NULL, PAGE, 0x20, PRIVATE, -1, 0);
  MAP(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0);
  MAP(NULL, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0);
  MAP(NULL, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED | MAP_PRIVATE, -1, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED_VALIDATE, fd, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED | MAP_SYNC, fd, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x4000000, fd, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED | 0x4000000, fd, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_POPULATE | MAP_NORESERVE | MAP_NONBLOCK, fd, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, fd, 0);
  MAP(NULL, PAGE, RW, PRIVATE | MAP_GROWSDOWN, -1, 0);
  MAP(NULL, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED | MAP_GROWSDOWN, -1, 0);
  MAP(NULL, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0);
  MAP(NULL, PAGE, RW, PRIVATE | MAP_STACK | MAP_LOCKED | MAP_POPULATE, -1, 0);
  MAP(NULL, PAGE, RW, PRIVATE | MAP_DENYWRITE | MAP_EXECUTABLE, -1, 0);
  MAP(NULL, PAGE, RW, PRIVATE | MAP_HUGETLB, -1, 0);
  MAP(NULL, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0);
  MAP((void*)1, PAGE, RW, PRIVATE, -1, 0);
  MAP((void*)1, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
  MAP((void*)PAGE, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
  MAP((void*)-PAGE, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
  MAP((void*)(1ul << 48), PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
  MAP((void*)(1ul << 48), PAGE, RW, PRIVATE, -1, 0);
  MAP((void*)((1ul << 48) - PAGE), PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
  MAP((void*)((1ul << 48) - PAGE), 2 * PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
  char* taken = area(2, RW);
  MAP(taken, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);
  MAP(taken + 1, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);
  MAP(taken, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE | MAP_FIXED, -1, 0);
  MAP(NULL, PAGE, RW, MAP_SHARED, reader, 0);
  MAP(NULL, PAGE, RW, MAP_PRIVATE, reader, 0);
  MAP(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
  MAP(NULL, PAGE, PROT_WRITE, MAP_SHARED, writer, 0);
  MAP(NULL, PAGE, PROT_NONE, MAP_PRIVATE, writer, 0);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, path, 0);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[1], 0);
  MAP(NULL, PAGE, PROT_READ, MAP_SHARED, ends[0], 0);
  MAP(NULL, PAGE, PROT_READ, 0, fd, 0);
  MAP(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_PRIVATE, fd, 0);
  MAP(NULL, PAGE, PROT_READ, 0xf, fd, 0);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100 * PAGE);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, (long)(1ul << 63) - PAGE);
  MAP(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, (long)(1ul << 63) - PAGE);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, -PAGE);
  unlink("/tmp/memory_file");
}

static void protections(void) {
  section("mprotect");
  char* map = area(4, RW);
  SHOW(mprotect(map + 1, PAGE, RW));
  SHOW(mprotect(map, 0, RW));
  SHOW(mprotect(map, 0, 0x40));
  SHOW(mprotect(map + 1, 0, RW));
  SHOW(mprotect(map, PAGE, 0x10));
  SHOW(mprotect(map, PAGE, 0x20));
  SHOW(mprotect(map, PAGE, 0x40));
  SHOW(mprotect(map, PAGE, 8));
  SHOW(mprotect(map, ~0ul, RW));
  SHOW(mprotect(map, ~0ul - 2 * PAGE, RW));
  SHOW(mprotect(map, PAGE, RW | PROT_GROWSDOWN));
  SHOW(mprotect(map, PAGE, RW | PROT_GROWSUP));
  SHOW(mprotect(map, PAGE, RW | PROT_GROWSUP | PROT_GROWSDOWN));
  SHOW(mprotect(map + 1, PAGE, RW | PROT_GROWSUP | PROT_GROWSDOWN));
  munmap(map + 2 * PAGE, PAGE);
  SHOW(mprotect(map, 4 * PAGE, PROT_READ));
  errno = 0;
  SHOW(mprotect(map + 2 * PAGE, PAGE, PROT_READ));
  SHOW(mprotect(unmapped(), PAGE, PROT_READ | PROT_GROWSDOWN));
  SHOW(syscall(SYS_munmap, map, 0));
  SHOW(syscall(SYS_munmap, map + 1, PAGE));
  SHOW(syscall(SYS_munmap, map, ~0ul));
  SHOW(syscall(SYS_munmap, 1ul << 48, PAGE));
  SHOW(syscall(SYS_munmap, map + 2 * PAGE, PAGE));
}

static void advices(void) {
  section("madvise");
  char* anonymous = area(4, RW);
  char* shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int fd = (int)MUST(open("/tmp/memory_file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  MUST(ftruncate(fd, 4 * PAGE));
  char* file = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
  char* copy = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
  char* locked = area(4, RW);
  MUST(mlock(locked, 4 * PAGE));
  char* none = area(4, PROT_NONE);
  char* readable = area(4, PROT_READ);
  char* holed = area(4, RW);
  munmap(holed + PAGE, PAGE);
  for (int advice = -1; advice <= 26; advice++) {
    char* const maps[] = {anonymous, shared, file, copy, locked, none, readable, holed};
    char line[256];
    int at = 0;
    for (size_t i = 0; i < COUNT(maps); i++) {
      errno = 0;
      long result = syscall(SYS_madvise, maps[i], 4 * PAGE, advice);
      at += snprintf(line + at, sizeof line - (size_t)at, " %s",
                     result == -1 ? error_name(errno) : "ok");
    }
    say("advice %d:%s", advice, line);
  }
  SHOW(madvise(anonymous + 1, PAGE, MADV_NORMAL));
  SHOW(madvise(anonymous, 0, MADV_NORMAL));
  SHOW(madvise(anonymous, 0, 99));
  SHOW(madvise(anonymous + 1, 0, 99));
  SHOW(madvise(anonymous, ~0ul, MADV_NORMAL));
  SHOW(madvise(anonymous, ~0ul - 2 * PAGE, MADV_NORMAL));
  unlink("/tmp/memory_file");

  section("msync");
  SHOW(msync(anonymous, PAGE, 0));
  SHOW(msync(anonymous, PAGE, 8));
  SHOW(msync(anonymous, PAGE, MS_SYNC | MS_ASYNC));
  SHOW(msync(anonymous + 1, PAGE, MS_SYNC));
  SHOW(msync(anonymous + 1, PAGE, 8));
  SHOW(msync(anonymous, 0, MS_SYNC));
  SHOW(msync(anonymous, ~0ul, MS_SYNC));
  SHOW(msync(anonymous, ~0ul - 2 * PAGE, MS_SYNC));
  SHOW(msync(holed, 4 * PAGE, MS_SYNC));
  SHOW(msync(holed, 4 * PAGE, MS_ASYNC));
  SHOW(msync(locked, PAGE, MS_INVALIDATE));
  SHOW(msync(anonymous, PAGE, MS_INVALIDATE));
  SHOW(msync(file, 4 * PAGE, MS_SYNC | MS_INVALIDATE));

  section("mincore");
  unsigned char states[8];
  SHOW(mincore(anonymous + 1, PAGE, states));
  SHOW(mincore(anonymous, 0, states));
  SHOW(mincore(anonymous, PAGE, BAD_KERNEL));
  SHOW(mincore(anonymous, PAGE, NULL));
  SHOW(mincore(holed, 4 * PAGE, states));
  SHOW(mincore(anonymous, ~0ul, states));
  SHOW(mincore(BAD_HOLE, PAGE, states));
  SHOW(mincore(BAD_HOLE, PAGE, BAD_KERNEL));

  section("mlock");
  SHOW(mlock(anonymous, 0));
  SHOW(mlock(anonymous + 1, 1));
  SHOW(mlock(holed, 4 * PAGE));
  SHOW(munlock(holed, 4 * PAGE));
  SHOW(mlock(anonymous, ~0ul));
  SHOW(mlock(none, PAGE));
  SHOW(syscall(SYS_mlock2, anonymous, PAGE, 2));
  SHOW(syscall(SYS_mlock2, none, PAGE, 1));
  SHOW(mlockall(0));
  SHOW(mlockall(MCL_ONFAULT));
  SHOW(mlockall(MCL_FUTURE | MCL_ONFAULT));
  SHOW(mlockall(8 | MCL_CURRENT));
  SHOW(munlockall());
}

static void remaps(void) {
  section("mremap");
  char* map = area(4, RW);
  char* target = area(8, RW);
  SHOW(syscall(SYS_mremap, map + 1, PAGE, PAGE, 0, 0));
  SHOW(syscall(SYS_mremap, map, PAGE, 0, 0, 0));
  SHOW(syscall(SYS_mremap, map, 0, PAGE, MREMAP_MAYMOVE, 0));
  SHOW(syscall(SYS_mremap, map, PAGE, PAGE, 8, 0));
  SHOW(syscall(SYS_mremap, map, PAGE, PAGE, MREMAP_FIXED, target));
  SHOW(syscall(SYS_mremap, map, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, target + 1));
  SHOW(syscall(SYS_mremap, map, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, map));
  SHOW(syscall(SYS_mremap, map, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, map + PAGE));
  SHOW(syscall(SYS_mremap, map, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, 1ul << 48));
  SHOW(syscall(SYS_mremap, map, PAGE, PAGE, MREMAP_DONTUNMAP, 0));
  SHOW(syscall(SYS_mremap, map, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0));
  SHOW(syscall(SYS_mremap, map, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE, 0));
  SHOW(syscall(SYS_mremap, unmapped(), PAGE, PAGE, MREMAP_MAYMOVE, 0));
  SHOW(syscall(SYS_mremap, map, PAGE, ~0ul, MREMAP_MAYMOVE, 0));
  SHOW(syscall(SYS_mremap, map, PAGE, 1ul << 47, 0, 0));
  SHOW(syscall(SYS_mremap, map, 2 * PAGE, PAGE, 0, 0) == (long)map);
  SHOW(syscall(SYS_mremap, map, 100, 200, 0, 0) == (long)map);
  char* shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared[0] = 'q';
  char* twin = (char*)syscall(SYS_mremap, shared, 0, PAGE, MREMAP_MAYMOVE, 0);
  YES(twin != MAP_FAILED && twin != shared && twin[0] == 'q');
  SHOW(syscall(SYS_mremap, shared, 0, PAGE, 0, 0));
  SHOW(syscall(SYS_mremap, shared, PAGE, PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0) != -1);
  SHOW(syscall(SYS_remap_file_pages, map, PAGE, 1, 0, 0));
  SHOW(syscall(SYS_remap_file_pages, map, PAGE, 0, 0, 0));
  SHOW(syscall(SYS_remap_file_pages, map, 0, 0, 0, 0));
  SHOW(syscall(SYS_remap_file_pages, unmapped(), PAGE, 0, 0, 0));
  int fd = (int)MUST(open("/tmp/memory_file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  for (char i = 0; i < 4; i++) {
    char page[PAGE];
    memset(page, 'a' + i, PAGE);
    MUST(write(fd, page, PAGE));
  }
  char* file = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
  SHOW(syscall(SYS_remap_file_pages, file, PAGE, 0, 3, 0));
  SHOW(syscall(SYS_remap_file_pages, file + 3 * PAGE, PAGE, 0, 0, 0));
  say("%c%c%c%c", file[0], file[PAGE], file[2 * PAGE], file[3 * PAGE]);
  SHOW(syscall(SYS_remap_file_pages, file + PAGE, 2 * PAGE, 0, 2, 0));
  say("%c%c%c%c", file[0], file[PAGE], file[2 * PAGE], file[3 * PAGE]);
  SHOW(syscall(SYS_remap_file_pages, file, PAGE, PROT_READ, 1, 0));
  SHOW(syscall(SYS_remap_file_pages, file + 100, PAGE, 0, 1, 0));
  SHOW(syscall(SYS_remap_file_pages, file, 9 * PAGE, 0, 0, 0));
  say("%c%c%c%c", file[0], file[PAGE], file[2 * PAGE], file[3 * PAGE]);
  SHOW(syscall(SYS_remap_file_pages, file, PAGE, 0, -1l, 0));
  SHOW(syscall(SYS_remap_file_pages, file, PAGE, 0, 1l << 51, 0));
  SHOW(syscall(SYS_remap_file_pages, file, PAGE, 0, 4, 0));
  SHOW(syscall(SYS_remap_file_pages, file, PAGE, 0, 0, MAP_NONBLOCK));
  char* private = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
  SHOW(syscall(SYS_remap_file_pages, private, PAGE, 0, 3, 0));
  char* ours = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ours[0] = 'x', ours[PAGE] = 'y';
  SHOW(syscall(SYS_remap_file_pages, ours, PAGE, 0, 1, 0));
  say("%c%c", ours[0], ours[PAGE]);
  close(fd);
  unlink("/tmp/memory_file");
}

static void other_process(void) {
  section("process_vm");
  char bytes[16] = "0123456789abcdef", got[16];
  struct iovec local = {got, 16}, remote = {bytes, 16}, bad = {NULL, 16}, huge = {got, 1ul << 63};
  pid_t self = getpid();
  SHOW(process_vm_readv(self, &local, 1, &remote, 1, 1));
  SHOW(process_vm_readv(self, &local, 1, &remote, 1, 0));
  SHOW(process_vm_readv(self, &local, 0, &remote, 1, 0));
  SHOW(process_vm_readv(self, &local, 1, &remote, 0, 0));
  SHOW(process_vm_readv(1 << 30, &local, 0, &remote, 1, 0));
  SHOW(process_vm_readv(1 << 30, &local, 1, &remote, 1, 0));
  SHOW(process_vm_readv(self, &local, 1025, &remote, 1, 0));
  SHOW(process_vm_readv(self, &local, 1, &remote, 1025, 0));
  SHOW(process_vm_readv(self, &huge, 1, &remote, 1, 0));
  SHOW(process_vm_readv(self, &local, 1, &huge, 1, 0));
  SHOW(process_vm_readv(self, &bad, 1, &remote, 1, 0));
  SHOW(process_vm_readv(self, &local, 1, &bad, 1, 0));
  SHOW(process_vm_readv(self, NULL, 1, &remote, 1, 0));
  SHOW(process_vm_readv(self, &local, 1, NULL, 1, 0));
  struct iovec two[2] = {{bytes, 8}, {NULL, 8}};
  SHOW(process_vm_readv(self, &local, 1, two, 2, 0));
  SHOW(process_vm_writev(self, &local, 1, two, 2, 0));
  char* readable = page_with(PROT_READ);
  struct iovec protected = {readable, 4};
  SHOW(process_vm_writev(self, &local, 1, &protected, 1, 0));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(process_vm_readv(1, &local, 1, &remote, 1, 0));
  SHOW(process_vm_readv(getppid(), &local, 1, &remote, 1, 0));

  section("membarrier");
  for (int command = -1; command <= 1024; command = command < 1 ? command + 1 : command * 2) {
    errno = 0;
    long result = syscall(SYS_membarrier, command, 0, 0);
    if (command != 0 && command != 128 && command != 256)
      say("command %d: %s", command, result == -1 ? error_name(errno) : "ok");
    if (command == 1) SHOW(syscall(SYS_membarrier, 8, 0, 0));
  }
  SHOW(syscall(SYS_membarrier, 0, 1, 0));
  SHOW(syscall(SYS_membarrier, 8, 1, 0));
  SHOW(syscall(SYS_membarrier, 77, 1, 0));
  SHOW(syscall(SYS_membarrier, 8, 0, 0));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW_AS("after fork", syscall(SYS_membarrier, 8, 0, 0));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

int main(void) {
  IN_CHILD(maps);
  IN_CHILD(protections);
  IN_CHILD(advices);
  IN_CHILD(remaps);
  IN_CHILD(other_process);
  return 0;
}
