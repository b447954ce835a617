// SPDX-License-Identifier: MIT
// One mounted overlay: its layers, and as whom it asks them.
#pragma once

#include "fs/overlay/options.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/path.h"
#include "lib/tree.h"

namespace kernel {

class OverlayInode;

class OverlaySuperBlock final : public SuperBlock {
 public:
  static Result<Ref<OverlaySuperBlock>> create(overlay::Options options);
  ~OverlaySuperBlock() override;

  Ref<Inode> root() override;
  FileSystemStatistics statistics() override;
  Result<> synchronise() override;
  Result<> remount(StringView options, bool read_only) override;
  void show_options(FormatSink& sink) override;
  void unmount() override;
  unsigned stacking_depth() const override { return depth_; }

  bool has_upper() const { return work_.has_value(); }
  const Path& work() const { return *work_; }
  // A name that nothing else in the work directory has.
  Result<String> temporary_name();
  const Credentials& mounter() const { return *mounter_; }
  // The device that stat shows for a file of that layer: the overlay's own when all layers lie on
  // one file system, and then numbers are those of the layers.
  DeviceNumber device_of(const SuperBlock& layer) const;
  bool is_on_one_file_system() const { return devices_.size() == 1; }

  // The inode of an upper file that has one already: names of one file share it.
  Optional<Ref<OverlayInode>> find(const Inode& upper);
  void remember(OverlayInode& inode);
  void forget(OverlayInode& inode);

 private:
  struct LayerDevice {
    const SuperBlock* layer;
    DeviceNumber device;
  };
  struct ByUpper {
    static bool less(const OverlayInode& a, const OverlayInode& b);
  };

  explicit OverlaySuperBlock(overlay::Options options);
  Result<> open_layers();
  Result<Path> open_upper();
  Result<Path> open_work(const Path& upper);
  Result<Path> add_layer(const Path& place, uint32_t flags);

  overlay::Options options_;
  Ref<Credentials> mounter_;
  unsigned depth_ = 1;
  std::optional<Path> work_;
  Optional<Ref<OverlayInode>> root_;
  Vector<LayerDevice> devices_;
  Atomic<uint64_t> temporary_names_;
  SpinLock<LockRank::Leaf> lock_;
  Tree<OverlayInode, ByUpper> by_upper_ GUARDED_BY(lock_);
};

// While the layers are asked: with the rights of whoever mounted the overlay, and below the locks
// of the overlay's own files.
class OverlayScope {
 public:
  explicit OverlayScope(const OverlaySuperBlock& overlay) : acting_(overlay.mounter()) {}

 private:
  vfs::ActingAs acting_;
  lockdep::NextLevel level_;
};

}  // namespace kernel
