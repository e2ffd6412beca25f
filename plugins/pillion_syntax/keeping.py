"""Where tables of symbols last: in the store's file cache; where it has none, only in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from pillion import StoreFailed

from .walking import Stat

if TYPE_CHECKING:
    from pillion_storage.filecache import FileCacheDoor

T = TypeVar("T")
KIND = "syntax.symbols"
TOGETHER = 500
"""Files that the store is asked for, or given, at once; others have their turn between."""


class Kept(Struct, frozen=True):
    """What was found in a file of that content; `mtime` in nanoseconds."""

    path: str
    hash: str
    size: int
    mtime: int
    language: str
    data: bytes


class Keeping:
    """By content and version. A store that fails costs time, and nothing else."""

    def __init__(self, door: FileCacheDoor | None) -> None:
        self._door = door

    async def known(self, root: Path, version: str, files: Mapping[str, Stat]) -> dict[str, Kept]:
        """Of those of these files that have the size and time which were put."""
        if self._door is None:
            return {}
        try:
            facts = await self._door.facts(str(root), files)
            same = {path: one for path, one in facts.items() if (one.size, one.mtime) == files[path]}
            wanted = [(path, one.hash) for path, one in same.items()]
            found = await self._door.artefacts(str(root), wanted, KIND, version)
        except StoreFailed:
            return {}
        return {
            path: Kept(path, same[path].hash, same[path].size, same[path].mtime, same[path].language, data)
            for path, data in found.items()
        }

    async def put(self, root: Path, version: str, files: Sequence[Kept]) -> None:
        if self._door is None or not files:
            return
        from pillion_storage.filecache import Artefact, FileFacts  # there is a door, so it is imported already

        try:
            for some in batches(files):
                await self._door.put(
                    str(root),
                    [
                        (
                            FileFacts(one.path, one.hash, one.size, one.mtime, one.language),
                            [Artefact(KIND, version, one.data)],
                        )
                        for one in some
                    ],
                )
        except StoreFailed:
            return


def batches(files: Sequence[T]) -> Iterator[Sequence[T]]:
    return (files[start : start + TOGETHER] for start in range(0, len(files), TOGETHER))
