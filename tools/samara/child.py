# SPDX-License-Identifier: MIT
"""A child process that does not outlive us, however we end: the kernel kills it (PR_SET_PDEATHSIG)
when the thread that started it is gone."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> Callable[[], None]:
    """For `subprocess`'s preexec_fn."""
    parent = os.getpid()

    def in_child() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent was gone before we asked

    return in_child
