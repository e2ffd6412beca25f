"""Pieces of a file: together they are it, and they begin where its syntax does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pillion
from pillion_syntax.chunking import LARGEST, SMALLEST, chunks, windows
from pillion_syntax.grammars import languages
from pillion_syntax.language import shipped
from pillion_syntax.looking import chunked
from pillion_syntax.parsing import parse
from pillion_syntax.trees import Trees

KNOWN = languages(tuple(shipped()))
FIXTURES = Path(__file__).parent / "fixtures"
SOURCES = {path.stem: path.read_bytes() for path in FIXTURES.glob("*.src")}


def pieces(name: str, data: bytes) -> list[bytes]:
    tree = parse(KNOWN.all[name], data)
    assert tree is not None
    spans = chunks(data, tree)
    for span in spans:
        assert span.first == data[: span.start].count(b"\n") + 1
        assert span.last == data[: span.end - 1].count(b"\n") + 1
    assert b"".join(data[one.start : one.end] for one in spans) == data
    return [data[one.start : one.end] for one in spans]


def dense(data: bytes) -> int:
    return len(b"".join(data.split()))


def test_neighbours_are_packed_and_a_comment_stays_with_what_follows() -> None:
    one = b"# %d: lights a lamp\n@lit\ndef light_%d():\n" + b"    glow(1, 2, 3)\n" * 50 + b"\n\n"
    data = b"".join(one % (number, number) for number in range(9))
    found = pieces("python", data)
    assert [piece.count(b"def ") for piece in found] == [2, 2, 2, 2, 1]
    assert all(piece.startswith(b"# ") for piece in found)


def test_what_is_larger_is_cut_within() -> None:
    method = "    def m%d(self):\n" + "        return 'some words, and more'\n" * 30
    data = ("import os\n\nclass Lamp:\n" + "\n".join(method % number for number in range(6)) + "\nx = 1\n").encode()
    found = pieces("python", data)
    assert max(map(len, found)) < LARGEST + 500
    assert [piece.split(b"\n")[0] for piece in found[1:]] == [b"    def m2(self):", b"    def m4(self):"]
    assert found[-1].endswith(b"\nx = 1\n")  # the end is too short to stand alone


def test_a_leaf_that_is_too_large_is_cut_at_lines() -> None:
    data = b'x = """\n' + b"some words in a row\n" * 400 + b'"""\n'
    found = pieces("python", data)
    assert max(map(len, found)) <= LARGEST + 20 and all(piece.endswith(b"\n") for piece in found)


def test_where_no_grammar_is_known_pieces_are_lines() -> None:
    data = b"a\n" * 70 + b"end"
    assert [(one.first, one.last) for one in windows(data, 30)] == [(1, 30), (31, 60), (61, 71)]
    assert [one.last for one in chunked(Trees(), "notes.unknown", "", None, data).pieces] == [30, 60, 71]
    assert [one.last for one in chunked(Trees(), "NOTES", "", None, data).pieces] == [50, 71]
    assert chunked(Trees(), "x", "", None, b"").pieces == []


TEXTS = st.lists(
    st.sampled_from([*"{}()[]\"'`#/*\n \t;:=<>aé\r", "def f():\n", "class X {\n", "/*", "// x\n", "\n    "])
)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(SOURCES)), parts=TEXTS, times=st.integers(1, 30), cut=st.integers(0, 700))
def test_chunking_loses_nothing(name: str, parts: list[str], times: int, cut: int) -> None:
    source = SOURCES[name]
    found = pieces(name, source[:cut] + "".join(parts).encode() * times + source[cut:])
    assert all(dense(piece) > SMALLEST for piece in found[:-1]) or len(found) == 1


@pytest.mark.parametrize("path", sorted(Path(pillion.__file__).parent.glob("*.py"))[:20], ids=lambda path: path.name)
def test_our_own_files_are_whole_again(path: Path) -> None:
    assert pieces("python", path.read_bytes())
