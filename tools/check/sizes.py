# SPDX-License-Identifier: MIT
"""The longest files and functions, for a look now and then."""

import re

from source import File

SHOWN = 12
OPENING = re.compile(r"^[A-Za-z_~\[].*\{$|^[A-Za-z_].*\)( const)?( noexcept)? \{$")
NOT_A_FUNCTION = re.compile(
    r"^(namespace|class|struct|union|enum|extern|constexpr .*=|constinit .*=)"
)


def functions(file: File):
    start = None
    name = ""
    for number, line in enumerate(file.lines, 1):
        if OPENING.match(line) and not NOT_A_FUNCTION.match(line):
            start, name = number, line
        elif line == "}" and start is not None:
            yield number - start + 1, name.split("(")[0].split()[-1]
            start = None


def report(files: list[File]) -> None:
    code = [file for file in files if file.is_cpp and not file.is_test]
    print("longest files:")
    for file in sorted(code, key=lambda file: -len(file.lines))[:SHOWN]:
        print(f"  {len(file.lines):5} {file.path}")
    print("longest functions:")
    found = [(size, name, file.path) for file in code for size, name in functions(file)]
    for size, name, path in sorted(found, reverse=True)[:SHOWN]:
        print(f"  {size:5} {path}: {name}")
