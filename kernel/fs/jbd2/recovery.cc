// SPDX-License-Identifier: MIT
// See recovery.h. The log is what an interrupted kernel, or an attacker, left: every number in it
// is checked, and every loop ends with the ring.
//
// The scan ends quietly at a block that is not the next one of the log: that is how a log ends. It
// also ends at a block of the right number whose checksum is wrong: a commit that was torn by the
// power cut. Only when a later commit exists, which is written after all before it was durable, was
// the log damaged in between: then the mount is refused, for what was lost may have been written
// home in part.
#include "fs/jbd2/recovery.h"

#include "lib/log.h"
#include "mm/heap.h"

namespace kernel::jbd2 {
namespace {

// CRC-32 with the highest bit first, of the version 1 checksum.
struct Crc32Table {
  uint32_t entries[256];
  constexpr Crc32Table() : entries{} {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i << 24;
      for (int bit = 0; bit < 8; ++bit) value = value << 1 ^ ((value >> 31) * 0x04c1'1db7);
      entries[i] = value;
    }
  }
};
constexpr Crc32Table kCrc32;

uint32_t crc32(uint32_t sum, std::span<const uint8_t> bytes) {
  for (uint8_t byte : bytes) sum = sum << 8 ^ kCrc32.entries[sum >> 24 ^ byte];
  return sum;
}

bool is_before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

}  // namespace

Recovery::~Recovery() {
  heap::free(window_);
  heap::free(descriptor_);
}

Result<> Recovery::prepare() {
  size_t size = format_.block_size();
  window_ = static_cast<uint8_t*>(heap::allocate(kWindow * size, size, AllocationFlags::None));
  descriptor_ = static_cast<uint8_t*>(heap::allocate(size, size, AllocationFlags::None));
  if (window_ == nullptr || descriptor_ == nullptr) return Errno::NoMem;
  batch_ = TRY(make_owned<WriteBatch>());
  return batch_->prepare(format_.block_size());
}

Result<> Recovery::run() {
  TRY(prepare());
  TRY(walk(Pass::Scan));
  bool damaged = ended_by_damage_ && TRY(has_later_commit(end_sequence_));
  if (!damaged && log_.has_fast_commits() && TRY(has_fast_commits_to_replay(log_, end_sequence_))) {
    log_error("jbd2: the journal ends in fast commits: they are replayed by e2fsck or Linux");
    return Errno::OpNotSupp;
  }
  TRY(walk(Pass::Revoke));
  Result<> replayed = walk(Pass::Replay);
  batch_->submit(log_.device());
  Result<> written = batch_->wait();
  TRY(replayed);
  TRY(written);
  TRY(log_.device().flush());
  log_info("jbd2: recovered {} transactions: {} blocks, {} revoked",
           end_sequence_ - log_.sequence(), replayed_, revoked_);
  if (damaged || replay_damaged_) {
    log_error("jbd2: transaction {} of the journal is damaged: run e2fsck", end_sequence_);
    return Errno::Inval;
  }
  return {};
}

Result<> Recovery::walk(Pass pass) {
  Position at{log_.start(), log_.sequence(), log_.size()};
  crc_ = ~uint32_t{0};
  while (at.left > 0 && (pass == Pass::Scan || at.sequence != end_sequence_)) {
    if (!TRY(step(pass, at))) break;
  }
  if (pass == Pass::Scan) end_sequence_ = at.sequence;
  return {};
}

void Recovery::advance(const Log& log, Position& at) {
  at.block = log.after(at.block);
  --at.left;
}

Result<bool> Recovery::step(Pass pass, Position& at) {
  const uint8_t* block = TRY(read(at.block));
  Header header = get_header(block);
  if (header.magic != kMagic || header.sequence != at.sequence) return false;
  switch (header.type) {
    case BlockType::Descriptor:
      return descriptor(pass, at);
    case BlockType::Revoke:
      if (!format_.is_valid(block, format_.tail())) {
        ended_by_damage_ = true;
        return false;
      }
      if (pass == Pass::Revoke) TRY(note_revokes(block, at.sequence));
      advance(log_, at);
      return true;
    case BlockType::Commit:
      if (pass == Pass::Scan && !is_whole(block)) {
        ended_by_damage_ = true;
        return false;
      }
      crc_ = ~uint32_t{0};
      advance(log_, at);
      ++at.sequence;
      return true;
    default:
      return false;
  }
}

bool Recovery::is_whole(const uint8_t* commit) {
  namespace cb = commit_block;
  if (data_damaged_ || !format_.is_valid(commit, cb::kChecksum)) return false;
  if (!log_.has_commit_checksum()) return true;
  uint32_t found = get32(commit + cb::kChecksum);
  uint8_t type = commit[cb::kChecksumType], size = commit[cb::kChecksumSize];
  bool none = type == 0 && size == 0 && found == 0;
  if (none || (type == cb::kCrc32 && size == 4 && found == crc_)) return true;
  // An asynchronous commit block may come before its data.
  data_damaged_ = log_.has_async_commit();
  return false;
}

// A descriptor and the data behind it. On return `at` is behind both.
Result<bool> Recovery::descriptor(Pass pass, Position& at) {
  uint32_t size = format_.block_size();
  __builtin_memcpy(descriptor_, TRY(read(at.block)), size);
  if (!format_.is_valid(descriptor_, format_.tail())) {
    ended_by_damage_ = true;
    return false;
  }
  bool sum = pass == Pass::Scan && log_.has_commit_checksum();
  bool verify = pass == Pass::Scan && log_.has_async_commit() && format_.has_checksums();
  if (sum) crc_ = crc32(crc_, {descriptor_, size});
  advance(log_, at);
  size_t end = size - format_.tail_size();
  uint32_t flags = 0;
  for (size_t offset = kHeaderSize;
       (flags & kTagLast) == 0 && offset + format_.tag_size() <= end;) {
    Tag tag = format_.get_tag(descriptor_ + offset);
    flags = tag.flags;
    offset += format_.tag_size() + ((flags & kTagSameUuid) != 0 ? 0 : kUuidSize);
    if (at.left == 0) return false;
    if (pass == Pass::Replay) TRY(replay(tag, at.block, at.sequence));
    if (sum || verify) {
      const uint8_t* data = TRY(read(at.block));
      if (sum) crc_ = crc32(crc_, {data, size});
      if (verify && format_.data_checksum(at.sequence, data) != tag.checksum) data_damaged_ = true;
    }
    advance(log_, at);
  }
  return true;
}

Result<> Recovery::note_revokes(const uint8_t* block, uint32_t sequence) {
  size_t entry = format_.revoke_entry_size();
  size_t end = get32(block + kHeaderSize);
  size_t limit = format_.block_size() - format_.tail_size();
  if (end > limit) return Errno::Inval;
  for (size_t offset = kRevokeEntries; offset + entry <= end; offset += entry) {
    uint64_t number =
        format_.wide() ? get_big_endian<uint64_t>(block + offset) : get32(block + offset);
    if (Revoke* known = revokes_.find(number)) {
      if (is_before(known->sequence, sequence)) known->sequence = sequence;
    } else {
      revokes_.insert(TRY(make_owned<Revoke>(number, sequence)));
    }
  }
  return {};
}

Result<> Recovery::replay(const Tag& tag, uint32_t log_block, uint32_t sequence) {
  const Revoke* revoke = revokes_.find(tag.block);
  if (revoke != nullptr && !is_before(revoke->sequence, sequence)) {
    ++revoked_;
    return {};
  }
  const uint8_t* data = TRY(read(log_block));
  if (format_.has_checksums() && format_.data_checksum(sequence, data) != tag.checksum) {
    log_error("jbd2: block {} in transaction {} of the journal is damaged", tag.block, sequence);
    replay_damaged_ = true;
    return {};
  }
  if (tag.block >= cache_.blocks()) {
    log_error("jbd2: the journal has a block {} behind the device's end", tag.block);
    replay_damaged_ = true;
    return {};
  }
  if (batch_->full() || batch_->contains(tag.block)) {
    batch_->submit(log_.device());
    TRY(batch_->wait());
  }
  uint8_t* home = batch_->add(tag.block);
  __builtin_memcpy(home, data, format_.block_size());
  if ((tag.flags & kTagEscaped) != 0) put32(home, kMagic);
  // The file system has read some blocks on its way to the journal.
  if (Optional<Ref<Buffer>> buffer = cache_.find(tag.block)) {
    __builtin_memcpy(buffer->data(), home, format_.block_size());
    buffer->set_verified(0);
  }
  ++replayed_;
  return {};
}

// Whether the log has a commit block of this transaction or of one after it.
Result<bool> Recovery::has_later_commit(uint32_t sequence) {
  for (uint32_t block = log_.first(); block < log_.end(); ++block) {
    const uint8_t* data = TRY(read(block));
    Header header = get_header(data);
    if (header.magic == kMagic && header.type == BlockType::Commit &&
        !is_before(header.sequence, sequence) && header.sequence - sequence < log_.size() &&
        format_.is_valid(data, commit_block::kChecksum) &&
        !(header.sequence == sequence && data_damaged_))
      return true;
  }
  return false;
}

Result<const uint8_t*> Recovery::read(uint32_t block) {
  size_t size = format_.block_size();
  if (block < window_first_ || block >= window_first_ + window_count_) {
    uint32_t count = log_.end() - block;
    if (count > kWindow) count = kWindow;
    window_count_ = 0;
    TRY(log_.read(block, count, {window_, count * size}));
    window_first_ = block;
    window_count_ = count;
  }
  return window_ + (block - window_first_) * size;
}

}  // namespace kernel::jbd2
