"""From what is selected to the definition that it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from pillion import Kernel, Session, ToolError
from pillion.contracts.workspace import Workspace
from pillion.overlay import place_of

from .anchored import Selected
from .asked import Range, Variable
from .bridge import Bridge
from .callbacks import Outline, Symbol
from .editorfaults import EditorFailed
from .languageserver import position, text_of
from .vendors import Unusable

LONGEST = 300
"""Lines of a definition that is written anew as a whole."""
Named = tuple[int, int, str]
"""First and last line, from 1, and the name."""


class Ground:
    """A session's files, as its turns see them."""

    def __init__(self, kernel: Kernel, session: Session) -> None:
        self.kernel = kernel
        self.workspace: Workspace = session.overlays.through(kernel.catalog.workspace(session.info.workspace))


async def widened(ground: Ground, chosen: Variable, bridge: Bridge) -> tuple[Selected, str]:
    """What is to be edited, and the file's text with line feeds: the smallest definition that holds the selection, by
    its syntax, else as the editor outlines the file; where there is none, the selected lines. Raises Unusable."""
    root = ground.workspace.root
    try:
        place = await place_of(ground.workspace, chosen.fs_file_path)
        text = await text_of(ground, place)
        hash = (await ground.workspace.read(place)).hash
    except ToolError as error:
        raise Unusable(f"What is selected can't be edited: {error}") from None
    first, last = chosen.start_position.line + 1, chosen.end_position.line + 1
    if last > first and chosen.end_position.character == 0:
        last -= 1  # it ends before that line
    last = min(last, text.count("\n") + 1)
    if first > last:
        raise Unusable("What is selected is not in the file any more. Select it again.")
    found = await _defined(ground, place)
    if found is None:
        found = await _outlined(bridge, root / place)
    around = [one for one in found if one[0] <= first and last <= one[1] and one[1] - one[0] < LONGEST]
    first, last, name = min(around, key=lambda one: one[1] - one[0], default=(first, last, chosen.name))
    return Selected(place, first, last, hash, name), text


def lines_of(text: str, selected: Selected) -> Mapping[str, Any]:
    """The range of these lines, as it crosses."""
    lines = text.split("\n")
    begin = sum(len(line) + 1 for line in lines[: selected.first - 1])
    end = begin + len("\n".join(lines[selected.first - 1 : selected.last]))
    crossing: Mapping[str, Any] = to_builtins(Range(position(text, begin), position(text, end)))
    return crossing


async def _defined(ground: Ground, place: str) -> Sequence[Named] | None:
    """By the file's syntax; None where nobody knows its language."""
    code = ground.kernel.catalog.code()
    file = await code.look(ground.workspace, place) if code is not None else None
    return None if file is None else [(one.first, one.last, one.path) for one in file.symbols]


async def _outlined(bridge: Bridge, path: Path) -> Sequence[Named]:
    try:
        outline = await bridge.ask("/get_outline_nodes", Outline, {"fs_file_path": str(path)})
    except EditorFailed:
        return ()
    return list(_named(outline.outline_nodes))


def _named(symbols: Sequence[Symbol]) -> Iterator[Named]:
    for one in symbols:
        yield one.range[0].line + 1, one.range[1].line + 1, one.name
        yield from _named(one.children)
