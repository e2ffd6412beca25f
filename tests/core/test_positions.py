"""Positions as editors count them, and edits that lead from one text to another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.positions import Places, Position, TextEdit, applied, edits_between

ALIKE = st.lists(st.sampled_from(["a\n", "b\r\n", "\r", "é😀"]), max_size=6).map("".join)
"""Texts of which two have much in common."""
TEXTS = st.text(st.sampled_from("ab \n\r\té😀\u0301\u2028𝒳"), max_size=60)


@pytest.mark.parametrize(
    ("text", "offset", "position"),
    [
        ("", 0, (0, 0)),
        ("ab\ncd", 4, (1, 1)),
        ("😀x", 1, (0, 2)),
        ("a\r\nb", 3, (1, 0)),
        ("a\rb", 2, (1, 0)),
        ("a\u2028b", 2, (0, 2)),
        ("e\u0301x", 2, (0, 2)),
        ("a\n", 2, (1, 0)),
    ],
)
def test_a_position_counts_utf16_from_the_line(text: str, offset: int, position: tuple[int, int]) -> None:
    assert Places(text).position(offset) == Position(*position)
    assert Places(text).offset(Position(*position)) == offset


@pytest.mark.parametrize(
    ("position", "offset"), [((0, 99), 2), ((9, 0), 5), ((1, 1), 3)], ids=["line's end", "text's end", "half an emoji"]
)
def test_a_position_that_is_none_means_the_nearest_before(position: tuple[int, int], offset: int) -> None:
    assert Places("ab\n😀!").offset(Position(*position)) == offset


@given(TEXTS)
def test_every_offset_but_within_crlf_goes_there_and_back(text: str) -> None:
    places = Places(text)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] != "\r\n":
            assert places.offset(places.position(offset)) == offset


@given(TEXTS | ALIKE, TEXTS | ALIKE)
def test_the_edits_between_two_texts_lead_from_one_to_the_other(before: str, after: str) -> None:
    assert applied(before, edits_between(before, after)) == after


@pytest.mark.parametrize(("before", "after"), [("b\na\na\n", "b\na\n"), ("b\na\n", "b\na\na\n"), ("a\na", "a")])
def test_lines_that_are_alike_are_counted_once(before: str, after: str) -> None:
    assert applied(before, edits_between(before, after)) == after


def test_only_what_differs_is_edited() -> None:
    (edit,) = edits_between("one\ntwo\nthree\n", "one\n2\nthree\n")
    assert edit == TextEdit(Position(1, 0), Position(2, 0), "2\n")


def test_edits_that_overlap_are_refused() -> None:
    twice = [TextEdit(Position(0, 0), Position(0, 2), "x"), TextEdit(Position(0, 1), Position(0, 3), "y")]
    with pytest.raises(ValueError, match="overlaps"):
        applied("abc", twice)


def test_a_long_text_is_compared_in_bounded_time() -> None:
    """Half the lines are alike: what compares each with each takes minutes."""
    before = "".join(f"{'}' if number % 2 else number}\n" for number in range(20_000))
    after = "".join(f"{'}' if number % 2 else -number}\n" for number in range(20_000))
    edits = edits_between(before, after)
    assert len(edits) == 1 and applied(before, edits) == after
    (edit,) = edits_between(before, before.replace("\n10000\n", "\nhere\n"))
    assert edit == TextEdit(Position(10_000, 0), Position(10_001, 0), "here\n")
