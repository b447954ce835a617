// SPDX-License-Identifier: MIT
//
// bench [-q] [-n COUNT] [NAME…]: how long each operation of the kernel takes, in nanoseconds; with
// QEMU's `-icount shift=0` these are instructions. One static program for every kernel, plain
// Linux calls only; -n COUNT does each operation that often, -q leaves out the rows that are long.
// Prints NAME<TAB>VALUE<TAB>UNIT lines, VALUE in hundredths; `samara bench` makes the table.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/row.h"
#include "lib/text.h"

namespace {

constexpr int kRounds = 3;  // the first warms up caches; the best of the others counts
unsigned fixed_count = 0;

unsigned long now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<unsigned long>(time.tv_sec) * 1'000'000'000 +
         static_cast<unsigned long>(time.tv_nsec);
}

unsigned count_of(const Row& row) { return fixed_count != 0 ? fixed_count : row.count; }

unsigned long measure(const Row& row) {
  unsigned long best = ~0ul;
  unsigned long waited = static_cast<unsigned long>(row.waited) * count_of(row);
  for (int round = row.once ? kRounds - 1 : 0; round < kRounds; ++round) {
    unsigned long start = now();
    row.body(count_of(row));
    unsigned long spent = now() - start;
    if ((round != 0 || row.once) && spent < best) best = spent;
  }
  return best > waited ? best - waited : 1;
}

template <size_t N>
void print(int file, const Text<N>& text) {
  [[maybe_unused]] ssize_t written = write(file, text.c_str(), text.length());
}

void report(const Row& row) {
  Text<100> line;
  line << row.name << "\t";
  if (row.prepare != nullptr && !row.prepare()) return print(1, line << "absent\n");
  unsigned long spent = measure(row);
  if (row.finish != nullptr) row.finish();
  unsigned count = count_of(row);
  unsigned long value = row.bytes != 0 ? row.bytes * count * 100 / spent : spent * 100 / count;
  print(1, line << value << (row.bytes != 0 ? "\tB/ns\n" : "\tns\n"));
}

bool is_whole_name(const Rows* all, size_t groups, const char* name) {
  for (size_t group = 0; group < groups; ++group) {
    for (size_t i = 0; i < all[group].size; ++i) {
      if (strcmp(all[group].first[i].name, name) == 0) return true;
    }
  }
  return false;
}

// A row's whole name means that row, anything else every row that contains it.
bool wanted(const Rows* all, size_t groups, const char* row, const char* name) {
  return is_whole_name(all, groups, name) ? strcmp(row, name) == 0 : strstr(row, name) != nullptr;
}

}  // namespace

void fail(const char* what) {
  print(2, Text<200>() << "bench: " << what << ": " << strerror(errno) << "\n");
  exit(1);
}

int main(int argc, char** argv) {
  bool quick = argc > 1 && strcmp(argv[1], "-q") == 0;
  if (quick) {
    --argc;
    ++argv;
  }
  if (argc > 2 && strcmp(argv[1], "-n") == 0) {
    fixed_count = static_cast<unsigned>(atoi(argv[2]));
    argc -= 2;
    argv += 2;
  }
  const Rows all[] = {call_rows(),   file_rows(),   wait_rows(),     process_rows(),
                      memory_rows(), stream_rows(), parallel_rows(), program_rows()};
  constexpr size_t kGroups = sizeof all / sizeof *all;
  for (Rows rows : all) {
    for (size_t i = 0; i < rows.size; ++i) {
      bool asked = argc == 1 && !(quick && rows.first[i].once);
      for (int name = 1; name < argc; ++name)
        asked = asked || wanted(all, kGroups, rows.first[i].name, argv[name]);
      if (asked) report(rows.first[i]);
    }
  }
}
