// SPDX-License-Identifier: MIT
// See options.h.

#include "fs/ext4/options.h"

#include "lib/log.h"

namespace kernel::ext4 {
namespace {

struct Switch {
  StringView name;
  bool Options::*field;
  bool value;
};
constexpr Switch kSwitches[] = {
    {"noload", &Options::load_journal, false},
    {"norecovery", &Options::load_journal, false},
    {"discard", &Options::discard, true},
    {"nodiscard", &Options::discard, false},
    {"delalloc", &Options::delayed_allocation, true},
    {"nodelalloc", &Options::delayed_allocation, false},
    {"block_validity", &Options::block_validity, true},
    {"noblock_validity", &Options::block_validity, false},
    {"user_xattr", &Options::user_xattrs, true},
    {"nouser_xattr", &Options::user_xattrs, false},
    {"nobarrier", &Options::barrier, false},
    {"grpid", &Options::group_ids, true},
    {"bsdgroups", &Options::group_ids, true},
    {"nogrpid", &Options::group_ids, false},
    {"sysvgroups", &Options::group_ids, false},
    {"noauto_da_alloc", &Options::auto_flush, false},
};

// What Linux takes and this implementation has nothing to do for: it behaves so anyway.
constexpr StringView kWithoutEffect[] = {
    "minixdf",
    "nobh",
    "bh",
    "i_version",
    "oldalloc",
    "orlov",
    "dioread_lock",
    "dioread_nolock",
    "nodioread_nolock",
    "nomblk_io_submit",
    "mblk_io_submit",
    "acl",
    "noacl",
    "journal_checksum",
    "journal_async_commit",
    "prefetch_block_bitmaps",
    "no_prefetch_block_bitmaps",
    "mb_optimize_scan",
    "nombcache",
    "no_mbcache",
    "init_itable",
    "noinit_itable",
};

std::optional<uint32_t> number32(StringView text) {
  std::optional<uint64_t> number = text.to_number(0);
  if (!number || *number > 0xffff'ffff) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

bool set_number(StringView key, StringView value, Options& options) {
  std::optional<uint32_t> number = number32(value);
  if (!number) return false;
  if (key == "commit") {
    if (*number > 0x7fff'ffff / 100) return false;
    options.commit_seconds = *number;
  } else if (key == "resuid") {
    options.reserved_uid = *number;
  } else if (key == "resgid") {
    options.reserved_gid = *number;
  } else if (key == "sb") {
    options.super_block = *number;
  } else {
    // Tuning of an allocator, a table initialiser and I/O priorities that are not here, and of what
    // is read ahead of the inode table, which is fixed.
    return key == "inode_readahead_blks" || key == "stripe" || key == "init_itable" ||
           key == "max_batch_time" || key == "min_batch_time" || key == "journal_ioprio" ||
           key == "max_dir_size_kb";
  }
  return true;
}

bool set_word(StringView key, StringView value, bool has_value, Options& options) {
  if (key == "errors") {
    if (value == "continue") return options.on_error = OnError::Continue, true;
    if (value == "remount-ro") return options.on_error = OnError::RemountReadOnly, true;
    if (value == "panic") return options.on_error = OnError::Panic, true;
    return false;
  }
  if (key == "data") {
    if (value == "ordered") return options.data = DataMode::Ordered, true;
    if (value == "writeback") return options.data = DataMode::WriteBack, true;
    return false;  // journal: data blocks do not go through the log
  }
  if (key == "data_err") return value == "ignore" || value == "abort";
  if (key == "barrier" || key == "auto_da_alloc") {
    std::optional<uint32_t> number = has_value ? number32(value) : 1;
    if (!number) return false;
    (key == "barrier" ? options.barrier : options.auto_flush) = *number != 0;
    return true;
  }
  if (has_value) return set_number(key, value, options);
  for (const Switch& entry : kSwitches) {
    if (key == entry.name) return options.*entry.field = entry.value, true;
  }
  for (StringView name : kWithoutEffect) {
    if (key == name) return true;
  }
  return false;
}

}  // namespace

Options Options::defaults(const DiskSuper& super) {
  Options options;
  if (super.errors == 2) options.on_error = OnError::RemountReadOnly;
  if (super.errors == 3) options.on_error = OnError::Panic;
  options.default_on_error = options.on_error;
  options.reserved_uid = super.reserved_uid;
  options.reserved_gid = super.reserved_gid;
  uint32_t bits = super.default_mount_options;
  if ((bits & kDefaultJournalMode) == kDefaultJournalMode) options.data = DataMode::WriteBack;
  if ((bits & kDefaultNoBarrier) != 0) options.barrier = false;
  if ((bits & kDefaultDiscard) != 0) options.discard = true;
  if ((bits & kDefaultNoDelalloc) != 0) options.delayed_allocation = false;
  return options;
}

Result<> parse_options(StringView text, Options& options, StringView name) {
  Options wanted = options;
  while (!text.empty()) {
    StringView word = text.take_until(',');
    if (word.empty()) continue;
    bool has_value = word.find('=') != StringView::npos;
    StringView key = word.take_until('=');
    if (!set_word(key, word, has_value, wanted)) {
      log_error("EXT4-fs ({}): unrecognized mount option \"{}{}{}\" or missing value", name, key,
                has_value ? "=" : "", word);
      return Errno::Inval;
    }
  }
  options = wanted;
  return {};
}

void show_options(const Options& options, FormatSink& sink) {
  if (!options.user_xattrs) sink.write(",nouser_xattr");
  if (options.group_ids) sink.write(",grpid");
  if (options.reserved_uid != 0) format(sink, ",resuid={}", options.reserved_uid);
  if (options.reserved_gid != 0) format(sink, ",resgid={}", options.reserved_gid);
  if (options.on_error != options.default_on_error) {
    format(sink, ",errors={}",
           options.on_error == OnError::Continue          ? "continue"_sv
           : options.on_error == OnError::RemountReadOnly ? "remount-ro"_sv
                                                          : "panic"_sv);
  }
  if (options.commit_seconds != 0) format(sink, ",commit={}", options.commit_seconds);
  if (!options.barrier) sink.write(",nobarrier");
  if (!options.load_journal) sink.write(",norecovery");
  if (options.discard) sink.write(",discard");
  if (!options.delayed_allocation) sink.write(",nodelalloc");
  if (!options.block_validity) sink.write(",noblock_validity");
  if (!options.auto_flush) sink.write(",noauto_da_alloc");
  if (options.data == DataMode::WriteBack) sink.write(",data=writeback");
}

}  // namespace kernel::ext4
