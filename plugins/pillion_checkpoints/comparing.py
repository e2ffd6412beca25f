"""What differs between two snapshots, as diffs for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import trio
from msgspec import Struct

from pillion.filediff import file_changed

from .restoring import shown
from .shelf import Book
from .state import FOLDER, Difference

MOST = 1000
"""Files that are told with a diff; of the others the names."""
LONGEST = 4_000_000
"""Characters of all diffs together."""


class ChangedFile(Struct, frozen=True):
    """`kind`: created, changed, deleted; of a link, too. `modes`: permission bits before and after, octal, where they
    differ. `diff` is unified, "" where only these differ, null where the answer would become too long."""

    path: str
    kind: Literal["created", "changed", "deleted"]
    diff: str | None
    added: int = 0
    removed: int = 0
    modes: tuple[str, str] | None = None


async def compared(book: Book, found: Sequence[Difference], mask: Callable[[bytes], bytes]) -> list[ChangedFile]:
    """By path; folders are not told. What `mask` leaves of the contents is shown. Raises KeyError."""
    told: list[ChangedFile] = []
    size = 0
    for one in found:
        before, after = (None if thing == FOLDER else thing for thing in (one.before, one.after))
        if before == after:
            continue
        if len(told) >= MOST or size > LONGEST:
            kind: Literal["created", "changed", "deleted"] = (
                "changed" if before and after else "created" if after else "deleted"
            )
            told.append(ChangedFile(shown(one.path), kind, None))
            continue
        old, new = (None if data is None else mask(data) for data in await book.contents([before, after]))
        change = await trio.to_thread.run_sync(file_changed, shown(one.path), old, new)
        size += len(change.diff)
        modes = None
        if before and after and before.bits != after.bits:
            modes = f"{before.bits:o}", f"{after.bits:o}"
        told.append(ChangedFile(change.path, change.kind, change.diff, change.added, change.removed, modes))
    return told
