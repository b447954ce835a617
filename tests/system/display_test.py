#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The display: pictures of the text console against what the font and the terminal's rules predict,
pixel by pixel; sizes, memory, panics; and what the command does with --display.

    tests/system/display_test.py [-k NAME]"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from harness import ROOT, SWEEP, Skip, Suite, equal

from picture import FONT, Picture, Screen, read_png, same, words
from samara import guest

LIMIT = 120
CLEAR = "\033[2J\033[H"


def show(program: str, **options) -> tuple[Picture, guest.Result]:
    """The picture after a program, which finds what it is to write in /text."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "picture.png"
        text = Path(name) / "text"
        text.write_bytes(options.pop("text", b""))
        options.setdefault("put", [(text, "/text")])
        result = guest.run(
            ["sh", "-c", program], display=f"png:{file}", timeout=LIMIT, **options
        )
        return read_png(file), result


def shown(text: str, **options) -> Picture:
    """The picture of a text, with nothing from the log in between."""
    picture, result = show(
        "cat /text >/dev/tty1", text=text.encode(), append=["quiet", *options.pop("append", [])],
        **options,
    )
    equal((result.status, result.problem), (0, None))
    return picture


# The terminal.


def pattern() -> tuple[str, Screen]:
    """Every colour, every character of the font, and the sequences that programs use most."""
    out, screen = CLEAR, Screen()
    for colour in range(16):
        code = colour + 30 if colour < 8 else colour + 82
        out += f"\033[1;{1 + 4 * colour}H\033[{code}mab\033[0;{code + 10}mcd\033[0m"
        screen.text(0, 4 * colour, "ab", foreground=colour)
        screen.text(0, 4 * colour + 2, "cd", background=colour & 7)
    characters = "".join(map(chr, sorted(c for c in FONT.codes if 0xA0 < c < 0xFE00)))
    other_width = "[\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2329\u232a\u20d0-\u20ff]"
    characters = re.sub(other_width, "", characters)
    for row, start in enumerate(range(0, len(characters), 150)):
        out += f"\033[{3 + row};1H{characters[start : start + 150]}"
        screen.text(2 + row, 0, characters[start : start + 150])
    out += "\033[12;1H\033[1mbold\033[22;2mdim\033[0;4munder\033[24;7mreverse"
    out += "\033[0;1;44mboth\033[0m"
    screen.text(11, 0, "bold", foreground=15)
    screen.text(11, 4, "dim", foreground=8)
    screen.text(11, 7, "under", underline=True)
    screen.text(11, 12, "reverse", foreground=0, background=7)
    screen.text(11, 19, "both", foreground=15, background=4)
    # A region that scrolls; the last column and the line after it; unknown and broken characters.
    out += "\033[15;18r\033[15;1H1\r\n2\r\n3\r\n4\r\n5\r\n6\033[r"
    for i, text in enumerate("3456"):
        screen.text(14 + i, 0, text)
    out += "\033[20;159Hxyz\r\n\u4e00|\r\n"
    screen.text(19, 158, "xy")
    screen.text(20, 0, "z")
    screen.text(21, 0, "\ufffd |")
    out += "\033[25;5Hgone\033[25;7H\033[K\033[1@i\033[26;1H\033(0lqk\033(B."
    out += "\033[41m\033[30;150H\033[K\033[0m"
    screen.text(24, 4, "goi")
    screen.text(25, 0, "┌─┐.")
    screen.text(29, 149, " " * 11, background=1)
    out += "\033[40;20H"
    screen.cursor(39, 19)
    return out, screen


def test_pattern():
    text, screen = pattern()
    for cpus in (1, 4):
        same(shown(text, smp=cpus), screen.picture())


def test_scrolling():
    for cpus in (1, 4):
        picture, result = show("seq 1 3000 >/dev/tty1", append=["quiet"], smp=cpus)
        screen = Screen()
        for row in range(49):
            screen.text(row, 0, str(2952 + row))
        screen.cursor(49, 0)
        same(picture, screen.picture())


def test_hidden_cursor_and_tty0():
    screen = Screen()
    screen.text(0, 0, "here")
    picture, _ = show(f"printf '{CLEAR}here\\033[?25l' >/dev/tty0", append=["quiet"])
    same(picture, screen.picture())


def test_terminal_answers():
    program = (
        "exec <>/dev/tty1 3>&1 >&0; stty raw -echo; stty size >&3; "
        "printf '\\033[3;5H\\033[6n'; dd bs=1 count=6 2>/dev/null | od -An -c >&3"
    )
    _, result = show(program)
    equal(result.stdout.split(), b"50 160 033 [ 3 ; 5 R".split())


def test_many_writers():
    """Lines of several programs and of the log, whole, at the same time."""
    program = (
        "for i in 1 2 3 4; do (for j in $(seq 1 200); do echo line-$i-$j >/dev/tty1; done) & done; "
        "for j in $(seq 1 50); do echo log-$j >/dev/kmsg; done; wait; sleep 0.5"
    )
    picture, result = show(program, smp=4)
    equal(result.problem, None)
    lines = [line for line in words(picture) if line]
    wanted = re.compile(r"(line-\d-\d+)+|(line-\d-\d+)?\[ *\d+\.\d+\] .*")
    assert lines and all(wanted.fullmatch(line) for line in lines[1:-1]), "\n".join(lines)


# The same bytes on Linux: its console has no display here, but /dev/vcsa1 and /dev/vcsu1 say what
# would be on it. Left out, because we do otherwise: underlines (Linux shows a colour), ESC ( 0
# (only by SO, and then without UTF-8), a count of lines that fills the region (one stays),
# ESC [ g (sets a stop), wide characters (cut in two at the edge), sequences that are cut off by a
# character of several bytes.
PIECES = (
    "hello|xyz 123 |aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|─é|\r|\n|\r\n|"
    "\b|\t|^A|^{}B|^{}C|^{}D|^{}E|^{}F|^{}G|^{};{}H|^{}d|^{}a|^{}e|^{}`|^{}J|^{}K|^H^L|^H^M|^{}P|"
    "^{}@|^{}X|^{};{}r|^r|^?6h|^?6l|^?7h|^?7l|^4h|^4l|^20h|^20l|\0337|\0338|^s|^u|\033D|\033M|"
    "\033E|\033H|^3g|\033]0;t\a|\033]P1ff00aa|\033P1q\033\\|^>c|^1 q|^[A|\x18|\x7f|\033c|^0m|^1m|"
    "^2m|^22m|^5m|^25m|^7m|^27m|^31m|^44m|^95m|^102m|^39m|^49m|^38;5;{}m|^48;5;{}m|"
    "^38;2;{};{};{}m|^48;2;{};{};{}m|^;33m"
).replace("^", "\033[").split("|")


def random_stream(random: Random) -> str:
    colours, places = (0, 40, 127, 128, 200, 255), (0, 1, 2, 5, 12, 25, 79, 80, 99)
    text = ""
    for _ in range(60):
        piece = random.choice(PIECES)
        numbers = colours if piece.endswith("m") else places
        text += piece.format(*random.choices(numbers, k=4))
    return text


def screens_of_linux(streams: list[str]) -> list[Screen]:
    with tempfile.TemporaryDirectory() as name:
        for number, stream in enumerate(streams):
            Path(name, f"{number:03}").write_text(stream, newline="")
        program = (
            "exec 3>/dev/tty1; stty -F /dev/tty1 -opost; for file in /in/*; do "
            "printf '\\030\\033c' >&3; cat $file >&3; cat /dev/vcsa1 /dev/vcsu1; done"
        )
        result = guest.run(
            ["sh", "-c", program], kernel="linux", put=[(name, "/in")], timeout=LIMIT
        )
    equal(result.problem, None)
    columns, rows = 80, 25
    size = 4 + columns * rows * 2
    whole = size + columns * rows * 4
    return [_screen_of_vcs(result.stdout[at : at + size], result.stdout[at + size : at + whole])
            for at in range(0, len(result.stdout), whole)]


def _screen_of_vcs(cells: bytes, characters: bytes) -> Screen:
    rows, columns, x, y = cells[:4]
    ansi = [0, 4, 2, 6, 1, 5, 3, 7]  # VGA counts blue first
    screen = Screen(columns * 8, rows * 16)
    for number, character in enumerate(characters.decode("utf-32-le")):
        look = cells[5 + 2 * number]
        screen.text(*divmod(number, columns), character,
                    foreground=ansi[look & 7] | look & 8,
                    background=ansi[look >> 4 & 7] | look >> 4 & 8)
    screen.cursor(y, x)
    return screen


def test_same_as_linux():
    random = Random(3)
    streams = [random_stream(random) for _ in range(100 if SWEEP else 12)]
    for stream, screen in zip(streams, screens_of_linux(streams), strict=True):
        picture, _ = show(
            "stty -F /dev/tty1 -opost; cat /text >/dev/tty1", text=stream.encode(),
            append=["quiet", "video=640x400"],
        )
        try:
            same(picture, screen.picture())
        except AssertionError as difference:
            raise AssertionError(f"after {stream!r}: {difference}")


# The log, and /dev/console.


def test_log_is_on_the_display():
    picture, _ = show("echo the-marker >/dev/kmsg; sleep 1")
    text = "\n".join(words(picture))
    for wanted in ("] samara: started at EL1", "] init: running", "] the-marker"):
        assert wanted in text, text


def test_console_words():
    # The last word is /dev/console; the command's own order makes it the serial line.
    for append, on_display in (([], False), (["console=tty0"], True), (["console=tty1"], True)):
        picture, result = show(
            f"printf '{CLEAR}' >/dev/tty1; echo to-the-console >/dev/console; sleep 0.5",
            append=["quiet", *append],
        )
        equal("to-the-console" in words(picture)[0], on_display)
        equal("to-the-console" in result.log, not on_display)


def test_panic():
    for cpus in (1, 4):
        picture, result = show("true", append=["rdinit=/bin/true"], smp=cpus)
        equal(result.status, 125)
        text = "\n".join(words(picture))
        assert "samara: panic: Attempted to kill init!" in text, text
        assert "] samara: restarting" in text, text


def test_picture_when_the_time_is_over():
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "picture.png"
        result = guest.run(
            ["sh", "-c", f"printf '{CLEAR}waiting' >/dev/tty1; sleep 1000"],
            display=f"png:{file}", append=["quiet"], timeout=20,
        )
        equal(result.status, 125)
        assert words(read_png(file))[0].startswith("waiting")  # and the cursor


# Sizes and memory.


def test_sizes():
    modes = ((640, 480, 1), (1917, 1079, 1), (3840, 2160, 2), (16, 16, 1), (100, 33, 1))
    for width, height, scale in modes:
        screen = Screen(width, height, scale)
        columns, rows = width // (8 * scale), height // (16 * scale)
        for column in range(min(columns, 6)):
            screen.text(rows - 1, column, "bottom"[column])
        screen.cursor(0, 0)
        text = f"{CLEAR}\033[?7l\033[999H{'bottom'[:columns]}\033[H"
        if rows == 1:
            screen.cells[0, 0].cursor = True
        picture = shown(text, append=[f"video={width}x{height}"])
        same(picture, screen.picture())


def test_modes_that_cannot_be():
    for mode in ("0x0", "1x1", "99999x9", "800x600-8", "nonsense"):
        picture, result = show("dmesg", append=[f"video={mode}"])
        equal((picture.width, picture.height, result.status), (1280, 800, 0))
        assert f"video={mode} is not a mode" in result.log, result.log


def test_little_memory():
    picture, result = show(
        "echo alive; dd if=/dev/zero of=/file bs=1M count=8 2>/dev/null; echo $?",
        memory="32M", append=["video=3840x2160"],
    )
    equal((picture.width, picture.height), (1280, 800))
    equal(result.stdout, b"alive\n0\n")
    assert "ramfb: no memory for 3840x2160" in result.log, result.log


# The command.


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [ROOT / "samara", "run", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=LIMIT,
    )


def test_no_display():
    result = guest.run(["sh", "-c", "ls /dev/tty?"], timeout=LIMIT)
    assert result.status != 0 and "ramfb" not in result.log and "fw_cfg" not in result.log
    _, result = show("echo out; echo err >&2; exit 7")
    equal((result.status, result.stdout, result.stderr), (7, b"out\n", b"err\n"))


def test_refusals():
    for arguments, message in (
        (("--display", "png:"), b"none, window or png:FILE"),
        (("--display", "sdl"), b"none, window or png:FILE"),
        (("--display", "png:/nowhere/a.png"), b"/nowhere/a.png"),
        (("--kernel", "linux", "--display", "png:/nowhere/a.png"), b"has no driver"),
        (("--display", "png:/nowhere/a.png", "--cpu", "nonsense"), b"refuses this machine"),
    ):
        done = run(*arguments, "--", "true")
        equal(done.returncode, 2)
        assert message in done.stderr, done.stderr


def test_interrupted_run_leaves_nothing():
    with tempfile.TemporaryDirectory() as name:
        process = subprocess.Popen(
            [ROOT / "samara", "run", "--display", f"png:{name}/a.png", "--",
             "sh", "-c", "echo ready; trap '' INT; sleep 1000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )
        equal(process.stdout.readline(), b"ready\n")
        pid = process.pid
        machines = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        equal(process.wait(LIMIT), 128 + signal.SIGINT)
        assert machines and not any(Path(f"/proc/{machine}").exists() for machine in machines)
        assert set(os.listdir(name)) <= {"a.png"}


def test_window():
    if not shutil.which("Xvfb") or not list(Path("/usr/lib").glob("*/qemu/ui-gtk.so")):
        raise Skip("Xvfb or QEMU's windows are not installed")
    with subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as server:
        try:
            number = server.stdout.readline().decode().strip()
            os.environ["DISPLAY"] = f":{number}"
            done = run("--display", "window", "--", "sh", "-c", "stty size </dev/tty1; exit 5")
        finally:
            server.terminate()
    equal((done.returncode, done.stdout), (5, b"50 160\n"))


if __name__ == "__main__":
    sys.exit(Suite("display", globals()).main())
