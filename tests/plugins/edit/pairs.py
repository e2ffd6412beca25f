"""A file before and after a commit, cut into the hunks that a diff of the two has and the lines between them."""

from __future__ import annotations

import difflib
import random
from collections.abc import Sequence

from msgspec import Struct

from pillion_edit.hunk import Hunk

from .histories import Revision

Lines = tuple[str, ...]


class Pair(Struct, frozen=True):
    """`gaps` are the lines before, between and behind the hunks: one more than there are of those."""

    path: str
    gaps: tuple[Lines, ...]
    hunks: tuple[Hunk, ...]

    @property
    def before(self) -> Lines:
        return self.woven([hunk.old for hunk in self.hunks])

    @property
    def after(self) -> Lines:
        return self.woven([hunk.new for hunk in self.hunks])

    def woven(self, parts: Sequence[Sequence[str]]) -> Lines:
        """The file with these in the places of the hunks."""
        lines = list(self.gaps[0])
        for part, gap in zip(parts, self.gaps[1:], strict=True):
            lines += [*part, *gap]
        return tuple(lines)

    def with_one(self, number: int, part: Sequence[str], done: bool = False) -> Lines:
        """The file before (`done`: after) the commit, with these lines in the place of one hunk."""
        parts: list[Sequence[str]] = [hunk.new if done else hunk.old for hunk in self.hunks]
        parts[number] = part
        return self.woven(parts)


def paired(revision: Revision, chance: random.Random) -> Pair | None:
    """None for what no format can say: a hunk without a line with words to stand at, or one whose new lines stand there
    already, so that nobody can tell whether it has been applied."""
    before, after = revision.before.split("\n")[:-1], revision.after.split("\n")[:-1]
    around = chance.choice((1, 2, 3, 3, 3))
    gaps: list[Lines] = []
    hunks: list[Hunk] = []
    at = 0
    for group in difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(around):
        (_, first, _, begin, _), (_, _, last, _, end) = group[0], group[-1]
        gaps.append(tuple(before[at:first]))
        hunks.append(Hunk(tuple(before[first:last]), tuple(after[begin:end])))
        at = last
    pair = Pair(revision.path, (*gaps, tuple(before[at:])), tuple(hunks))
    says = all(any(line.strip() for line in hunk.old) and hunk.new for hunk in hunks)
    return pair if hunks and says and not any(_there(pair, number) for number in range(len(hunks))) else None


def _there(pair: Pair, number: int) -> bool:
    """Do the hunk's new lines stand, before the commit, over its old ones?"""
    hunk, file = pair.hunks[number], [line.rstrip() for line in pair.before]
    start = sum(map(len, pair.gaps[: number + 1])) + sum(len(one.old) for one in pair.hunks[:number])
    new = [line.rstrip() for line in hunk.new]
    first = max(0, start + len(hunk.old) - len(new))
    return any(file[at : at + len(new)] == new for at in range(first, start + 1))
