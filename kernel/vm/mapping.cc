// SPDX-License-Identifier: MIT
// Mapping: copying, merging, and the references it holds.

#include "vm/mapping.h"

#include "vm/memory_object.h"

namespace kernel {
namespace {

constinit FileReferences file_references{};

}  // namespace

void set_file_references(FileReferences functions) { file_references = functions; }
void ref_mapped_file(File& file) { file_references.ref(file); }
void unref_mapped_file(File& file) { file_references.unref(file); }
Result<> synchronise_mapped_file(File& file) { return file_references.synchronise(file); }

void hold_file(const Mapping& mapping) {
  if (mapping.file == nullptr) return;
  file_references.ref(*mapping.file);
  if (mapping.flags.counted) file_references.mapped(*mapping.file);
}

Mapping::~Mapping() {
  if (file == nullptr) return;
  if (flags.counted) file_references.unmapped(*file);
  unref_mapped_file(*file);
}

Result<Owned<Mapping>> Mapping::clone() const {
  Owned<Mapping> copy = TRY(make_owned<Mapping>());
  copy->range = range;
  copy->protection = protection;
  copy->max_protection = max_protection;
  copy->flags = flags;
  copy->space = space;
  copy->object = object;
  copy->object_offset = object_offset;
  copy->file = file;
  copy->special = special;
  hold_file(*copy);
  return copy;
}

bool Mapping::continues_with(const Mapping& upper) const {
  return range.end == upper.range.start && protection == upper.protection &&
         max_protection == upper.max_protection && flags == upper.flags && !flags.fixed_size &&
         !flags.counted &&
         object.get() == upper.object.get() && file == upper.file && special == upper.special &&
         (is_anonymous() || object_offset + size() == upper.object_offset);
}

}  // namespace kernel
