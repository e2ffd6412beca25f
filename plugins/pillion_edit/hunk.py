"""What every format of an edit comes down to: files, and in each the lines that are to become other lines."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Hunk(Struct, frozen=True):
    """The lines `old` become `new`; lines that are in both are context, and stay as the file has them.

    `scope`: lines like `class Lamp:` within which it is, the outermost first. `at_end`: it is at the file's end.
    `behind`: the beginning of a line that it does not stand above, if the file has that once.
    `others`: how else the same lines can be read; that one holds whose `old` stands in the file, if it is one alone.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    scope: tuple[str, ...] = ()
    at_end: bool = False
    behind: str = ""
    others: tuple[Hunk, ...] = ()


class Snippet(Struct, frozen=True):
    """The text `old` becomes `new`, wherever in a line it begins; `all`: each time it occurs."""

    old: str
    new: str
    all: bool = False


class FileEdit(Struct, frozen=True):
    """What becomes of one file. `create`: `content` is all of it. `write`: the same, whether it is there or not.

    `replace`: a `snippet`. `bytes`: `data` is all of it, to the byte. `delete`: the file goes, which must hold what the
    hunks, if there are any, take away. `ordered`: the hunks stand in the order of the
    file. `moved`: its new path, with or without hunks.
    """

    path: str
    action: Literal["change", "replace", "create", "write", "delete", "bytes"] = "change"
    hunks: tuple[Hunk, ...] = ()
    snippet: Snippet | None = None
    content: str = ""
    data: bytes = b""
    moved: str = ""
    ordered: bool = False


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of `text`, which may end with a line feed or not."""
    text = text.replace("\r\n", "\n")
    return tuple(text.removesuffix("\n").split("\n")) if text else ()
