// SPDX-License-Identifier: MIT
// /proc/sys (proc(5), sysctl(8)): settings of the kernel as files. Numbers that can be set are
// checked against their range; a value that nothing here could honour is read-only.

#include "fs/event/directory_notify.h"
#include "fs/event/epoll.h"
#include "fs/event/inotify.h"
#include "fs/mqueue/mqueue.h"
#include "fs/vfs/permission.h"
#include "ipc/limits.h"
#include "lib/version.h"
#include "net/unix/unix_socket.h"
#include "process/system_settings.h"
#include "procfs/procfs.h"
#include "sync/random.h"
#include "vm/page_cache.h"

namespace kernel::procfs {
namespace {

Result<> put_number(FormatSink& sink, uint64_t value) {
  format(sink, "{}\n", value);
  return {};
}

// A decimal number of the range, blanks around it allowed.
Result<uint64_t> parse_number(StringView text, uint64_t low, uint64_t high) {
  std::optional<uint64_t> value = text.trimmed().to_number();
  if (!value || *value < low || *value > high) return Errno::Inval;
  return *value;
}

Result<> ostype(FormatSink& sink) { return sink.write("Linux\n"), Result<>(); }
Result<> osrelease(FormatSink& sink) { return format(sink, "{}\n", kRelease), Result<>(); }
Result<> version(FormatSink& sink) { return format(sink, "{}\n", kVersion), Result<>(); }
Result<> arch_name(FormatSink& sink) { return sink.write("aarch64\n"), Result<>(); }

Result<> hostname(FormatSink& sink) {
  String name = TRY(settings::host_name());
  format(sink, "{}\n", name);
  return {};
}
Result<> set_hostname(StringView text) { return settings::set_host_name(text.trimmed()); }
Result<> domainname(FormatSink& sink) {
  String name = TRY(settings::domain_name());
  format(sink, "{}\n", name);
  return {};
}
Result<> set_domainname(StringView text) { return settings::set_domain_name(text.trimmed()); }

Result<> show_pid_max(FormatSink& sink) {
  return put_number(sink, static_cast<uint64_t>(pid_max()));
}
Result<> store_pid_max(StringView text) {
  set_pid_max(static_cast<PidNumber>(TRY(parse_number(text, 301, static_cast<uint64_t>(kPidMax)))));
  return {};
}
Result<> threads_max(FormatSink& sink) { return put_number(sink, settings::thread_limit()); }
Result<> cap_last_cap(FormatSink& sink) { return put_number(sink, kLastCapability); }
Result<> ngroups_max(FormatSink& sink) { return put_number(sink, 65536); }
Result<> round_robin_slice(FormatSink& sink) {
  return put_number(sink, sched::kRoundRobinSlice / (kNanosPerSecond / 1000));
}
Result<> core_pattern(FormatSink& sink) {
  String pattern = TRY(settings::core_pattern());
  format(sink, "{}\n", pattern);
  return {};
}
Result<> set_core_pattern(StringView text) {
  return settings::set_core_pattern(text.substr(0, text.find('\n')));
}
Result<> core_uses_pid(FormatSink& sink) {
  return put_number(sink, settings::core_uses_pid() ? 1 : 0);
}
Result<> set_core_uses_pid(StringView text) {
  settings::set_core_uses_pid(TRY(parse_number(text, 0, INT32_MAX)) != 0);
  return {};
}
Result<> panic_timeout(FormatSink& sink) { return put_number(sink, 0); }
Result<> zero(FormatSink& sink) { return put_number(sink, 0); }
Result<> one(FormatSink& sink) { return put_number(sink, 1); }
Result<> printk(FormatSink& sink) { return sink.write("7\t4\t1\t7\n"), Result<>(); }

// A random UUID (RFC 4122, version 4); boot_id is made once.
void put_uuid(FormatSink& sink, const uint8_t (&bytes)[16]) {
  for (size_t i = 0; i < 16; ++i) {
    uint8_t byte = bytes[i];
    if (i == 6) byte = static_cast<uint8_t>((byte & 0x0f) | 0x40);
    if (i == 8) byte = static_cast<uint8_t>((byte & 0x3f) | 0x80);
    format(sink, i == 4 || i == 6 || i == 8 || i == 10 ? "-{:02x}" : "{:02x}", byte);
  }
  sink.write("\n");
}
Result<> uuid(FormatSink& sink) {
  uint8_t bytes[16];
  random::fill(bytes);
  put_uuid(sink, bytes);
  return {};
}
Result<> boot_id(FormatSink& sink) {
  static uint8_t bytes[16];
  static constinit Atomic<uint32_t> state;  // 0: not made, 1: being made, 2: there
  uint32_t expected = 0;
  if (state.compare_exchange_acq_rel(expected, 1)) {
    random::fill(bytes);
    state.store_release(2);
  }
  while (state.load_acquire() != 2) sched::yield();
  put_uuid(sink, bytes);
  return {};
}
Result<> entropy_available(FormatSink& sink) { return put_number(sink, 256); }
Result<> pool_size(FormatSink& sink) { return put_number(sink, 256); }
Result<> overflow_id(FormatSink& sink) { return put_number(sink, 65534); }

Result<> drop_caches(FormatSink& sink) { return put_number(sink, settings::last_cache_drop()); }
Result<> set_drop_caches(StringView text) {
  settings::drop_caches(TRY(parse_number(text, 1, 4)));
  return {};
}
Result<> overcommit(FormatSink& sink) { return put_number(sink, settings::overcommit_mode()); }
Result<> set_overcommit(StringView text) {
  settings::set_overcommit_mode(TRY(parse_number(text, 0, 2)));
  return {};
}
Result<> overcommit_ratio(FormatSink& sink) { return put_number(sink, 50); }
Result<> max_map_count(FormatSink& sink) { return put_number(sink, 65530); }
Result<> mmap_min_addr(FormatSink& sink) { return put_number(sink, 65536); }
Result<> randomize(FormatSink& sink) {
  return put_number(sink, settings::randomise_addresses() ? 2 : 0);
}
Result<> set_randomize(StringView text) {
  settings::set_randomise_addresses(TRY(parse_number(text, 0, 2)) != 0);
  return {};
}

using DirtyLimit = Atomic<uint64_t> page_cache::Limits::*;
template <DirtyLimit limit>
Result<> show_dirty(FormatSink& sink) {
  return put_number(sink, (page_cache::limits().*limit).load_relaxed());
}
// A ratio and a number of bytes exclude each other: the one that was set last counts.
template <DirtyLimit limit, DirtyLimit other, uint64_t low, uint64_t high>
Result<> store_dirty(StringView text) {
  page_cache::Limits& limits = page_cache::limits();
  (limits.*limit).store_relaxed(TRY(parse_number(text, low, high)));
  if constexpr (limit != other) (limits.*other).store_relaxed(0);
  page_cache::limits_changed();
  return {};
}

Result<> pipe_max_size(FormatSink& sink) { return put_number(sink, 1048576); }
Result<> file_max(FormatSink& sink) { return put_number(sink, 9223372036854775807u); }
Result<> nr_open(FormatSink& sink) { return put_number(sink, 1048576); }
Result<> pty_max(FormatSink& sink) { return put_number(sink, 4096); }

Result<> socket_buffer(FormatSink& sink) {
  return put_number(sink, SocketOptions::kDefaultBuffer);
}
Result<> most_backlog(FormatSink& sink) { return put_number(sink, SocketOptions::kMostBacklog); }
Result<> most_control(FormatSink& sink) { return put_number(sink, SocketOptions::kMostControl); }
Result<> datagram_queue(FormatSink& sink) {
  return put_number(sink, UnixSocket::kDefaultQueueLimit);
}

struct Setting {
  StringView name;
  GeneratedText::Generate show;
  GeneratedText::Store store = nullptr;
  uint16_t mode = store != nullptr ? 0644 : 0444;
};
// Small numbers that are settings of the file system layer.
template <Atomic<uint32_t> vfs::Protection::*kField>
Result<> show_protection(FormatSink& sink) {
  return put_number(sink, (vfs::protection.*kField).load_relaxed());
}
template <Atomic<uint32_t> vfs::Protection::*kField, uint32_t kMost>
Result<> store_protection(StringView text) {
  (vfs::protection.*kField).store_relaxed(static_cast<uint32_t>(TRY(parse_number(text, 0, kMost))));
  return {};
}
template <Atomic<uint32_t> vfs::Protection::*kField, uint32_t kMost>
constexpr Setting protection_setting(StringView name) {
  return {name, show_protection<kField>, store_protection<kField, kMost>};
}

// A limit that another layer keeps.
template <uint64_t (*get)()>
Result<> show_limit(FormatSink& sink) {
  return put_number(sink, get());
}
template <void (*set)(uint64_t), uint64_t most>
Result<> store_limit(StringView text) {
  set(TRY(parse_number(text, 0, most)));
  return {};
}

// Limits that are fields of a structure.
template <auto& kLimits, auto kField>
Result<> show_field(FormatSink& sink) {
  return put_number(sink, (kLimits.*kField).load_relaxed());
}
template <auto& kLimits, auto kField, uint64_t kLeast, uint64_t kMost>
Result<> store_field(StringView text) {
  (kLimits.*kField).store_relaxed(TRY(parse_number(text, kLeast, kMost)));
  return {};
}
template <auto& kLimits, auto kField, uint64_t kLeast, uint64_t kMost>
constexpr Setting limit_setting(StringView name) {
  return {name, show_field<kLimits, kField>, store_field<kLimits, kField, kLeast, kMost>};
}
template <Atomic<uint64_t> ipc::Limits::*kField, uint64_t kMost>
constexpr Setting ipc_setting(StringView name) {
  return limit_setting<ipc::limits, kField, 0, kMost>(name);
}
template <Atomic<uint64_t> mqueue::Limits::*kField, uint64_t kLeast, uint64_t kMost>
constexpr Setting mqueue_setting(StringView name) {
  return limit_setting<mqueue::limits, kField, kLeast, kMost>(name);
}

constexpr Atomic<uint64_t> ipc::Limits::*kSemaphoreLimits[] = {
    &ipc::Limits::set_size, &ipc::Limits::semaphores, &ipc::Limits::operations,
    &ipc::Limits::semaphore_sets};
Result<> semaphore_limits(FormatSink& sink) {
  StringView separator = "";
  for (auto field : kSemaphoreLimits)
    format(sink, "{}{}", std::exchange(separator, "\t"), (ipc::limits.*field).load_relaxed());
  return sink.write("\n"), Result<>();
}
// As many of the four as there are, in their order.
Result<> set_semaphore_limits(StringView text) {
  text = text.trimmed();
  for (auto field : kSemaphoreLimits) {
    if (text.empty()) break;
    size_t end = 0;
    while (end < text.size() && text[end] != ' ' && text[end] != '\t') ++end;
    uint64_t value = TRY(parse_number(text.substr(0, end), 0, INT32_MAX));
    if (field == &ipc::Limits::semaphore_sets && value > ipc::kMostObjects) return Errno::Range;
    (ipc::limits.*field).store_relaxed(value);
    text = text.substr(end).trimmed();
  }
  return {};
}

// As Linux's sysctl_perm: the mode counts for root as well.
class SettingInode final : public TextInode {
 public:
  SettingInode(SuperBlock& super_block, const Setting& setting)
      : TextInode(super_block, setting.mode), show_(setting.show), store_(setting.store) {}
  Result<> generate(FormatSink& sink) override { return show_(sink); }
  Result<> store(StringView text, uint64_t) override { return store_(text); }
  Result<> check_open(uint32_t flags) override {
    bool reads = (flags & kOpenAccessMode) != kOpenWriteOnly;
    bool writes = (flags & kOpenAccessMode) != kOpenReadOnly;
    bool refused = (writes && store_ == nullptr) || (reads && (mode() & 0444) == 0);
    return refused ? Result<>(Errno::Acces) : Result<>();
  }

