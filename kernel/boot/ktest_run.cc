// SPDX-License-Identifier: MIT
// See ktest_run.h. One line per test, `ok`, `not ok` or `skip`, and a closing line, without which
// the reader knows that something went wrong (tools/samara/testing/in_kernel.py).

#include "boot/ktest_run.h"

#include "arch/smp.h"
#include "lib/ktest.h"
#include "sched/scheduler.h"

extern "C" {
extern const kernel::KernelTest _ktests_start[];
extern const kernel::KernelTest _ktests_end[];
}

namespace kernel {

namespace {

constinit Atomic<uint32_t> failures;
constinit Atomic<const char*> skipped;

enum class Outcome : uint8_t { Passed, Failed, Skipped };

Outcome run(const KernelTest& test) {
  failures.store_relaxed(0);
  skipped.store_relaxed(nullptr);
  Nanoseconds begin = clock::monotonic();
  test.run();
  Nanoseconds milliseconds = (clock::monotonic() - begin) / 1'000'000;
  if (failures.load_acquire() != 0) {
    log_error("not ok {} ({} ms)", test.name, milliseconds);
    return Outcome::Failed;
  }
  if (const char* reason = skipped.load_acquire()) {
    log_info("skip {} {}", test.name, reason);
    return Outcome::Skipped;
  }
  log_info("ok {} ({} ms)", test.name, milliseconds);
  return Outcome::Passed;
}

}  // namespace

namespace ktest {

void fail(const char* expression, const char* file, int line) {
  // The first few say it; a loop that fails must not drown them.
  if (failures.fetch_add_relaxed(1) < 10) log_error("# {}:{}: {}", file, line, expression);
}

void skip(const char* reason) { skipped.store_release(reason); }

}  // namespace ktest

void run_kernel_tests(StringView pattern) {
  unsigned counts[3] = {};
  for (const KernelTest* test = _ktests_start; test != _ktests_end; ++test) {
    if (pattern == "all"_sv || StringView(test->name).find(pattern) != StringView::npos) {
      ++counts[static_cast<size_t>(run(*test))];
    }
  }
  log_info("tests: {} passed, {} failed, {} skipped", counts[0], counts[1], counts[2]);
  log_flush();
  arch::power_off();
  panic("no way to power off");
}

}  // namespace kernel
