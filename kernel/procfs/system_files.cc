// SPDX-License-Identifier: MIT
// What /proc tells of the whole system, in the formats of proc(5): meminfo, stat, cpuinfo, uptime
// and their like.

#include "arch/features.h"
#include "arch/timer.h"
#include "lib/version.h"
#include "dev/device_tree.h"
#include "dev/interrupt.h"
#include "fs/vfs/file_locks.h"
#include "fs/vfs/super_block.h"
#include "lib/log.h"
#include "mm/allocation_failure.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "procfs/block_text.h"
#include "procfs/procfs.h"
#include "sched/scheduler.h"
#include "sync/lock_counters.h"
#include "vm/memory_statistics.h"
#include "vm/page_cache.h"
#include "vm/page_lru.h"

namespace kernel::procfs {
namespace {

Result<> uptime_text(FormatSink& sink) {
  uint64_t up = clock::monotonic() / 10'000'000, idle = 0;
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if ((sched::online_cpus() >> cpu & 1) != 0) idle += sched::cpu_times(cpu).idle / 10'000'000;
  }
  format(sink, "{}.{:02} {}.{:02}\n", up / 100, up % 100, idle / 100, idle % 100);
  return {};
}

unsigned process_count() {
  unsigned count = 0;
  for (Optional<Ref<Pid>> pid = Pid::find_from(1); pid; pid = Pid::find_from(pid->number() + 1))
    ++count;
  return count;
}

Result<> loadavg_text(FormatSink& sink) {
  sched::LoadAverage load = sched::load_average();
  for (uint64_t average : load.averages) {
    uint64_t rounded = average + 10;  // half of a hundredth, in 1/2048
    format(sink, "{}.{:02} ", rounded >> 11, (rounded & 2047) * 100 >> 11);
  }
  format(sink, "{}/{} {}\n", load.running, process_count(), Pid::last_allocated());
  return {};
}

Result<> meminfo_text(FormatSink& sink) {
  frames::Statistics frames = frames::statistics();
  MemoryStatistics memory = memory_statistics();
  auto line = [&sink](StringView name, uint64_t pages) {
    format(sink, "{:-16}{:8} kB\n", name, pages * 4);
  };
  uint64_t slab = frames.by_use[static_cast<size_t>(FrameUse::Slab)];
  uint64_t tables = frames.by_use[static_cast<size_t>(FrameUse::PageTable)];
  uint64_t anonymous = frames.by_use[static_cast<size_t>(FrameUse::Anonymous)];
  line("MemTotal:", frames.total_pages);
  line("MemFree:", frames.free_pages);
  line("MemAvailable:", frames.free_pages + memory.reclaimable_pages);
  line("Buffers:", 0);
  line("Cached:", memory.object_pages);
  line("SwapCached:", 0);
  page_cache::Statistics& files = page_cache::statistics();
  uint64_t file_pages = memory.object_pages - memory.shared_pages;
  uint64_t active_files = page_lru::counts().active;
  if (active_files > file_pages) active_files = file_pages;
  line("Active:", anonymous + active_files);
  line("Inactive:", memory.object_pages - active_files);
  line("Active(anon):", anonymous);
  line("Inactive(anon):", memory.shared_pages);
  line("Active(file):", active_files);
  line("Inactive(file):", file_pages - active_files);
  line("Unevictable:", memory.locked_pages);
  line("Mlocked:", memory.locked_pages);
  line("SwapTotal:", 0);
  line("SwapFree:", 0);
  line("Dirty:", files.dirty.load_relaxed());
  line("Writeback:", files.write_back.load_relaxed());
  line("AnonPages:", anonymous);
  line("Mapped:", memory.mapped_pages);
  line("Shmem:", memory.shared_pages);
  uint64_t reclaimable =
      memory.reclaimable_slab_pages < slab ? memory.reclaimable_slab_pages : slab;
  line("KReclaimable:", reclaimable);
  line("Slab:", slab);
  line("SReclaimable:", reclaimable);
  line("SUnreclaim:", slab - reclaimable);
  line("KernelStack:", memory.kernel_stack_pages);
  line("PageTables:", tables);
  line("CommitLimit:", frames.total_pages / 2);
  line("Committed_AS:", memory.committed_pages);
  sink.write("VmallocTotal:   134217728 kB\n");
  line("VmallocUsed:", 0);
  line("VmallocChunk:", 0);
  return {};
}

Result<> stat_system_text(FormatSink& sink) {
  auto line = [&sink](const sched::CpuTimes& times) {
    format(sink, " {} {} {} {} 0 0 0 0 0 0\n", ticks(times.user), ticks(times.nice),
           ticks(times.system), ticks(times.idle));
  };
  sched::CpuTimes sum;
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if ((sched::online_cpus() >> cpu & 1) == 0) continue;
    sched::CpuTimes times = sched::cpu_times(cpu);
    sum.user += times.user;
    sum.nice += times.nice;
    sum.system += times.system;
    sum.idle += times.idle;
  }
  sink.write("cpu ");
  line(sum);
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if ((sched::online_cpus() >> cpu & 1) == 0) continue;
    format(sink, "cpu{}", cpu);
    line(sched::cpu_times(cpu));
  }
  format(sink, "intr {}\nctxt {}\nbtime {}\nprocesses {}\n", interrupt_count(),
         sched::context_switches(), clock::realtime_offset() / kNanosPerSecond,
         Pid::last_allocated());
  format(sink, "procs_running {}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
         sched::load_average().running);
  return {};
}

