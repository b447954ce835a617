// SPDX-License-Identifier: MIT
// See listing.h; and getdents64(2) of an overlay's directory. The list is made once, from all
// layers; what changes later is noted in it by the overlay, since nobody else changes layers.

#include "fs/overlay/listing.h"

#include "fs/overlay/inode.h"
#include "fs/overlay/whiteout.h"
#include "fs/vfs/vfs.h"

namespace kernel {
namespace overlay {

Listed* Listing::find(StringView name) const {
  Listed* at = names_.root();
  while (at != nullptr && at->name.view() != name) {
    using Names = Tree<Listed, ByName, ListedNameTag>;
    at = name < at->name.view() ? Names::left(*at) : Names::right(*at);
  }
  return at;
}

Result<> Listing::add(StringView name, uint64_t number, FileType type, bool hidden) {
  if (has(name)) return {};
  Owned<Listed> entry = TRY(make_owned<Listed>());
  entry->name = TRY(String::create(name));
  entry->number = number;
  entry->type = type;
  entry->hidden = hidden;
  entry->cookie = next_cookie_++;
  names_.insert(*entry);
  cookies_.insert(*entry);
  std::move(entry).leak();
  return {};
}

void Listing::drop(Listed& entry) {
  names_.remove(entry);
  cookies_.remove(entry);
  delete &entry;
}

void Listing::remove(StringView name) {
  if (Listed* entry = find(name)) drop(*entry);
}

void Listing::complete() {
  using Cookies = Tree<Listed, ByCookie, ListedCookieTag>;
  for (Listed* at = cookies_.first(); at != nullptr;) {
    Listed* next = Cookies::next(*at);
    if (at->hidden) drop(*at);
    at = next;
  }
  complete_ = true;
}

void Listing::clear() {
  while (Listed* entry = names_.root()) drop(*entry);
  complete_ = false;
}

void Listing::read(uint64_t offset, DirectorySink& sink) const {
  using Cookies = Tree<Listed, ByCookie, ListedCookieTag>;
  Listed* found = nullptr;
  for (Listed* at = cookies_.root(); at != nullptr;) {
    bool behind = at->cookie >= offset;
    if (behind) found = at;
    at = behind ? Cookies::left(*at) : Cookies::right(*at);
  }
  for (; found != nullptr; found = Cookies::next(*found)) {
    if (!sink.entry(found->name, found->number, found->type, found->cookie + 1)) return;
  }
}

}  // namespace overlay

Result<> OverlayInode::list_layer(const Path& layer, bool is_last) {
  Vector<overlay::RawEntry> entries = TRY(overlay::list_raw(layer));
  for (const overlay::RawEntry& entry : entries) {
    bool hidden = false;
    if (entry.type == FileType::CharDevice) {
      Result<Path> node = vfs::lookup({.directory = &layer}, entry.name, vfs::LookupFlags::None);
      hidden = node.ok() && overlay::is_whiteout(node->inode());
    }
    if (hidden && is_last) continue;
    TRY(listing_.add(entry.name, entry.number, entry.type, hidden));
  }
  return {};
}

Result<> OverlayInode::ensure_listed() {
  if (listing_.is_complete()) return {};
  OverlayScope scope(overlay());
  listing_.clear();
  if (const Path* top = upper()) TRY(list_layer(*top, lowers_.empty()));
  for (const Path& lower : lowers_) TRY(list_layer(lower, &lower == lowers_.end() - 1));
  listing_.complete();
  return {};
}

Result<> OverlayInode::read_directory(uint64_t offset, DirectorySink& sink) {
  TRY(ensure_listed());
  listing_.read(offset, sink);
  return {};
}

Result<> OverlayInode::ensure_empty() {
  TRY(ensure_listed());
  return listing_.empty() ? Result<>() : Result<>(Errno::NotEmpty);
}

void OverlayInode::note_added(StringView name, const Inode& inode) {
  if (!listing_.is_complete()) return;
  // Without memory for it the list is made anew when somebody asks.
  if (!listing_.add(name, inode.number(), inode.type()).ok()) listing_.clear();
}

void OverlayInode::note_removed(StringView name) { listing_.remove(name); }

}  // namespace kernel
