// SPDX-License-Identifier: MIT
//
// ELF files that are not as they should be. A good one is made by hand (a few instructions that
// exit with a status), then one field at a time is spoiled; what counts is the errno of execve, or
// how the process ends once the old image is gone.

#include "abi.h"

#include <elf.h>

enum { kBase = 0x400000 };

static struct {
  Elf64_Ehdr header;
  Elf64_Phdr segments[4];
  uint32_t code[16];
} image;

static void good(void) {
  memset(&image, 0, sizeof image);
  memcpy(image.header.e_ident, ELFMAG, 4);
  image.header.e_ident[EI_CLASS] = ELFCLASS64;
  image.header.e_ident[EI_DATA] = ELFDATA2LSB;
  image.header.e_ident[EI_VERSION] = EV_CURRENT;
  image.header.e_type = ET_EXEC;
  image.header.e_machine = EM_AARCH64;
  image.header.e_version = EV_CURRENT;
  image.header.e_phoff = offsetof(__typeof__(image), segments);
  image.header.e_ehsize = sizeof image.header;
  image.header.e_phentsize = sizeof image.segments[0];
  image.header.e_phnum = 1;
  image.header.e_entry = kBase + offsetof(__typeof__(image), code);
  image.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_flags = PF_R | PF_X,
                                   .p_offset = 0,
                                   .p_vaddr = kBase,
                                   .p_filesz = sizeof image,
                                   .p_memsz = sizeof image,
                                   .p_align = 4096};
  image.code[0] = 0xd2800540;  // mov x0, #42
  image.code[1] = 0xd2800ba8;  // mov x8, #93 (exit)
  image.code[2] = 0xd4000001;  // svc #0
}

static void run(const char* what, size_t size) {
  int fd = (int)MUST(open("elf", O_WRONLY | O_CREAT | O_TRUNC, 0755));
  write(fd, &image, size);
  close(fd);
  pid_t pid = fork();
  if (pid == 0) {
    char* argv[] = {"elf", NULL};
    execve("./elf", argv, argv + 1);
    say("%-40s %s", what, error_name(errno));
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) say("%-40s %s", what, status_text(status));
}

#define SPOILED(what, change) \
  do {                        \
    good();                   \
    change;                   \
    run(what, sizeof image);  \
  } while (0)

static void headers(void) {
  section("file header");
  SPOILED("as it should be", (void)0);
  SPOILED("magic", image.header.e_ident[1] = 'X');
  SPOILED("class 32", image.header.e_ident[EI_CLASS] = ELFCLASS32);
  SPOILED("big endian", image.header.e_ident[EI_DATA] = ELFDATA2MSB);
  SPOILED("ident version", image.header.e_ident[EI_VERSION] = 9);
  SPOILED("ident OS ABI", image.header.e_ident[EI_OSABI] = 9);
  SPOILED("type relocatable", image.header.e_type = ET_REL);
  SPOILED("type core", image.header.e_type = ET_CORE);
  SPOILED("type 0", image.header.e_type = 0);
  SPOILED("machine x86-64", image.header.e_machine = EM_X86_64);
  SPOILED("version", image.header.e_version = 7);
  SPOILED("flags", image.header.e_flags = 0xffff);
  SPOILED("phentsize", image.header.e_phentsize = 32);
  SPOILED("phnum 0", image.header.e_phnum = 0);
  SPOILED("phnum 65535", image.header.e_phnum = 65535);
  SPOILED("phoff past the end", image.header.e_phoff = 1 << 20);
  SPOILED("phoff huge", image.header.e_phoff = ~0ul);
  SPOILED("phoff odd", image.header.e_phoff = 65);
  SPOILED("section headers are not looked at", image.header.e_shoff = ~0ul);
  SPOILED("entry 0", image.header.e_entry = 0);
  SPOILED("entry odd", image.header.e_entry += 2);
  SPOILED("entry in the kernel", image.header.e_entry = 0xffff000000080000ul);
  SPOILED("entry outside", image.header.e_entry = kBase + 0x100000);
  good();
  run("cut in the header", 40);
  run("cut in the program headers", 100);
  run("cut in the code", sizeof image.header + sizeof image.segments);
  run("2 bytes", 2);
}

