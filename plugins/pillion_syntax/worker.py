"""A process of its own that reads files and tells what stands in them: one that hangs in a grammar is ended.

It gets lines of JSON: first the language files, then lists of `[path, language]` beneath a root. For each file it
writes a frame: four bytes with its length, and a MessagePack of what was found.
"""

from __future__ import annotations

import gc
import hashlib
import os
import stat
import sys
import time
from pathlib import Path

import msgspec
from tree_sitter import Parser

from pillion.contracts.code import CodeFile

from . import parsing
from .grammars import Languages, languages
from .reading import Read
from .symbols import symbols_of

LARGEST = parsing.LARGEST
OBJECTS = 50_000
"""New ones after which cycles are looked for: a file makes many, and hardly any is in one."""
FRESH = 2_000_000_000
"""Nanoseconds after its last change in which a file may change again without another time of change."""


def main() -> None:
    gc.set_threshold(OBJECTS)
    known: Languages | None = None
    root = Path("/")
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line)
        if "files" in job:
            known, root = languages(tuple(map(Path, job["files"]))), Path(job["root"])
            continue
        for path, name in job["read"]:
            assert known is not None
            frame = msgspec.msgpack.encode(read(known, root, path, name))
            sys.stdout.buffer.write(len(frame).to_bytes(4, "big") + frame)
            sys.stdout.buffer.flush()


def read(known: Languages, root: Path, path: str, name: str) -> Read:
    """What stands in that file beneath `root`."""
    try:
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST:
                return Read(path, told.st_size, told.st_mtime_ns)
            data = file.read(LARGEST + 1)
    except OSError:
        return Read(path, 0, 0)
    mtime = told.st_mtime_ns if time.time_ns() - told.st_mtime_ns > FRESH else 0
    language = known.all[name]
    hash = hashlib.sha256(data).hexdigest()
    found = CodeFile(path, hash, "")
    if b"\0" not in data[:8000] and len(data) <= LARGEST:
        tree = Parser(parsing.grammar(language)).parse(data)
        if parsing.is_tame(tree.root_node):
            found = symbols_of(language, path, hash, data, tree)
    return Read(path, told.st_size, mtime, hash, found.language, msgspec.msgpack.encode(found))


if __name__ == "__main__":
    main()
