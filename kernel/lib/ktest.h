// SPDX-License-Identifier: MIT
// Tests inside the kernel (ring 2): `KTEST(name) { … EXPECT(condition); }` in a *_ktest.cc, debug
// images only. `test=all`, or `test=` and a part of a name, on the command line runs them in the
// first thread and powers off (boot/ktest_run.cc).
#pragma once

#include "lib/log.h"

namespace kernel {

struct KernelTest {
  const char* name;
  void (*run)();
};

namespace ktest {
// The running test has failed; it goes on. Any thread, any context.
void fail(const char* expression, const char* file, int line);
// The running test cannot say anything here; the caller returns.
void skip(const char* reason);
}  // namespace ktest

}  // namespace kernel

#define KTEST(test_name)                                                             \
  static void ktest_##test_name();                                                   \
  [[gnu::used, gnu::section(".ktests")]] static constinit const ::kernel::KernelTest \
      ktest_record_##test_name = {#test_name, ktest_##test_name};                    \
  static void ktest_##test_name()

#define EXPECT(condition)                                                        \
  do {                                                                           \
    if (!(condition)) [[unlikely]]                                               \
      ::kernel::ktest::fail(#condition, __FILE__, __LINE__);                     \
  } while (false)

#define KTEST_SKIP(reason)          \
  do {                              \
    ::kernel::ktest::skip(reason);  \
    return;                         \
  } while (false)
