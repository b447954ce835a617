// SPDX-License-Identifier: MIT
// See vdso.h. Page 0 of the object is the data page: it never leaves the object, and the clock
// keeps it up to date from its first use on.
#include "vm/vdso.h"

#include "arch/vdso.h"
#include "sched/clock.h"
#include "sched/vdso_data.h"

namespace kernel::vdso {

namespace {

class VdsoObject final : public MemoryObject {
 public:
  VdsoObject() { set_size(kPageSize + arch::vdso_image().size()); }
  PageKind page_kind() const override { return PageKind::File; }  // as Linux counts it

 protected:
  void fill_page(uint64_t index, PhysAddr page) override {
    uint8_t* data = frames::frame_data(page);
    if (index == 0) {
      __builtin_memset(data, 0, kPageSize);
      clock::attach_vdso(*reinterpret_cast<VdsoData*>(data));
    } else {
      __builtin_memcpy(data, arch::vdso_image().data() + (index - 1) * kPageSize, kPageSize);
      arch::sync_instruction_cache(arch::linear_address(page), kPageSize);
    }
  }
};

constinit VdsoObject* object = nullptr;

MapRequest request(UserAddr at, uint64_t size, uint64_t offset, uint32_t protection,
                   StringView name) {
  MapRequest wanted;
  wanted.address = at;
  wanted.size = size;
  wanted.protection = protection;
  wanted.max_protection = protection | kProtRead;
  wanted.flags.fixed_size = true;  // private, but nobody may write: one copy for all
  wanted.flags.dont_dump = true;
  wanted.object = Ref<MemoryObject>(*object);
  wanted.object_offset = offset;
  wanted.special = name;
  return wanted;
}

}  // namespace

Result<> init() {
  object = TRY(make_ref<VdsoObject>()).leak();
  // Filled now, while nobody can ask for it twice.
  frames::put(TRY(object->get_page(0, false)));
  return {};
}

// The room for both is chosen by the first mapping, which the second one then replaces in part.
Result<> map(AddressSpace& space) {
  uint64_t image = arch::vdso_image().size();
  UserAddr base = TRY(space.map(request({}, kPageSize + image, 0, kProtRead, "[vvar]")));
  MapRequest code = request(base + kPageSize, image, kPageSize, kProtRead | kProtExec, "[vdso]");
  code.placement = MapRequest::Placement::Fixed;
  TRY(space.map(code));
  space.layout.vdso = base + kPageSize;
  return {};
}

UserAddr sigreturn_address(const AddressSpace& space) {
  if (raw(space.layout.vdso) == 0) return {};
  return space.layout.vdso + arch::vdso_sigreturn_offset();
}

}  // namespace kernel::vdso
