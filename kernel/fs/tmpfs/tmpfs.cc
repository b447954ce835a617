// SPDX-License-Identifier: MIT
// tmpfs instances: limits, options, statistics.

#include "fs/tmpfs/tmpfs.h"

#include "fs/tmpfs/tmpfs_inode.h"
#include "fs/vfs/identity.h"
#include "mm/frames.h"

namespace kernel {
namespace {

constexpr uint64_t kTmpfsMagic = 0x0102'1994, kRamfsMagic = 0x8584'58f6;

// Adds to a counter unless that would pass the limit.
Result<> charge(Atomic<uint64_t>& used, const Atomic<uint64_t>& limit, uint64_t count) {
  uint64_t before = used.fetch_add_relaxed(count);
  uint64_t most = limit.load_relaxed();
  if (most == 0 || before + count <= most) return {};
  used.fetch_sub_relaxed(count);
  return Errno::NoSpc;
}

// "16k", "1m", "50%" (of RAM), in bytes.
std::optional<uint64_t> parse_size(StringView text, bool percent_allowed) {
  unsigned shift = 0;
  if (!text.empty()) {
    switch (text.back()) {
      case 'k': case 'K': shift = 10; break;
      case 'm': case 'M': shift = 20; break;
      case 'g': case 'G': shift = 30; break;
      case 't': case 'T': shift = 40; break;
      case '%': {
        std::optional<uint64_t> percent = text.substr(0, text.size() - 1).to_number(0);
        if (!percent || !percent_allowed) return std::nullopt;
        return frames::total_pages() * *percent / 100 * kPageSize;
      }
      default: break;
    }
  }
  if (shift != 0) text = text.substr(0, text.size() - 1);
  std::optional<uint64_t> number = text.to_number(0);
  if (!number || *number > (~uint64_t{0} >> shift)) return std::nullopt;
  return *number << shift;
}

bool parse_option(StringView key, StringView value, TmpfsSuperBlock::Options& options) {
  if (key == "size" || key == "nr_blocks" || key == "nr_inodes") {
    std::optional<uint64_t> number = parse_size(value, key == "size");
    if (!number) return false;
    if (key == "size") options.max_blocks = pages_for(*number);
    if (key == "nr_blocks") options.max_blocks = *number;
    if (key == "nr_inodes") options.max_inodes = *number;
    return true;
  }
  if (key == "mode") {
    std::optional<uint64_t> mode = value.to_number(8);
    if (mode) options.mode = static_cast<uint16_t>(*mode & kModeMask);
    return mode.has_value();
  }
  if (key == "uid" || key == "gid") {
    std::optional<uint64_t> id = value.to_number(0);
    if (!id || *id >= kNoId) return false;
    (key == "uid" ? options.uid : options.gid) = static_cast<uint32_t>(*id);
    return true;
  }
  // One node, and huge pages where they help anybody, which is nowhere yet: any policy is kept.
  // Inode numbers are counted from 1, and 32 bits have always sufficed.
  if (key == "huge") {
    return value == "never" || value == "advise" || value == "within_size" || value == "always";
  }
  if (key == "mpol") return value == "default" || value == "local";
  return (key == "inode32" || key == "inode64") && value.empty();
}

}  // namespace

Result<TmpfsSuperBlock::Options> tmpfs::parse_options(StringView text,
                                                      TmpfsSuperBlock::Options options) {
  while (!text.empty()) {
    StringView word = text.take_until(',');
    if (word.empty()) continue;
    StringView key = word.take_until('=');
    if (!parse_option(key, word, options)) return Errno::Inval;
  }
  return options;
}

Result<Ref<TmpfsSuperBlock>> TmpfsSuperBlock::create(StringView type_name, const Options& options) {
  auto* made = new (std::nothrow) TmpfsSuperBlock(type_name, options);
  if (made == nullptr) return Errno::NoMem;
  Ref<TmpfsSuperBlock> super_block = Ref<TmpfsSuperBlock>::adopt(*made);
  made->max_blocks_.store_relaxed(options.max_blocks);
  made->max_inodes_.store_relaxed(options.max_inodes);
  CreateParameters root;
  root.type = FileType::Directory;
  root.mode = options.mode;
  root.uid = options.uid;
  root.gid = options.gid;
  made->root_ = TRY(TmpfsInode::create(*made, root)).leak();
  return super_block;
}

TmpfsSuperBlock::~TmpfsSuperBlock() {
  if (root_ == nullptr) return;
  root_->drop_tree();  // now: an inode's end wants its file system
  root_->unref();
}

Ref<Inode> TmpfsSuperBlock::root() { return Ref<Inode>(*root_); }

Result<Ref<TmpfsInode>> TmpfsSuperBlock::make_inode(const CreateParameters& parameters) {
  return TmpfsInode::create(*this, parameters);
}

Result<> TmpfsSuperBlock::charge_pages(uint64_t count) {
  return charge(used_blocks_, max_blocks_, count);
}
Result<> TmpfsSuperBlock::charge_inode() { return charge(used_inodes_, max_inodes_, 1); }

FileSystemStatistics TmpfsSuperBlock::statistics() {
  FileSystemStatistics result;
  bool limited = type_name() != "ramfs";
  result.type = limited ? kTmpfsMagic : kRamfsMagic;
  result.id = device().encode();
  uint64_t max_blocks = max_blocks_.load_relaxed();
  if (max_blocks != 0) {
    uint64_t used = used_blocks_.load_relaxed();
    result.blocks = max_blocks;
    result.free_blocks = result.available_blocks = used < max_blocks ? max_blocks - used : 0;
  }
  uint64_t max_inodes = max_inodes_.load_relaxed();
  if (max_inodes != 0) {
    uint64_t used = used_inodes_.load_relaxed();
    result.files = max_inodes;
    result.free_files = used < max_inodes ? max_inodes - used : 0;
  }
  return result;
}

Result<> TmpfsSuperBlock::remount(StringView text, bool) {
  Options present = options_;
  present.max_blocks = max_blocks_.load_relaxed();
  present.max_inodes = max_inodes_.load_relaxed();
  Options wanted = TRY(tmpfs::parse_options(text, present));
  // A limit cannot go below what is in use, nor come where there was none.
  if (wanted.max_blocks != present.max_blocks) {
    if (present.max_blocks == 0 || used_blocks_.load_relaxed() > wanted.max_blocks)
      return Errno::Inval;
  }
  if (wanted.max_inodes != present.max_inodes) {
    if (present.max_inodes == 0 || used_inodes_.load_relaxed() > wanted.max_inodes)
      return Errno::Inval;
  }
  max_blocks_.store_relaxed(wanted.max_blocks);
  max_inodes_.store_relaxed(wanted.max_inodes);
  return {};
}

namespace {

// Octal, three digits at least.
void show_mode(FormatSink& sink, uint16_t mode) {
  sink.write(",mode=");
  if (mode >> 9 != 0) format(sink, "{}", mode >> 9);
  format(sink, "{}{}{}", mode >> 6 & 7, mode >> 3 & 7, mode & 7);
}

}  // namespace

void TmpfsSuperBlock::show_options(FormatSink& sink) {
  uint64_t half = frames::total_pages() / 2;
  uint64_t blocks = max_blocks_.load_relaxed();
  uint64_t inodes = max_inodes_.load_relaxed();
  if (blocks != half && type_name() != "ramfs")
    format(sink, ",size={}k", blocks * (kPageSize / KiB));
  if (inodes != half && type_name() != "ramfs") format(sink, ",nr_inodes={}", inodes);
  bool is_ramfs = type_name() == "ramfs";
  if (options_.mode != (is_ramfs ? 0755 : 01777)) show_mode(sink, options_.mode);
  if (options_.uid != 0) format(sink, ",uid={}", options_.uid);
  if (options_.gid != 0) format(sink, ",gid={}", options_.gid);
  if (!is_ramfs) sink.write(",inode64");
}

namespace {

Result<Ref<SuperBlock>> mount_tmpfs(StringView, StringView options) {
  TmpfsSuperBlock::Options defaults;
  defaults.max_blocks = defaults.max_inodes = frames::total_pages() / 2;
  defaults.uid = vfs::acting_credentials().fsuid;
  defaults.gid = vfs::acting_credentials().fsgid;
  TmpfsSuperBlock::Options wanted = TRY(tmpfs::parse_options(options, defaults));
  return Ref<SuperBlock>(TRY(TmpfsSuperBlock::create("tmpfs", wanted)));
}

// ramfs(5): no limits, and options but for the mode are ignored.
Result<Ref<SuperBlock>> mount_ramfs(StringView, StringView text) {
  TmpfsSuperBlock::Options options;
  options.mode = 0755;
  Result<TmpfsSuperBlock::Options> parsed = tmpfs::parse_options(text, options);
  if (parsed.ok()) options.mode = parsed->mode;
  return Ref<SuperBlock>(TRY(TmpfsSuperBlock::create("ramfs", options)));
}

constinit FileSystemType tmpfs_type{"tmpfs", mount_tmpfs};
constinit FileSystemType ramfs_type{"ramfs", mount_ramfs};

}  // namespace

void tmpfs::init() {
  register_file_system(tmpfs_type);
  register_file_system(ramfs_type);
}

}  // namespace kernel