 private:
  GeneratedText::Generate show_;
  GeneratedText::Store store_;
};

class SettingsDirectory final : public StaticDirectory {
 public:
  using StaticDirectory::StaticDirectory;
  Result<Ref<Inode>> create(StringView, const CreateParameters&) override { return Errno::NoEnt; }
};

struct Folder {
  StringView name;
  std::span<const Setting> settings;
  std::span<const Folder> folders = {};
};

constexpr Setting kRandom[] = {{"boot_id", boot_id},
                               {"uuid", uuid},
                               {"entropy_avail", entropy_available},
                               {"poolsize", pool_size}};
constexpr Setting kPty[] = {{"max", pty_max}};
constexpr Folder kKernelFolders[] = {{"random", kRandom}, {"pty", kPty}};
constexpr Setting kKernel[] = {{"arch", arch_name},
                               {"cap_last_cap", cap_last_cap},
                               {"core_pattern", core_pattern, set_core_pattern},
                               {"core_uses_pid", core_uses_pid, set_core_uses_pid},
                               {"core_pipe_limit", zero},
                               {"domainname", domainname, set_domainname},
                               {"hostname", hostname, set_hostname},
                               ipc_setting<&ipc::Limits::message_size, INT32_MAX>("msgmax"),
                               ipc_setting<&ipc::Limits::queue_bytes, INT32_MAX>("msgmnb"),
                               ipc_setting<&ipc::Limits::message_queues, ipc::kMostObjects>(
                                   "msgmni"),
                               {"ngroups_max", ngroups_max},
                               {"osrelease", osrelease},
                               {"ostype", ostype},
                               {"overflowuid", overflow_id},
                               {"overflowgid", overflow_id},
                               {"panic", panic_timeout},
                               {"pid_max", show_pid_max, store_pid_max},
                               {"printk", printk},
                               {"dmesg_restrict", one},
                               {"kptr_restrict", zero},
                               {"randomize_va_space", randomize, set_randomize},
                               {"sched_rr_timeslice_ms", round_robin_slice},
                               {"sem", semaphore_limits, set_semaphore_limits},
                               {"shm_rmid_forced", zero},
                               ipc_setting<&ipc::Limits::segment_pages, UINT64_MAX>("shmall"),
                               ipc_setting<&ipc::Limits::segment_size, UINT64_MAX>("shmmax"),
                               ipc_setting<&ipc::Limits::segments, ipc::kMostObjects>("shmmni"),
                               {"tainted", zero},
                               {"threads-max", threads_max},
                               {"version", version}};
using page_cache::Limits;
template <DirtyLimit limit, DirtyLimit other, uint64_t low, uint64_t high>
constexpr Setting dirty_setting(StringView name) {
  return {name, show_dirty<limit>, store_dirty<limit, other, low, high>};
}
constexpr Setting kVm[] = {
    {"drop_caches", drop_caches, set_drop_caches, 0200}, {"max_map_count", max_map_count},
    {"mmap_min_addr", mmap_min_addr}, {"overcommit_ratio", overcommit_ratio},
    {"overcommit_memory", overcommit, set_overcommit},
    {"swappiness", zero},
    dirty_setting<&Limits::background_ratio, &Limits::background_bytes, 0, 100>(
        "dirty_background_ratio"),
    dirty_setting<&Limits::background_bytes, &Limits::background_ratio, 1, INT64_MAX>(
        "dirty_background_bytes"),
    dirty_setting<&Limits::ratio, &Limits::bytes, 0, 100>("dirty_ratio"),
    dirty_setting<&Limits::bytes, &Limits::ratio, 2 * kPageSize, INT64_MAX>("dirty_bytes"),
    dirty_setting<&Limits::expire_centisecs, &Limits::expire_centisecs, 0, INT32_MAX>(
        "dirty_expire_centisecs"),
    dirty_setting<&Limits::write_back_centisecs, &Limits::write_back_centisecs, 0, INT32_MAX>(
        "dirty_writeback_centisecs")};
constexpr Setting kFs[] = {
    {"dir-notify-enable", show_limit<directory_notify::enabled>,
     store_limit<directory_notify::set_enabled, INT32_MAX>},
    {"file-max", file_max}, {"nr_open", nr_open}, {"overflowuid", overflow_id},
    {"overflowgid", overflow_id}, {"pipe-max-size", pipe_max_size},
    {"suid_dumpable", zero},
    protection_setting<&vfs::Protection::hard_links, 1>("protected_hardlinks"),
    protection_setting<&vfs::Protection::symbolic_links, 1>("protected_symlinks"),
    protection_setting<&vfs::Protection::fifos, 2>("protected_fifos"),
    protection_setting<&vfs::Protection::regular_files, 2>("protected_regular")};
constexpr Setting kNetCore[] = {{"optmem_max", most_control},  {"rmem_default", socket_buffer},
                                {"rmem_max", socket_buffer},   {"somaxconn", most_backlog},
                                {"wmem_default", socket_buffer}, {"wmem_max", socket_buffer}};
constexpr Setting kNetUnix[] = {{"max_dgram_qlen", datagram_queue}};
constexpr Folder kNetFolders[] = {{"core", kNetCore}, {"unix", kNetUnix}};
constexpr Setting kEpoll[] = {{"max_user_watches", show_limit<epoll::max_user_watches>,
                               store_limit<epoll::set_max_user_watches, INT64_MAX>}};
constexpr Setting kInotify[] = {
    {"max_queued_events", show_limit<inotify::max_queued_events>,
     store_limit<inotify::set_max_queued_events, INT32_MAX>},
    {"max_user_instances", show_limit<inotify::max_user_instances>,
     store_limit<inotify::set_max_user_instances, INT32_MAX>},
    {"max_user_watches", show_limit<inotify::max_user_watches>,
     store_limit<inotify::set_max_user_watches, INT32_MAX>}};
constexpr Setting kMqueue[] = {
    mqueue_setting<&mqueue::Limits::queues, 0, INT32_MAX>("queues_max"),
    mqueue_setting<&mqueue::Limits::messages, 1, mqueue::kMostMessages>("msg_max"),
    mqueue_setting<&mqueue::Limits::message_size, 128, mqueue::kMostMessageSize>("msgsize_max"),
    mqueue_setting<&mqueue::Limits::default_messages, 1, mqueue::kMostMessages>("msg_default"),
    mqueue_setting<&mqueue::Limits::default_message_size, 128, mqueue::kMostMessageSize>(
        "msgsize_default")};
constexpr Folder kFsFolders[] = {{"epoll", kEpoll}, {"inotify", kInotify}, {"mqueue", kMqueue}};
constexpr Folder kFolders[] = {
    {"kernel", kKernel, kKernelFolders}, {"vm", kVm}, {"fs", kFs, kFsFolders},
    {"net", {}, kNetFolders}};

Result<> fill(StaticDirectory& directory, const Folder& folder) {
  SuperBlock& super_block = directory.super_block();
  for (const Setting& setting : folder.settings) {
    TRY(directory.add(setting.name,
                      TRY(make_ref<SettingInode>(super_block, setting))));
  }
  for (const Folder& inner : folder.folders) {
    Ref<StaticDirectory> made = TRY(make_ref<SettingsDirectory>(super_block));
    TRY(fill(*made, inner));
    TRY(directory.add(inner.name, std::move(made)));
  }
  return {};
}

}  // namespace

Result<Ref<Inode>> make_sysctl_tree(SuperBlock& super_block) {
  Ref<StaticDirectory> root = TRY(make_ref<SettingsDirectory>(super_block));
  TRY(fill(*root, Folder{"", {}, kFolders}));
  return root;
}

}  // namespace kernel::procfs
