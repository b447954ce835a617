// SPDX-License-Identifier: MIT
// Signals as a file: signalfd(2). Reading takes pending signals of the reader, not of whoever made
// it.
#pragma once

#include "fs/vfs/file.h"
#include "task/signal.h"

namespace kernel::signalfd {

Result<Ref<File>> create(SignalSet signals, uint32_t flags);
// Which signals it takes from now on. Error: Inval (another kind of file).
Result<> set_signals(File& file, SignalSet signals);

}  // namespace kernel::signalfd
