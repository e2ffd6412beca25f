"""AGENTS.md: what the owner of a trusted folder wants to be kept to, from the folders of a session's files upwards."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from pillion import ContextPart, Session, Turn, Workspace
from pillion.errors import ToolError

NAME = "AGENTS.md"
TITLE = "Rules of this workspace"
INTRO = (
    "The user trusts this folder, and these are its rules for who works in it. Each file of them holds for its folder "
    "and below; the nearer comes first, and counts where two disagree. What the user says comes before all of them."
)
WEIGHT = 6.0
SHARE = 2
"""The part of the budget that they fill at most: half of it."""
MOST = 16
"""Files that are told."""
MOST_FOLDERS = 64
"""Folders that are looked into."""
LARGEST = 256 * 1024
CHARACTERS = 8
"""Of a token, at most: more is not tried."""
SESSIONS = 256
"""Of which it is remembered what they touched; of others only what they changed is known."""


class Rules:
    """One for all sessions. In a folder that is not trusted nobody asks it: such a file is read as any other."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def touch(self, session: str, workspace: Workspace, path: str) -> str:
        """The session has to do with that file. Returns its real place."""
        entry = await workspace.stat(path)
        place = entry.path if entry else path
        touched = self._of(session).touched
        touched[place] = None
        touched.move_to_end(place)
        if len(touched) > MOST_FOLDERS:
            touched.popitem(last=False)
        return place

    async def contribute(self, turn: Turn, budget: int) -> Sequence[ContextPart]:
        session, known = turn.session, self._of(turn.session.id)
        known.told.clear()
        known.looked.clear()
        left = budget // SHARE - turn.count(INTRO)
        parts: list[str] = []
        for folder in _folders(_places(session, known.touched)):
            if len(parts) == MOST:
                break
            path = _in(folder)
            text = await _text(turn.workspace, path)
            if not text:
                known.looked.add(folder)
                continue
            room = min(len(text), max(0, left) * CHARACTERS)
            while turn.count(said := _said(path, text, room)) > left and room:
                room = room * 3 // 4
            if not room:
                break
            left -= turn.count(said)
            known.looked.add(folder)
            known.told.add(path)
            parts.append(said)
        return [ContextPart(TITLE, "\n\n".join([INTRO, *parts]), WEIGHT)] if parts else []

    async def untold(self, session: str, workspace: Workspace, place: str) -> Sequence[str]:
        """The rules for the file at that place that the model was not given, the nearest first. Each is named once a
        turn, and each folder looked into once."""
        known, found = self._of(session), []
        if place.rpartition("/")[2] == NAME:
            known.told.add(place)
        for folder in _folders([place]):
            path = _in(folder)
            if folder not in known.looked:
                known.looked.add(folder)
                if path not in known.told and await _text(workspace, path):
                    known.told.add(path)
                    found.append(path)
        return found

    def _of(self, session: str) -> _Session:
        known = self._sessions.setdefault(session, _Session())
        self._sessions.move_to_end(session)
        if len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return known


class _Session:
    """`touched` are places, the last one last; `looked` the folders that were looked into, `told` the files."""

    def __init__(self) -> None:
        self.touched: OrderedDict[str, None] = OrderedDict()
        self.looked: set[str] = set()
        self.told: set[str] = set()


def _places(session: Session, touched: Iterable[str]) -> list[str]:
    """What it has to do with: read, open in an editor, changed; the last first."""
    return [*reversed([*session.changed, *(overlay.path for overlay in session.overlays.all()), *touched])]


def _folders(places: Sequence[str]) -> list[str]:
    """Those of the places and above them, the deepest first, the root last."""
    found = {"": None}
    for place in places:
        folder = place.rpartition("/")[0]
        while folder and len(found) < MOST_FOLDERS:
            found[folder] = None
            folder = folder.rpartition("/")[0]
    return sorted(found, key=lambda folder: -len(folder.split("/")) if folder else 0)


def _in(folder: str) -> str:
    return f"{folder}/{NAME}" if folder else NAME


async def _text(workspace: Workspace, path: str) -> str:
    try:
        return (await workspace.read(path, LARGEST)).data.decode(errors="replace").strip()
    except ToolError:
        return ""


def _said(path: str, text: str, room: int) -> str:
    """The text, or so many characters of its beginning."""
    rest = f"\n[{len(text) - room} characters are left out: read {path}]" if room < len(text) else ""
    return f'<rules file="{path}">\n{text[:room]}{rest}\n</rules>'
