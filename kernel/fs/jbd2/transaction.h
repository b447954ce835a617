// SPDX-License-Identifier: MIT
// One transaction: what changed together. Guarded by its journal's state lock, but for the lists of
// a committing one, which only the commit thread changes.
#pragma once

#include "fs/jbd2/journal.h"
#include "fs/jbd2/revoke_table.h"

namespace kernel::jbd2 {

struct Transaction : ListNode<Transaction> {
  ~Transaction() {
    DCHECK(buffers.empty() && checkpoint.empty() && ordered.empty() && callbacks.empty());
  }
  // Nothing happened in it that a commit would have to bring to the disk or report.
  bool empty() {
    return buffers.empty() && incoming == 0 && revokes.empty() && ordered.empty() &&
           callbacks.empty();
  }

  TransactionId id = 0;
  Deadline deadline;         // of its commit, never while it is empty; then of its writing home
  uint32_t log_start = 0;    // its first block in the log, once it is committing
  uint32_t incoming = 0;     // buffers on the committing one's list whose next transaction it is
  uint32_t revoke_room = 0;  // records that the log blocks reserved for them hold
  uint32_t checkpoint_count = 0;

  List<Buffer, InTransaction> buffers;
  List<Buffer, InCheckpoint> checkpoint;  // committed, not written home
  RevokeTable revokes;
  List<OrderedData> ordered;
  List<CommitCallback> callbacks;
};

}  // namespace kernel::jbd2
