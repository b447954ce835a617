// SPDX-License-Identifier: MIT
// A file of an overlay: what the layers have under its name, topmost first.
//
//   upper_ ── the writable layer's, once there is one: set once, by copy_up()
//   lowers_ ── those of the layers below: of a directory all that are merged, else one at most
//
// All but names and attributes is the topmost one's own. Under the lock of an overlay's inode the
// layers' are taken (OverlayScope), never the other way round.
#pragma once

#include "fs/overlay/listing.h"
#include "fs/overlay/super_block.h"
#include "fs/vfs/file.h"

namespace kernel {

class OverlayInode final : public Inode, public TreeNode<OverlayInode> {
 public:
  struct Sources {
    std::optional<Path> upper;
    Vector<Path> lowers;
    bool empty() const { return !upper && lowers.empty(); }
  };
  // The inode of what was found; `parent` and `name` are where it was found.
  static Result<Ref<OverlayInode>> get(OverlaySuperBlock& overlay, Sources sources,
                                       OverlayInode* parent, StringView name);

  uint64_t size() override { return real().inode().size(); }
  InodeAttributes attributes() override;
  MemoryObject* contents() override { return real().inode().contents(); }
  Result<String> read_link() override { return real().inode().read_link(); }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override;
  Result<> synchronise(bool data_only) override;

  Result<Ref<Inode>> lookup(StringView name) override;
  Result<Ref<Inode>> create(StringView name, const CreateParameters& parameters) override;
  Result<> link(StringView name, Inode& target) override;
  Result<> unlink(StringView name, Inode& target) override;
  Result<> remove_directory(StringView name, Inode& target) override;
  Result<> rename(StringView old_name, Inode& target, Inode& new_directory, StringView new_name,
                  Inode* replaced, bool exchange) override;
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override;

  Result<> set_attributes(const AttributeChange& change) override;
  Result<> allocate(uint32_t mode, uint64_t start, uint64_t length) override;
  Result<String> get_xattr(StringView name) override;
  Result<> set_xattr(StringView name, StringView value, uint32_t flags) override;
  Result<> remove_xattr(StringView name) override;
  Result<String> list_xattrs() override;
  void evict() override;

  // The topmost file. It stays for as long as this inode does.
  const Path& real() const {
    const Path* upper = upper_.load_acquire();
    return upper != nullptr ? *upper : lowers_[0];
  }
  const Path* upper() const { return upper_.load_acquire(); }
  // By which the overlay finds it; set before it is remembered.
  const Inode* upper_key() const { return upper_key_; }
  OverlaySuperBlock& overlay() const { return static_cast<OverlaySuperBlock&>(*super_block_); }
  // Makes sure that there is an upper file. WithoutData: its contents are about to go.
  enum class Data : uint8_t { Copied, WithoutData };
  Result<> copy_up(Data data = Data::Copied);
  // Mode, owner and links are the topmost file's.
  void take_attributes();
  static OverlayInode& of(Inode& inode) { return static_cast<OverlayInode&>(inode); }

  OverlayInode(OverlaySuperBlock& overlay, Sources sources, OverlayInode* parent, String name);
  ~OverlayInode() override;

 private:
  bool is_merged_or_lower() const { return is_directory() && !lowers_.empty(); }
  Result<Sources> find(StringView name) const;
  // Whether the name would show something if the upper layer had nothing there.
  Result<bool> shows_below(StringView name) const;
  Result<bool> has_whiteout(StringView name) const;
  Result<> copy_up_alone(Data data);
  Result<> copy_to_work(StringView temporary, Data data);
  Result<> publish_upper(const Path& place);
  Result<Path> make_upper(StringView name, const CreateParameters& parameters);
  Result<> hide(StringView name, OverlayInode& target);
  Result<> remove(StringView name, OverlayInode& target);
  Result<> ensure_listed();
  Result<> ensure_empty();
  Result<> list_layer(const Path& layer, bool is_last);
  void note_added(StringView name, const Inode& inode);
  void note_removed(StringView name);

  Atomic<const Path*> upper_;  // owned
  const Inode* upper_key_ = nullptr;
  Vector<Path> lowers_;        // as they were found, until evict()
  // Of what may have to be copied up. Whoever uses a file holds its names, and so its parents.
  OverlayInode* parent_;
  String name_;
  Mutex<LockRank::OverlayCopyUp> copy_lock_;
  overlay::Listing listing_;  // of a directory; lock
};

}  // namespace kernel
