"""What models, and time, do to an edit: each drift says what must come of it, or that it must be refused.

A drift is a function `(pair, chance)` that returns a Case, or None where it does not apply.
"""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from pillion_edit.hunk import Hunk

from .pairs import Pair


class Case(Struct, frozen=True):
    """The file and the edit; `wanted` are the lines that must come of it, None: it must be refused."""

    file: Sequence[str]
    hunk: Hunk
    wanted: Sequence[str] | None
    newline: str = "\n"


Drift = Callable[[Pair, random.Random], Case | None]
WORD = re.compile(r"\b[a-z_]{4,}\b")


def none(pair: Pair, _: random.Random) -> Case:
    return Case(pair.before, pair.hunk, pair.after)


def trailing_space(pair: Pair, _: random.Random) -> Case | None:
    return _written(pair, lambda line: line + "  " if line.strip() else line)


def trailing_space_sought(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: line + " " if line.strip() else line)


def deeper(pair: Pair, _: random.Random) -> Case | None:
    return _written(pair, lambda line: "    " + line if line.strip() else line)


def flattened(pair: Pair, _: random.Random) -> Case | None:
    depth = min((len(line) - len(line.lstrip()) for line in pair.hunk.old + pair.hunk.new if line.strip()), default=0)
    return _written(pair, lambda line: line[depth:] if line.strip() else line) if depth else None


def flattened_sought(pair: Pair, _: random.Random) -> Case | None:
    depth = min((len(line) - len(line.lstrip()) for line in pair.hunk.old + pair.hunk.new if line.strip()), default=0)
    return _sought(pair, lambda line: line[depth:] if line.strip() else line) if depth else None


