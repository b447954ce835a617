// SPDX-License-Identifier: MIT
// See fault_report.h. The object and offset name the instruction independently of ASLR, as
// addr2line wants it.

#include "process/fault_report.h"

#include "arch/user_registers.h"
#include "fs/vfs/file.h"
#include "lib/log.h"
#include "sched/clock.h"
#include "vm/address_space.h"

namespace kernel {
namespace {

const char* signal_name(Signal signal) {
  switch (signal) {
    case Signal::Segv: return "segmentation fault";
    case Signal::Bus: return "bus error";
    case Signal::Ill: return "illegal instruction";
    case Signal::Fpe: return "floating-point exception";
    case Signal::Trap: return "trace or breakpoint trap";
    default: return "bad system call";
  }
}

// At most five lines a second, whatever programs do.
bool may_print() {
  static constinit Atomic<uint64_t> window_start;
  static constinit Atomic<uint32_t> lines;
  uint64_t now = clock::monotonic();
  if (now - window_start.load_relaxed() > kNanosPerSecond) {
    window_start.store_relaxed(now);
    lines.store_relaxed(0);
  }
  return lines.fetch_add_relaxed(1) < 5;
}

struct Place {
  UserAddr pc{};
  Optional<Ref<File>> file;
  StringView special;
  uint64_t offset = 0;
};

bool look(const AddressSpace::MappingView& view, void* context) {
  Place& place = *static_cast<Place*>(context);
  const Mapping& mapping = view.mapping;
  if (!mapping.range.contains(place.pc)) return false;
  place.offset = place.pc - mapping.range.start + mapping.object_offset;
  place.special = mapping.special;
  if (mapping.file != nullptr) place.file = Ref<File>(*mapping.file);
  return false;
}

}  // namespace

void report_fatal_signal(Task& task, const arch::TrapFrame& frame, const SignalInfo& info) {
  if (!kSynchronous.has(info.signal) || info.code <= kSiUser || info.code >= kSiKernel ||
      !may_print())
    return;
  Place place;
  place.pc = arch::program_counter(frame);
  String name;
  if (task.address_space != nullptr) {
    task.address_space->for_each_mapping(page_of(place.pc), false, look, &place);
    if (place.file) {
      Result<String> text = place.file->path().dentry().name().empty()
                                ? Result<String>(Errno::NoEnt)
                                : String::create(place.file->path().dentry().name());
      if (text.ok()) name = std::move(text).take();
    }
  }
  StringView object = !name.empty() ? name.view() : place.special;
  log_info("{}[{}]: {} at 0x{x}, pc 0x{x} lr 0x{x} sp 0x{x} syndrome 0x{x}, in {}+0x{x}",
           task.name(), task.tid(), signal_name(info.signal), info.value,
           arch::program_counter(frame), arch::return_address(frame), arch::stack_pointer(frame),
           task.fault_syndrome, object.empty() ? StringView("no file") : object, place.offset);
}

}  // namespace kernel
