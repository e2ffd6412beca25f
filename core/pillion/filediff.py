"""What changed in a file, as a unified diff."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from .events import FileChanged
from .textform import text_form

COMPARED = 1_500
"""Lines on each side that are compared one by one; a longer stretch is shown as wholly replaced."""
LONGEST = 1_000_000
"""Characters of a diff."""
_CONTEXT = 3


def file_changed(path: str, before: bytes | None, after: bytes | None, hash: str = "", call: str = "") -> FileChanged:
    """The event for a file that held `before` and now holds `after`; None: it was, or is, not there.

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
        before="" if before is None else hashlib.sha256(before).hexdigest(),
    )


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
    old, new = _lines(forms[0].decode(before or b"")), _lines(forms[1].decode(after or b""))
    body = _hunks(old, new)
    if len(body) > LONGEST:
        body = body[: body.rfind("\n", 0, LONGEST) + 1] + f"\\ {len(body)} characters of diff; the rest is left out\n"
    return f"--- {old_name}\n+++ {new_name}\n{body}"


def _hunks(old: Sequence[str], new: Sequence[str]) -> str:
    """The hunks. Equal lines at both ends are set aside first: comparing is slow, and most changes are small."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    first, last = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    middle_old, middle_new = old[first : len(old) - last], new[first : len(new) - last]
    if len(middle_old) > COMPARED and len(middle_new) > COMPARED:
        return _replaced(middle_old, middle_new, first)
    found = list(difflib.unified_diff(middle_old, middle_new, n=_CONTEXT))[2:]
    return "".join(_closed(re.sub(r"^@@ -(\d+)(\S*) \+(\d+)(\S*)", _moved(first), line)) for line in found)


def _moved(by: int) -> Callable[[re.Match[str]], str]:
    def move(match: re.Match[str]) -> str:
        return f"@@ -{int(match[1]) + by}{match[2]} +{int(match[3]) + by}{match[4]}"

    return move


def _replaced(old: Sequence[str], new: Sequence[str], first: int) -> str:
    head = f"@@ -{first + 1},{len(old)} +{first + 1},{len(new)} @@\n"
    return head + "".join(_closed("-" + line) for line in old) + "".join(_closed("+" + line) for line in new)


def _lines(text: str) -> list[str]:
    """Lines with their ends. Only a line feed ends one; str.splitlines would also cut at others."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _closed(line: str) -> str:
    return line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