Result<> cpuinfo_text(FormatSink& sink) {
  uint64_t hundredths = arch::counter_frequency() / 5000;  // BogoMIPS of the architected timer
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if ((sched::online_cpus() >> cpu & 1) == 0) continue;
    uint64_t midr = arch::processor_id(cpu);
    format(sink, "processor\t: {}\nBogoMIPS\t: {}.{:02}\nFeatures\t:", cpu, hundredths / 100,
           hundredths % 100);
    for (unsigned bit = 0; bit < 128; ++bit) {
      uint64_t word = bit < 64 ? arch::hwcap() : arch::hwcap2();
      if ((word >> bit % 64 & 1) != 0) format(sink, " {}", arch::hwcap_name(bit));
    }
    format(sink, "\nCPU implementer\t: 0x{:02x}\nCPU architecture: 8\nCPU variant\t: 0x{:x}\n",
           midr >> 24 & 0xff, midr >> 20 & 0xf);
    format(sink, "CPU part\t: 0x{:03x}\nCPU revision\t: {}\n\n", midr >> 4 & 0xfff, midr & 0xf);
  }
  return {};
}

Result<> version_text(FormatSink& sink) {
  format(sink, "Linux version {} ({}) {}\n", kRelease, kBuilder, kVersion);
  return {};
}

Result<> cmdline_system_text(FormatSink& sink) {
  format(sink, "{}\n", device_tree::boot_arguments());
  return {};
}

Result<> filesystems_text(FormatSink& sink) {
  for (FileSystemType* type = first_file_system(); type != nullptr; type = type->next)
    format(sink, "{}\t{}\n", type->needs_device() ? "" : "nodev", type->name);
  return {};
}

Result<> interrupts_text(FormatSink& sink) {
  sink.write("           ");
  unsigned cpus = sched::online_cpu_count();
  for (unsigned cpu = 0; cpu < cpus; ++cpu) format(sink, "CPU{:-8}", cpu);
  sink.write("\n");
  InterruptStatistics line;
  for (Irq irq = 0; next_interrupt(irq, line); irq = line.irq + 1) {
    format(sink, "{:3}: ", line.irq);
    for (unsigned cpu = 0; cpu < cpus; ++cpu) format(sink, "{:10} ", line.counts[cpu]);
    format(sink, "    {} {:3} {}     {}\n", interrupt_controller().name(), line.irq,
           line.trigger == Trigger::Level ? "Level" : "Edge ", line.name);
  }
  return {};
}

