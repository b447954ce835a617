// SPDX-License-Identifier: MIT
// A seam: there is one user, root. Whoever asks to be root is, and nobody becomes anybody else:
// EPERM, where the whole kernel would let root do so. Programs that give privileges up fail.

#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kUnchanged = ~uint32_t{0};

template <class... Ids>
Value stay_root(Ids... wanted) {
  bool same = (... && (wanted == 0 || wanted == kUnchanged));
  return same ? Value(0) : Value(Errno::Perm);
}

Value write_three(UserOut<uint32_t> a, UserOut<uint32_t> b, UserOut<uint32_t> c) {
  TRY(a.write(0));
  TRY(b.write(0));
  TRY(c.write(0));
  return 0;
}

}  // namespace

Value sys_setuid(Context&, Uid uid) {
  if (uid == kUnchanged) return Errno::Inval;
  return stay_root(uid);
}
Value sys_setgid(Context&, Gid gid) {
  if (gid == kUnchanged) return Errno::Inval;
  return stay_root(gid);
}
Value sys_setreuid(Context&, Uid real, Uid effective) { return stay_root(real, effective); }
Value sys_setregid(Context&, Gid real, Gid effective) { return stay_root(real, effective); }
Value sys_setresuid(Context&, Uid real, Uid effective, Uid saved) {
  return stay_root(real, effective, saved);
}
Value sys_setresgid(Context&, Gid real, Gid effective, Gid saved) {
  return stay_root(real, effective, saved);
}
Value sys_getresuid(Context&, UserOut<uint32_t> real, UserOut<uint32_t> effective,
                    UserOut<uint32_t> saved) {
  return write_three(real, effective, saved);
}
Value sys_getresgid(Context&, UserOut<uint32_t> real, UserOut<uint32_t> effective,
                    UserOut<uint32_t> saved) {
  return write_three(real, effective, saved);
}

}  // namespace kernel::syscall