def tabs(pair: Pair, _: random.Random) -> Case | None:
    def tabbed(line: str) -> str:
        width = len(line) - len(line.lstrip(" "))
        return "\t" * (width // 4) + " " * (width % 4) + line.lstrip(" ")

    deep = any(line.startswith("    ") for line in pair.hunk.old)
    return _written(pair, tabbed) if deep and not any("\t" in line for line in pair.before) else None


def typographic(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: re.sub(r'"(\w*)"', "“\\1”", line).replace(" - ", " – ").replace("...", "…"))


def other_quotes(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: line.replace('"', "'"))


def wide_spaces(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: re.sub(r"(\S) (\S)", r"\1  \2", line))


def windows_file(pair: Pair, _: random.Random) -> Case:
    return Case(pair.before, pair.hunk, pair.after, "\r\n")


def renamed_context(pair: Pair, chance: random.Random) -> Case | None:
    """Somebody has renamed something in a line beside the change."""
    both = [(i, j) for i, j in _context(pair.hunk) if WORD.search(pair.hunk.old[i])]
    if not both:
        return None
    i, j = chance.choice(both)
    line = WORD.sub("zz_renamed", pair.hunk.old[i], count=1)
    file, wanted = list(pair.before), list(pair.after)
    file[pair.at + i], wanted[pair.at + j] = line, line
    return _judged(pair, file, wanted)


def line_between(pair: Pair, chance: random.Random) -> Case | None:
    """Somebody has put a line into the context."""
    both = _context(pair.hunk)
    if len(both) < 2:
        return None
    i, j = chance.choice(both)
    file, wanted = list(pair.before), list(pair.after)
    file.insert(pair.at + i, "zz = somebody_else()")
    wanted.insert(pair.at + j, "zz = somebody_else()")
    return _judged(pair, file, wanted)


def moved_block(pair: Pair, chance: random.Random) -> Case | None:
    """Somebody has moved the lines to another place of the file."""
    rest = [*pair.before[: pair.at], *pair.before[pair.at + len(pair.hunk.old) :]]
    if len(rest) < 3:
        return None
    at = chance.randrange(len(rest) + 1)
    return Case([*rest[:at], *pair.hunk.old, *rest[at:]], pair.hunk, [*rest[:at], *pair.hunk.new, *rest[at:]])


def left_out(pair: Pair, chance: random.Random) -> Case | None:
    """The edit has dots in the place of lines that stay."""
    runs: list[list[tuple[int, int]]] = []
    for i, j in _context(pair.hunk):
        if runs and runs[-1][-1] == (i - 1, j - 1):
            runs[-1].append((i, j))
        else:
            runs.append([(i, j)])
    long = [run for run in runs if len(run) >= 3 and run[0][0] > 0 and run[-1][0] < len(pair.hunk.old) - 1]
    if not long:
        return None
    run = chance.choice(long)
    (i, j), (last, end) = run[1], run[-2]
    dots = chance.choice(("...", "# ... existing code ...", "    // ...", "…"))
    old = (*pair.hunk.old[:i], dots, *pair.hunk.old[last + 1 :])
    return Case(pair.before, Hunk(old, (*pair.hunk.new[:j], dots, *pair.hunk.new[end + 1 :])), pair.after)


def repeated_block(pair: Pair, chance: random.Random) -> Case:
    at = chance.randrange(len(pair.before) + 1)
    if pair.at < at < pair.at + len(pair.hunk.old):
        at = pair.at
    return Case([*pair.before[:at], *pair.hunk.old, *pair.before[at:]], pair.hunk, None)


def stale(pair: Pair, chance: random.Random) -> Case | None:
    """A line that is to go is another one by now."""
    gone = [i for i in _changed(pair.hunk) if pair.hunk.old[i].strip()]
    if not gone:
        return None
    file = list(pair.before)
    file[pair.at + chance.choice(gone)] = "    quite = another(3)"
    return None if _stands(file, pair.hunk.old) else Case(file, pair.hunk, None)


def gone(pair: Pair, _: random.Random) -> Case | None:
    case = _judged(pair, [*pair.before[: pair.at], *pair.before[pair.at + len(pair.hunk.old) :]], None)
    return case if case and not _stands(case.file, pair.hunk.new) else None


def already_applied(pair: Pair, _: random.Random) -> Case | None:
    """Not of lines that stand a second time: there, they are not applied yet."""
    twice = not _stands(pair.hunk.new, pair.hunk.old) and _stands(pair.after, pair.hunk.old)
    return None if twice else Case(pair.after, pair.hunk, pair.after)


DRIFTS: tuple[Drift, ...] = (
    none, trailing_space, trailing_space_sought, deeper, flattened, flattened_sought, tabs, typographic, other_quotes,
    wide_spaces, windows_file, renamed_context, line_between, moved_block, left_out, repeated_block, stale, gone,
    already_applied,
)  # fmt: skip


def _written(pair: Pair, drift: Callable[[str], str]) -> Case | None:
    """The whole edit is written so."""
    return _unless_elsewhere(pair, Hunk(tuple(map(drift, pair.hunk.old)), tuple(map(drift, pair.hunk.new))))


def _sought(pair: Pair, drift: Callable[[str], str]) -> Case | None:
    """Only what is sought is written so."""
    return _unless_elsewhere(pair, Hunk(tuple(map(drift, pair.hunk.old)), pair.hunk.new))


def _unless_elsewhere(pair: Pair, hunk: Hunk) -> Case | None:
    """None where the lines, drifted, are to the letter those of another place."""
    size = len(hunk.old)
    starts = [at for at in range(len(pair.before)) if tuple(pair.before[at : at + size]) == hunk.old]
    return Case(pair.before, hunk, pair.after) if not starts or starts == [pair.at] else None


def _judged(pair: Pair, file: Sequence[str], wanted: Sequence[str] | None) -> Case | None:
    """None where the edit's lines stand elsewhere in the file, to the letter: then they say that place."""
    return None if _stands(file, pair.hunk.old) else Case(file, pair.hunk, wanted)


def _stands(file: Sequence[str], lines: Sequence[str]) -> bool:
    sought = [line.strip() for line in lines if line.strip()]
    bare = [line.strip() for line in file if line.strip()]
    return any(bare[at : at + len(sought)] == sought for at in range(len(bare)))


def _context(hunk: Hunk) -> list[tuple[int, int]]:
    """Numbers in `old` and `new` of the lines that stay."""
    blocks = difflib.SequenceMatcher(None, hunk.old, hunk.new, autojunk=False).get_matching_blocks()
    return [(i + step, j + step) for i, j, size in blocks for step in range(size)]


def _changed(hunk: Hunk) -> list[int]:
    stay = {i for i, _ in _context(hunk)}
    return [i for i in range(len(hunk.old)) if i not in stay]
