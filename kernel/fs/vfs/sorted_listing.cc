// SPDX-License-Identifier: MIT
// See sorted_listing.h.

#include "fs/vfs/sorted_listing.h"

namespace kernel {

class SortedListing::Collector final : public DirectorySink {
 public:
  Collector(SortedListing& listing, uint64_t start) : listing_(listing), next_(start) {}
  bool entry(StringView name, uint64_t inode, FileType type, uint64_t offset) override {
    result_ = listing_.add(name, inode, type);
    if (result_.ok()) next_ = offset;
    return result_.ok();
  }
  Result<> result() const { return result_; }
  uint64_t next() const { return next_; }

 private:
  SortedListing& listing_;
  uint64_t next_;  // the file system's own cookie
  Result<> result_;
};

SortedListing::~SortedListing() {
  while (Entry* entry = entries_.root()) {
    entries_.remove(*entry);
    delete entry;
  }
}

Result<Owned<SortedListing>> SortedListing::take(Inode& directory) {
  Owned<SortedListing> listing = TRY(make_owned<SortedListing>());
  Collector all(*listing, kFirstCookie);
  for (uint64_t before = 0; before != all.next();) {
    before = all.next();
    TRY(directory.read_directory(before, all));
    TRY(all.result());
  }
  uint64_t cookie = kFirstCookie;
  for (Entry* at = listing->entries_.first(); at != nullptr; at = decltype(entries_)::next(*at))
    at->cookie = cookie++;
  return listing;
}

Result<> SortedListing::add(StringView name, uint64_t number, FileType type) {
  Owned<Entry> entry = TRY(make_owned<Entry>());
  entry->name = TRY(String::create(name));
  entry->number = number;
  entry->type = type;
  entries_.insert(*std::move(entry).leak());
  return {};
}

void SortedListing::read(uint64_t cookie, DirectorySink& sink) const {
  Entry* at = entries_.lower_bound([cookie](const Entry& entry) { return entry.cookie < cookie; });
  for (; at != nullptr; at = decltype(entries_)::next(*at)) {
    if (!sink.entry(at->name, at->number, at->type, at->cookie + 1)) return;
  }
}

}  // namespace kernel
