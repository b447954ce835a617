// SPDX-License-Identifier: MIT
// What a mount does with a journal that was not closed: finds how far the log goes (scan), which
// blocks were freed on the way (revoke), and copies the rest home (replay).
#pragma once

#include "fs/jbd2/log.h"
#include "fs/jbd2/revoke_table.h"
#include "fs/jbd2/write_batch.h"

namespace kernel::jbd2 {

class Recovery : public Pinned {
 public:
  Recovery(Log& log, BufferCache& cache) : log_(log), cache_(cache), format_(log.format()) {}
  ~Recovery();

  // Afterwards the device holds the state of the last whole transaction; the log's superblock is
  // unchanged. Buffers in memory are brought up to date. Errors: Inval, the log is damaged before
  // its end (what could be was replayed), or ends in fast commits, which are ext4's own (OpNotSupp,
  // nothing was replayed); Io; NoMem.
  Result<> run();

  // The number for the next transaction: one behind the first incomplete one, whose pieces may
  // still lie in the log.
  uint32_t next_sequence() const { return end_sequence_ + 1; }

 private:
  enum class Pass : uint8_t { Scan, Revoke, Replay };
  struct Position {
    uint32_t block;
    uint32_t sequence;
    uint32_t left;  // blocks of the ring that were not looked at: a log does not overlap itself
  };

  Result<> prepare();
  Result<> walk(Pass pass);
  // One block of the log; false: the log ends here.
  Result<bool> step(Pass pass, Position& at);
  Result<bool> descriptor(Pass pass, Position& at);
  Result<> replay(const Tag& tag, uint32_t log_block, uint32_t sequence);
  bool is_whole(const uint8_t* commit);
  Result<> note_revokes(const uint8_t* block, uint32_t sequence);
  Result<bool> has_later_commit(uint32_t sequence);
  Result<const uint8_t*> read(uint32_t block);
  static void advance(const Log& log, Position& at);

  Log& log_;
  BufferCache& cache_;
  const Format& format_;
  RevokeTable revokes_;
  Optional<Owned<WriteBatch>> batch_;

  // A window of consecutive blocks of the ring.
  static constexpr uint32_t kWindow = 32;
  uint8_t* window_ = nullptr;
  uint32_t window_first_ = 0;
  uint32_t window_count_ = 0;
  uint8_t* descriptor_ = nullptr;  // a copy: reading its data moves the window

  uint32_t end_sequence_ = 0;  // of the first transaction that is not whole
  uint32_t crc_ = 0;           // over the transaction so far, of the version 1 checksum
  bool data_damaged_ = false;  // in the present transaction (asynchronous commits)
  bool ended_by_damage_ = false;
  bool replay_damaged_ = false;
  uint64_t replayed_ = 0;
  uint64_t revoked_ = 0;
};

// Whether valid fast commits follow the transaction before `sequence`. See fast_commit.cc.
Result<bool> has_fast_commits_to_replay(const Log& log, uint32_t sequence);

}  // namespace kernel::jbd2
