// SPDX-License-Identifier: MIT
//
// Core files (core(5)): when there is one, its name, its status bit, the layout of its notes, what
// of memory is in it, several threads, and who is not dumped.

#include "abi.h"

#include <dirent.h>
#include <elf.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>

static char pattern_before[256];

static void set_pattern(const char* pattern) {
  write_file("/proc/sys/kernel/core_pattern", pattern);
}
static void allow(rlim_t bytes) {
  struct rlimit limit = {bytes, RLIM_INFINITY};
  MUST(setrlimit(RLIMIT_CORE, &limit));
}

static void list(const char* when) {
  struct dirent** entries;
  int count = scandir(".", &entries, NULL, alphasort);
  say("%s:", when);
  for (int i = 0; i < count; i++) {
    if (entries[i]->d_name[0] == '.') continue;
    struct stat status;
    stat(entries[i]->d_name, &status);
    say("  %s, mode %o, %s", entries[i]->d_name, status.st_mode & 07777,
        status.st_size == 0 ? "empty" : "not empty");
    unlink(entries[i]->d_name);
  }
}
static void status_of(const char* what, int status) {
  say("%s: %s%s", what, status_text(status), WCOREDUMP(status) ? ", dumped" : "");
}
#define DUMP(body) status_of(#body, in_child(body))

static char private_data[PAGE] __attribute__((aligned(4096)));
static char* shared_data;
static char* not_dumped;
static char* untouched;

static void quits(void) { raise(SIGQUIT); }
static void aborts(void) { abort(); }
static void faults(void) { *(volatile int*)16 = 1; }
static void terminates(void) { raise(SIGTERM); }
static void blocked_from_outside(void) { kill(getpid(), SIGXCPU); }
static void undumpable(void) {
  prctl(PR_SET_DUMPABLE, 0);
  raise(SIGQUIT);
}
static void no_limit(void) {
  allow(0);
  raise(SIGQUIT);
}
static void small_limit(void) {
  allow(4095);
  raise(SIGQUIT);
}
static void one_page(void) {
  allow(4096);
  raise(SIGQUIT);
}
static void in_no_directory(void) {
  MUST(chdir("/proc"));
  raise(SIGQUIT);
}
static void renamed(void) {
  prctl(PR_SET_NAME, "a/b");
  raise(SIGQUIT);
}

static void statuses(void) {
  section("who is dumped");
  DUMP(quits);
  list("quit");
  DUMP(aborts);
  DUMP(faults);
  list("once more");
  DUMP(terminates);
  list("terminated");
  DUMP(blocked_from_outside);
  list("CPU time");
  DUMP(undumpable);
  DUMP(no_limit);
  DUMP(small_limit);
  list("none");
  DUMP(one_page);
  list("one page");
  DUMP(in_no_directory);
  list("nowhere");
  write_file("core", "somebody's\n");
  chmod("core", 0644);
  DUMP(quits);
  list("over a file");
  MUST(symlink("elsewhere", "core"));
  DUMP(quits);
  list("over a link");
  MUST(mkdir("core", 0755));
  DUMP(quits);
  MUST(rmdir("core"));
}

static void names(void) {
  section("names");
  set_pattern("c.%s.%u.%g.%d.%e.%%.%q.%");
  DUMP(quits);
  list("letters");
  DUMP(renamed);
  list("a slash");
  set_pattern("%f\n");
  DUMP(quits);
  list("file");
  set_pattern("core");
  write_file("/proc/sys/kernel/core_uses_pid", "1");
  DUMP(quits);
  DIR* directory = opendir(".");
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    YES(strncmp(entry->d_name, "core.", 5) == 0 && atoi(entry->d_name + 5) > 0);
    unlink(entry->d_name);
  }
  closedir(directory);
  write_file("/proc/sys/kernel/core_uses_pid", "0");
  say("pattern %s", read_file("/proc/sys/kernel/core_pattern"));
}

