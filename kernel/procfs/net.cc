// SPDX-License-Identifier: MIT
// /proc/PID/net: what the sockets of the process's network look like. There is one network.

#include "net/unix/unix_socket.h"
#include "procfs/process.h"

namespace kernel::procfs {
namespace {

class NetDirectory final : public StaticDirectory {
 public:
  using StaticDirectory::StaticDirectory;
  Result<Ref<Inode>> create(StringView, const CreateParameters&) override { return Errno::NoEnt; }
};

}  // namespace

Result<Ref<Inode>> make_net_directory(SuperBlock& super_block, const ProcessKey&) {
  Ref<NetDirectory> directory = TRY(make_ref<NetDirectory>(super_block));
  TRY(directory->add(
      "unix", TRY(make_ref<GeneratedText>(super_block, uint16_t{0444}, UnixSocket::list_all))));
  return Ref<Inode>(std::move(directory));
}

}  // namespace kernel::procfs
