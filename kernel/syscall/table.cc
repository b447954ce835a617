// SPDX-License-Identifier: MIT
// Builds the table; see table.h. No handler's code is here.

#include "syscall/table.h"

#include <array>

#include "syscall/declarations.h"

namespace kernel::syscall {

// Not constexpr: reaching one of them while the table is built is a compile error with its name.
void a_number_beyond_the_table();
void two_system_calls_have_one_number();

namespace {

template <class T>
int64_t to_register(Result<T> result) {
  if (!result.ok()) [[unlikely]]
    return -static_cast<int64_t>(result.error());
  if constexpr (std::is_void_v<T>) {
    return 0;
  } else {
    return static_cast<int64_t>(std::move(result).take());
  }
}

// Reads the handler's own signature and converts each register to that parameter.
template <auto handler>
struct Adapter;

template <class R, class... Arguments, R (*handler)(Context&, Arguments...)>
struct Adapter<handler> {
  static_assert(sizeof...(Arguments) <= 6);

  static int64_t invoke(Context& context) {
    return invoke_with(context, std::index_sequence_for<Arguments...>());
  }

 private:
  template <size_t... index>
  static int64_t invoke_with(Context& context, std::index_sequence<index...>) {
    return to_register(handler(context, FromRegister<Arguments>::convert(
                                            arch::syscall_argument(context.frame, index))...));
  }
};

struct Row {
  size_t number;
  Entry entry;
};

constexpr Row kRows[] = {
#define SYSCALL(number, name, ...) {number, {&Adapter<&sys_##name>::invoke, #name, #__VA_ARGS__}},
#define SYSCALL_PARTIAL(number, missing, name, ...) SYSCALL(number, name __VA_OPT__(, ) __VA_ARGS__)
#define SYSCALL_ABSENT(number, name, reason) {number, {nullptr, #name, ""}},
#include "calls.def"
#undef SYSCALL
#undef SYSCALL_PARTIAL
#undef SYSCALL_ABSENT
};

consteval std::array<Entry, kTableSize> build() {
  std::array<Entry, kTableSize> table{};
  for (const Row& row : kRows) {
    if (row.number >= kTableSize) a_number_beyond_the_table();
    if (table[row.number].name != nullptr) two_system_calls_have_one_number();
    table[row.number] = row.entry;
  }
  return table;
}

constexpr std::array<Entry, kTableSize> kTable = build();

}  // namespace

const Entry& entry(uint64_t number) { return kTable[number]; }

}  // namespace kernel::syscall
