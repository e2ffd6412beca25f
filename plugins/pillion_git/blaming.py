"""Who wrote which line, by dulwich. Each commit passes on to its parents the lines that they have; what none of them
takes is its own."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Sequence

from dulwich.objects import Commit as Kept

from .asked import AskedBlame
from .comparing import between
from .history import commit_of
from .linediff import changes, differing, lines_of
from .opened import Opened
from .place import GitFault
from .porcelain import text
from .renames import Leaf, with_renames
from .values import Blame, Blamed

Lines = dict[int, int]
"""Lines of the file that is asked about, by where they stand in an earlier one; both from 0."""


def blame(found: Opened, asked: AskedBlame) -> Blame:
    path = os.fsencode(found.place.prefix + asked.path)
    commit = found.commit(asked.revision) if asked.revision else found.head()
    leaf = found.file(commit, path) if commit else None
    if commit is None or leaf is None:
        raise GitFault(f"{asked.path} is not in the commit.")
    kept = found.data(leaf)
    try:
        now = kept if asked.revision else found.conversion.read(path, 0o100644, kept)
    except OSError:
        raise GitFault(f"There is no file {asked.path}.") from None
    before, lines = lines_of(kept), lines_of(now)
    if asked.start > max(len(lines), 1):
        raise GitFault(f"{asked.path} has only {len(lines)} lines.")
    wanted = range(asked.start - 1, min(asked.end or len(lines), len(lines)))
    tracer = _Tracer(found)
    tracer.hold(commit, path, {old: new for old, new in _carried(before, lines) if new in wanted})
    tracer.run()
    return Blame(asked.path, [*_parts(found, lines, wanted, tracer.owners)])


class _Tracer:
    def __init__(self, found: Opened) -> None:
        self._found = found
        self.owners: dict[int, Kept] = {}
        self._waiting: list[tuple[int, bytes, bytes]] = []
        self._held: dict[tuple[bytes, bytes], tuple[Kept, Lines]] = {}

    def hold(self, commit: Kept, path: bytes, lines: Lines) -> None:
        """These lines are of that commit or of one before it."""
        if not lines:
            return
        key = (commit.id, path)
        if key in self._held:
            self._held[key][1].update(lines)
        else:
            self._held[key] = (commit, dict(lines))
            heapq.heappush(self._waiting, (-commit.commit_time, *key))

    def run(self) -> None:
        while self._waiting:
            _, id, path = heapq.heappop(self._waiting)
            commit, lines = self._held.pop((id, path))
            self._share(commit, path, lines)

    def _share(self, commit: Kept, path: bytes, lines: Lines) -> None:
        leaf = self._found.file(commit, path)
        parents = [parent for parent in map(self._commit, commit.parents) if parent is not None]
        there = [(parent, *self._before(commit, parent, path)) for parent in parents]
        for parent, origin, old in there:
            if old is not None and leaf is not None and old.id == leaf.id:
                self.hold(parent, origin, lines)
                return
        mine = lines_of(self._found.data(leaf)) if leaf else []
        for parent, origin, old in there:
            if old is None:
                continue
            passed = {
                before: lines.pop(at) for before, at in _carried(lines_of(self._found.data(old)), mine) if at in lines
            }
            self.hold(parent, origin, passed)
        self.owners.update(dict.fromkeys(lines.values(), commit))

    def _commit(self, id: bytes) -> Kept | None:
        try:
            found = self._found.repository[id]
        except KeyError:
            return None  # a shallow clone ends here
        return found if isinstance(found, Kept) else None

    def _before(self, commit: Kept, parent: Kept, path: bytes) -> tuple[bytes, Leaf | None]:
        """What the file was called in the parent, and what it was."""
        leaf = self._found.file(parent, path)
        if leaf is not None:
            return path, leaf
        pairs = with_renames(between(self._found, parent.tree, commit.tree), self._found.data)
        return next(((pair.origin, pair.old) for pair in pairs if pair.path == path and pair.origin), (path, None))


def _carried(before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Places of lines that are in both."""
    i = j = 0
    for i1, i2, j1, j2 in [*changes(*differing(before, after)), (len(before), 0, len(after), 0)]:
        yield from zip(range(i, i1), range(j, j1), strict=True)
        i, j = i2, j2


def _parts(found: Opened, lines: Sequence[bytes], wanted: range, owners: dict[int, Kept]) -> Iterator[Blamed]:
    start = wanted.start
    while start < wanted.stop:
        owner, end = owners.get(start), start + 1
        while end < wanted.stop and owners.get(end) is owner:
            end += 1
        shown = [text(line.removesuffix(b"\n")) for line in lines[start:end]]
        if owner is None:
            yield Blamed(start + 1, shown, "", "", 0, "")
        else:
            told = commit_of(found, owner)
            yield Blamed(start + 1, shown, told.id, told.author, told.time, told.title)
        start = end
