"""What is typed while an answer comes: keys in, entries and a draft out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_runtime.cli.typed import LONGEST, WAITING, Typed

KEYS = "Fixx\x7f the läm\x1b[Dp\x1b\rnow\r\x1b[200~pasted\rlines\t\x1b[201~ 日本\x1bOA\nbelow"


def fed(keys: str) -> Typed:
    typed = Typed()
    typed.feed(keys.encode())
    return typed


@given(st.lists(st.integers(1, len(KEYS.encode()) - 1)))
def test_keys_in_any_pieces_say_the_same(cuts: list[int]) -> None:
    typed, data = Typed(), KEYS.encode()
    for start, end in itertools.pairwise([0, *sorted(set(cuts)), len(data)]):
        typed.feed(data[start:end])
    assert (typed.entries, typed.line) == (["Fix the lämp\nnow"], "pasted\nlines\t 日本\nbelow")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("one two\x17", "one "),
        ("one two  \x17\x17", ""),
        ("one\ntwo\x15", "one\n"),
        ("\x7f\x08a", "a"),
        ("a\x03\x04\x1ab\x00", "ab"),
        ("a\x1b[3~\x1b[1;5Cb", "ab"),
        ("a" * (LONGEST + 5), "a" * LONGEST),
    ],
)
def test_keys_that_edit(keys: str, line: str) -> None:
    typed = fed(keys)
    assert (typed.entries, typed.line) == ([], line)


def test_an_empty_line_is_no_entry() -> None:
    typed = fed("\r \r\t\r")
    assert (typed.entries, typed.line) == ([], " ")


def test_cancel_is_done_at_once() -> None:
    asked: list[str] = []
    typed = Typed(lambda: asked.append("stop"))
    typed.feed(b"first\r/cancel\rrest")
    assert (asked, typed.entries, typed.line) == (["stop"], ["first"], "rest")


def test_when_too_many_wait_enter_does_nothing() -> None:
    typed = fed("".join(f"{number}\r" for number in range(WAITING)) + "one more\r")
    assert (len(typed.entries), typed.line) == (WAITING, "one more")


def test_what_is_not_said_becomes_one_draft() -> None:
    typed = fed("first\rsecond\rthi")
    typed.unsaid()
    assert (typed.entries, typed.draft(), typed.line) == ([], "first\nsecond\nthi", "")
