// SPDX-License-Identifier: MIT
//
// Whole programs, run by the root's shell: what the single operations come to. Rows of programs
// that the root does not have are absent.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/row.h"

namespace {

void run(const char* command) {
  pid_t child = fork();
  expect(child >= 0, "fork");
  if (child == 0) {
    int nowhere = open("/dev/null", O_RDWR);
    for (int file = 0; file < 3; ++file) dup2(nowhere, file);
    execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
    _exit(127);
  }
  int status;
  expect(waitpid(child, &status, 0) == child && status == 0, command);
}

template <const char* command>
void run_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) run(command);
}

// 16 MiB of lines that are neither in order nor all alike.
bool prepare_data() {
  if (access("/bin/sh", X_OK) != 0) return false;
  static char lines[64 << 10];
  unsigned long state = 1;
  mkdir("/tmp/bench-programs", 0755);
  int file = open("/tmp/bench-programs/data", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return false;
  for (int i = 0; i < 256; ++i) {
    for (char& c : lines) {
      state = state * 6364136223846793005 + 1442695040888963407;
      c = static_cast<char>('a' + (state >> 33) % 16);
    }
    for (size_t at = 63; at < sizeof lines; at += 64) lines[at] = '\n';
    if (write(file, lines, sizeof lines) != static_cast<ssize_t>(sizeof lines)) return false;
  }
  close(file);
  return true;
}

void finish_data() { run("rm -r /tmp/bench-programs"); }

// 400 files of some 4 KiB in 20 directories.
bool prepare_tree() {
  if (access("/bin/sh", X_OK) != 0) return false;
  run("mkdir -p /tmp/bench-programs && cd /tmp/bench-programs && i=0 && "
      "while [ $i -lt 100 ]; do echo \"static int value_$i = $i;  // a line of a program\"; "
      "i=$((i+1)); done > text && for d in 0 1 2 3 4 5 6 7 8 9 a b c d e f g h i j; do "
      "mkdir $d; for f in 0 1 2 3 4 5 6 7 8 9 a b c d e f g h i j; do cat text > $d/$f.c; done; "
      "done; rm text");
  return true;
}

bool has_python() { return access("/usr/bin/python3", X_OK) == 0; }

bool prepare_compiler() {
  if (access("/usr/bin/tcc", X_OK) != 0 || !prepare_tree()) return false;
  run("cd /tmp/bench-programs && cat ?/0.c | sed 's/value_/&x/' | sort -u > all.c");
  return true;
}

constexpr char kTar[] = "tar cf - /tmp/bench-programs/data | cat";
constexpr char kHash[] = "sha256sum /tmp/bench-programs/data";
constexpr char kZip[] = "gzip -1 -c /tmp/bench-programs/data";
constexpr char kSort[] = "sort /tmp/bench-programs/data";
constexpr char kSpawn[] = "i=0; while [ $i -lt 200 ]; do /tmp/bench-nothing; i=$((i+1)); done";
constexpr char kFind[] = "find /tmp/bench-programs -name '*7*'";
constexpr char kGrep[] = "grep -r value_99 /tmp/bench-programs";
constexpr char kPython[] = "/usr/bin/python3 -c pass";
constexpr char kCompile[] = "cd /tmp/bench-programs && /usr/bin/tcc -c all.c -o all.o";

constexpr Row program(const char* name, void (*body)(unsigned), bool (*prepare)(),
                      void (*finish)()) {
  Row row = {name, 1, body, prepare, finish};
  row.once = true;
  return row;
}

constexpr Row kRows[] = {
    program("tar of 16 MiB", run_loop<kTar>, prepare_data, finish_data),
    program("sha256sum of 16 MiB", run_loop<kHash>, prepare_data, finish_data),
    program("gzip of 16 MiB", run_loop<kZip>, prepare_data, finish_data),
    program("sort of 16 MiB", run_loop<kSort>, prepare_data, finish_data),
    program("200 programs of a shell", run_loop<kSpawn>, nullptr, nullptr),
    program("find, 400 files", run_loop<kFind>, prepare_tree, finish_data),
    program("grep -r, 400 files", run_loop<kGrep>, prepare_tree, finish_data),
    program("python3 starts and ends", run_loop<kPython>, has_python, nullptr),
    program("tcc compiles", run_loop<kCompile>, prepare_compiler, finish_data),
};

}  // namespace

Rows program_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
