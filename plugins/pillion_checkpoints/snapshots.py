"""Snapshots of one workspace: trees in a store of its own, notes of what git has no words for, and differences."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from pillion_git.ignorerules import outermost

from .bounds import Bounds, Collected
from .collecting import collect
from .excludes import excluded
from .objects import Objects
from .remembering import recall, remember
from .scanning import FILE, LINK, PROGRAM, TREE, Put, Scan
from .state import FOLDER, Difference, Snapshot, State, Thing

RECENT = 16
"""States that are not given up, though nobody has kept them yet."""
AUTHOR = b"Pillion <pillion@localhost>"


class Settings(Struct, frozen=True):
    """`limit`: bytes of the largest file that is kept; `user`: the patterns that the user has git ignore everywhere;
    `modes`: the permission bits of new files here, without and with the right to run."""

    limit: int
    user: bytes = b""
    modes: tuple[int, int] = (0o644, 0o755)


class Snapshots:
    """Those of the folder `root`, in the store at `path`. Blocks, so it belongs in a thread; one call at a time.

    What git ignores is what it ignores in `origin`, by default the same folder.
    """

    def __init__(
        self, root: Path, path: Path, settings: Settings, hides: Callable[[str], bool], origin: Path | None = None
    ) -> None:
        self.root, self._settings, self._origin = root, settings, origin or root
        self.objects = Objects(path)
        self._scan = Scan(os.fsencode(root), hides, settings.limit, settings.modes)
        recall(self._scan, path, self.objects.names)
        self._remembered = 0
        self._exclude: bytes | None = None
        self._recent: deque[State] = deque(maxlen=RECENT)
        self._rules = outermost(None, settings.user)

    def look(self) -> State:
        """What the workspace is now; its content is in the store from then on. Raises OSError."""
        try:
            exclude = excluded(self._origin)
            if exclude != self._exclude:
                self._exclude, self._rules = exclude, outermost(exclude, self._settings.user)
            tree = self._scan.run(self.objects.put, self._rules)
            notes = self.objects.put(b"blob", self._noted())
            self.objects.flush()
        except BaseException:
            self.objects.forget()
            self._scan.forget()
            raise
        state = State(tree.hex(), notes.hex(), len(self._scan.skipped))
        if state not in self._recent:
            self._recent.append(state)
        return state

    def remember(self) -> None:
        """Writes down what it knows of files, for the next process. Raises OSError."""
        if self._scan.reads != self._remembered:
            with contextlib.suppress(FileNotFoundError):  # of a folder that is gone, e.g. a dropped fork, nothing
                remember(self._scan, self.objects.path)
            self._remembered = self._scan.reads

    def close(self) -> None:
        with contextlib.suppress(OSError):  # then the next process reads the files again
            self.remember()
        self.objects.close()

    def keep(self, state: State, ref: str, said: Mapping[str, str]) -> Snapshot:
        """Makes it last, as `ref`; `said` is told with it. Raises KeyError where it was given up meanwhile."""
        if state.tree and not self.objects.has(bytes.fromhex(state.tree)):
            raise KeyError(state.tree)
        put: Put = self.objects.put
        inner = [(b"files", TREE, bytes.fromhex(state.tree))] if state.tree else []
        inner.append((b"notes", FILE, bytes.fromhex(state.notes)))
        wrapper = put(b"tree", b"".join(b"%o %b\0%b" % (mode, name, hash) for name, mode, hash in inner))
        who = b"%b %d +0000" % (AUTHOR, time.time())
        message = json.dumps({"root": str(self.root), **said}).encode()
        commit = put(
            b"commit", b"tree %b\nauthor %b\ncommitter %b\n\n%b\n" % (wrapper.hex().encode(), who, who, message)
        )
        self.objects.flush()
        self.objects.point(ref, commit)
        with contextlib.suppress(ValueError):
            self._recent.remove(state)
        return Snapshot(commit.hex(), state)

    def of(self, commit: str) -> Snapshot:
        """The one of that name. Raises KeyError when it is gone."""
        head = self.objects.get(bytes.fromhex(commit))
        wrapper = self.objects.tree(bytes.fromhex(head[5:45].decode()))
        files, notes = wrapper.get(b"files"), wrapper[b"notes"][1]
        return Snapshot(
            commit, State(files[1].hex() if files else "", notes.hex(), len(self._read(notes.hex()).skipped))
        )

    def differences(self, before: State, after: State) -> list[Difference]:
        """By path. Raises KeyError when one of them is gone."""
        notes = self._read(before.notes), self._read(after.notes)
        found: dict[str, tuple[Thing | None, Thing | None]] = {}
        self._compare(bytes.fromhex(before.tree), bytes.fromhex(after.tree), b"", notes, found)
        for path in notes[0].modes.keys() | notes[1].modes.keys():
            if notes[0].modes.get(path) != notes[1].modes.get(path) and path not in found:
                pair = tuple(self._find(state, path, note) for state, note in zip((before, after), notes, strict=True))
                if pair[0] != pair[1]:
                    found[path] = (pair[0], pair[1])
        closures = _with_parents(notes[0].empty), _with_parents(notes[1].empty)
        for path in closures[0] | closures[1]:
            pair = found.get(path) or (self._find(before, path, notes[0]), self._find(after, path, notes[1]))
            one, other = (
                thing or (FOLDER if path in closure else None) for thing, closure in zip(pair, closures, strict=True)
            )
            found[path] = one, other
        return [Difference(path, *found[path]) for path in sorted(found) if found[path][0] != found[path][1]]

    def all(self, state: State) -> list[tuple[str, Thing]]:
        """Files, links and empty folders, by path. Raises KeyError when it is gone."""
        notes = self._read(state.notes)
        found = dict.fromkeys(notes.empty, FOLDER)
        self._walk(bytes.fromhex(state.tree), b"", notes, found)
        return sorted(found.items())

    def _walk(self, tree: bytes, base: bytes, notes: _Notes, found: dict[str, Thing]) -> None:
        for name, (mode, hash) in self.objects.tree(tree).items():
            path = os.fsdecode(base + name)
            if mode == TREE:
                self._walk(hash, base + name + b"/", notes, found)
            elif (thing := _thing((mode, hash), path, notes)) is not None:
                found[path] = thing

    def content(self, thing: Thing) -> bytes:
        """Of a file, or a link's target; b"" of a folder. Raises KeyError."""
        return self.objects.get(bytes.fromhex(thing.name)) if thing.name else b""

    def collect(self, bounds: Bounds) -> Collected | None:
        """Gives up what is old. None: another process uses the store, so nothing is done. Raises OSError."""
        with self.objects.alone() as alone:
            if not alone:
                return None
            done = Collected()
            current = [(bytes.fromhex(state.tree), bytes.fromhex(state.notes)) for state in self._recent]
            current.append((self._scan.top.tree or b"", b""))
            while True:
                done += collect(self.objects, bounds, current)
                if self.objects.size() <= bounds.bytes or len(list(self.objects.refs())) < 2:
                    break
            if not all(self.objects.has(tree) for tree, _ in current if tree):
                self._scan.forget()  # what it remembers is not there
            return done

    def skipped(self, state: State) -> Mapping[str, str]:
        """What is not kept in it, and why: large, protected, unreadable, deep, changing."""
        return self._read(state.notes).skipped

    # ── inside ──

    def _noted(self) -> bytes:
        scan = self._scan
        return json.dumps(
            {
                "modes": {os.fsdecode(path): scan.modes[path] for path in sorted(scan.modes)},
                "empty": [os.fsdecode(path) for path in sorted(scan.empty)],
                "skipped": {os.fsdecode(path): scan.skipped[path] for path in sorted(scan.skipped)},
                "plain": list(self._settings.modes),
            },
            separators=(",", ":"),
        ).encode()

    def _read(self, name: str) -> _Notes:
        return msgspec.convert(json.loads(self.objects.get(bytes.fromhex(name))), _Notes)

    def _compare(
        self,
        old: bytes,
        new: bytes,
        base: bytes,
        notes: tuple[_Notes, _Notes],
        found: dict[str, tuple[Thing | None, Thing | None]],
    ) -> None:
        before, after = self.objects.tree(old), self.objects.tree(new)
        for name in before.keys() | after.keys():
            one, other = before.get(name), after.get(name)
            if one == other:
                continue
            path = base + name
            trees = [entry[1] if entry and entry[0] == TREE else b"" for entry in (one, other)]
            if any(trees):
                self._compare(trees[0], trees[1], path + b"/", notes, found)
            shown = os.fsdecode(path)
            found[shown] = _thing(one, shown, notes[0]), _thing(other, shown, notes[1])

    def _find(self, state: State, path: str, notes: _Notes) -> Thing | None:
        tree, entry = bytes.fromhex(state.tree), None
        for name in os.fsencode(path).split(b"/"):
            entry = self.objects.tree(tree).get(name)
            if entry is None:
                return None
            tree = entry[1] if entry[0] == TREE else b""
        return _thing(entry, path, notes)


def _with_parents(paths: Iterable[str]) -> set[str]:
    """The folders, and those that they are in."""
    found: set[str] = set()
    for path in paths:
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return found


class _Notes(Struct, frozen=True):
    modes: dict[str, int]
    empty: list[str]
    skipped: dict[str, str]
    plain: tuple[int, int]


def _thing(entry: tuple[int, bytes] | None, path: str, notes: _Notes) -> Thing | None:
    match entry:
        case (mode, name) if mode in (FILE, PROGRAM):
            return Thing("file", name.hex(), notes.modes.get(path, notes.plain[mode == PROGRAM]))
        case (mode, name) if mode == LINK:
            return Thing("link", name.hex())
        case (mode, name) if mode == TREE:
            return FOLDER
        case _:
            return None
