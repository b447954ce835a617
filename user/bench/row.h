// SPDX-License-Identifier: MIT
//
// One line of the table: an operation, done `count` times by body() and divided. Setting up and
// taking down is not counted. A row whose prepare() fails is one that this kernel cannot do.
#pragma once

#include <stddef.h>

struct Row {
  const char* name;
  unsigned count;
  void (*body)(unsigned count);
  bool (*prepare)() = nullptr;
  void (*finish)() = nullptr;
  size_t bytes = 0;  // moved by each operation: the row is bytes per nanosecond then
  unsigned waited = 0;  // nanoseconds of each operation that it was asked to wait: not counted
  bool once = false;    // long enough by itself: neither warmed up nor repeated
};

struct Rows {
  const Row* first;
  size_t size;
};

// One list per file, in the order of the table.
Rows call_rows();
Rows file_rows();
Rows wait_rows();
Rows process_rows();
Rows memory_rows();
Rows stream_rows();
Rows parallel_rows();
Rows program_rows();

// Ends the benchmark: a failing operation would be measured as a fast one.
[[noreturn]] void fail(const char* what);
inline void expect(bool good, const char* what) {
  if (!good) fail(what);
}
