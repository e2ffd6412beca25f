"""What models, and time, do to an edit: each drift says what must come of it, or that it must be refused.

A drift is a function `(pair, chance)` that returns a Case, or None where it does not apply. It looks at the file and
the edit alone: nothing here asks the matcher.
"""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from pillion_edit.hunk import Hunk

from .pairs import Lines, Pair


class Case(Struct, frozen=True):
    """The file and the edit. `wanted` are the lines that must come of it, None: it must be refused.

    `meant` are the lines that the edit speaks of, before it was drifted.
    """

    file: Lines
    hunks: tuple[Hunk, ...]
    wanted: Lines | None
    meant: tuple[Hunk, ...] = ()
    newline: str = "\n"
    mark: bytes = b""

    def is_ambiguous(self, ordered: bool) -> bool:
        """The rule: where lines that are to change stand twice, to the letter, an edit must be refused. `ordered`: a
        hunk's are looked for behind the one before."""
        file, behind = list(self.file), 0
        for hunk in self.meant:
            starts = _starts(file, hunk.old, behind if ordered else 0)
            if len(starts) > 1:
                return True
            if starts:
                file[starts[0] : starts[0] + len(hunk.old)] = hunk.new
                behind = starts[0] + len(hunk.new)
        return False


Drift = Callable[[Pair, random.Random], Case | None]
WORD = re.compile(r"\b[a-z_]{4,}\b")
DOTS = ("# ... existing code ...", "// ... rest of code unchanged ...", "    # ... same as before ...")


def none(pair: Pair, _: random.Random) -> Case:
    return Case(pair.before, pair.hunks, pair.after, pair.hunks)


def trailing_space(pair: Pair, _: random.Random) -> Case | None:
    return _written(pair, lambda line: line + "  " if line.strip() else line)


def trailing_space_sought(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: line + " " if line.strip() else line)


def deeper(pair: Pair, _: random.Random) -> Case | None:
    return _written(pair, lambda line: "    " + line if line.strip() else line)


def flattened(pair: Pair, _: random.Random) -> Case | None:
    return _each(pair, _flat, _flat)


def flattened_sought(pair: Pair, _: random.Random) -> Case | None:
    return _each(pair, _flat, lambda _, line: line)


