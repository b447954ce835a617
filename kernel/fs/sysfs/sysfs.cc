// SPDX-License-Identifier: MIT
// See sysfs.h.

#include "fs/sysfs/sysfs.h"

#include "fs/sysfs/block.h"
#include "fs/sysfs/devices.h"
#include "fs/sysfs/pci.h"
#include "lib/version.h"
#include "mm/frames.h"
#include "sched/cpu_list.h"
#include "sched/scheduler.h"

namespace kernel::sysfs {
namespace {

class SysSuperBlock final : public SuperBlock {
 public:
  SysSuperBlock() : SuperBlock("sysfs") {}
  Result<> fill();
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  FileSystemStatistics statistics() override {
    FileSystemStatistics statistics;
    statistics.type = 0x62656572;  // SYSFS_MAGIC
    return statistics;
  }

 private:
  Optional<Ref<StaticDirectory>> root_;
};

Result<> online_cpus(FormatSink& sink) {
  format_cpu_list(sink, sched::online_cpus());
  return sink.write("\n"), Result<>();
}
Result<> offline_cpus(FormatSink& sink) { return sink.write("\n"), Result<>(); }
Result<> kernel_max(FormatSink& sink) { return format(sink, "{}\n", kMaxCpus - 1), Result<>(); }
// All memory and all CPUs are one node.
Result<> first_node(FormatSink& sink) { return sink.write("0\n"), Result<>(); }
Result<> node_distance(FormatSink& sink) { return sink.write("10\n"), Result<>(); }
Result<> node_cpu_mask(FormatSink& sink) {
  return format(sink, "{x}\n", sched::online_cpus()), Result<>();
}
Result<> node_memory(FormatSink& sink) {
  frames::Statistics memory = frames::statistics();
  auto line = [&sink](StringView name, uint64_t pages) {
    format(sink, "Node 0 {:-16}{:8} kB\n", name, pages * (kPageSize / KiB));
  };
  line("MemTotal:", memory.total_pages);
  line("MemFree:", memory.free_pages);
  line("MemUsed:", memory.total_pages - memory.free_pages);
  return {};
}
Result<> address_bits(FormatSink& sink) { return sink.write("64\n"), Result<>(); }
Result<> byte_order(FormatSink& sink) { return sink.write("little\n"), Result<>(); }
Result<> huge_pages(FormatSink& sink) { return sink.write("always madvise [never]\n"), Result<>(); }

class FixedText final : public AttributeText {
 public:
  using Generate = Result<> (*)(FormatSink& sink);
  FixedText(SuperBlock& super_block, Generate text) : AttributeText(super_block), text_(text) {}
  Result<> generate(FormatSink& sink) override { return text_(sink); }

 private:
  Generate text_;
};

// A directory below `parent`, made and linked in.
Result<Ref<StaticDirectory>> folder(StaticDirectory& parent, StringView name) {
  Ref<StaticDirectory> made = TRY(make_ref<StaticDirectory>(parent.super_block()));
  TRY(parent.add(name, made));
  return made;
}

Result<> text(StaticDirectory& parent, StringView name, FixedText::Generate generate) {
  return parent.add(name, TRY(make_ref<FixedText>(parent.super_block(), generate)));
}

Result<> add_cpus(StaticDirectory& system) {
  static constexpr const char* kNames[] = {"cpu0",  "cpu1",  "cpu2",  "cpu3", "cpu4",  "cpu5",
                                           "cpu6",  "cpu7",  "cpu8",  "cpu9", "cpu10", "cpu11",
                                           "cpu12", "cpu13", "cpu14", "cpu15"};
  Ref<StaticDirectory> cpus = TRY(folder(system, "cpu"));
  TRY(text(*cpus, "online", online_cpus));
  TRY(text(*cpus, "possible", online_cpus));
  TRY(text(*cpus, "present", online_cpus));
  TRY(text(*cpus, "offline", offline_cpus));
  TRY(text(*cpus, "kernel_max", kernel_max));
  for (unsigned cpu = 0; cpu < std::size(kNames); ++cpu) {
    if ((sched::online_cpus() >> cpu & 1) != 0) TRY(folder(*cpus, kNames[cpu]));
  }
  return {};
}

Result<> add_memory_nodes(StaticDirectory& system) {
  Ref<StaticDirectory> nodes = TRY(folder(system, "node"));
  for (StringView name :
       {"has_cpu"_sv, "has_memory"_sv, "has_normal_memory"_sv, "online"_sv, "possible"_sv}) {
    TRY(text(*nodes, name, first_node));
  }
  Ref<StaticDirectory> node = TRY(folder(*nodes, "node0"));
  TRY(text(*node, "cpulist", online_cpus));
  TRY(text(*node, "cpumap", node_cpu_mask));
  TRY(text(*node, "distance", node_distance));
  return text(*node, "meminfo", node_memory);
}

Result<> SysSuperBlock::fill() {
  Ref<StaticDirectory> root = TRY(make_ref<StaticDirectory>(*this));
  root_ = root;
  Ref<StaticDirectory> devices = TRY(folder(*root, "devices"));
  Ref<StaticDirectory> system = TRY(folder(*devices, "system"));
  TRY(add_cpus(*system));
  TRY(add_memory_nodes(*system));
  for (StringView name : {"firmware"_sv, "fs"_sv, "module"_sv}) TRY(folder(*root, name));
  Ref<StaticDirectory> bus = TRY(folder(*root, "bus"));
  TRY(add_pci_devices(*devices, *bus));
  Ref<StaticDirectory> classes = TRY(folder(*root, "class"));
  Ref<StaticDirectory> dev = TRY(folder(*root, "dev"));
  Ref<StaticDirectory> virtual_devices = TRY(folder(*devices, "virtual"));
  TRY(add_devices(*virtual_devices, *classes, *dev));
  TRY(add_block_devices({*root, *virtual_devices, *classes, *dev}));
  Ref<StaticDirectory> kernel = TRY(folder(*root, "kernel"));
  TRY(text(*kernel, "address_bits", address_bits));
  TRY(text(*kernel, "cpu_byteorder", byte_order));
  Ref<StaticDirectory> mm = TRY(folder(*kernel, "mm"));
  Ref<StaticDirectory> huge = TRY(folder(*mm, "transparent_hugepage"));
  TRY(text(*huge, "enabled", huge_pages));
  return {};
}

constinit SuperBlock* the_super_block = nullptr;

Result<Ref<SuperBlock>> mount(StringView, StringView) { return Ref<SuperBlock>(*the_super_block); }

constinit FileSystemType sys_type{.name = "sysfs", .mount = mount, .single_instance = true};

}  // namespace

Result<> init() {
  Ref<SysSuperBlock> super_block = TRY(make_ref<SysSuperBlock>());
  TRY(super_block->fill());
  the_super_block = std::move(super_block).leak();
  register_file_system(sys_type);
  return {};
}

}  // namespace kernel::sysfs