Result<> slabinfo_text(FormatSink& sink) {
  sink.write("slabinfo - version: 2.1\n");
  sink.write(
      "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables "
      "<limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
  for (size_t i = 0; i < heap::cache_count(); ++i) {
    heap::CacheStatistics cache = heap::cache_statistics(i);
    uint64_t per_slab = cache.object_size == 0 ? 0 : kPageSize / cache.object_size;
    format(sink,
           "{:-17} {:6} {:6} {:6} {:4} {:4} : tunables {:4} {:4} {:4} : slabdata {:6} {:6} {:6}\n",
           cache.name, cache.active_objects, cache.total_objects, cache.object_size, per_slab, 1, 0,
           0, 0, cache.pages, cache.pages, 0);
  }
  return {};
}

Result<> vmstat_text(FormatSink& sink) {
  frames::Statistics frames = frames::statistics();
  MemoryStatistics memory = memory_statistics();
  format(sink, "nr_free_pages {}\nnr_anon_pages {}\nnr_mapped {}\nnr_file_pages {}\nnr_shmem {}\n",
         frames.free_pages, frames.by_use[static_cast<size_t>(FrameUse::Anonymous)],
         memory.mapped_pages, memory.object_pages, memory.shared_pages);
  format(sink, "nr_page_table_pages {}\npgfault {}\npgmajfault 0\n",
         frames.by_use[static_cast<size_t>(FrameUse::PageTable)], memory.faults);
  page_cache::Statistics& files = page_cache::statistics();
  page_lru::Counts clean = page_lru::counts();
  page_cache::Thresholds thresholds = page_cache::thresholds();
  format(sink, "nr_active_file {}\nnr_inactive_file {}\nnr_dirty {}\nnr_writeback {}\n",
         clean.active, clean.inactive, files.dirty.load_relaxed(), files.write_back.load_relaxed());
  format(sink, "nr_dirtied {}\nnr_written {}\nnr_dirty_threshold {}\n",
         files.dirtied.load_relaxed(), files.written.load_relaxed(), thresholds.limit);
  format(sink, "nr_dirty_background_threshold {}\npgpgin {}\npgpgout {}\n", thresholds.background,
         files.filled.load_relaxed() * 4, files.written.load_relaxed() * 4);
  format(sink, "pgscan_file {}\npgsteal_file {}\n", files.scanned.load_relaxed(),
         files.reclaimed.load_relaxed());
#ifdef SAMARA_DEBUG
  format(sink, "allocation_failures_injected {}\n", allocation_failure::count());
#endif
  return {};
}

Result<> locks_text(FormatSink& sink) {
  Vector<FileLocks::Shown> all = TRY(FileLocks::all());
  unsigned number = 0;
  for (const FileLocks::Shown& shown : all) {
    const FileLocks::Request& lock = shown.request;
    if (!shown.waits) ++number;
    StringView kind = lock.kind == FileLocks::Kind::Posix      ? "POSIX "
                      : lock.kind == FileLocks::Kind::OpenFile ? "OFDLCK"
                                                               : "FLOCK ";
    format(sink, "{}: {}{} ADVISORY  {} {} {:02x}:{:02x}:{} ", number, shown.waits ? "-> " : "",
           kind, lock.type == FileLocks::Type::Read ? "READ " : "WRITE", lock.pid,
           shown.device.major, shown.device.minor, shown.inode);
    if (lock.end == kMaxFileSize) {
      format(sink, "{} EOF\n", lock.start);
    } else {
      format(sink, "{} {}\n", lock.start, lock.end);
    }
  }
  return {};
}

#ifdef SAMARA_DEBUG
// Not Linux's lock_stat: by rank, taken and waited for.
Result<> lock_counts_text(FormatSink& sink) {
  for (size_t i = 0; i < kLockRanks; ++i) {
    lock_counters::Counts counts = lock_counters::sum(LockRank{static_cast<uint16_t>(i)});
    if (counts.taken == 0) continue;
    format(sink, "{} {} {}\n", StringView(lockdep::rank_name(LockRank{static_cast<uint16_t>(i)})),
           counts.taken, counts.waited);
  }
  return {};
}
#endif

Result<> swaps_text(FormatSink& sink) {
  sink.write("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  return {};
}

Result<> devices_text(FormatSink& sink) {
  sink.write(
      "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n204 "
      "ttyAMA\n");
  sink.write("\nBlock devices:\n");
  return block_majors_text(sink);
}

// Of devices and modules that there are none of; the headers too come with the first.
Result<> empty_text(FormatSink&) { return {}; }

struct SystemFile {
  StringView name;
  uint16_t mode;
  GeneratedText::Generate generate;
};
constexpr SystemFile kFiles[] = {
    {"cmdline", 0444, cmdline_system_text}, {"cpuinfo", 0444, cpuinfo_text},
    {"devices", 0444, devices_text},        {"diskstats", 0444, diskstats_text},
    {"filesystems", 0444, filesystems_text},
    {"interrupts", 0444, interrupts_text},  {"loadavg", 0444, loadavg_text},
#ifdef SAMARA_DEBUG
    {"lock_counts", 0444, lock_counts_text},
#endif
    {"locks", 0444, locks_text},
    {"meminfo", 0444, meminfo_text},        {"modules", 0444, empty_text},
    {"partitions", 0444, partitions_text},
    {"slabinfo", 0400, slabinfo_text},      {"stat", 0444, stat_system_text},
    {"swaps", 0444, swaps_text},            {"uptime", 0444, uptime_text},
    {"version", 0444, version_text},        {"vmstat", 0444, vmstat_text},
};

}  // namespace

Result<> add_system_files(StaticDirectory& root) {
  for (const SystemFile& file : kFiles)
    TRY(root.add(file.name,
                 TRY(make_ref<GeneratedText>(root.super_block(), file.mode, file.generate))));
  return {};
}

}  // namespace kernel::procfs
