// SPDX-License-Identifier: MIT
// See exec_stack.h. From high to low, as Linux arranges it:
//
//   top  | 8 zero bytes | file name | environment strings | argument strings |
//        | gap (random) | "aarch64" | 16 random bytes | gap |
//   sp-> | argc | argv… 0 | envp… 0 | auxv… 0 0 |          (ascending from sp)

#include "process/exec_stack.h"

#include "arch/features.h"
#include "process/signal_frame.h"
#include "sync/random.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

constexpr uint64_t kStackAhead = 128 * KiB;                // mapped below what is in use at first
constexpr char kPlatform[] = "aarch64";
constexpr size_t kRandomBytes = 16;

enum AuxType : uint64_t {
  kAuxNull = 0,
  kAuxPhdr = 3,
  kAuxPhent = 4,
  kAuxPhnum = 5,
  kAuxPageSize = 6,
  kAuxBase = 7,
  kAuxFlags = 8,
  kAuxEntry = 9,
  kAuxUid = 11,
  kAuxEuid = 12,
  kAuxGid = 13,
  kAuxEgid = 14,
  kAuxPlatform = 15,
  kAuxHwcap = 16,
  kAuxClockTick = 17,
  kAuxSecure = 23,
  kAuxRandom = 25,
  kAuxHwcap2 = 26,
  kAuxExecFn = 31,
  kAuxVdso = 33,
  kAuxMinSignalStack = 51,
};

// Writes ascending words to the user stack through a small buffer.
class WordWriter {
 public:
  explicit WordWriter(UserAddr at) : at_(at) {}
  Result<> put(uint64_t word) {
    buffer_[used_++] = word;
    return used_ == kWords ? flush() : Result<>();
  }
  Result<> flush() {
    TRY(copy_out(at_, buffer_, used_ * sizeof(uint64_t)));
    at_ += used_ * sizeof(uint64_t);
    used_ = 0;
    return {};
  }

 private:
  static constexpr size_t kWords = 64;
  UserAddr at_;
  uint64_t buffer_[kWords];
  size_t used_ = 0;
};

struct Places {
  UserAddr strings{}, platform{}, random{}, file_name{};
};

size_t fill_auxv(AddressSpace& space, const StackRequest& request, const Places& places) {
  size_t count = 0;
  auto add = [&space, &count](AuxType type, uint64_t value) {
    space.auxv[count++] = type;
    space.auxv[count++] = value;
  };
  const elf::Header& header = request.image.header;
  if (raw(space.layout.vdso) != 0) add(kAuxVdso, raw(space.layout.vdso));
  add(kAuxMinSignalStack, kSignalFrameNeed);
  add(kAuxHwcap, arch::hwcap());
  add(kAuxPageSize, kPageSize);
  add(kAuxClockTick, 100);
  add(kAuxPhdr, raw(request.program.at(request.image.headers_address)));
  add(kAuxPhent, elf::kProgramHeaderSize);
  add(kAuxPhnum, header.table_size / elf::kProgramHeaderSize);
  add(kAuxBase, raw(request.interpreter_base));
  add(kAuxFlags, 0);
  add(kAuxEntry, raw(request.program.at(header.entry)));
  add(kAuxUid, request.credentials.uid);
  add(kAuxEuid, request.credentials.euid);
  add(kAuxGid, request.credentials.gid);
  add(kAuxEgid, request.credentials.egid);
  add(kAuxSecure, request.secure ? 1 : 0);
  add(kAuxRandom, raw(places.random));
  add(kAuxHwcap2, arch::hwcap2());
  add(kAuxExecFn, raw(places.file_name));
  add(kAuxPlatform, raw(places.platform));
  add(kAuxNull, 0);
  space.auxv_count = count;
  return count;
}

Result<UserAddr> map_stack(AddressSpace& space, const StackRequest& request) {
  UserAddr top = arch::kUserLimit;
  if (request.randomise) top = top - random::below(kRandomStackPages) * kPageSize;
  uint64_t pointers = (request.argument_count + request.environment_count + 64) * sizeof(uint64_t);
  uint64_t size =
      align_up(request.block.size() + pointers + 2 * kPageSize, kPageSize) + kStackAhead;
  MapRequest mapping;
  mapping.address = top - size;
  mapping.size = size;
  mapping.protection = kProtRead | kProtWrite | (request.executable ? uint32_t{kProtExec} : 0);
  mapping.flags.grows_down = true;
  mapping.placement = MapRequest::Placement::FixedNoReplace;
  mapping.special = "[stack]";
  TRY(space.map(mapping));
  return top;
}

// Pointers to strings [first, end) of the block, which begins at `at`; leaves `at` behind the last.
Result<> put_pointers(WordWriter& writer, const ArgumentBlock& block, UserAddr& at, size_t first,
                      size_t end) {
  for (size_t i = first; i < end; ++i) {
    TRY(writer.put(raw(at)));
    at += block.size_of(i);
  }
  return writer.put(0);
}

uint64_t size_of_strings(const ArgumentBlock& block, size_t first, size_t end) {
  uint64_t size = 0;
  for (size_t i = first; i < end; ++i) size += block.size_of(i);
  return size;
}

}  // namespace

Result<UserAddr> build_stack(AddressSpace& space, const StackRequest& request) {
  UserAddr top = TRY(map_stack(space, request));
  UserAddr end = top - sizeof(uint64_t);
  TRY(request.block.copy_to(end));
  Places places;
  places.strings = end - request.block.size();

  UserAddr at = places.strings;
  if (request.randomise) at = at - random::below(kPageSize);
  at = align_down(at, 16);
  places.platform = at = at - sizeof kPlatform;
  TRY(copy_out(at, kPlatform, sizeof kPlatform));
  uint8_t bytes[kRandomBytes];
  random::fill(bytes);
  places.random = at = at - sizeof bytes;
  TRY(copy_out(at, bytes, sizeof bytes));

  // The file name stands behind both.
  size_t arguments = request.argument_count;
  size_t strings = arguments + request.environment_count;
  UserAddr environment = places.strings + size_of_strings(request.block, 0, arguments);
  places.file_name = environment + size_of_strings(request.block, arguments, strings);
  space.layout.arguments = {places.strings, environment};
  space.layout.environment = {environment, places.file_name};

  size_t auxv_words = fill_auxv(space, request, places);
  size_t words = auxv_words + strings + 3;
  UserAddr stack_pointer = align_down(at - words * sizeof(uint64_t), 16);
  WordWriter writer(stack_pointer);
  TRY(writer.put(arguments));
  UserAddr string_at = places.strings;
  TRY(put_pointers(writer, request.block, string_at, 0, arguments));
  TRY(put_pointers(writer, request.block, string_at, arguments, strings));
  for (size_t i = 0; i < auxv_words; ++i) TRY(writer.put(space.auxv[i]));
  TRY(writer.flush());
  space.layout.stack_start = stack_pointer;
  return stack_pointer;
}

}  // namespace kernel