static void segments(void) {
  section("segments");
  Elf64_Phdr* load = &image.segments[0];
  SPOILED("no PT_LOAD", load->p_type = PT_NOTE);
  SPOILED("unknown type", load->p_type = 0x60000000);
  SPOILED("file size over memory size", load->p_memsz = 10);
  SPOILED("memory size huge", load->p_memsz = 1ul << 48);
  SPOILED("memory size wraps", load->p_memsz = ~0ul);
  SPOILED("file size past the end", (load->p_filesz = load->p_memsz = 1 << 20));
  SPOILED("file size huge", (load->p_filesz = load->p_memsz = 1ul << 50));
  SPOILED("address in the kernel", load->p_vaddr = 0xffff000000000000ul);
  SPOILED("address at the top of the user half", load->p_vaddr = 0x0000fffffffff000ul);
  SPOILED("address 0", (load->p_vaddr = 0, image.header.e_entry -= kBase));
  SPOILED("offset not congruent", load->p_vaddr = kBase + 8);
  SPOILED("offset past the end", load->p_offset = 1 << 20);
  SPOILED("offset huge", load->p_offset = 1ul << 63);
  SPOILED("alignment 3", load->p_align = 3);
  SPOILED("alignment 0", load->p_align = 0);
  SPOILED("alignment 1 GiB", load->p_align = 1 << 30);
  SPOILED("not executable", load->p_flags = PF_R);
  SPOILED("no permissions", load->p_flags = 0);
  SPOILED("writable and executable", load->p_flags = PF_R | PF_W | PF_X);
  SPOILED("execute only", load->p_flags = PF_X);
  // .bss: starts inside the last file page, which must be cleared behind the file's bytes.
  good();
  load->p_flags = PF_R | PF_W | PF_X;
  load->p_filesz = offsetof(__typeof__(image), code) + 24;
  load->p_memsz = 0x5000;
  image.code[0] = 0x10000009;  // adr x9, .
  image.code[1] = 0xb9401920;  // ldr w0, [x9, #24]: code[6], which must be cleared
  image.code[2] = 0x11001400;  // add w0, w0, #5
  image.code[3] = 0xd2800ba8;  // mov x8, #93
  image.code[4] = 0xd4000001;  // svc #0
  image.code[6] = 77;
  run("bss begins inside a page of the file", sizeof image);
  good();
  image.header.e_phnum = 2;
  image.segments[1] = image.segments[0];
  image.segments[1].p_vaddr = kBase + 0x200000;
  run("two segments", sizeof image);
  image.segments[1].p_vaddr = kBase;
  run("the same segment twice", sizeof image);
  image.segments[1].p_vaddr = kBase - 0x200000;
  run("descending addresses", sizeof image);
  image.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_flags = PF_R | PF_W,
                                   .p_vaddr = kBase + 0x100000,
                                   .p_memsz = 0x2000,
                                   .p_align = 4096};
  run("bss only", sizeof image);
  image.segments[1].p_memsz = 0;
  run("empty segment", sizeof image);
  section("stack and properties");
  SPOILED("PT_GNU_STACK executable",
          (image.header.e_phnum = 2, image.segments[1] = (Elf64_Phdr){
                                         .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W | PF_X}));
}

static void interpreters(void) {
  section("interpreter");
  Elf64_Phdr* interp = &image.segments[1];
  const size_t at = offsetof(__typeof__(image), code) + 32;
#define WITH_INTERPRETER(what, name, size, change)                                 \
  do {                                                                             \
    good();                                                                        \
    image.header.e_phnum = 2;                                                      \
    *interp = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = at, .p_filesz = size}; \
    strcpy((char*)&image + at, name);                                              \
    change;                                                                        \
    run(what, sizeof image);                                                       \
  } while (0)
  WITH_INTERPRETER("that is missing", "/nope", 6, (void)0);
  WITH_INTERPRETER("name without end", "/nope", 5, (void)0);
  WITH_INTERPRETER("empty name", "", 1, (void)0);
  WITH_INTERPRETER("name of length 0", "", 0, (void)0);
  WITH_INTERPRETER("name too long", "/nope", 5000, (void)0);
  WITH_INTERPRETER("offset past the end", "/nope", 6, interp->p_offset = 1 << 20);
  WITH_INTERPRETER("a directory", "/tmp", 5, (void)0);
  WITH_INTERPRETER("not an ELF file", "/etc/passwd", 12, (void)0);
}

static void independent(void) {
  section("position independent");
  good();
  image.header.e_type = ET_DYN;
  image.header.e_entry -= kBase;
  image.segments[0].p_vaddr = 0;
  run("ET_DYN at 0", sizeof image);
  image.segments[0].p_align = 0x200000;
  run("ET_DYN aligned to 2 MiB", sizeof image);
  image.segments[0].p_vaddr = 0x7000000;
  image.header.e_entry += 0x7000000;
  run("ET_DYN with an address", sizeof image);
}

int main(void) {
  chmod(".", 0777);  // As root, Linux would map page 0.
  MUST(setresuid(1000, 1000, 1000));
  headers();
  segments();
  interpreters();
  independent();
}
