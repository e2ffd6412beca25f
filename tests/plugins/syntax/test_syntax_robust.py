"""Files that others wrote: no crash, no hang, pieces that are the file, and names that mean what they are called.

PILLION_LONG=1 takes all there are: of the standard library, of the packages from PyPI that are installed, of those
from npm that the tests install (PILLION_TSC), and of the folders in PILLION_SOURCES; -rP shows how many of each one.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pillion import ToolError
from pillion_syntax.grammars import languages
from pillion_syntax.language import Language, shipped
from pillion_syntax.looking import chunked, coded, outlined
from pillion_syntax.outline import OutlineNode
from pillion_syntax.trees import Trees

KNOWN = languages(tuple(shipped()))
TREES = Trees()
LONG = os.environ.get("PILLION_LONG") == "1"
EACH = 10**6 if LONG else 5
"""Files of a language."""
LARGEST = 10**6 if LONG else 40_000
SECONDS = 20
"""For one file, on a machine that has other work."""


def roots() -> Iterator[Path]:
    yield Path(sysconfig.get_path("stdlib"))
    yield from (Path(place) for place in sys.path if place.endswith("site-packages"))
    if compiler := os.environ.get("PILLION_TSC"):
        yield from (folder for folder in Path(compiler).parents if folder.name == "node_modules")
    yield from map(Path, filter(None, os.environ.get("PILLION_SOURCES", "").split(os.pathsep)))


def sources() -> Iterator[tuple[Language, Path]]:
    counts: dict[str, int] = {}
    for root in dict.fromkeys(roots()):
        for path in sorted(root.glob("**/*" if LONG else "*/*"), key=lambda path: (path.name, str(path))):
            language = KNOWN.of(path.name)
            if language is None or not language.installed or not path.is_file() or path.stat().st_size > LARGEST:
                continue
            counts[language.name] = counts.get(language.name, 0) + 1
            if counts[language.name] <= EACH:
                yield language, path


def test_what_others_wrote_is_read_and_is_whole_again() -> None:
    seen: dict[str, int] = {}
    for language, path in sources():
        data = path.read_bytes()
        began = time.monotonic()
        pieces = chunked(TREES, path.name, "", language, data).pieces
        assert b"".join(data[one.start : one.end] for one in pieces) == data, path
        nodes: Sequence[OutlineNode] = ()
        try:
            found = outlined(TREES, path.name, "", language, data)
            nodes, graph = found.nodes, coded(TREES, path.name, "", language, found).graph
        except ToolError:  # more than may be parsed
            graph = None
        assert time.monotonic() - began < SECONDS, path
        for number, node in enumerate(nodes):
            assert node.span.start <= node.naming.start <= node.naming.end <= node.span.end, path
            assert -1 <= node.parent < len(nodes) and node.parent != number, path
        for one in graph.bindings if graph else ():
            assert one.is_import or {
                data[start:end].decode("utf-8", "replace") for start, end in (*one.places, *one.uses)
            } == {one.name}
        seen[language.name] = seen.get(language.name, 0) + 1
    print(", ".join(f"{name} {count}" for name, count in sorted(seen.items())))
    assert len(seen) >= (8 if LONG else 4), seen


@pytest.mark.parametrize("name", sorted(KNOWN.all))
def test_each_language_takes_any_bytes(name: str) -> None:
    language = KNOWN.all[name]
    for data in (b"", b"\n", b"x", b"\xff\xfe\x00(", b"((((" * 2000, b"'\"`" * 500, "ä".encode() * 700):
        pieces = chunked(TREES, "x", "", language, data).pieces
        assert b"".join(data[one.start : one.end] for one in pieces) == data
        outlined(TREES, "x", "", language, data)
