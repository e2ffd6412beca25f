"""What a line is inside of: the heads above it that are less indented; in a flat file, the heading above it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .likeness import indent

MOST = 200
"""Lines that may look like a scope's head before it tells nothing."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_LABEL = re.compile(r"(case\b.*|default|public|private|protected)\s*:")
_OPEN = ":({["
_BEFORE = {
    "export", "default", "async", "public", "private", "protected", "internal", "static", "pub", "final", "abstract",
    "const", "override", "unsafe", "extern", "inline", "virtual", "open", "sealed", "data",
}  # fmt: skip
"""Words that may stand before what a model gives of a head."""


def is_in_scope(lines: Sequence[str], scope: Sequence[str], line: int) -> bool:
    """Is `line` inside all of these, the innermost last? Where nobody finds one of them, it is not."""
    if not scope:
        return True
    inside = {*heads_of(lines, line)}
    places = [
        {number for number in _named(lines, head, line + 1) if number in inside or _below(lines, number, line)}
        for head in scope
    ]
    behind = -1
    for found in places:  # one within the other
        behind = min((number for number in found if number > behind), default=len(lines))
    return behind <= line


def scope_lines(lines: Sequence[str], scope: Sequence[str], within: range) -> list[int]:
    """The lines that the innermost of `scope` may be."""
    found = _named(lines, scope[-1], within.stop)[:MOST] if scope else []
    return [number for number in found if number in within and is_in_scope(lines, scope[:-1], number)]


def heads_of(lines: Sequence[str], line: int) -> Iterator[int]:
    """The lines that `line` is inside of, by indentation, the nearest first; itself as well."""
    yield line
    least = width(lines[line]) if lines[line].strip() else 10_000
    for number in range(line - 1, -1, -1):
        if lines[number].strip() and width(lines[number]) < least:
            yield number
            least = width(lines[number])


def width(line: str) -> int:
    """Columns of its indentation."""
    return len(indent(line).expandtabs(4))


def _named(lines: Sequence[str], head: str, end: int) -> list[int]:
    """Which lines before `end` are `head`; those that it is the beginning of where none is."""
    wanted = _TOKEN.findall(head)
    short = _TOKEN.findall(head.rstrip().rstrip(_OPEN))
    first = next((token for token in short if token.isalnum()), "")
    likely = [number for number in range(min(end, len(lines))) if first in lines[number]]
    exact = [number for number in likely if _TOKEN.findall(lines[number]) == wanted]
    return exact or [number for number in likely if short and _begins(_TOKEN.findall(lines[number]), short)]


def _begins(tokens: Sequence[str], head: Sequence[str]) -> bool:
    before = 0
    while before < len(tokens) and tokens[before] in _BEFORE and [*tokens[before : before + len(head)]] != head:
        before += 1
    return [*tokens[before : before + len(head)]] == head


def _below(lines: Sequence[str], head: int, line: int) -> bool:
    """Does the heading, or the head whose bracket is on a line of its own, reach as far as `line`?"""
    title = lines[head].strip()
    if line <= head or (lines[line].strip() and width(lines[line]) < width(lines[head])):
        return line == head
    level = width(lines[head])
    between = [lines[number].strip() for number in range(head + 1, line) if width(lines[number]) <= level]
    if found := re.match(r"(#+)\s", title):
        return not any(re.match(rf"#{{1,{len(found[1])}}}\s", one) for one in [*between, lines[line]])
    if title.startswith("["):
        return not any(one.startswith("[") for one in [*between, lines[line].strip()])
    listed = title.endswith(":") and all(one.startswith("- ") for one in between if one)
    labelled = title.endswith("{") or lines[head + 1].strip() == "{"
    return listed or not any(_ends(one) and not (labelled and _LABEL.fullmatch(one)) for one in between)


def _ends(line: str) -> bool:
    """Is a line as deep as a head the end of what that heads? Not brackets, and a preprocessor's lines."""
    return any(map(str.isalnum, line)) and line[0] not in ")]}{#"
