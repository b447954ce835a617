// SPDX-License-Identifier: MIT
// Inside procfs: what the files of one process share.
#pragma once

#include "procfs/procfs.h"

namespace kernel::procfs {

// Which process a file tells of; or which thread, below /proc/PID/task. The Pid outlives the
// process: a file that is still open answers Srch, and never shows a stranger.
struct ProcessKey {
  Ref<Pid> pid;
  bool whole_process;
};

// Nobody makes anything in /proc: a name that is not there is just that.
class ProcDirectory : public DynamicDirectory {
 public:
  using DynamicDirectory::DynamicDirectory;
  Result<Ref<Inode>> create(StringView, const CreateParameters&) override { return Errno::NoEnt; }
};

using TextGenerator = Result<> (*)(FormatSink& sink, Task& task, bool whole_process);
using TextStore = Result<> (*)(StringView text, Task& task);

class ProcessText final : public TextInode {
 public:
  ProcessText(SuperBlock& super_block, ProcessKey key, uint16_t mode, uint64_t number,
              TextGenerator text, TextStore store);
  Result<> generate(FormatSink& sink) override;
  Result<> check_open(uint32_t flags) override;
  Result<> store(StringView text, uint64_t offset) override;
  Result<> set_attributes(const AttributeChange& change) override;
  bool revalidate() override;

 private:
  ProcessKey key_;
  TextGenerator text_;
  TextStore store_;
};

// Gives the inode the owner that the process has now; false when the process has gone. What anybody
// may look at, as the directory of a process itself, stays its user's when it may not be dumped.
bool take_owner(Inode& inode, const ProcessKey& key);
// ptrace(2)'s access rule, for reading: the running task may look into this one.
bool may_inspect(Task& task);

Result<> environ_text(FormatSink& sink, Task& task, bool whole_process);
Result<> auxv_text(FormatSink& sink, Task& task, bool whole_process);
Result<> status_text(FormatSink& sink, Task& task, bool whole_process);
Result<> personality_text(FormatSink& sink, Task& task, bool whole_process);
Result<> limits_text(FormatSink& sink, Task& task, bool whole_process);
Result<> comm_text(FormatSink& sink, Task& task, bool whole_process);
Result<> comm_store(StringView text, Task& task);
Result<> cmdline_text(FormatSink& sink, Task& task, bool whole_process);
Result<> stat_text(FormatSink& sink, Task& task, bool whole_process);
Result<> statm_text(FormatSink& sink, Task& task, bool whole_process);
Result<> maps_text(FormatSink& sink, Task& task, bool whole_process);
Result<> smaps_text(FormatSink& sink, Task& task, bool whole_process);
Result<> smaps_rollup_text(FormatSink& sink, Task& task, bool whole_process);
Result<> mounts_text(FormatSink& sink, Task& task, bool whole_process);
Result<> mountinfo_text(FormatSink& sink, Task& task, bool whole_process);
Result<> wchan_text(FormatSink& sink, Task& task, bool whole_process);
Result<> oom_score_text(FormatSink& sink, Task& task, bool whole_process);
Result<> core_filter_text(FormatSink& sink, Task& task, bool whole_process);
Result<> core_filter_store(StringView text, Task& task);
Result<> oom_score_adj_text(FormatSink& sink, Task& task, bool whole_process);
Result<> oom_score_adj_store(StringView text, Task& task);
Result<> loginuid_text(FormatSink& sink, Task& task, bool whole_process);
Result<> loginuid_store(StringView text, Task& task);
Result<> sessionid_text(FormatSink& sink, Task& task, bool whole_process);
Result<> timer_slack_text(FormatSink& sink, Task& task, bool whole_process);
Result<> timer_slack_store(StringView text, Task& task);
Result<> fail_nth_text(FormatSink& sink, Task& task, bool whole_process);
Result<> fail_nth_store(StringView text, Task& task);
Result<> io_text(FormatSink& sink, Task& task, bool whole_process);
Result<> id_map_text(FormatSink& sink, Task& task, bool whole_process);
Result<> setgroups_text(FormatSink& sink, Task& task, bool whole_process);
Result<> refuse_store(StringView text, Task& task);
Result<> children_text(FormatSink& sink, Task& task, bool whole_process);

Result<Ref<Inode>> make_fd_directory(SuperBlock& super_block, const ProcessKey& key);
Result<Ref<Inode>> make_fdinfo_directory(SuperBlock& super_block, const ProcessKey& key);
Result<Ref<Inode>> make_namespace_directory(SuperBlock& super_block, const ProcessKey& key);
Result<Ref<Inode>> make_net_directory(SuperBlock& super_block, const ProcessKey& key);
Result<Ref<Inode>> make_cwd_link(SuperBlock& super_block, const ProcessKey& key);
Result<Ref<Inode>> make_root_link(SuperBlock& super_block, const ProcessKey& key);
Result<Ref<Inode>> make_exe_link(SuperBlock& super_block, const ProcessKey& key);

}  // namespace kernel::procfs
