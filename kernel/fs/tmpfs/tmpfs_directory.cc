// SPDX-License-Identifier: MIT
// See tmpfs_directory.h.

#include "fs/tmpfs/tmpfs_directory.h"

namespace kernel {
namespace {

uint32_t hash_of(StringView name) {
  uint64_t value = 0x9e37'79b1'85eb'ca87;
  for (char c : name) value = (value ^ static_cast<unsigned char>(c)) * 0x9e37'79b1'85eb'ca87;
  return static_cast<uint32_t>(value >> 32);
}

}  // namespace

TmpfsDirectory::~TmpfsDirectory() {
  while (TmpfsEntry* entry = cookies_.first()) Owned<TmpfsEntry> gone = remove(*entry);
}

TmpfsEntry* TmpfsDirectory::find(StringView name) const {
  uint32_t hash = hash_of(name);
  TmpfsEntry* at = names_.root();
  while (at != nullptr) {
    std::strong_ordering order = hash != at->hash ? hash <=> at->hash : name <=> at->name.view();
    if (order == 0) return at;
    at = order < 0 ? Tree<TmpfsEntry, ByName, NameTag>::left(*at)
                   : Tree<TmpfsEntry, ByName, NameTag>::right(*at);
  }
  return nullptr;
}

Result<Owned<TmpfsEntry>> TmpfsDirectory::make_entry(StringView name, Ref<Inode> inode) {
  String own = TRY(String::create(name));
  return make_owned<TmpfsEntry>(std::move(own), std::move(inode), hash_of(name));
}

void TmpfsDirectory::insert(Owned<TmpfsEntry> entry) {
  TmpfsEntry& added = *std::move(entry).leak();
  added.cookie = next_cookie_++;
  names_.insert(added);
  cookies_.insert(added);
  ++count_;
}

Owned<TmpfsEntry> TmpfsDirectory::remove(TmpfsEntry& entry) {
  names_.remove(entry);
  cookies_.remove(entry);
  --count_;
  return Owned<TmpfsEntry>::adopt(&entry);
}

TmpfsEntry* TmpfsDirectory::at_or_behind(uint64_t cookie) const {
  return cookies_.lower_bound([cookie](const TmpfsEntry& entry) { return entry.cookie < cookie; });
}

}  // namespace kernel