static char* core;  // not part of itself
static size_t core_size;
enum { kCoreRoom = 64 << 20 };
static bool load_core(void) {
  int fd = open("core", O_RDONLY);
  if (fd == -1) {
    say("no core: %s", error_name(errno));
    return false;
  }
  core_size = 0;
  ssize_t more;
  while ((more = read(fd, core + core_size, kCoreRoom - core_size)) > 0)
    core_size += (size_t)more;
  close(fd);
  unlink("core");
  return true;
}
static Elf64_Phdr* headers(int* count) {
  Elf64_Ehdr* header = (Elf64_Ehdr*)core;
  *count = header->e_phnum;
  return (Elf64_Phdr*)(core + header->e_phoff);
}
// Where an address of the dead process is in the file; NULL: not saved. Whether a mapping is there.
static char* saved(const void* address, bool* mapped) {
  int count;
  Elf64_Phdr* header = headers(&count);
  *mapped = false;
  for (int i = 0; i < count; i++) {
    uint64_t offset = (uint64_t)address - header[i].p_vaddr;
    if (header[i].p_type != PT_LOAD || offset >= header[i].p_memsz) continue;
    *mapped = true;
    return offset < header[i].p_filesz ? core + header[i].p_offset + offset : NULL;
  }
  return NULL;
}
static void show_saved(const char* what, const void* address, const char* contents) {
  bool mapped;
  char* at = saved(address, &mapped);
  say("  %s: %s%s%s", what, mapped ? "mapped" : "not mapped", at == NULL ? "" : ", saved",
      at == NULL         ? ""
      : contents == NULL ? ""
      : memcmp(at, contents, strlen(contents)) == 0 ? ", right"
                                                    : ", wrong");
}

static pid_t dumped_pid;
static void show_note(const char* owner, uint32_t type, char* data, uint32_t size) {
  switch (type) {
    case NT_PRSTATUS: {
      struct elf_prstatus* status = (struct elf_prstatus*)data;
      say("  PRSTATUS %u bytes, signal %d %d, pid %s, parent %s, fp %d, x8 %d", size,
          status->pr_info.si_signo, status->pr_cursig,
          status->pr_pid == dumped_pid ? "right" : "another's",
          status->pr_ppid == getpid() ? "right" : "wrong", status->pr_fpvalid,
          (int)status->pr_reg[8] == SYS_futex || (int)status->pr_reg[8] > 0);
      return;
    }
    case NT_PRPSINFO: {
      struct elf_prpsinfo* info = (struct elf_prpsinfo*)data;
      say("  PRPSINFO %u bytes, state %d %c, nice %d, uid %u, pid %s, name %s, arguments %s", size,
          info->pr_state, info->pr_sname, info->pr_nice, info->pr_uid,
          info->pr_pid == dumped_pid ? "right" : "wrong", info->pr_fname,
          strstr(info->pr_psargs, "core_dump") != NULL ? "right" : "wrong");
      return;
    }
    case NT_SIGINFO: {
      siginfo_t* info = (siginfo_t*)data;
      say("  SIGINFO %u bytes, signal %d, code %d, address %lx", size, info->si_signo,
          info->si_code, info->si_code > 0 ? (long)info->si_addr : 0);
      return;
    }
    case NT_AUXV: say("  AUXV, first is %lu", *(unsigned long*)data); return;
    case NT_FILE: {
      uint64_t* words = (uint64_t*)data;
      char* name = (char*)(words + 2 + 3 * words[0]);
      say("  FILE, some %d, page %lu, first starts at file offset %lu, name %s", words[0] > 0,
          words[1], words[4], strstr(name, "core_dump") != NULL ? "right" : "wrong");
      return;
    }
    case NT_FPREGSET: say("  FPREGSET %u bytes", size); return;
    case 0x401: say("  %s TLS %u bytes", owner, size); return;
    case 0x404: say("  %s SYSTEM_CALL %u bytes: %d", owner, size, *(int*)data); return;
    default: return;  // hardware breakpoints and the like: of the machine
  }
}

