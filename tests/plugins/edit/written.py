"""An edit as a model writes it, in each of the five formats, and as the plugin reads that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pillion_edit.formats.blocks import read_blocks
from pillion_edit.formats.patch import read_patch
from pillion_edit.formats.unified import read_unified
from pillion_edit.formats.whole import read_whole
from pillion_edit.hunk import FileEdit, Hunk, Snippet

PATH = "src/f.py"
_MARK = re.compile(r"[<=>]{5,9}( ?(SEARCH:?|REPLACE))?\s*")
ORDERED = {"patch", "unified"}
"""Their hunks stand in the order of the file."""


def blocks(hunks: Sequence[Hunk]) -> list[FileEdit] | None:
    """None: a line of them is a block's mark, so that they can't be written so."""
    if any(
        re.fullmatch(r"[<=>]{5,9}( ?(SEARCH:?|REPLACE))?\s*", line) for hunk in hunks for line in hunk.old + hunk.new
    ):
        return None
    said = (f"<<<<<<< SEARCH\n{_text(hunk.old)}=======\n{_text(hunk.new)}>>>>>>> REPLACE\n" for hunk in hunks)
    return read_blocks(f"I change it.\n\n{PATH}\n" + "\n".join(said))


def replace(hunks: Sequence[Hunk]) -> list[FileEdit]:
    """One call of the tool for each."""
    return [FileEdit(PATH, "replace", snippet=Snippet("\n".join(one.old), "\n".join(one.new))) for one in hunks]


def patch(hunks: Sequence[Hunk]) -> list[FileEdit]:
    said = "".join(f"@@\n{_body(hunk)}" for hunk in hunks)
    return read_patch(f"*** Begin Patch\n*** Update File: {PATH}\n{said}*** End Patch")


def unified(hunks: Sequence[Hunk]) -> list[FileEdit]:
    """With line numbers that are wrong, as a model's are."""
    said = "".join(f"@@ -1,9 +1,9 @@\n{_body(hunk)}" for hunk in hunks)
    return read_unified(f"--- a/{PATH}\n+++ b/{PATH}\n{said}")


def whole(lines: Sequence[str], around: tuple[str, str] = ("", "")) -> list[FileEdit]:
    """`around`: what stands before and behind its path."""
    longest = max((len(found[0]) for line in lines if (found := re.match(r"`+", line))), default=2)
    fence = "`" * max(3, longest + 1)
    return read_whole(f"Here it is.\n\n{around[0]}{PATH}{around[1]}\n{fence}\n{_text(lines)}{fence}\n")


HUNKS: Mapping[str, Callable[[Sequence[Hunk]], list[FileEdit] | None]] = {
    "blocks": blocks, "replace": replace, "patch": patch, "unified": unified
}  # fmt: skip


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _body(hunk: Hunk) -> str:
    return _text([*_signed(hunk)])


def _signed(hunk: Hunk) -> Iterator[str]:
    """A hunk's lines as a diff writes them: those that stay stand once."""
    old, new = hunk.old, hunk.new
    both = min(len(old), len(new))
    head = next((i for i in range(both) if old[i] != new[i]), both)
    tail = 0
    while tail < both - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    yield from (f" {line}" for line in old[:head])
    yield from (f"-{line}" for line in old[head : len(old) - tail])
    yield from (f"+{line}" for line in new[head : len(new) - tail])
    yield from (f" {line}" for line in old[len(old) - tail :])
