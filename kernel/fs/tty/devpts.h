// SPDX-License-Identifier: MIT
// The devpts file system: a node for each pseudoterminal, and ptmx. One instance, whatever the
// number of mounts.
#pragma once

#include "fs/tty/pty.h"

namespace kernel::devpts {

void init();  // registers the file system type

// The lowest free pty number. Error: NoSpc.
Result<uint32_t> reserve_index();
void release_index(uint32_t index);

// Makes the node appear, owned by the running task, mode 0620 or what the mount says; and go.
Result<> add(uint32_t index, Terminal& terminal);
void remove(uint32_t index);

// TIOCGPTPEER: a descriptor of the slave, whatever names say.
Result<int64_t> open_peer(uint32_t index, uint32_t flags);

}  // namespace kernel::devpts
