"""The table of the sidecar's capabilities has a row for each, and the tests that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parents[3]
PAGE = HERE / "docs/reference/aide.md"
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| ([^|]+) \| ([^|]*) \|$", re.M)


def test_each_capability_has_a_row_that_says_how_it_stands() -> None:
    rows = ROW.findall(PAGE.read_text("utf-8"))
    assert [int(number) for number, _, _ in rows] == list(range(1, 101))
    for number, stands, shown in rows:
        if "done" in stands:
            assert "`" in shown, f"Row {number} names no test."
        else:
            assert stands.startswith(("second half", "not planned: ")), f"Row {number} says: {stands}."


def test_the_tests_that_it_names_are_there() -> None:
    for number, _, shown in ROW.findall(PAGE.read_text("utf-8")):
        file = ""
        for place, name in re.findall(r"`([^`:]+)(?:::(\w+))?`", shown):
            file = file if place == "…" else place
            found = [root / file for root in (HERE / "tests", HERE / "tests/plugins") if (root / file).exists()]
            assert found, f"Row {number}: there is no {file}."
            assert not name or f"def {name}(" in found[0].read_text("utf-8"), f"Row {number}: {file} has no {name}."
