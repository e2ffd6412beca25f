"""Whole files: a path on a line, then the content in a fence. For small files, and for models that write no diffs.

What stands in a fence may hold fences itself: shorter ones, and such as begin with a language. Where a fence could be
the end of the file as well as the beginning of something in it, nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pillion.errors import ToolError

from ..hunk import FileEdit

_PATH = re.compile(r"[ #*`\"'>]*(?:File(?:name)?: *)?(?P<path>[^\s`\"'*:<>|]+)[`\"']*(?P<colon>[:* ]*)", re.IGNORECASE)
_FENCE = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)")
_PROSE = re.compile(r".*\.(md|mdx|markdown|rst|adoc|txt)", re.IGNORECASE)
"""Files that have fences themselves more often than not."""
SHORT = 3
"""The signs of a fence that anything in the file may have, too."""


def read_whole(text: str) -> list[FileEdit]:
    """Each file of a reply, its content as it stands in the fence. Raises ToolError when there is none, and where it is
    not sure where one ends."""
    lines = text.replace("\r\n", "\n").split("\n")
    found: list[FileEdit] = []
    at = behind = 0
    while at < len(lines):
        if not _FENCE.fullmatch(lines[at]):
            at += 1
            continue
        path, end = _head(lines, behind, at), _end(lines, at)
        if path:
            if end is None or not _is_end(lines, at, end, path):
                raise _unsure(path)
            found.append(FileEdit(path, "write", content="".join(f"{line}\n" for line in lines[at + 1 : end])))
        at = behind = (at if end is None else end) + 1
    if not found:
        raise ToolError("There is no file: write its path on a line, and its content in a fence of ```` below.")
    return found


def _head(lines: Sequence[str], behind: int, at: int) -> str:
    """The path on the last line with words before the fence at `at`; empty: there is none."""
    above = next((line for line in reversed(lines[behind:at]) if line.strip()), "")
    named = _PATH.fullmatch(above)
    if not named or (":" in named["colon"] and not {".", "/", "`", "*"} & {*above} and "ile" not in above):
        return ""  # `Usage:` is a word
    return named["path"]


def _end(lines: Sequence[str], at: int) -> int | None:
    """Where the fence at `at` is closed; those within it that name a language, or are longer, are closed first."""
    size, sign = _size(lines[at])
    inner: list[int] = []
    for number in range(at + 1, len(lines)):
        fence = _FENCE.fullmatch(lines[number])
        if not fence or fence["fence"][0] != sign or len(fence["fence"]) < size:
            continue
        length, bare = len(fence["fence"]), not fence["info"].strip()
        if bare and inner and length >= inner[-1]:
            inner.pop()
        elif bare and not inner and length == size:
            return number
        else:
            inner.append(length)
    return None


def _is_end(lines: Sequence[str], at: int, end: int, path: str) -> bool:
    """Is it sure that the file ends there? A fence without a language may also begin something in the file: then the
    next fence has none, either, and is not that of a next file."""
    size, sign = _size(lines[at])
    for number in range(end + 1, len(lines)):
        fence = _FENCE.fullmatch(lines[number])
        if not fence or fence["fence"][0] != sign or len(fence["fence"]) < size:
            continue
        if fence["info"].strip():
            return True
        if size == SHORT and (_PROSE.fullmatch(path) or lines[end + 1].strip()):
            return False
        return _head(lines, end + 1, number) != ""
    return True


def _size(line: str) -> tuple[int, str]:
    return len(line) - len(line.lstrip(line[0])), line[0]


def _unsure(path: str) -> ToolError:
    return ToolError(
        f"It is not sure where the content of {path} ends, since it may hold fences itself. Nothing was written. "
        "Put it in a longer fence than any in it: ```` or more signs, before and behind."
    )
