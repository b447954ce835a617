// SPDX-License-Identifier: MIT
// Mount options (ext4(5)): read from the text that mount(2) gets, shown in /proc/mounts.
#pragma once

#include "fs/ext4/format.h"
#include "lib/format.h"
#include "lib/result.h"

namespace kernel::ext4 {

enum class OnError : uint8_t { Continue = 1, RemountReadOnly = 2, Panic = 3 };
enum class DataMode : uint8_t { Ordered, WriteBack };

struct Options {
  OnError on_error = OnError::Continue;
  OnError default_on_error = OnError::Continue;  // the superblock's: not shown
  DataMode data = DataMode::Ordered;
  uint32_t commit_seconds = 0;  // 0: the default, 5
  bool barrier = true;
  bool load_journal = true;  // noload, norecovery: not
  bool discard = false;
  bool delayed_allocation = true;  // kept and shown; blocks are given at write(2)
  bool block_validity = true;
  bool user_xattrs = true;
  bool group_ids = false;  // grpid, bsdgroups: new files get the directory's group
  bool auto_flush = true;  // auto_da_alloc: a rename over a file writes the new one first
  uint32_t reserved_uid = 0;
  uint32_t reserved_gid = 0;
  uint64_t super_block = 1;  // sb=, in units of 1 KiB

  // What the superblock sets as defaults.
  static Options defaults(const DiskSuper& super);
};

// Errors: Inval, with a line in the log; `options` is unchanged then.
Result<> parse_options(StringView text, Options& options, StringView name);
// The part behind rw or ro: ",errors=remount-ro".
void show_options(const Options& options, FormatSink& sink);

}  // namespace kernel::ext4
