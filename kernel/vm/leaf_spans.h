// SPDX-License-Identifier: MIT
// The spans of leaf tables below a space's mappings, by address, each once however many mappings
// lie over it. With few mappings that is a look each, where a walk through the tables has all their
// entries to pass. With the space's lock.
#pragma once

#include "vm/mapping_tree.h"
#include "vm/page_tables.h"

namespace kernel {

class LeafSpans : public Pinned {
 public:
  LeafSpans(const MappingTree& mappings, const PageTables& tables)
      : tables_(tables), mapping_(mappings.first()) {}
  // The start of the next one that has a table; nothing behind the last.
  std::optional<UserAddr> next() {
    for (; mapping_ != nullptr; mapping_ = MappingTree::next(*mapping_)) {
      UserRange range = mapping_->range;
      UserAddr at = tables_.next_leaf(range.start > done_ ? range.start : done_, range.end);
      if (at >= range.end) continue;
      UserAddr start = align_down(at, kLeafSpan);
      done_ = start + kLeafSpan;
      return start;
    }
    return {};
  }

 private:
  const PageTables& tables_;
  const Mapping* mapping_;
  UserAddr done_{};
};

}  // namespace kernel
