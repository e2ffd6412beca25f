"""Thousands of edits of real files, in five formats and many drifts: what is applied must be right, to the byte."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pytest

from pillion.errors import ToolError
from pillion.localworkspace import LocalWorkspace
from pillion_edit.formats.blocks import read_blocks
from pillion_edit.formats.patch import read_patch
from pillion_edit.formats.unified import read_unified
from pillion_edit.formats.whole import read_whole
from pillion_edit.hunk import FileEdit, Hunk, Snippet
from pillion_edit.planning import planned
from pillion_edit.refusals import Refused

from .drifts import DRIFTS, Case, Drift
from .pairs import Pair, from_commits, made_up

PAIRS = 400 if os.environ.get("PILLION_LONG") else 64
FORMATS = ("blocks", "patch", "unified", "replace")
"""Those with hunks; whole files can't drift, and have a test of their own."""


def lines_of(hunk: Hunk) -> Iterator[str]:
    """A hunk's body as a diff writes it: the lines that stay stand once."""
    old, new = list(hunk.old), list(hunk.new)
    head = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    yield from (f" {line}" for line in old[:head])
    yield from (f"-{line}" for line in old[head : len(old) - tail])
    yield from (f"+{line}" for line in new[head : len(new) - tail])
    yield from (f" {line}" for line in old[len(old) - tail :])


def written(format: str, hunk: Hunk) -> list[FileEdit]:
    """As a model writes it, and as it is read."""
    body = "\n".join(lines_of(hunk))
    old, new = "\n".join(hunk.old), "\n".join(hunk.new)
    match format:
        case "blocks":
            return read_blocks(f"f\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n")
        case "patch":
            return read_patch(f"*** Begin Patch\n*** Update File: f\n@@\n{body}\n*** End Patch")
        case "unified":
            return read_unified(f"--- a/f\n+++ b/f\n@@ -1,9 +1,9 @@\n{body}\n")
        case _:
            return [FileEdit("f", "replace", snippet=Snippet(old, new))]


def data_of(lines: Sequence[str], newline: str) -> bytes:
    return "".join(line + newline for line in lines).encode("utf-8", "surrogatepass")


async def verdict(folder: Path, format: str, case: Case) -> str:
    """`right`, `wrong`, `refused` (as it must be), or `lost`: refused, and could have been applied."""
    before = data_of(case.file, case.newline)
    (folder / "f").write_bytes(before)
    try:
        (change,) = await planned(written(format, case.hunk), LocalWorkspace(folder))
    except Refused as refused:
        already = refused.why == "already" and case.wanted == case.file
        return "right" if already else "refused" if case.wanted is None else "lost"
    except ToolError:
        return "refused" if case.wanted is None else "lost"
    return "right" if case.wanted is not None and change.after == data_of(case.wanted, case.newline) else "wrong"


def pairs() -> list[Pair]:
    chance = random.Random(7)
    commits = islice(from_commits(PAIRS, chance), PAIRS)
    return list(islice(chain(commits, made_up(200, chance)), PAIRS + 20))


async def test_no_edit_is_applied_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(8)
    found: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    for pair in pairs():
        for drift in DRIFTS:
            case = drift(pair, chance)
            for format in FORMATS if case is not None else ():
                said = await verdict(tmp_path, format, case)  # type: ignore[arg-type]
                found[drift.__name__, said] += 1
                if said == "wrong":
                    wrong.append(f"{drift.__name__} as {format} in {pair.path} at line {pair.at + 1}")
    with capsys.disabled():
        print(table(found))
    assert not wrong, wrong[:20]
    refused = sum(count for (_, said), count in found.items() if said in ("refused", "lost"))
    assert refused >= 0.15 * found.total()


async def test_whole_files_are_written_as_they_are(tmp_path: Path) -> None:
    for pair in pairs()[:40]:
        if any(line.startswith("```") for line in pair.after):
            continue
        for newline in ("\n", "\r\n"):
            (tmp_path / "f").write_bytes(data_of(pair.before, newline))
            edits = read_whole("Here it is.\n\nf\n```\n" + "".join(f"{line}\n" for line in pair.after) + "```\n")
            (change,) = await planned(edits, LocalWorkspace(tmp_path))
            assert change.after == data_of(pair.after, newline), pair.path


def table(found: Counter[tuple[str, str]]) -> str:
    verdicts = ("right", "refused", "lost", "wrong")
    rows = [f"\n{'drift':24}" + "".join(f"{said:>9}" for said in verdicts)]
    names: Sequence[Drift] = DRIFTS
    rows += [f"{d.__name__:24}" + "".join(f"{found[d.__name__, said]:>9}" for said in verdicts) for d in names]
    sums = [sum(count for (_, one), count in found.items() if one == said) for said in verdicts]
    share = (
        f"{sums[0] / (found.total() or 1):.1%} applied right, {(sums[1] + sums[2]) / (found.total() or 1):.1%} refused"
    )
    return "\n".join([*rows, f"{'all':24}" + "".join(f"{count:>9}" for count in sums) + f"   {share}"])
