"""Which grammar a file is read by: its name says it, or its first line."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

SUFFIXES = {".py": "python", ".pyi": "python", ".pyw": "python", ".sh": "bash", ".bash": "bash"}
NAMES = {".bashrc": "bash", ".bash_profile": "bash", ".profile": "bash"}
_PROGRAM = re.compile(r"#!.*?\b(?:(python)[\d.]*|(ba)?sh)(?:\s|$)")


def grammar_of(path: str, text: str) -> str:
    """The grammar's name; "" for none."""
    name = PurePosixPath(path)
    if known := SUFFIXES.get(name.suffix.lower()) or NAMES.get(name.name):
        return known
    program = None if name.suffix else _PROGRAM.match(text[:200])
    return "" if program is None else "python" if program[1] else "bash"
