// SPDX-License-Identifier: MIT
// What every system-call handler receives, and the types of its arguments and result. A handler is
// parse, call one subsystem, return (docs/guide.md). One .def file per man-page family lists the
// calls with their signatures: it is the declaration, the table, the trace format and the
// documentation.
#pragma once

#include "arch/trap_frame.h"
#include "task/task.h"
#include "vm/user_copy.h"

namespace kernel::syscall {

// The calling thread and the registers it came with.
struct Context {
  Task& task;
  arch::TrapFrame& frame;
};

// A handler returns what goes to x0; an Errno is negated on the way.
using Value = Result<int64_t>;

// 0, or the error.
inline Value done(Result<> result) {
  TRY(std::move(result));
  return 0;
}

inline AddressSpace& space_of(const Context& context) { return *context.task.address_space; }

using Fd = int32_t;

// Flags of one call as a set: `if (!flags.only(kKnown)) return Errno::Inval;` comes first.
template <class Word>
class FlagSet {
 public:
  constexpr explicit FlagSet(Word bits = 0) : bits_(bits) {}
  constexpr Word bits() const { return bits_; }
  constexpr bool has(Word bit) const { return (bits_ & bit) == bit; }
  constexpr bool any(Word mask) const { return (bits_ & mask) != 0; }
  constexpr bool only(Word known) const { return (bits_ & ~known) == 0; }

 private:
  Word bits_;
};
using Flags32 = FlagSet<uint32_t>;
using Flags64 = FlagSet<uint64_t>;

// The arguments' form in the registers: the high bits of narrow ones are not specified (AAPCS64).
template <class T>
struct FromRegister {
  static constexpr T convert(uint64_t value) {
    if constexpr (std::is_enum_v<T>) {
      return static_cast<T>(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_integral_v<T>) {
      static_assert(!std::is_same_v<T, bool>, "a register has no bool");
      return static_cast<T>(value);
    } else {
      return T(UserAddr{value});  // UserIn, UserOut, UserInOut, UserString
    }
  }
};
template <>
struct FromRegister<UserAddr> {
  static constexpr UserAddr convert(uint64_t value) { return UserAddr{value}; }
};
template <class Word>
struct FromRegister<FlagSet<Word>> {
  static constexpr FlagSet<Word> convert(uint64_t value) {
    return FlagSet<Word>(static_cast<Word>(value));
  }
};

}  // namespace kernel::syscall
