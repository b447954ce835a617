# SPDX-License-Identifier: MIT
"""The virtual machine as QEMU's command line: what `run`'s options mean in terms of `-M virt`.
Starting and ending the process is qemu.py's."""

import os
import platform
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from . import disks as disk_images
from .disks import Disk
from .errors import SamaraError
from .protocol import Port

DEFAULT_CPU = "cortex-a72"


@dataclass(frozen=True)
class Share:
    """A directory of the host that the guest mounts by 9p. docs/design/nine_p.md says why these
    options."""

    tag: str
    host: Path
    target: str  # in the guest; / for the root
    options: str = "trans=virtio,version=9p2000.L,msize=512000,cache=mmap"
    snapshot: bool = False  # what the guest writes stays in its memory; of the root


@dataclass
class Machine:
    smp: int = 1
    memory: str = "512M"
    cpu: str | None = None
    machine: str = "virt"
    display: str = "none"  # none, window or png:FILE
    icount: bool = False
    deterministic: bool = False  # icount, and nothing comes in while it runs
    disks: list[Disk] = field(default_factory=list)
    bus: str = "mmio"  # of the virtio devices: mmio or pci
    extra: list[str] = field(default_factory=list)  # QEMU's own arguments, for tests and profiles
    gdb: int | None = None  # TCP port; the machine waits for the debugger
    append: list[str] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)


def check(machine: Machine) -> None:
    """Refuses what QEMU would refuse less clearly."""
    if not 1 <= machine.smp <= 512:
        raise SamaraError(f"--smp {machine.smp}: between 1 and 512")
    if not re.fullmatch(r"[0-9]+[kKmMgG]?", machine.memory):
        raise SamaraError(f"--memory {machine.memory}: a number with K, M or G, such as 512M")
    if machine.machine.split(",")[0] != "virt":
        raise SamaraError(f"--machine {machine.machine}: only virt[,option=value…] so far")
    if not re.fullmatch(r"none|window|png:.+", machine.display):
        raise SamaraError(f"--display {machine.display}: none, window or png:FILE")
    emulator()


def emulator() -> Path:
    found = shutil.which("qemu-system-aarch64")
    if found is None:
        raise SamaraError("qemu-system-aarch64 is not installed: run ./samara setup")
    return Path(found)


def command_line(
    machine: Machine,
    kernel: Path,
    initrd: Path | None,
    log: Path,
    port_fds: dict[Port, int],
    monitor_fd: int,
    console_fd: int | None = None,
) -> list[str]:
    """`port_fds`: sockets or, of a deterministic machine, what it writes to. `console_fd`: the
    serial line is that socket, and the log a copy of what comes out of it."""
    line = ["qemu-system-aarch64", "-nodefaults", "-no-user-config", "-no-reboot"]
    line += ["-M", _machine_argument(machine), "-m", machine.memory, "-smp", str(machine.smp)]
    line += _accelerator(machine)
    line += ["-kernel", str(kernel), "-append", " ".join(machine.append)]
    if initrd is not None:
        line += ["-initrd", str(initrd)]
    log_file = f"file,id=log,path={_escaped(log)},append=on"
    if console_fd is not None:
        log_file = f"socket,id=log,fd={console_fd},logfile={_escaped(log)},logappend=on"
    line += ["-chardev", log_file, "-serial", "chardev:log"]
    line += [
        "-chardev",
        f"socket,id=monitor,fd={monitor_fd}",
        "-mon",
        "chardev=monitor,mode=control",
    ]
    line += _channel(port_fds, machine)
    line += disk_images.arguments(machine.disks, machine.bus)
    for share in machine.shares:
        line += _share(share, machine.bus)
    line += _display(machine)
    line += machine.extra
    if machine.gdb is not None:
        line += ["-gdb", f"tcp:127.0.0.1:{machine.gdb}", "-S"]
    return line


def _machine_argument(machine: Machine) -> str:
    if "gic-version" in machine.machine:
        return machine.machine
    return machine.machine + ",gic-version=3"


def _accelerator(machine: Machine) -> list[str]:
    if machine.icount or machine.deterministic:
        cpu = machine.cpu or DEFAULT_CPU
        # A machine that waits for its host must not find that its clock has leapt to the next
        # timer, which may be the one that gives up.
        waits = machine.deterministic and (machine.disks or machine.shares)
        # One instruction is one nanosecond of the machine's only clock: every run is the same run.
        # The counter that the guest sees shows each of them, not every sixteenth.
        return [
            "-accel",
            "tcg,thread=single",
            "-cpu",
            f"{cpu},cntfrq=1000000000" if machine.deterministic else cpu,
            "-seed",
            "1",
            "-icount",
            f"shift=0,sleep={'on' if waits else 'off'}",
            "-rtc",
            "base=2024-01-01T00:00:00,clock=vm",
        ]
    if machine.cpu in (None, "host") and _has_kvm() and "virtualization=on" not in machine.machine:
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", machine.cpu or DEFAULT_CPU]


def _has_kvm() -> bool:
    return platform.machine() == "aarch64" and os.access("/dev/kvm", os.R_OK | os.W_OK)


def _channel(port_fds: dict[Port, int], machine: Machine) -> list[str]:
    if not port_fds:
        return []
    bus = machine.bus
    # As many queues as there are ports: QEMU's default of 31 would cost the guest memory and time.
    kind = "virtio-serial-pci" if bus == "pci" else "virtio-serial-device"
    line = ["-device", f"{kind},id=channel,max_ports={max(Port) + 1}"]
    for port, fd in sorted(port_fds.items()):
        name = port.name.lower()
        backend = f"socket,id={name},fd={fd}"
        if machine.deterministic:
            # What writes the log writes at once and all of it, and the machine waits meanwhile: so
            # it cannot tell how fast its reader is.
            backend = f"file,id={name},path=/dev/null,logfile=/proc/self/fd/{fd},logappend=on"
        line += ["-chardev", backend]
        line += [
            "-device",
            f"virtserialport,bus=channel.0,nr={int(port)},chardev={name},name=samara.{name}",
        ]
    return line


def _share(share: Share, bus: str) -> list[str]:
    kind = "virtio-9p-pci" if bus == "pci" else "virtio-9p-device"
    return [
        "-fsdev",
        f"local,id={share.tag},path={_escaped(share.host)},security_model=none,multidevs=remap",
        "-device",
        f"{kind},fsdev={share.tag},mount_tag={share.tag}",
    ]


def _display(machine: Machine) -> list[str]:
    if machine.display == "none":
        return ["-display", "none"]
    line = ["-device", "ramfb", "-display", "gtk" if machine.display == "window" else "none"]
    if stays_after_shutdown(machine):
        line += ["-action", "shutdown=pause"]
    return line


def stays_after_shutdown(machine: Machine) -> bool:
    """A picture can be taken of a machine that is off, too: of a panic, for one."""
    return machine.display.startswith("png:")


def display_words(machine: Machine) -> list[str]:
    """What the kernel is told: its log goes to the display as well. The last console= is
    /dev/console, so these words come first."""
    return [] if machine.display == "none" else ["console=tty0"]


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")
