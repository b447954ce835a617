// SPDX-License-Identifier: MIT
//
// The initial stack and the auxiliary vector: which entries there are, in which order, and whether
// what they point to is what they say.

#include "abi.h"

#include <elf.h>
#include <sys/auxv.h>

extern char** environ;

static const char* name_of(unsigned long type) {
  static const struct {
    unsigned long type;
    const char* name;
  } names[] = {{AT_SYSINFO_EHDR, "SYSINFO_EHDR"},
               {AT_HWCAP, "HWCAP"},
               {AT_PAGESZ, "PAGESZ"},
               {AT_CLKTCK, "CLKTCK"},
               {AT_PHDR, "PHDR"},
               {AT_PHENT, "PHENT"},
               {AT_PHNUM, "PHNUM"},
               {AT_BASE, "BASE"},
               {AT_FLAGS, "FLAGS"},
               {AT_ENTRY, "ENTRY"},
               {AT_UID, "UID"},
               {AT_EUID, "EUID"},
               {AT_GID, "GID"},
               {AT_EGID, "EGID"},
               {AT_SECURE, "SECURE"},
               {AT_RANDOM, "RANDOM"},
               {AT_HWCAP2, "HWCAP2"},
               {AT_EXECFN, "EXECFN"},
               {AT_PLATFORM, "PLATFORM"},
               {AT_MINSIGSTKSZ, "MINSIGSTKSZ"},
               {27, "RSEQ_FEATURE_SIZE"},
               {28, "RSEQ_ALIGN"},
               {AT_NULL, "NULL"}};
  for (unsigned i = 0; i < COUNT(names); i++)
    if (names[i].type == type) return names[i].name;
  return "?";
}

int main(int argc, char** argv) {
  section("vector");
  Elf64_auxv_t* vector = NULL;
  char** after = environ;
  while (*after != NULL) after++;
  vector = (Elf64_auxv_t*)(after + 1);
  for (Elf64_auxv_t* entry = vector;; entry++) {
    say("  %s", name_of(entry->a_type));
    if (entry->a_type == AT_NULL) break;
  }
  section("values");
  say("HWCAP %lx HWCAP2 %lx", getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
  say("PAGESZ %lu CLKTCK %lu FLAGS %lu SECURE %lu", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK),
      getauxval(AT_FLAGS), getauxval(AT_SECURE));
  say("UID %lu EUID %lu GID %lu EGID %lu", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
      getauxval(AT_EGID));
  say("PHENT %lu BASE %lu MINSIGSTKSZ %lu", getauxval(AT_PHENT), getauxval(AT_BASE),
      getauxval(AT_MINSIGSTKSZ));
  say("PLATFORM %s", (char*)getauxval(AT_PLATFORM));
  say("EXECFN %s", (char*)getauxval(AT_EXECFN));
  section("what they point to");
  const Elf64_Ehdr* self = (const Elf64_Ehdr*)(getauxval(AT_PHDR) - sizeof(Elf64_Ehdr));
  YES(memcmp(self->e_ident, ELFMAG, 4) == 0);
  YES(self->e_entry == getauxval(AT_ENTRY) && self->e_phnum == getauxval(AT_PHNUM));
  const unsigned char* random = (const unsigned char*)getauxval(AT_RANDOM);
  int zeros = 0;
  for (int i = 0; i < 16; i++) zeros += random[i] == 0;
  YES(zeros < 5);
  const Elf64_Ehdr* vdso = (const Elf64_Ehdr*)getauxval(AT_SYSINFO_EHDR);
  YES(vdso != NULL && memcmp(vdso->e_ident, ELFMAG, 4) == 0);
  section("layout");
  YES((uintptr_t)(argv - 1) % 16 == 0);
  YES(*(long*)(argv - 1) == argc);
  YES(argv[argc] == NULL && environ == argv + argc + 1);
  YES(argv[0] > (char*)vector);
  if (environ[0] != NULL) YES(environ[0] == argv[argc - 1] + strlen(argv[argc - 1]) + 1);
  const char* name = (const char*)getauxval(AT_EXECFN);
  YES((uintptr_t)(name + strlen(name) + 1 + 8) % PAGE == 0);
  YES((const char*)random > (char*)vector && (const char*)random < argv[0]);
  section("/proc/self/auxv");
  char raw[1024];
  int fd = open("/proc/self/auxv", O_RDONLY);
  ssize_t length = read(fd, raw, sizeof raw);
  YES(length > 0 && length % 16 == 0 && memcmp(raw, vector, (size_t)length) == 0);
  section("initial registers and descriptors");
  YES(fcntl(0, F_GETFD) == 0 && fcntl(1, F_GETFD) == 0 && fcntl(2, F_GETFD) == 0);
  SHOW(fcntl(3, F_GETFD) == -1 || fd == 3);
  uint64_t fpcr, fpsr;
  __asm__("mrs %0, fpcr\n mrs %1, fpsr" : "=r"(fpcr), "=r"(fpsr));
  say("fpcr %lx", fpcr);
  (void)fpsr;
}
