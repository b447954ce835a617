// SPDX-License-Identifier: MIT
// Terminals and sessions: the controlling terminal, background access, hangup (credentials(7),
// setsid(2), ioctl_tty(2)).

#include "fs/tty/controlling.h"
#include "fs/tty/packet.h"
#include "fs/tty/terminal.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

struct Caller {
  Ref<Pid> session;
  Ref<Pid> group;
  bool leads_session;
};

Caller caller() {
  ThreadGroup& group = current_task().group();
  Guard guard(task::tree_lock);
  return {Ref<Pid>(*group.session), Ref<Pid>(*group.process_group),
          group.session == &group.leader_pid()};
}

}  // namespace

Result<> Terminal::check_foreground(Direction direction) {
  Caller self = caller();
  {
    Guard guard(lock_);
    if (!session_ || session_.get() != self.session.get())
      return {};  // not our controlling terminal
    if (!foreground_ || foreground_.get() == self.group.get()) return {};
  }
  Signal signal = direction == Direction::Read ? Signal::Ttin : Signal::Ttou;
  if (task::blocks_or_ignores(signal)) {
    if (direction == Direction::Read) return Errno::Io;
    return {};
  }
  if (task::is_orphaned(*self.group)) return Errno::Io;
  post_signal_to_group(*self.group, kernel_signal(signal));
  return Errno::RestartSys;
}

Result<> Terminal::opened(bool no_controlling) {
  {
    Guard guard(lock_);
    if (exclusive_ && !current_task().credentials().has(Capability::SysAdmin)) return Errno::Busy;
  }
  if (no_controlling) return {};
  Caller self = caller();
  if (!self.leads_session) return {};
  {
    Guard guard(lock_);
    if (session_) return {};
  }
  // Somebody else may take it first; then it is theirs.
  ignore(make_controlling(/*steal=*/false));
  return {};
}

Result<> Terminal::make_controlling(bool steal) {
  Caller self = caller();
  {
    Guard guard(lock_);
    if (self.leads_session && session_ && session_.get() == self.session.get()) return {};
  }
  if (!self.leads_session) return Errno::Perm;
  {
    Guard tree(task::tree_lock);
    if (task::session_terminal(*self.session) != nullptr) return Errno::Perm;
  }
  Optional<Ref<Pid>> robbed;
  {
    Guard guard(lock_);
    if (session_) {
      if (!steal || !current_task().credentials().has(Capability::SysAdmin)) return Errno::Perm;
      robbed = std::move(session_);
    }
    session_ = self.session;
    foreground_ = self.group;
  }
  Guard tree(task::tree_lock);
  if (robbed) task::set_session_terminal(*robbed, nullptr);
  task::set_session_terminal(*self.session, this);
  return {};
}

void Terminal::disassociate(ThreadGroup& leader, Leaving why) {
  Optional<Ref<Terminal>> terminal;
  Optional<Ref<Pid>> session;
  {
    Guard tree(task::tree_lock);
    if (leader.session != &leader.leader_pid()) return;
    session = Ref<Pid>(*leader.session);
    Terminal* found = task::session_terminal(*session);
    if (found == nullptr) return;
    terminal = Ref<Terminal>(*found);
    task::set_session_terminal(*session, nullptr);
  }
  Optional<Ref<Pid>> group;
  {
    Guard guard(terminal->lock_);
    group = std::move(terminal->foreground_);
    terminal->session_.reset();
    terminal->foreground_.reset();
  }
  if (group) {
    post_signal_to_group(*group, kernel_signal(Signal::Hup));
    if (why == Leaving::Request) post_signal_to_group(*group, kernel_signal(Signal::Cont));
  }
  if (why == Leaving::Exit && terminal->device_.is_line()) terminal->hangup();
}

Optional<Ref<Terminal>> Terminal::controlling() {
  Guard tree(task::tree_lock);
  Terminal* terminal = task::session_terminal(*current_task().group().session);
  if (terminal == nullptr || !terminal->try_ref()) return std::nullopt;
  return Ref<Terminal>::adopt(*terminal);
}

void Terminal::hangup() {
  Optional<Ref<Pid>> session, group;
  {
    Guard guard(lock_);
    session = std::move(session_);
    group = std::move(foreground_);  // dropped below, outside the lock
    session_.reset();
    foreground_.reset();
    line_.flush_input();
    line_.flush_output();
    if (!device_.is_line()) line_.termios = tty::Termios{};
  }
  generation_.fetch_add_acq_rel(1);
  async_.clear();
  readers_.wake_all();
  writers_.wake_all();
  if (session) {
    {
      Guard tree(task::tree_lock);
      if (task::session_terminal(*session) == this) task::set_session_terminal(*session, nullptr);
    }
    Optional<Ref<ThreadGroup>> leader;
    {
      RcuReadGuard rcu;
      ThreadGroup* found = session->thread_group();
      if (found != nullptr && found->try_ref()) leader = Ref<ThreadGroup>::adopt(*found);
    }
    if (leader) {
      ignore(post_signal(*leader, kernel_signal(Signal::Hup)));
      ignore(post_signal(*leader, kernel_signal(Signal::Cont)));
    }
  }
}

void leave_controlling_terminal(ThreadGroup& leader) {
  Terminal::disassociate(leader, Terminal::Leaving::Exit);
}

void hang_up_controlling_terminal() {
  if (Optional<Ref<Terminal>> terminal = Terminal::controlling()) terminal->hangup();
}

}  // namespace kernel
