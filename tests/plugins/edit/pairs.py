"""Files before and after a change: those of the project's own commits, and changes made up in files of the library."""

from __future__ import annotations

import difflib
import random
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from pillion_edit.hunk import Hunk

HERE = Path(__file__).parents[3]
SUFFIXES = (".py", ".md", ".toml", ".js", ".css", ".ts", ".html")
LARGEST = 120_000


class Pair(Struct, frozen=True):
    """One hunk of a change: `before` and `after` are the file's lines with and without that hunk alone."""

    path: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    hunk: Hunk
    at: int


def from_commits(count: int, chance: random.Random) -> Iterator[Pair]:
    """The oldest first, so that they stay the same; none where there is no history."""
    commits = _git("log", "--reverse", "--format=%H", "--no-merges").split()
    for commit in commits[: count * 2]:
        for line in _git("diff-tree", "-r", "--diff-filter=M", "--no-renames", commit).splitlines()[1:]:
            _, _, _, old, new, _, *path = line.replace("\t", " ").replace(":", "x ", 1).split(" ")
            if path and path[0].endswith(SUFFIXES):
                before, after = _git("cat-file", "blob", old), _git("cat-file", "blob", new)
                if len(before) < LARGEST:
                    yield from _pair(path[0], before, after, chance)


def made_up(count: int, chance: random.Random) -> Iterator[Pair]:
    """Files of Python's own library, with lines changed, copied and taken away."""
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    for path in chance.sample(library, min(count, len(library))):
        text = path.read_text("utf-8", "replace")
        if 500 < len(text) < LARGEST:
            yield from _pair(path.name, text, _changed(text, chance), chance)


def _changed(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines) - 4)
        match chance.choice(("take", "copy", "word")):
            case "take":
                del lines[at : at + chance.randint(1, 3)]
            case "copy":
                lines[at:at] = [f"{line}  # new {n}" if line else line for n, line in enumerate(lines[at : at + 3])]
            case _:
                lines[at] = lines[at].replace("a", "other_a", 1) + "  # changed"
    return "\n".join(lines)


def _pair(path: str, before: str, after: str, chance: random.Random) -> Iterator[Pair]:
    old, new = before.removesuffix("\n").split("\n"), after.removesuffix("\n").split("\n")
    groups = list(
        difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(chance.choice((1, 2, 3, 3)))
    )
    if groups and "\r" not in before:
        (_, first, _, begin, _), (_, _, last, _, end) = (group := chance.choice(groups))[0], group[-1]
        hunk = Hunk(tuple(old[first:last]), tuple(new[begin:end]))
        if hunk.old and hunk.new:
            done = (*old[:first], *hunk.new, *old[last:])
            yield Pair(path, tuple(old), done, hunk, first)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(HERE), *arguments]
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).stdout.decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
