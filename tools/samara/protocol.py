# SPDX-License-Identifier: MIT
"""The host's side of what init and the command say to each other: user/init/protocol.h in Python.
docs/design/host_channel.md tells the whole story."""

import os
import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
ENVIRONMENT = "samara_channel"
ROOT_ENVIRONMENT = "samara_root"  # DEVICE:TYPE
INIT_ENVIRONMENT = "samara_init"  # the program that init becomes


class Port(IntEnum):
    CONTROL = 1
    STDIN = 2
    STDOUT = 3
    STDERR = 4
    FILE = 5


class Type(IntEnum):
    START = 1
    WINDOW = 2
    SIGNAL = 3
    STDIN_END = 4
    OUTPUT_CLOSED = 5
    PUT = 6
    GET = 7
    FINISH = 8
    MOUNT = 9
    READY = 64
    PUT_FAILED = 65
    STARTED = 66
    START_FAILED = 67
    STDIN_CLOSED = 68
    EXITED = 69
    ENTRY = 70
    GET_FAILED = 71
    GET_END = 72
    MOUNT_FAILED = 73


class StartStage(IntEnum):
    EXECUTE = 0
    DIRECTORY = 1
    STREAMS = 2


MAX_PAYLOAD = 4 << 20
START_TERMINAL = 1
START_SEPARATE_STDERR = 2
START_JOINED = 4
START_NOTHING_AFTER_FAILURE = 8

JOB_MESSAGES = "/.samara/job/messages"
JOB_FILES = "/.samara/job/files"
JOB_INPUT = "/.samara/job/input"

_HEADER = struct.Struct("<II")
_START = struct.Struct("<IIIII")
_EXIT = struct.Struct("<IIQQ")
_ENTRY = struct.Struct("<IIQq")


def message(kind: Type, payload: bytes = b"") -> bytes:
    if len(payload) > MAX_PAYLOAD:
        raise ValueError("message too long")
    return _HEADER.pack(kind, len(payload)) + payload


def strings(*texts: str) -> bytes:
    return b"".join(os.fsencode(text) + b"\0" for text in texts)


def start(flags: int, rows: int, columns: int, cwd: str, argv: list[str], env: list[str]) -> bytes:
    header = _START.pack(flags, rows, columns, len(argv), len(env))
    return message(Type.START, header + strings(cwd, *argv, *env))


def mount(tag: str, target: str, options: str, forget_changes: bool) -> bytes:
    return message(Type.MOUNT, strings(tag, target, options, "forget" if forget_changes else ""))


def put(entry: "Entry") -> bytes:
    return message(Type.PUT, entry.pack())


def get(path: str) -> bytes:
    return message(Type.GET, strings(path))


def window(rows: int, columns: int) -> bytes:
    return message(Type.WINDOW, struct.pack("<II", rows, columns))


def signal(number: int, group: bool) -> bytes:
    return message(Type.SIGNAL, struct.pack("<II", number, group))


def stdin_end(total: int) -> bytes:
    return message(Type.STDIN_END, struct.pack("<Q", total))


def output_closed(port: Port) -> bytes:
    return message(Type.OUTPUT_CLOSED, struct.pack("<I", port))


@dataclass
class Entry:
    """An object on its way: `target` of a symbolic link; `size` bytes follow for a file."""

    path: str
    mode: int
    size: int = 0
    mtime_ns: int = 0
    target: str = ""

    def pack(self) -> bytes:
        return _ENTRY.pack(self.mode, 0, self.size, self.mtime_ns) + strings(self.path, self.target)

    @classmethod
    def unpack(cls, payload: bytes) -> "Entry":
        mode, _, size, mtime_ns = _ENTRY.unpack_from(payload)
        path, target, *_ = payload[_ENTRY.size :].split(b"\0")
        return cls(os.fsdecode(path), mode, size, mtime_ns, os.fsdecode(target))


@dataclass
class Exit:
    """How the program ended, and how many bytes its output ports have carried."""

    wait_status: int
    stdout_length: int
    stderr_length: int

    @classmethod
    def unpack(cls, payload: bytes) -> "Exit":
        wait_status, _, out, err = _EXIT.unpack(payload)
        return cls(wait_status, out, err)


def errno_and_path(payload: bytes) -> tuple[int, str]:
    return struct.unpack_from("<I", payload)[0], os.fsdecode(payload[4:].rstrip(b"\0"))


class Decoder:
    """Cuts the control stream into messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        self._data += data
        messages = []
        while len(self._data) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._data)
            if length > MAX_PAYLOAD:
                raise ValueError("the guest sent a message that is too long")
            end = _HEADER.size + length
            if len(self._data) < end:
                break
            messages.append((kind, bytes(self._data[_HEADER.size : end])))
            del self._data[:end]
        return messages
