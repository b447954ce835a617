// SPDX-License-Identifier: MIT
// See file_capabilities.h. Little-endian words: revision and flags; the low and the high half of
// either set, in pairs; from revision 3 on the root of the user namespace that it is for.

#include "task/file_capabilities.h"

namespace kernel {
namespace {

constexpr uint32_t kEffective = 1;
constexpr uint32_t kRevision1 = 0x0100'0000, kRevision2 = 0x0200'0000, kRevision3 = 0x0300'0000;
constexpr size_t kWord = sizeof(uint32_t), kSize1 = 3 * kWord, kSize2 = 5 * kWord,
                 kSize3 = 6 * kWord;

uint32_t word(StringView value, size_t index) {
  uint32_t bits;
  __builtin_memcpy(&bits, value.data() + index * kWord, kWord);
  return bits;
}

bool is_revision(StringView value, uint32_t revision, size_t size) {
  return value.size() == size && (word(value, 0) & ~kEffective) == revision;
}

}  // namespace

Result<std::optional<FileCapabilities>> FileCapabilities::parse(StringView value) {
  bool short_sets = is_revision(value, kRevision1, kSize1);
  bool of_namespace = is_revision(value, kRevision3, kSize3);
  if (!short_sets && !of_namespace && !is_revision(value, kRevision2, kSize2)) return Errno::Inval;
  if (of_namespace && word(value, 5) != 0) return std::optional<FileCapabilities>();
  FileCapabilities found;
  found.permitted = word(value, 1);
  found.inheritable = word(value, 2);
  if (!short_sets) {
    found.permitted |= CapabilitySet{word(value, 3)} << 32;
    found.inheritable |= CapabilitySet{word(value, 4)} << 32;
  }
  found.permitted &= kAllCapabilities;
  found.inheritable &= kAllCapabilities;
  found.effective = (word(value, 0) & kEffective) != 0;
  return std::optional<FileCapabilities>(found);
}

Result<String> checked_file_capabilities(StringView value) {
  if (is_revision(value, kRevision2, kSize2)) return String::create(value);
  if (!is_revision(value, kRevision3, kSize3)) return Errno::Inval;
  if (word(value, 5) != 0) return String::create(value);
  uint32_t head = kRevision2 | (word(value, 0) & kEffective);
  String kept = TRY(String::create({reinterpret_cast<const char*>(&head), kWord}));
  TRY(kept.append(value.substr(kWord, kSize2 - kWord)));
  return kept;
}

}  // namespace kernel
