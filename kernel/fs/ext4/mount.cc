// SPDX-License-Identifier: MIT
// Mounting, remounting and unmounting. The order of a mount: superblock, descriptors, journal
// (whose replay changes all of these: they are read again), root, and for writing: the mark that
// the volume is in use, and what a crash has left over.

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4 {

Volume::Volume(BlockDevice& device, StringView type_name)
    : SuperBlock(type_name, device),
      device_(&device),
      groups_(*this),
      blocks_(*this, groups_),
      inodes_(*this, groups_),
      nodes_(*this),
      orphans_(*this) {}

Volume::~Volume() {
  DCHECK(root_ == nullptr);
  groups_.unload();
}

Result<Ref<Volume>> Volume::mount(BlockDevice& device, StringView options, bool read_only,
                                  StringView type_name) {
  auto* made = new (std::nothrow) Volume(device, type_name);
  if (made == nullptr) return Errno::NoMem;
  Ref<Volume> volume = Ref<Volume>::adopt(*made);
  Result<> loaded = volume->load(options, read_only || device.read_only());
  if (!loaded.ok()) {
    ignore(volume->close());  // the first error is the one to tell
    return loaded.error();
  }
  return volume;
}

Result<> Volume::read_super(DiskSuper& super, uint64_t kilobyte) {
  // Whole logical blocks around it.
  uint64_t offset = kilobyte * KiB;
  uint64_t start = align_down(offset, device_->logical_block_size());
  Vector<uint8_t> bytes;
  TRY(bytes.resize(align_up(offset + kSuperSize, device_->logical_block_size()) - start));
  if (start + bytes.size() > device_->size()) return Errno::Inval;
  TRY(device_->read(start, bytes.span()));
  __builtin_memcpy(&super, bytes.data() + (offset - start), sizeof super);
  return {};
}

Result<> Volume::set_up_geometry(const DiskSuper& super, bool read_only) {
  geometry_ = TRY(parse_geometry(super, device_->size(), name()));
  TRY(check_features(geometry_, !read_only, name()));
  uint64_t reserved = super.reserved_blocks_low;
  if (geometry_.has_incompatible(kIncompat64Bit))
    reserved |= uint64_t{super.reserved_blocks_high} << 32;
  blocks_.set_reserved(reserved);
  if (!buffers_)
    buffers_ = TRY(jbd2::BufferCache::create(Ref<BlockDevice>(*device_), geometry_.block_size));
  TRY(groups_.load());
  overhead_ = compute_overhead(super);
  return blocks_.load();
}

// What statfs(2) does not count: the volume's own tables and the journal.
uint64_t Volume::compute_overhead(const DiskSuper& super) const {
  if (super.overhead_clusters != 0) return super.overhead_clusters;
  uint64_t blocks = geometry_.first_data_block;
  for (uint32_t group = 0; group < geometry_.groups; ++group)
    blocks += geometry_.base_blocks(group) + 2 + geometry_.inode_table_blocks();
  return blocks;
}

Result<> Volume::load(StringView text, bool read_only) {
  read_only_.store_relaxed(true);  // until everything is there
  Options first;
  TRY(parse_options(text, first, name()));  // sb=, and what is no option at all
  DiskSuper super;
  TRY(read_super(super, first.super_block));
  if (super.magic != kMagic) return Errno::Inval;
  options_ = Options::defaults(super);
  TRY(parse_options(text, options_, name()));
  user_xattrs_ = options_.user_xattrs;
  takes_whiteouts_ = true;
  TRY(set_up_geometry(super, read_only));
  TRY(open_journal(super, read_only));
  if (journal_->was_recovered()) {
    groups_.unload();
    TRY(read_super(super, first.super_block));
    TRY(set_up_geometry(super, read_only));
    log_info("EXT4-fs ({}): recovery complete", name());
  }
  if ((super.state & kStateErrors) != 0)
    log_warning("EXT4-fs ({}): warning: mounting fs with errors, running e2fsck is recommended",
                name());
  else if ((super.state & kStateValid) == 0)
    log_warning("EXT4-fs ({}): warning: mounting unchecked fs, running e2fsck is recommended",
                name());
  Ref<Node> root = TRY(node(kRootInode));
  if (!root->is_directory() || root->links() == 0 || root->disk_size() == 0) {
    log_error("EXT4-fs ({}): corrupt root inode, run e2fsck", name());
    return Errno::Uclean;
  }
  TRY(orphans_.load());
  root_ = std::move(root).leak();
  if (!read_only) TRY(begin_writing());
  log_info("EXT4-fs ({}): mounted filesystem {} journal", name(),
           journal_->has_log() ? "with" : "without");
  return {};
}

// --- The journal ------------------------------------------------------------------------------

namespace {

// Where the journal's inode has its blocks.
Result<Vector<jbd2::JournalExtent>> journal_extents(Node& inode) {
  Vector<jbd2::JournalExtent> extents;
  uint64_t size = inode.disk_size() >> inode.volume().geometry().block_shift;
  if (size == 0 || size >= block_map::kEnd) return Errno::Inval;
  auto end = static_cast<uint32_t>(size);
  for (uint32_t logical = 0; logical < end;) {
    BlockRun run = TRY(block_map::find(inode, logical, end));
    if (run.state != RunState::Written) return Errno::Inval;
    TRY(extents.append({run.physical, run.count}));
    logical += run.count;
  }
  return extents;
}

}  // namespace

Result<> Volume::open_journal(const DiskSuper& super, bool read_only) {
  jbd2::JournalOptions how;
  if (options_.commit_seconds != 0) how.commit_interval = options_.commit_seconds * kNanosPerSecond;
  how.barrier = options_.barrier;
  how.read_only = read_only;
  how.wide_blocks = geometry_.has_incompatible(kIncompat64Bit);
  how.checksums = geometry_.has_metadata_checksums();
  how.client = this;
  bool has_journal = geometry_.has_compatible(kCompatHasJournal);
  bool needs_recovery = geometry_.has_incompatible(kIncompatRecover);
  if (needs_recovery && !has_journal) {
    log_error("EXT4-fs ({}): recovery is needed, and there is no journal", name());
    return Errno::Inval;
  }
  if (!has_journal || !options_.load_journal) {
    if (needs_recovery && !read_only) {
      log_error("EXT4-fs ({}): required journal recovery suppressed and not mounted read-only",
                name());
      return Errno::RoFs;
    }
    journal_ = TRY(jbd2::Journal::open_without_log(*buffers_, how));
    return {};
  }
  if (super.journal_inode == 0) {
    log_error("EXT4-fs ({}): a journal on a device of its own is not supported", name());
    return Errno::Inval;
  }
  Ref<Node> inode = TRY(node(super.journal_inode));
  if (inode->type() != FileType::Regular || inode->links() == 0) {
    log_error("EXT4-fs ({}): invalid journal inode", name());
    return Errno::Inval;
  }
  Vector<jbd2::JournalExtent> extents = TRY(journal_extents(*inode));
  Result<Ref<jbd2::Journal>> opened = jbd2::Journal::open(*buffers_, extents.span(), how);
  if (!opened.ok()) {
    log_error("EXT4-fs ({}): error loading journal", name());
    return opened.error();
  }
  journal_ = std::move(opened).take();
  return {};
}

// --- In use -------------------------------------------------------------------------------------

Result<> Volume::change_super(void (*change)(DiskSuper&, Volume&)) {
  Handle handle = TRY(journal_->start(1));
  return edit_super(handle, [&](DiskSuper& super) { change(super, *this); });
}

Result<> Volume::write_super_directly(void (*change)(DiskSuper&, Volume&)) {
  uint32_t unit = device_->logical_block_size();
  uint64_t start = align_down(kSuperOffset, unit);
  Vector<uint8_t> bytes;
  TRY(bytes.resize(align_up(kSuperOffset + kSuperSize, unit) - start));
  TRY(device_->read(start, bytes.span()));
  auto& super = *reinterpret_cast<DiskSuper*>(bytes.data() + (kSuperOffset - start));
  change(super, *this);
  if (geometry_.has_metadata_checksums()) super.checksum = super_checksum(super);
  TRY(device_->write(start, bytes.span()));
  return device_->flush();
}

// The superblock says so before anything else is written.
Result<> Volume::begin_writing() {
  TRY(journal_->set_read_only(false));
  in_use_ = true;
  // The mark of an earlier mount's abort may have been lost with the superblock that it was in.
  Errno aborted = journal_->recorded_error();
  if (aborted != Errno{})
    static_cast<void>(
        corrupted(0, "journal error {} of an earlier mount", static_cast<int32_t>(aborted)));
  {
    Guard guard(super_lock_);
    TRY(change_super([](DiskSuper& super, Volume& volume) {
      // With a log the volume is good at any time, once that is replayed.
      volume.was_valid_ = (super.state & kStateValid) != 0;
      if (volume.journal_->has_log()) {
        super.incompatible |= kIncompatRecover;
      } else {
        super.state = static_cast<uint16_t>(super.state & ~kStateValid);
      }
      if (volume.orphans_.has_file()) super.read_only_compatible |= kReadOnlyOrphansPresent;
      ++super.mount_count;
      super.mount_time = static_cast<uint32_t>(now().seconds);
      super.mount_time_high = static_cast<uint8_t>(now().seconds >> 32);
      volume.fill_counts(super);
      if (volume.has_unrecorded_errors()) volume.fill_error_fields(super);
    }));
  }
  TRY(journal_->flush());
  if (aborted != Errno{}) TRY(journal_->clear_recorded_error());
  read_only_.store_relaxed(false);
  orphans_.process();
  return {};
}

// Nothing is written any more but this.
Result<> Volume::end_writing() {
  if (read_only()) return {};
  Result<> synchronised = synchronise();
  bool orphans_left = orphans_.has_file() && !orphans_.is_file_empty();
  orphans_left_ = orphans_left;
  {
    Guard guard(super_lock_);
    TRY(change_super([](DiskSuper& super, Volume& volume) {
      super.incompatible &= ~kIncompatRecover;
      if (!volume.orphans_left_) super.read_only_compatible &= ~kReadOnlyOrphansPresent;
      if (volume.was_valid_ && !volume.has_errors())
        super.state = static_cast<uint16_t>(super.state | kStateValid);
      volume.fill_counts(super);
    }));
  }
  read_only_.store_relaxed(true);
  TRY(journal_->flush());
  in_use_ = false;
  TRY(journal_->set_read_only(true));
  return synchronised;
}

Result<> Volume::remount(StringView text, bool to_read_only) {
  Options wanted = options_;
  TRY(parse_options(text, wanted, name()));
  if (wanted.data != options_.data || wanted.load_journal != options_.load_journal) {
    log_error("EXT4-fs ({}): can't change this option on remount", name());
    return Errno::Inval;
  }
  if (to_read_only && !read_only()) {
    TRY(end_writing());
  } else if (!to_read_only && read_only()) {
    if (device_->read_only()) return Errno::RoFs;
    if (journal_->is_aborted()) {
      log_error("EXT4-fs ({}): Abort forced by user or journal: stays read-only", name());
      return Errno::RoFs;
    }
    TRY(check_features(geometry_, true, name()));
    if (geometry_.has_incompatible(kIncompatRecover) && !journal_->has_log()) return Errno::RoFs;
    TRY(begin_writing());
  }
  options_ = wanted;
  user_xattrs_ = options_.user_xattrs;
  uint32_t seconds = options_.commit_seconds;
  journal_->set_commit_interval((seconds != 0 ? seconds : 5) * kNanosPerSecond);
  journal_->set_barrier(options_.barrier);
  return {};
}

Result<> Volume::close() {
  if (root_ != nullptr) std::exchange(root_, nullptr)->unref();
  Result<> result;
  if (journal_) {
    result = end_writing();
    if (!result.ok()) log_error("EXT4-fs ({}): unmount: not everything was written", name());
    record_errors();
    Result<> closed = journal_->close();
    if (result.ok()) result = closed;
    if (!device_->read_only()) ignore(device_->flush());
  }
  return result;
}

void Volume::unmount() { ignore(close()); }

// --- Types ------------------------------------------------------------------------------------

namespace {

template <const char* type>
Result<Ref<SuperBlock>> mount_as(BlockDevice& device, const DeviceMount& how) {
  return Ref<SuperBlock>(TRY(Volume::mount(device, how.options, how.read_only, type)));
}
constexpr char kExt4[] = "ext4", kExt3[] = "ext3", kExt2[] = "ext2";

constinit FileSystemType types[] = {
    {.name = kExt4, .mount = nullptr, .mount_device = mount_as<kExt4>},
    {.name = kExt3, .mount = nullptr, .mount_device = mount_as<kExt3>},
    {.name = kExt2, .mount = nullptr, .mount_device = mount_as<kExt2>},
};

}  // namespace

void init_types() {
  for (FileSystemType& type : types) register_file_system(type);
}

}  // namespace kernel::ext4
