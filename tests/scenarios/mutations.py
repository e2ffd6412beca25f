"""Small changes of a line of Python that often mend it, the likeliest for what a test said first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from msgspec import Struct

SWAPS = (
    ("+=", "-="),
    (" + ", " - "),
    (" + ", " * "),
    (" * ", " // "),
    (" < ", " <= "),
    (" > ", " >= "),
    (" == ", " != "),
)
WORD = re.compile(r"(?<![.\w'\"])[a-z_]\w*\b(?![(\w'\"])")


class Block(Struct, frozen=True):
    """A function: its first line's index, its lines, what its arguments are named."""

    start: int
    lines: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        given = re.search(r"\((.*)\)", self.lines[0])
        return [name for name in re.findall(r"[a-z_]\w*", given[1] if given else "") if name != "self"]


def block_at(text: str, line: int) -> Block:
    """The function that holds the line (from 1); a line outside any is a block of its own."""
    lines = text.split("\n")
    start = line - 1
    while start >= 0 and not (
        lines[start].lstrip().startswith("def ") and indent(lines[start]) <= indent(lines[line - 1])
    ):
        start -= 1
    if start < 0:
        return Block(line - 1, (lines[line - 1],))
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or indent(lines[end]) > indent(lines[start])):
        end += 1
    return Block(start, tuple(lines[start:end]))


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def changes(block: Block, line: int, said: str) -> Iterator[tuple[int, str]]:
    """Indices of lines with what to put there; lines near `line` (from 1) first, as said by what the test said."""
    kinds = {"None": (returned,), "!= '": (worded,), "IndexError": (bounded,)}
    likely = next((kind for sign, kind in kinds.items() if sign in said), ())
    rest = tuple(kind for kind in (swapped, renamed, bounded) if kind not in likely)
    order = sorted(range(len(block.lines)), key=lambda at: abs(block.start + at - line + 1))
    for kind in (*likely, *rest):
        for at in order:
            for new in kind(block, at, said):
                yield block.start + at, new


def returned(block: Block, at: int, said: str) -> Iterator[str]:
    """What the last line works out is returned."""
    code = [number for number, text in enumerate(block.lines) if text.strip()]
    line = block.lines[at]
    if at != code[-1] or line.strip().startswith(("return", "def ")):
        return
    given = re.match(r"(\s*)(\w+) [-+*/]?= ", line)
    yield f"{line}\n{given[1]}return {given[2]}" if given else f"{line[: indent(line)]}return {line.strip()}"


def worded(block: Block, at: int, said: str) -> Iterator[str]:
    """A literal that came out where another was wanted is that other one."""
    compared = re.search(r"'(.*)' != '(.*)'", said)
    if compared is None:
        return
    got, wanted = compared[1], compared[2]
    for kind, a, b, c, d in difflib.SequenceMatcher(None, got, wanted, autojunk=False).get_opcodes():
        for quote in "\"'":
            if kind == "replace" and quote + got[a:b] + quote in block.lines[at]:
                yield block.lines[at].replace(quote + got[a:b] + quote, quote + wanted[c:d] + quote)
                return


def bounded(block: Block, at: int, said: str) -> Iterator[str]:
    """One less, one more."""
    line = block.lines[at]
    for found in re.finditer(r"len\(\w+\)", line):
        for more in (" - 1", " + 1"):
            yield line[: found.end()] + more + line[found.end() :]
    for found in re.finditer(r" [-+] 1\b", line):
        yield line[: found.start()] + line[found.end() :]


def swapped(block: Block, at: int, said: str) -> Iterator[str]:
    """Another operator."""
    line = block.lines[at]
    for pair in SWAPS:
        for old, new in (pair, pair[::-1]):
            if old in line:
                yield line.replace(old, new, 1)


def renamed(block: Block, at: int, said: str) -> Iterator[str]:
    """Another argument in an argument's place."""
    if at == 0:
        return
    line = block.lines[at]
    for found in WORD.finditer(line):
        if found[0] in block.names:
            for name in block.names:
                if name != found[0]:
                    yield line[: found.start()] + name + line[found.end() :]
