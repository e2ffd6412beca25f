"""Keys that are nobody's, which tests give to Pillion; at the suite's end no file and no output may hold one."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

MARK = "c0ffee5ec4e7ca4a41e5"
"""A part of each of them. Hexadecimal: JSON and URLs leave it as it is."""
KEEPERS = {"keys.json"}
"""Files that hold keys on purpose."""
BLOCK = 1 << 20
LARGEST = 1 << 28
"""Bytes of a file that are really on the disk; tests also plant huge ones that are holes."""


def canary() -> str:
    """A new one."""
    return f"sk-{secrets.token_hex(4)}{MARK}{secrets.token_hex(4)}"


KEYS = {"ANTHROPIC_API_KEY": canary(), "OPENAI_API_KEY": canary()}
"""What tests give for an environment."""


def forms(text: str) -> tuple[bytes, ...]:
    """The text as it is, and what every base64 has of it, wherever in it the text begins."""
    found = [text.encode()]
    for before in range(3):
        coded = base64.b64encode(b"x" * before + text.encode())
        found.append(coded[4 if before else 0 : len(coded) // 4 * 4 - 4])
    return tuple(found)


MARKS = forms(MARK)


def holds(data: bytes) -> bool:
    return any(mark in data for mark in MARKS)


def files_with_one(top: Path) -> Iterator[Path]:
    """The files below `top` that hold a key and should not."""
    for path in top.rglob("*"):
        if path.name not in KEEPERS and not path.is_symlink() and path.is_file():
            status = path.stat()
            if status.st_blocks * 512 <= LARGEST and _file_holds(path, status.st_size):
                yield path


def _file_holds(path: Path, size: int) -> bool:
    if size > LARGEST:
        return False  # mostly holes
    end = b""
    try:
        with path.open("rb") as file:
            while data := file.read(BLOCK):
                if holds(end + data):
                    return True
                end = data[-len(MARK) * 2 :]
    except OSError:  # taken away meanwhile, or not for us
        return False
    return False
