// SPDX-License-Identifier: MIT
// Fast commits are ext4's own small records behind the log (ext4/journal.rst, fast commits): what
// happened since the last transaction. Here they are only found: a run of records from a head to a
// tail, with the number of the transaction that would have been next and the right checksum.
// Numbers are little-endian.
#include "fs/jbd2/recovery.h"
#include "lib/little_endian.h"
#include "mm/heap.h"

namespace kernel::jbd2 {
namespace {

constexpr uint16_t kTagTail = 8;
constexpr uint16_t kTagHead = 9;
constexpr size_t kTagSize = 4;

class Scan {
 public:
  explicit Scan(uint32_t sequence) : sequence_(sequence) {}

  enum class Found : uint8_t { GoOn, Whole, End };
  Found block(std::span<const uint8_t> bytes) {
    size_t offset = 0;
    while (offset + kTagSize <= bytes.size()) {
      const uint8_t* at = bytes.data() + offset;
      auto tag = get_little_endian<uint16_t>(at);
      size_t length = get_little_endian<uint16_t>(at + 2);
      if (offset + kTagSize + length > bytes.size()) return Found::End;
      const uint8_t* value = at + kTagSize;
      if (!begun_ && tag != kTagHead) return Found::End;
      if (tag == kTagHead) {
        if (length < 8 || get_little_endian<uint32_t>(value + 4) != sequence_) return Found::End;
        begun_ = true;
      }
      if (tag == kTagTail) {
        if (length < 8) return Found::End;
        sum_ = crc32c(sum_, {at, kTagSize + 4});
        bool whole = get_little_endian<uint32_t>(value) == sequence_ &&
                     get_little_endian<uint32_t>(value + 4) == sum_;
        return whole ? Found::Whole : Found::End;
      }
      sum_ = crc32c(sum_, {at, kTagSize + length});
      offset += kTagSize + length;
    }
    return Found::GoOn;
  }

 private:
  const uint32_t sequence_;
  bool begun_ = false;
  uint32_t sum_ = 0;
};

}  // namespace

Result<bool> has_fast_commits_to_replay(const Log& log, uint32_t sequence) {
  size_t size = log.format().block_size();
  auto* data = static_cast<uint8_t*>(heap::allocate(size, size, AllocationFlags::None));
  if (data == nullptr) return Errno::NoMem;
  Scan scan(sequence);
  Scan::Found found = Scan::Found::GoOn;
  Result<> result;
  for (uint32_t block = log.end();
       block < log.fast_commit_end() && found == Scan::Found::GoOn && result.ok(); ++block) {
    result = log.read(block, 1, {data, size});
    if (result.ok()) found = scan.block({data, size});
  }
  heap::free(data);
  TRY(result);
  return found == Scan::Found::Whole;
}

}  // namespace kernel::jbd2
