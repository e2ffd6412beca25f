"""A stubborn debugger as a program for the vendor's server: what it calls next follows from what the results say.

It knows no project. It runs the tests, looks at the functions in the traceback and at those that they call, tries one
small change after the other, runs the tests after each, and takes back what did not help.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator, Sequence

from msgspec import Struct

from pillion.values import ToolResult
from pillion_runtime.testing import Asked, Call, Reply, call

from .mutations import Block, block_at, changes

Moves = Generator[Sequence[Call], list[str], str]
"""Yields the calls of one message, is sent their results, returns the last words."""
FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+), in .+\n    (?P<code>.+)$', re.MULTILINE)
FAILED = re.compile(r"^FAILED \((?P<counts>.+)\)$", re.MULTILINE)
CALLED = re.compile(r"\b([a-z]\w*)\(")


class Place(Struct, frozen=True):
    """A line of a file of the project."""

    path: str
    line: int


class Edit(Struct, frozen=True):
    path: str
    old: str
    new: str

    def call(self) -> Call:
        return call("edit_file", path=self.path, old=self.old, new=self.new)

    def back(self) -> Edit:
        return Edit(self.path, self.new, self.old)


def debugger(asked: Asked) -> Reply:
    """The next message. All is worked out anew from the conversation, so nothing is known but what it holds."""
    results = [part.text for said in asked.messages for part in said.parts if isinstance(part, ToolResult)]
    moves = debug(asked.prompt)
    try:
        wanted = next(moves)
        while results:
            now, results = results[: len(wanted)], results[len(wanted) :]
            wanted = moves.send(now)
    except StopIteration as ended:
        return Reply(text=str(ended.value))
    return Reply(text=("Let me ", "see."), calls=tuple(wanted))


def debug(prompt: str) -> Moves:
    """The task names the command between backquotes."""
    test = call("run_command", command=re.findall("`(.+?)`", prompt)[0])
    output, names = yield [test, call("glob", pattern="*.py")]
    while count(output):
        found = yield from improve(test, output, names.splitlines())
        if not found:
            return "I could not find it."
        output = found
    return "All tests pass now."


def count(output: str) -> int:
    """How many tests fail."""
    found = FAILED.search(output)
    return sum(map(int, re.findall(r"\d+", found["counts"]))) if found else 0


def improve(test: Call, output: str, files: Sequence[str]) -> Moves:
    """One change with which fewer tests fail; the output then, `""` when there is none."""
    report = re.split(r"^=+$", output, flags=re.MULTILINE)[1]
    said = re.findall(r"^\w+Error\b.*$", report, re.MULTILINE)[-1]
    places, names = traced(report, files)
    texts: dict[str, str] = {}
    seen: set[tuple[str, int]] = set()
    while places or names:
        if not places:
            (hits,) = yield [call("search", pattern=rf"^\s*def {names.popleft()}\b", glob="*.py")]
            places.extend(Place(path, int(line)) for path, line in re.findall(r"^(.+?):(\d+):", hits, re.MULTILINE))
            continue
        place = places.popleft()
        if place.path not in texts:
            (texts[place.path],) = yield [call("read_file", path=place.path)]
        text = texts[place.path]
        block = block_at(text, place.line)
        if (place.path, block.start) not in seen:
            seen.add((place.path, block.start))
            names.extend(CALLED.findall("\n".join(block.lines)))
            better = yield from attempts(test, count(output), edits(place, text, block, said))
            if better:
                return better
    return ""


def attempts(test: Call, failing: int, tries: Sequence[Edit]) -> Moves:
    """Makes one edit after the other. The first output with fewer failures; `""` when all are taken back."""
    back: list[Call] = []
    for edit in tries:
        *_, output = yield [*back, edit.call(), test]
        if count(output) < failing:
            return output
        back = [edit.back().call()]
    if back:
        yield back
    return ""


def traced(report: str, files: Sequence[str]) -> tuple[deque[Place], deque[str]]:
    """The project's own lines in the traceback, innermost first, and the names that the test calls."""
    places: deque[Place] = deque()
    names: deque[str] = deque()
    for frame in FRAME.finditer(report):
        path = next((file for file in files if frame["path"].endswith(f"/{file}")), "")
        if path.startswith("tests/"):
            names.extend(CALLED.findall(frame["code"]))
        elif path:
            places.appendleft(Place(path, int(frame["line"])))
    return places, names


def edits(place: Place, text: str, block: Block, said: str) -> list[Edit]:
    """All small changes of the block, those near the place first, each with lines around it until it is unique."""
    lines = text.split("\n")
    found = []
    for number, new in changes(block, place.line, said):
        first, last = number, number + 1
        while True:
            before, after = (
                "\n".join(lines[first:last]),
                "\n".join([*lines[first:number], new, *lines[number + 1 : last]]),
            )
            changed = "\n".join([*lines[:number], new, *lines[number + 1 :]])
            if text.count(before) == 1 and changed.count(after) == 1:
                break
            first, last = max(0, first - 1), last + 1
        found.append(Edit(place.path, before, after))
    return found
