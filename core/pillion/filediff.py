"""What changed in a file, as a unified diff."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from .events import FileChanged
from .textform import TextForm, text_form

COMPARED = 1_500
"""Lines on each side that are compared one by one; a longer stretch is shown as wholly replaced."""
LONGEST = 1_000_000
"""Characters of a diff."""
_CONTEXT = 3


def file_changed(
    path: str, before: bytes | None, after: bytes | None, hash: str = "", call: str = "", was: str = ""
) -> FileChanged:
    """The event for a file that held `before` and now holds `after`; None: it was, or is, not there. `was`: the hash
    of `before`, where it is known.

    Whoever emits it passes along what `images` says of it, so that a session's first change keeps what was there.
    """
    diff = unified_diff(path, before, after)
    lines = diff.splitlines()[2:]
    return FileChanged(
        path=path,
        kind="created" if before is None else "deleted" if after is None else "changed",
        diff=diff,
        added=sum(line.startswith("+") for line in lines),
        removed=sum(line.startswith("-") for line in lines),
        hash=hash,
        call=call,
        before="" if before is None else was or hashlib.sha256(before).hexdigest(),
    )


def said(change: FileChanged) -> str:
    """What a model is told of it, in a sentence: `Changed lamp.py: 1 line added, 2 removed.`"""
    lines = "line" if change.added == 1 else "lines"
    return f"{change.kind.capitalize()} {change.path}: {change.added} {lines} added, {change.removed} removed."


def images(change: FileChanged, before: bytes | None) -> Mapping[str, bytes]:
    """The blob that the event names."""
    return {} if before is None else {change.before: before}


def unified_diff(path: str, before: bytes | None, after: bytes | None) -> str:
    """A diff with `a/` and `b/`, "" when nothing changed; one sentence for what is no text."""
    if before == after:
        return ""
    old_name = "/dev/null" if before is None else f"a/{path}"
    new_name = "/dev/null" if after is None else f"b/{path}"
    forms = text_form(before or b""), text_form(after or b"")
    if forms[0] is None or forms[1] is None:
        return f"Binary files {old_name} and {new_name} differ\n"
    body = _hunks(_utf8(forms[0], before or b""), _utf8(forms[1], after or b""))
    if len(body) > LONGEST:
        body = body[: body.rfind("\n", 0, LONGEST) + 1] + f"\\ {len(body)} characters of diff; the rest is left out\n"
    return f"--- {old_name}\n+++ {new_name}\n{body}"


def _utf8(form: TextForm, data: bytes) -> bytes:
    """Without its mark; in UTF-8, unless it is text of an old encoding."""
    return data[len(form.mark) :] if form.encoding == "utf-8" else form.decode(data).encode()


def _hunks(old: bytes, new: bytes) -> str:
    """The hunks. What both begin and end with is set aside first: comparing is slow, and most changes are small."""
    alike = old.rfind(b"\n", 0, _alike(old, new)) + 1
    tail = _alike_end(old, new, min(len(old), len(new)) - alike)
    tail = len(old) - (old.find(b"\n", len(old) - tail) + 1 or len(old)) if tail else 0
    first, last = _up(old, alike), _down(old, len(old) - tail)
    number = old.count(b"\n", 0, first)
    middle_old, middle_new = _lines(old[first:last]), _lines(new[first : len(new) - (len(old) - last)])
    if len(middle_old) > COMPARED and len(middle_new) > COMPARED:
        return _replaced(middle_old, middle_new, number)
    found = list(difflib.unified_diff(middle_old, middle_new, n=_CONTEXT))[2:]
    return "".join(_closed(re.sub(r"^@@ -(\d+)(\S*) \+(\d+)(\S*)", _moved(number), line)) for line in found)


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _alike_end(one: bytes, other: bytes, most: int) -> int:
    """How many bytes both end with, at most so many."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _up(text: bytes, at: int) -> int:
    """The beginning of a line, some lines above the one that begins at `at`."""
    for _ in range(_CONTEXT):
        at = text.rfind(b"\n", 0, max(0, at - 1)) + 1
    return at


def _down(text: bytes, at: int) -> int:
    """The beginning of a line, or the text's end, some lines below the one that begins at `at`."""
    for _ in range(_CONTEXT):
        at = text.find(b"\n", at) + 1 or len(text)
    return at


def _moved(by: int) -> Callable[[re.Match[str]], str]:
    def move(match: re.Match[str]) -> str:
        return f"@@ -{int(match[1]) + by}{match[2]} +{int(match[3]) + by}{match[4]}"

    return move


def _replaced(old: Sequence[str], new: Sequence[str], first: int) -> str:
    head = f"@@ -{first + 1},{len(old)} +{first + 1},{len(new)} @@\n"
    return head + "".join(_closed("-" + line) for line in old) + "".join(_closed("+" + line) for line in new)


def _lines(data: bytes) -> list[str]:
    """Lines with their ends, wrong bytes replaced. Only a line feed ends one; str.splitlines would cut at others."""
    return re.findall(r"[^\n]*\n|[^\n]+", data.decode("utf-8", "replace"))


def _closed(line: str) -> str:
    return line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
