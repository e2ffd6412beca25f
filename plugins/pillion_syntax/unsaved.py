"""A workspace's table with the unsaved texts of an editor over it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pillion import Workspace
from pillion.contracts.code import CodeFile
from pillion.contracts.workspace import unsaved_of
from pillion.protection import guard_of

from .indexing import Table


class OverlaidTable(Table):
    """`under` with `files` in place of those that the disk has. Only these are its own."""

    def __init__(self, under: Table, files: Mapping[str, CodeFile]) -> None:
        super().__init__()
        for path, file in files.items():
            self.put(path, (0, 0), file.hash, msgspec.msgpack.encode(file))
        self._under, self._own = under, frozenset(files)
        self.hashes = {**under.hashes, **self.hashes}

    def file(self, path: str) -> CodeFile | None:
        return super().file(path) if path in self._own else self._under.file(path)

    def defining(self, name: str) -> Sequence[str]:
        return self._both(super().defining(name), self._under.defining(name))

    def using(self, name: str) -> Sequence[str]:
        return self._both(super().using(name), self._under.using(name))

    def names(self) -> Iterator[str]:
        """What is defined only in a text that has been replaced, too: nothing is found for it."""
        return iter(dict.fromkeys((*super().names(), *self._under.names())))

    def _both(self, own: Sequence[str], under: Sequence[str]) -> Sequence[str]:
        return sorted((*own, *(path for path in under if path not in self._own)))


def wanted(workspace: Workspace, table: Table) -> dict[str, bytes]:
    """The unsaved texts that count: of files that the table has, and of new ones. For a thread."""
    guard = guard_of(workspace)
    return {
        path: data
        for path, data in unsaved_of(workspace).items()
        if path in table.hashes or not (guard.hides(path) or os.path.lexists(workspace.root / path))
    }