def tabs(pair: Pair, _: random.Random) -> Case | None:
    def tabbed(line: str) -> str:
        width = len(line) - len(line.lstrip(" "))
        return "\t" * (width // 4) + " " * (width % 4) + line.lstrip(" ")

    told = all(_is_deep(hunk.old) or not _is_deep(hunk.new) for hunk in pair.hunks)  # else both are as likely
    return _written(pair, tabbed) if told and not any("\t" in line for line in pair.before) else None


def typographic(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: re.sub(r'"(\w*)"', "“\\1”", line).replace(" - ", " – ").replace("...", "…"))


def other_quotes(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: line.replace('"', "'"))


def wide_spaces(pair: Pair, _: random.Random) -> Case | None:
    return _sought(pair, lambda line: re.sub(r"(\S) (\S)", r"\1  \2", line))


def windows_file(pair: Pair, _: random.Random) -> Case:
    return Case(pair.before, pair.hunks, pair.after, pair.hunks, "\r\n")


def marked_file(pair: Pair, _: random.Random) -> Case:
    """A byte-order mark, which no model writes."""
    return Case(pair.before, pair.hunks, pair.after, pair.hunks, mark=b"\xef\xbb\xbf")


def renamed_context(pair: Pair, chance: random.Random) -> Case | None:
    """Somebody has renamed something in a line beside the change."""
    number = chance.randrange(len(pair.hunks))
    hunk = pair.hunks[number]
    both = [(i, j) for i, j in _context(hunk) if WORD.search(hunk.old[i])]
    if not both:
        return None
    i, j = chance.choice(both)
    line = WORD.sub("zz_renamed", hunk.old[i], count=1)
    old, new = list(hunk.old), list(hunk.new)
    old[i], new[j] = line, line
    return _since(pair, number, old, new)


def line_between(pair: Pair, chance: random.Random) -> Case | None:
    """Somebody has put a line into the context."""
    number = chance.randrange(len(pair.hunks))
    hunk = pair.hunks[number]
    both = _context(hunk)
    if len(both) < 2:
        return None
    i, j = chance.choice(both)
    return _since(
        pair,
        number,
        [*hunk.old[:i], "zz = somebody_else()", *hunk.old[i:]],
        [*hunk.new[:j], "zz = somebody_else()", *hunk.new[j:]],
    )


def moved_block(pair: Pair, chance: random.Random) -> Case | None:
    """Somebody has moved the lines to another place, between the same two hunks."""
    number = chance.randrange(len(pair.hunks))
    hunk = pair.hunks[number]
    above, below = pair.gaps[number], pair.gaps[number + 1]
    places = [at for at in range(len(above) + len(below) + 1) if at != len(above)]
    if not places:
        return None
    at = chance.choice(places)
    rest = [*above, *below]
    gaps = (*pair.gaps[:number], tuple(rest[:at]), tuple(rest[at:]), *pair.gaps[number + 2 :])
    moved = Pair(pair.path, gaps, pair.hunks)
    split = _starts(moved.before, hunk.old, 0) != _starts(pair.before, hunk.old, 0)
    return Case(moved.before, pair.hunks, moved.after, pair.hunks) if split else None


def left_out(pair: Pair, chance: random.Random) -> Case | None:
    """The edit has dots in the place of lines that stay."""
    found = [(number, run) for number, hunk in enumerate(pair.hunks) for run in _runs(hunk)]
    if not found:
        return None
    number, run = chance.choice(found)
    hunk = pair.hunks[number]
    (i, j), (last, end) = run[1], run[-2]
    dots = chance.choice(("...", "# ... existing code ...", "    // ...", "…"))
    cut = Hunk((*hunk.old[:i], dots, *hunk.old[last + 1 :]), (*hunk.new[:j], dots, *hunk.new[end + 1 :]))
    return Case(pair.before, _with(pair, number, cut), pair.after, pair.hunks)


def dots_for_what_goes(pair: Pair, chance: random.Random) -> Case | None:
    """The new lines have dots in the place of lines that the old ones name: to the letter, those would be lost."""
    found = [(number, run) for number, hunk in enumerate(pair.hunks) for run in _runs(hunk)]
    if not found:
        return None
    number, run = chance.choice(found)
    hunk, (_, j), (_, end) = pair.hunks[number], run[1], run[-2]
    dots = chance.choice(
        ("# ... existing code ...", "// ... rest of code unchanged ...", "    # ... same as before ...")
    )
    return Case(pair.before, _with(pair, number, Hunk(hunk.old, (*hunk.new[:j], dots, *hunk.new[end + 1 :]))), None)


def repeated_block(pair: Pair, chance: random.Random) -> Case:
    """The lines stand a second time, beside the same hunk."""
    number = chance.randrange(len(pair.hunks))
    above, below, old = pair.gaps[number], pair.gaps[number + 1], pair.hunks[number].old
    at = chance.randrange(len(above) + len(below) + 2)
    if at <= len(above):
        above = (*above[:at], *old, *above[at:])
    else:
        at -= len(above) + 1
        below = (*below[:at], *old, *below[at:])
    gaps = (*pair.gaps[:number], above, below, *pair.gaps[number + 2 :])
    return Case(Pair(pair.path, gaps, pair.hunks).before, pair.hunks, None)


def stale(pair: Pair, chance: random.Random) -> Case | None:
    """A line that is to go is another one by now."""
    number = chance.randrange(len(pair.hunks))
    hunk = pair.hunks[number]
    gone = [i for i in _changed(hunk) if hunk.old[i].strip()]
    if not gone:
        return None
    old = list(hunk.old)
    old[chance.choice(gone)] = "    quite = another(3)"
    return _since(pair, number, old, None)


def gone(pair: Pair, chance: random.Random) -> Case | None:
    number = chance.randrange(len(pair.hunks))
    case = _since(pair, number, (), None)
    return case if case and not _stands(case.file, pair.hunks[number].new) else None


def already_applied(pair: Pair, _: random.Random) -> Case | None:
    """Not of lines that stand a second time: there, they are not applied yet."""
    return None if _undone(pair, pair.after) else Case(pair.after, pair.hunks, pair.after)


def partly_applied(pair: Pair, chance: random.Random) -> Case | None:
    """One hunk of several was applied before."""
    if len(pair.hunks) < 2:
        return None
    number = chance.randrange(len(pair.hunks))
    file = pair.with_one(number, pair.hunks[number].new)
    twice = any(_stands(one, pair.hunks[number].old) for one in (file, pair.after))
    return None if twice or _undone(pair, pair.after) else Case(file, pair.hunks, pair.after, pair.hunks)


DRIFTS: tuple[Drift, ...] = (
    none, trailing_space, trailing_space_sought, deeper, flattened, flattened_sought, tabs, typographic, other_quotes,
    wide_spaces, windows_file, marked_file, renamed_context, line_between, moved_block, left_out, dots_for_what_goes,
    repeated_block, stale, gone, already_applied, partly_applied,
)  # fmt: skip


def _written(pair: Pair, drift: Callable[[str], str]) -> Case | None:
    """The whole edit is written so."""
    return _each(pair, lambda _, line: drift(line), lambda _, line: drift(line))


def _sought(pair: Pair, drift: Callable[[str], str]) -> Case | None:
    """Only what is sought is written so."""
    return _each(pair, lambda _, line: drift(line), lambda _, line: line)


def _each(pair: Pair, old: Callable[[int, str], str], new: Callable[[int, str], str]) -> Case | None:
    """Every hunk, its lines written so, given its depth. None where nothing is written otherwise, and where the drifted
    lines are to the letter those of another place."""
    hunks = []
    for hunk in pair.hunks:
        depth = _depth(hunk)
        hunks.append(Hunk(tuple(old(depth, line) for line in hunk.old), tuple(new(depth, line) for line in hunk.new)))
    if tuple(hunks) == pair.hunks:
        return None
    for hunk, meant in zip(hunks, pair.hunks, strict=True):
        if hunk.old != meant.old and any(_starts(file, hunk.old, 0) for file in (pair.before, pair.after)):
            return None
    return Case(pair.before, tuple(hunks), pair.after, pair.hunks)


def _is_deep(lines: Sequence[str]) -> bool:
    return any(line.startswith("    ") for line in lines)


def _flat(depth: int, line: str) -> str:
    return line[depth:] if line.strip() else line


def _depth(hunk: Hunk) -> int:
    return min((len(line) - len(line.lstrip()) for line in hunk.old + hunk.new if line.strip()), default=0)


def _since(pair: Pair, number: int, old: Sequence[str], new: Sequence[str] | None) -> Case | None:
    """Somebody has made `old` of a hunk's lines, so that `new` must come of them; None: it must be refused.

    None where the edit's lines stand elsewhere in the file, to the letter: then they say that place.
    """
    file = pair.with_one(number, old)
    if _stands(file, pair.hunks[number].old) or _stands(pair.with_one(number, old, done=True), pair.hunks[number].old):
        return None
    wanted = None if new is None else pair.with_one(number, new, done=True)
    return Case(file, pair.hunks, wanted, pair.hunks)


def _undone(pair: Pair, file: Sequence[str]) -> bool:
    """Do lines that are to change still stand there, or their text, though the commit is made?"""
    return any(
        (not _stands(hunk.new, hunk.old) and _stands(file, hunk.old)) or _text_stands(file, hunk) for hunk in pair.hunks
    )


def _text_stands(file: Sequence[str], hunk: Hunk) -> bool:
    """Does the text of `old` stand more often than `new` has it?"""
    text, old, new = ("\n".join(lines) for lines in (file, hunk.old, hunk.new))
    return bool(old) and text.count(old) > new.count(old)


def _stands(file: Sequence[str], lines: Sequence[str]) -> bool:
    sought = [line.strip() for line in lines if line.strip()]
    bare = [line.strip() for line in file if line.strip()]
    return any(bare[at : at + len(sought)] == sought for at in _at(bare, sought[:1]))


def _starts(file: Sequence[str], lines: Sequence[str], behind: int) -> list[int]:
    """Where the lines stand, to the letter."""
    sought = [*lines]
    return [at for at in _at(file, sought[:1], behind) if [*file[at : at + len(sought)]] == sought]


def _at(file: Sequence[str], first: Sequence[str], behind: int = 0) -> list[int]:
    return [at for at in range(behind, len(file)) if file[at] == first[0]] if first else []


def _with(pair: Pair, number: int, hunk: Hunk) -> tuple[Hunk, ...]:
    return (*pair.hunks[:number], hunk, *pair.hunks[number + 1 :])


def _runs(hunk: Hunk) -> list[list[tuple[int, int]]]:
    """Lines that stay, three or more one after the other, within those that change."""
    runs: list[list[tuple[int, int]]] = []
    for i, j in _context(hunk):
        if runs and runs[-1][-1] == (i - 1, j - 1):
            runs[-1].append((i, j))
        else:
            runs.append([(i, j)])
    return [run for run in runs if len(run) >= 3 and run[0][0] > 0 and run[-1][0] < len(hunk.old) - 1]


def _context(hunk: Hunk) -> list[tuple[int, int]]:
    """Numbers in `old` and `new` of the lines that stay."""
    blocks = difflib.SequenceMatcher(None, hunk.old, hunk.new, autojunk=False).get_matching_blocks()
    return [(i + step, j + step) for i, j, size in blocks for step in range(size)]


def _changed(hunk: Hunk) -> list[int]:
    stay = {i for i, _ in _context(hunk)}
    return [i for i in range(len(hunk.old)) if i not in stay]
