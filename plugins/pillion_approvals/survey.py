"""Where in the workspace the words of a line lead."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from pillion.contracts.policy import JudgedCall
from pillion.contracts.workspace import Workspace
from pillion.errors import OutsideWorkspace

from .line import Line
from .paths import real_place
from .programs import ASSIGNMENT
from .words import Word

MOST = 200
"""Words that are looked up as paths; a line with more is not known."""


class Survey(Struct, frozen=True):
    """`writes`: the place of each file that is written, None where that is not known or not inside. `reads`: places
    that words may mean; `unsure`: words that something makes others of, which may be places. `trouble` says why even a
    line of allowed commands is to be asked for."""

    writes: Mapping[Word, str | None] = {}
    reads: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    trouble: str = ""


async def survey(call: JudgedCall, line: Line, *, reads: bool) -> Survey:
    """With `reads`, also every word is taken for a path. In a shell that stays, nobody knows which folder it is in."""
    given: Any = getattr(call.arguments, "folder", "")
    folder = given if isinstance(given, str) else ""
    stays = bool(getattr(call.arguments, "shell", ""))
    trouble = "it runs git in whatever folder the shell is in" if stays and _runs_git(line) else ""
    bases = [folder]
    for each in line.folders:
        place = await _inside(call.workspace, _under(folder, each.text)) if each.sure else None
        if place is None or len(line.folders) > 1:
            trouble = "it goes to a folder that is not known or not in the workspace"
        else:
            bases.append(place)
    if not trouble and _runs_git(line):
        for base in bases:
            trouble = trouble or await _repository(call.workspace, base)
    writes: dict[Word, str | None] = {}
    for each in _written(line):
        known = each.sure and (each.text.startswith("/") or not (line.folders or stays))
        writes[each] = await _inside(call.workspace, _under(folder, each.text)) if known else None
    if not reads:
        return Survey(writes, trouble=trouble)
    unsure = tuple(_under(base, each) for each in _expanded(line) for base in bases)
    words = list(_named(line))
    if len(words) > MOST:
        trouble = trouble or "it has too many words to be judged"
    places = [await real_place(call.workspace, _under(base, each)) for each in words[:MOST] for base in bases]
    return Survey(writes, tuple(places), unsure, trouble)


def _under(folder: str, path: str) -> str:
    return path if path.startswith("/") or not folder else posixpath.join(folder, path)


async def _inside(workspace: Workspace, path: str) -> str | None:
    """The place, links followed. What is git's own is nobody's to write by a rule."""
    try:
        await workspace.stat(path)
    except OutsideWorkspace:
        return None
    place = await real_place(workspace, path)
    if place.startswith(("/", "..")) or ".git" in place.casefold().split("/"):
        return None
    return "" if place == "." else place


def _written(line: Line) -> Iterator[Word]:
    yield from line.writes
    for command in line.every():
        for risk in command.risks:
            if risk.writes is not None:
                yield risk.writes


def _named(line: Line) -> Iterator[str]:
    for each in _words(line):
        text = each.text.rpartition("=")[2]
        if each.sure and text and "\0" not in text:
            yield text


def _expanded(line: Line) -> Iterator[str]:
    """What is not sure, and what is a pattern to `find`."""
    yield from (each.text for each in (*line.reads, *line.values) if not each.sure)
    for command in line.every():
        finds = command.words[0].text.rpartition("/")[2] in ("find", "fd", "fdfind")
        yield from (each.text for each in command.words[1:] if finds or not each.sure)


def _words(line: Line) -> Iterator[Word]:
    yield from (*line.reads, *line.values)
    for command in line.every():
        yield from command.words if ASSIGNMENT.match(command.words[0].text) else command.words[1:]


def _runs_git(line: Line) -> bool:
    return any(each.text.rpartition("/")[2] == "git" for command in line.every() for each in command.words)


async def _repository(workspace: Workspace, folder: str) -> str:
    """Whether git would take one of the folders up to the workspace for a repository whose settings anybody could
    have written: one without `.git`."""
    place = "" if folder in ("", ".") else await _inside(workspace, folder)
    while place is not None:
        at = f"{place}/" if place else ""
        if await workspace.stat(f"{at}.git") is not None:
            return ""
        if await workspace.stat(f"{at}HEAD") is not None and await workspace.stat(f"{at}objects") is not None:
            return f"git would take {place or 'the workspace'} for a repository, and its settings can run programs"
        if not place:
            return ""
        place = place.rpartition("/")[0]
    return ""
