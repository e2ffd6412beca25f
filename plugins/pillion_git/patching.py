"""A patch of one file as git writes it."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence

from .linediff import Box, changes, differing, lines_of
from .opened import SUBMODULE, Opened
from .porcelain import inside, text
from .renames import Leaf, Pair
from .values import Patch, What

CONTEXT = 3
LONGEST_FUNCTION = 80
DIRTY = b"-dirty"
"""Behind the commit of a submodule in which something is changed."""
_NO_NAME = b"0" * 40
_NEWLINE = b"\n\\ No newline at end of file\n"
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def patch(found: Opened, pair: Pair) -> Patch:
    old, new = pair.old, pair.new
    if old and new and stat.S_IFMT(old.mode) != stat.S_IFMT(new.mode):
        gone, made = _piece(found, pair._replace(new=None)), _piece(found, pair._replace(old=None))
        whole = (gone[0] or b"") + (made[0] or b"")
        said, added, removed, binary = whole, gone[1] + made[1], gone[2] + made[2], gone[3] or made[3]
    else:
        said, added, removed, binary = _piece(found, pair)
    prefix = found.place.prefix
    return Patch(
        inside(text(pair.path), prefix),
        _kind(pair),
        text(said),
        added,
        removed,
        binary,
        inside(text(pair.origin), prefix) if pair.origin else "",
        f"{old.mode:06o}" if old else "",
        f"{new.mode:06o}" if new else "",
    )


def counts(found: Opened, pair: Pair) -> tuple[int, int, bool]:
    """Lines added and removed, and whether it is binary."""
    before, after = _data(found, pair.old), _data(found, pair.new)
    if _is_binary(found, pair, before, after):
        return 0, 0, True
    if pair.old and pair.new and pair.old.id == pair.new.id:
        return 0, 0, False
    boxes = _boxes(lines_of(before), lines_of(after))
    return sum(j2 - j1 for _, _, j1, j2 in boxes), sum(i2 - i1 for i1, i2, _, _ in boxes), False


def _kind(pair: Pair) -> What:
    if pair.origin is not None:
        return "renamed"
    if pair.old is None:
        return "added"
    if pair.new is None:
        return "deleted"
    return "changed" if stat.S_IFMT(pair.old.mode) == stat.S_IFMT(pair.new.mode) else "type"


def _piece(found: Opened, pair: Pair) -> tuple[bytes, int, int, bool]:
    old, new = pair.old, pair.new
    before_path, path = pair.origin or pair.path, pair.path
    said = [b"diff --git " + _name(b"a/" + before_path) + b" " + _name(b"b/" + path) + b"\n"]
    if old is None and new is not None:
        said.append(b"new file mode %06o\n" % new.mode)
    elif new is None and old is not None:
        said.append(b"deleted file mode %06o\n" % old.mode)
    elif old and new and old.mode != new.mode:
        said.append(b"old mode %06o\nnew mode %06o\n" % (old.mode, new.mode))
    if pair.origin is not None:
        said.append(b"similarity index %d%%\n" % int(pair.likeness * 100))
        said.append(b"rename from " + _name(before_path) + b"\nrename to " + _name(path) + b"\n")
    if old and new and old.id == new.id:
        return b"".join(said), 0, 0, False
    none = _NO_NAME[: len((old or new).id)] if old or new else _NO_NAME  # type: ignore[union-attr]
    names = [leaf.id.removesuffix(DIRTY) if leaf else none for leaf in (old, new)]
    only_dirty = old is not None and names[0] == names[1]
    if not only_dirty:
        said.append(b"index " + b"..".join(names))
        said.append(b" %06o\n" % old.mode if old and new and old.mode == new.mode else b"\n")
    before, after = _data(found, old), _data(found, new)
    old_name, new_name = (b"a/" + before_path if old else b"/dev/null"), (b"b/" + path if new else b"/dev/null")
    if _is_binary(found, pair, before, after):
        said.append(b"Binary files " + _name(old_name) + b" and " + _name(new_name) + b" differ\n")
        return b"".join(said), 0, 0, True
    if before == after:
        return b"".join(said), 0, 0, False
    a, b = lines_of(before), lines_of(after)
    boxes = _boxes(a, b)
    said.append(b"--- " + _header(old_name) + b"\n+++ " + _header(new_name) + b"\n")
    said += _hunks(a, b, boxes)
    if only_dirty:  # git shows a line on either side, and counts none
        return b"".join(said), 0, 0, False
    return b"".join(said), sum(j2 - j1 for _, _, j1, j2 in boxes), sum(i2 - i1 for i1, i2, _, _ in boxes), False


def _data(found: Opened, leaf: Leaf | None) -> bytes:
    return found.data(leaf) if leaf else b""


def _is_binary(found: Opened, pair: Pair, before: bytes, after: bytes) -> bool:
    conversion = found.conversion
    return any(
        leaf is not None and leaf.mode != SUBMODULE and conversion.is_binary(path, data)
        for leaf, path, data in ((pair.old, pair.origin or pair.path, before), (pair.new, pair.path, after))
    )


def _boxes(a: Sequence[bytes], b: Sequence[bytes]) -> list[Box]:
    return [*changes(*differing(a, b))]


def _hunks(a: Sequence[bytes], b: Sequence[bytes], boxes: Sequence[Box]) -> Iterator[bytes]:
    at = 0
    function, looked = b"", -1
    while at < len(boxes):
        last = at
        while last + 1 < len(boxes) and boxes[last + 1][0] - boxes[last][1] <= 2 * CONTEXT:
            last += 1
        first = boxes[at]
        start, start_new = max(0, first[0] - CONTEXT), max(0, first[2] - CONTEXT)
        end, end_new = min(len(a), boxes[last][1] + CONTEXT), min(len(b), boxes[last][3] + CONTEXT)
        for place in range(start - 1, looked, -1):
            if re.match(rb"[A-Za-z_$]", a[place]):
                function = a[place]
                break
        looked = max(looked, start - 1)
        shown = function.rstrip()[:LONGEST_FUNCTION].rstrip()
        ranges = b"@@ -" + _range(start, end) + b" +" + _range(start_new, end_new) + b" @@"
        yield ranges + (b" " + shown if shown else b"") + b"\n"
        position = start
        for i1, i2, j1, j2 in boxes[at : last + 1]:
            yield from (_signed(b" ", line) for line in a[position:i1])
            yield from (_signed(b"-", line) for line in a[i1:i2])
            yield from (_signed(b"+", line) for line in b[j1:j2])
            position = i2
        yield from (_signed(b" ", line) for line in a[position:end])
        at = last + 1


def _range(start: int, end: int) -> bytes:
    count = end - start
    shown = start + 1 if count else start
    return b"%d" % shown if count == 1 else b"%d,%d" % (shown, count)


def _signed(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + _NEWLINE


def _name(path: bytes) -> bytes:
    """Quoted where it holds signs that can't stand there."""
    if not any(sign < 32 or sign in (34, 92, 127) for sign in path):
        return path
    return b'"' + b"".join(_escaped(sign) for sign in path) + b'"'


def _escaped(sign: int) -> bytes:
    if sign in _ESCAPES:
        return b"\\" + _ESCAPES[sign].encode()
    return b"\\%03o" % sign if sign < 32 or sign == 127 else bytes((sign,))


def _header(path: bytes) -> bytes:
    """As it stands behind --- and +++: a tab ends a name with a space in it."""
    return _name(path) + (b"\t" if b" " in path and _name(path) == path else b"")