static void show_core(void) {
  Elf64_Ehdr* header = (Elf64_Ehdr*)core;
  YES(memcmp(header->e_ident, "\177ELF\2\1\1", 7) == 0);
  say("type %d, machine %d, version %d, sizes %d %d, sections %d", header->e_type,
      header->e_machine, header->e_version, header->e_ehsize, header->e_phentsize,
      header->e_shnum);
  int count;
  Elf64_Phdr* segments = headers(&count);
  bool aligned = true, in_order = true;
  for (int i = 1; i < count; i++) {
    aligned = aligned && segments[i].p_offset % PAGE == 0 && segments[i].p_align == PAGE &&
              segments[i].p_type == PT_LOAD;
    in_order = in_order && (i == 1 || segments[i].p_vaddr > segments[i - 1].p_vaddr);
  }
  say("the first is of type %d, alignment %lu; loads aligned %d, in order %d",
      segments[0].p_type, segments[0].p_align, aligned, in_order);
  YES(segments[count - 1].p_offset + segments[count - 1].p_filesz == core_size);
  for (char* at = core + segments[0].p_offset, *end = at + segments[0].p_filesz; at < end;) {
    Elf64_Nhdr* note = (Elf64_Nhdr*)at;
    char* owner = at + sizeof *note;
    char* data = owner + (note->n_namesz + 3) / 4 * 4;
    show_note(owner, note->n_type, data, note->n_descsz);
    at = data + (note->n_descsz + 3) / 4 * 4;
  }
}

static void prepare_memory(void) {
  strcpy(private_data, "private");
  shared_data = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  strcpy(shared_data, "shared");
  not_dumped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(not_dumped, "secret");
  madvise(not_dumped, PAGE, MADV_DONTDUMP);
  untouched = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void contents(void) {
  section("contents");
  prepare_memory();
  char* text = read_file("/proc/self/coredump_filter");
  say("filter %s", text);
  for (int run = 0; run < 3; run++) {
    static const char* const filters[] = {"0x33", "0x11", "0"};
    write_file("/proc/self/coredump_filter", filters[run]);
    dumped_pid = fork();
    if (dumped_pid == 0) faults();
    int status;
    waitpid(dumped_pid, &status, 0);
    status_of("fault", status);
    if (!load_core()) continue;
    if (run == 0) show_core();
    show_saved("private", private_data, "private");
    show_saved("shared", shared_data, "shared");
    show_saved("not to be dumped", not_dumped, NULL);
    show_saved("untouched", untouched, NULL);
    show_saved("stack", &status, NULL);
    show_saved("code", (void*)show_saved, NULL);
    show_saved("header", (void*)0x400000, "\177ELF");
  }
  write_file("/proc/self/coredump_filter", "0x33");
  SHOW(open("/proc/self/coredump_filter", O_WRONLY) == -1);
}

static void* sleeps(void* unused UNUSED) {
  for (volatile bool on = true; on;) pause();
  return NULL;
}
static void* spins(void* unused UNUSED) {
  for (volatile bool on = true; on;) {
  }
  return NULL;
}
static void many(void) {
  pthread_t thread;
  for (int i = 0; i < 3; i++) pthread_create(&thread, NULL, i < 2 ? sleeps : spins, NULL);
  sleep_ms(50);
  raise(SIGSEGV);
}
static void threads(void) {
  section("threads");
  dumped_pid = fork();
  if (dumped_pid == 0) many();
  int status;
  waitpid(dumped_pid, &status, 0);
  status_of("four threads", status);
  if (load_core()) show_core();
}

static void reported(void) {
  section("reports");
  pid_t child = fork();
  if (child == 0) quits();
  siginfo_t info = {0};
  waitid(P_PID, (id_t)child, &info, WEXITED);
  YES(info.si_code == CLD_DUMPED && info.si_status == SIGQUIT);
  list("files");
}

int main(void) {
  core = mmap(NULL, kCoreRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(core, kCoreRoom, MADV_DONTDUMP);
  strcpy(pattern_before, read_file("/proc/sys/kernel/core_pattern"));
  set_pattern("core");
  allow(RLIM_INFINITY);
  MUST(mkdir("dumps", 0755));
  MUST(chdir("dumps"));
  statuses();
  names();
  contents();
  threads();
  reported();
  MUST(chdir(".."));
  MUST(rmdir("dumps"));
  set_pattern(pattern_before);
}
