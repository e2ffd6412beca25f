"""What is known of the code of a workspace: what its files define, and which names they use.

There may be a million of these values, and none holds itself: the search for cycles does not look at them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from .workspace import Workspace


class Symbol(Struct, frozen=True, array_like=True, gc=False):
    """A definition: its lines `first` to `last` and the one of its name, `line`, from 1. `owner`: the names of what it
    stands in, joined by `.`; `head`: what it begins with, in one line."""

    kind: str
    name: str
    owner: str
    first: int
    last: int
    line: int
    head: str

    @property
    def path(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


class Use(Struct, frozen=True, array_like=True, gc=False):
    """The lines, from 1, on which a file uses a name as `kind`: call, type, import, name; or local, where it means a
    parameter or variable of a function, whatever else has that name."""

    kind: str
    name: str
    lines: tuple[int, ...]


class Piece(Struct, frozen=True, array_like=True, gc=False):
    """Lines of a file, `first` to `last`, that belong together by its syntax; `words` are theirs, as `words_of` in
    pillion.codewords counts them."""

    first: int
    last: int
    words: Mapping[str, int]


class CodeFile(Struct, frozen=True, array_like=True, gc=False):
    """What stands in a file with that content: `hash` is SHA-256, hex. The pieces are all of it, in order."""

    path: str
    hash: str
    language: str
    symbols: tuple[Symbol, ...] = ()
    uses: tuple[Use, ...] = ()
    pieces: tuple[Piece, ...] = ()


class CodeTable(Protocol):
    """All files of a workspace in known languages, as they were when it was asked for. It changes as files do."""

    @property
    def hashes(self) -> Mapping[str, str]:
        """By path; of a file that has changed, another one."""
        ...

    def file(self, path: str) -> CodeFile | None: ...

    def defining(self, name: str) -> Sequence[str]:
        """The files that define it, sorted."""
        ...

    def using(self, name: str) -> Sequence[str]:
        """The files that use it, sorted."""
        ...


@runtime_checkable
class CodeIndex(Protocol):
    """`table` looks at what has changed since it was last asked, and returns then. The first time that may take long:
    `note` is told how far it is, as a share from 0 to 1. What an editor holds unsaved counts in place of the disk's
    text, where the workspace tells of it by `unsaved`; ignored, hidden and protected files don't.

    `look` reads one file as the workspace has it, unsaved or not, for its symbols alone; None: its language is not
    known.
    """

    async def table(self, workspace: Workspace, note: Callable[[str, float], None] | None = None) -> CodeTable: ...

    async def look(self, workspace: Workspace, path: str) -> CodeFile | None: ...
