// SPDX-License-Identifier: MIT
// splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2): descriptors and offsets.

#include "fs/pipe/splice.h"

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kKnownFlags = splice::kMove | splice::kNonBlock | splice::kMore | splice::kGift;

// A user's offset, read before and written back behind the transfer. Null: the file's position.
class OffsetArgument {
 public:
  enum class Negative : uint8_t { Refused, Allowed };
  static Result<OffsetArgument> load(UserInOut<int64_t> address,
                                     Negative negative = Negative::Refused) {
    OffsetArgument result(address);
    if (address.is_null()) return result;
    int64_t value = TRY(address.read());
    if (value < 0 && negative == Negative::Refused) return Errno::Inval;
    result.value_ = static_cast<uint64_t>(value);
    return result;
  }
  uint64_t* pointer() { return address_.is_null() ? nullptr : &value_; }
  Result<> store() const {
    return address_.is_null() ? Result<>() : address_.write(static_cast<int64_t>(value_));
  }

 private:
  explicit OffsetArgument(UserInOut<int64_t> address) : address_(address) {}
  UserInOut<int64_t> address_;
  uint64_t value_ = 0;
};

}  // namespace

Value sys_splice(Context& context, Fd in, UserInOut<int64_t> in_offset, Fd out,
                 UserInOut<int64_t> out_offset, size_t size, Flags32 flags) {
  if (size == 0) return 0;
  if (!flags.only(kKnownFlags)) return Errno::Inval;
  FileUse source = TRY(use_file(context, in));
  FileUse target = TRY(use_file(context, out));
  if (source->pipe() != nullptr && !in_offset.is_null()) return Errno::SPipe;
  if (target->pipe() != nullptr && !out_offset.is_null()) return Errno::SPipe;
  OffsetArgument from = TRY(OffsetArgument::load(in_offset));
  OffsetArgument to = TRY(OffsetArgument::load(out_offset));
  size_t moved =
      TRY(splice::splice(*source, from.pointer(), *target, to.pointer(), size, flags.bits()));
  TRY(from.store());
  TRY(to.store());
  return static_cast<int64_t>(moved);
}

Value sys_tee(Context& context, Fd in, Fd out, size_t size, Flags32 flags) {
  if (!flags.only(kKnownFlags)) return Errno::Inval;
  if (size == 0) return 0;
  FileUse source = TRY(use_file(context, in));
  FileUse target = TRY(use_file(context, out));
  return static_cast<int64_t>(TRY(splice::tee(*source, *target, size, flags.bits())));
}

Value sys_vmsplice(Context& context, Fd fd, UserAddr vectors, uint64_t count, Flags32 flags) {
  if (!flags.only(kKnownFlags)) return Errno::Inval;
  FileUse file = TRY(use_file(context, fd));
  IoBuffer buffer = TRY(user_vectors(vectors, count));
  if (buffer.remaining() == 0) return 0;
  return static_cast<int64_t>(TRY(splice::vmsplice(*file, buffer, flags.bits())));
}

Value sys_sendfile(Context& context, Fd out, Fd in, UserInOut<int64_t> offset, size_t size) {
  OffsetArgument from = TRY(OffsetArgument::load(offset));
  FileUse source = TRY(use_file(context, in));
  FileUse target = TRY(use_file(context, out));
  if (static_cast<int64_t>(size) < 0) return Errno::Inval;
  size_t moved = TRY(splice::send_file(*target, *source, from.pointer(), size));
  TRY(from.store());
  return static_cast<int64_t>(moved);
}

Value sys_copy_file_range(Context& context, Fd in, UserInOut<int64_t> in_offset, Fd out,
                          UserInOut<int64_t> out_offset, size_t size, Flags32 flags) {
  FileUse source = TRY(use_file(context, in));
  FileUse target = TRY(use_file(context, out));
  // copy_range() has an error of its own for them.
  OffsetArgument from = TRY(OffsetArgument::load(in_offset, OffsetArgument::Negative::Allowed));
  OffsetArgument to = TRY(OffsetArgument::load(out_offset, OffsetArgument::Negative::Allowed));
  if (flags.bits() != 0) return Errno::Inval;
  size_t moved = TRY(splice::copy_range(*source, from.pointer(), *target, to.pointer(), size));
  TRY(from.store());
  TRY(to.store());
  return static_cast<int64_t>(moved);
}

}  // namespace kernel::syscall
