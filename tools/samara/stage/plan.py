# SPDX-License-Identifier: MIT
"""A plan: what each stage gets, runs and has to give. The file is TOML, which whoever has seen a
Cargo.toml or a pyproject.toml can read, which has comments and strings of many lines, and which
Python reads without a library of ours."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import SamaraError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+(=[A-Za-z0-9.+:~-]+)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
UNKNOWN = "?"  # a hash that the author does not know yet


@dataclass(frozen=True)
class Source:
    """An input: a file or directory beside the plan, or what an earlier stage gave."""

    path: str  # on the host, relative to the plan; or in the guest of that stage
    stage: str | None = None


@dataclass(frozen=True)
class Stage:
    name: str
    command: tuple[str, ...]
    inputs: dict[str, Source]  # by path in the guest
    outputs: dict[str, str]  # sha256 by path in the guest
    root: str = "default"  # or an initramfs or an ext4 image, relative to the plan
    packages: tuple[str, ...] = ()  # Debian's, as the root instead
    sources: dict[str, str] = field(default_factory=dict)  # Debian's source packages, as inputs
    environment: dict[str, str] = field(default_factory=dict)
    cwd: str = "/"
    memory: str = "512M"
    smp: int = 1
    timeout: float = 600.0  # seconds of this machine's time: for stages that hang


@dataclass(frozen=True)
class Plan:
    path: Path
    stages: tuple[Stage, ...]

    def host_path(self, relative: str) -> Path:
        return self.path.parent / relative


def load(path: Path) -> Plan:
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        raise SamaraError(f"no plan at {path}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise SamaraError(f"{path}: {failure}")
    tables = content.pop("stage", None)
    if content:
        raise SamaraError(f"{path}: unknown: {', '.join(content)}")
    if not isinstance(tables, list) or not tables:
        raise SamaraError(f"{path}: no [[stage]]")
    stages: list[Stage] = []
    for number, table in enumerate(tables, 1):
        try:
            stages.append(_stage(table, stages))
        except _Wrong as wrong:
            name = table.get("name", number)
            raise SamaraError(f"{path}: stage {name}: {wrong}")
    return Plan(path, tuple(stages))


class _Wrong(Exception):
    pass


def _stage(table: dict[str, Any], earlier: list[Stage]) -> Stage:
    rest = dict(table)

    def take(key: str, kind, otherwise=None):
        value = rest.pop(key, otherwise)
        # True is an int to Python, but nobody means it.
        if not isinstance(value, kind) or isinstance(value, bool):
            missing = key not in table and otherwise is None
            raise _Wrong(f"{key} is missing" if missing else f"{key} = {value!r} is of no use")
        return value

    name = take("name", str)
    if not _NAME.fullmatch(name) or any(stage.name == name for stage in earlier):
        raise _Wrong("its name must be its own, of letters, digits and . _ + -")
    stage = Stage(
        name=name,
        command=_command(take, rest),
        inputs=_inputs(take("inputs", dict, {}), earlier),
        outputs=_outputs(take("outputs", dict, {})),
        root=take("root", str, "default"),
        packages=_strings("packages", take("packages", list, [])),
        sources=_sources(take("sources", dict, {})),
        environment=_environment(take("environment", dict, {})),
        cwd=_absolute(take("cwd", str, "/")),
        memory=take("memory", str, "512M"),
        smp=take("smp", int, 1),
        timeout=take("timeout", (int, float), 600),
    )
    if rest:
        raise _Wrong(f"unknown: {', '.join(rest)}")
    if stage.packages and "root" in table:
        raise _Wrong("a root or packages, not both")
    if stage.timeout <= 0:
        raise _Wrong("timeout must be more than 0")
    return stage


def _command(take, rest: dict[str, Any]) -> tuple[str, ...]:
    if "script" in rest:
        if "command" in rest:
            raise _Wrong("a command or a script, not both")
        return ("/bin/sh", "-euc", take("script", str))
    command = _strings("command", take("command", list))
    if not command:
        raise _Wrong("command is empty")
    return command


def _strings(key: str, values: list) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise _Wrong(f"{key} must be a list of strings")
    return tuple(values)


def _environment(table: dict) -> dict[str, str]:
    for name, value in table.items():
        if not isinstance(value, str) or "=" in name or not name:
            raise _Wrong(f"environment: {name} = {value!r} is of no use")
    return table


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        raise _Wrong(f"{path}: a path in the guest is absolute, without ..")
    return path


def _inputs(table: dict, earlier: list[Stage]) -> dict[str, Source]:
    inputs = {}
    for target, text in table.items():
        if not isinstance(text, str) or not text:
            raise _Wrong(f"inputs: {target} = {text!r} is of no use")
        if text.startswith("@"):
            name, slash, path = text[1:].partition("/")
            stage = next((stage for stage in earlier if stage.name == name), None)
            if stage is None or not any(_covers(output, slash + path) for output in stage.outputs):
                raise _Wrong(f"inputs: no earlier stage gives {text}")
            inputs[_absolute(target)] = Source(slash + path, name)
        else:
            inputs[_absolute(target)] = Source(text)
    return inputs


def _sources(table: dict) -> dict[str, str]:
    for target, text in table.items():
        if not isinstance(text, str) or not _PACKAGE.fullmatch(text):
            raise _Wrong(f"sources: {target} = {text!r}: PACKAGE or PACKAGE=VERSION")
    return {_absolute(target): text for target, text in table.items()}


def _covers(output: str, path: str) -> bool:
    return path == output or path.startswith(output.rstrip("/") + "/")


def _outputs(table: dict) -> dict[str, str]:
    outputs = {}
    for path, text in table.items():
        if not isinstance(text, str) or not (text == UNKNOWN or _SHA256.fullmatch(text)):
            raise _Wrong(f'outputs: {path} = {text!r}: 64 hexadecimal digits, or "?"')
        outputs[_absolute(path).rstrip("/")] = text
    for path in outputs:
        if not path or any(path != other and _covers(other, path) for other in outputs):
            raise _Wrong(f"outputs: {path or '/'} lies within another, or is everything")
    return outputs
