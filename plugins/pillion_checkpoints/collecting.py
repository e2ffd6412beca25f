"""Gives up old checkpoints, and takes away what no other one needs."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from dulwich.object_format import SHA1
from dulwich.pack import load_pack_index

from .bounds import Bounds, Collected
from .objects import Objects
from .scanning import TREE, entries

LOOSE = 2_000
"""Objects that may be files of their own; more become one pack."""
_log = logging.getLogger(__name__)


def collect(objects: Objects, bounds: Bounds, current: Iterable[tuple[bytes, bytes]]) -> Collected:
    """What `current` needs, pairs of a tree and its notes, stays, too. Nobody else may use the store meanwhile.

    Raises OSError. Of a store that is too large the older half of the checkpoints goes; it may be too large still.
    """
    _sweep_temporary(objects.path)
    refs = sorted(objects.refs(), key=lambda ref: ref[2], reverse=True)
    oldest = time.time() - bounds.days * 86_400
    kept = [ref for ref in refs[: bounds.count] if ref[2] >= oldest]
    if len(kept) == len(refs) and objects.size() > bounds.bytes:
        kept = kept[: max(1, len(kept) // 2)]
    needed: set[bytes] = set()
    broken = 0
    for tree, notes in current:
        needed.add(notes)
        with contextlib.suppress(KeyError, zlib.error, ValueError):
            _mark(objects, tree, needed)
    for ref in list(kept):
        try:
            _mark_commit(objects, ref[1], needed)
        except (KeyError, zlib.error, ValueError):
            _log.error("A checkpoint can't be read any more, and is given up: %s", ref[0])
            kept.remove(ref)
            broken += 1
    names = {ref[0] for ref in kept}
    for ref in refs:
        if ref[0] not in names:
            objects.unpoint(ref[0])
    gone = _sweep(objects, needed)
    objects.reopen()
    return Collected(len(refs) - len(kept), broken, gone)


def drop_deserted(folder: Path, days: float) -> int:
    """Takes away whole stores in which nothing was kept for so long. Returns how many."""
    oldest, gone = time.time() - days * 86_400, 0
    for store in folder.glob("*.git"):
        newest = max((ref.stat().st_mtime for ref in (store / "refs").rglob("*")), default=0.0)
        if max(newest, store.stat().st_mtime) < oldest:
            shutil.rmtree(store, ignore_errors=True)
            gone += 1
    return gone


def _mark_commit(objects: Objects, commit: bytes, needed: set[bytes]) -> None:
    """Adds all that the commit needs. Raises KeyError where some of it is gone; then `needed` may have some of it."""
    head = objects.get(commit)
    _mark(objects, bytes.fromhex(head[5:45].decode()), needed)
    needed.add(commit)


def _mark(objects: Objects, tree: bytes, needed: set[bytes]) -> None:
    if not tree or tree in needed:
        return
    for _, mode, name in entries(objects.get(tree)):
        if mode == TREE:
            _mark(objects, name, needed)
        elif name not in needed:
            if not objects.has(name):
                raise KeyError(name.hex())
            needed.add(name)
    needed.add(tree)


def _sweep(objects: Objects, needed: set[bytes]) -> int:
    """Takes away what is not needed: loose objects, and packs of which less than half is. Returns how many."""
    gone = 0
    loose = dict(_loose(objects.path))
    for name, place in loose.items():
        if name not in needed:
            place.unlink()
            gone += 1
    move = [name for name in loose if name in needed] if len(loose) > LOOSE else []
    worn: list[Path] = []
    for index in (objects.path / "objects" / "pack").glob("*.idx"):
        found = load_pack_index(str(index), SHA1)
        try:
            held = [entry[0] for entry in found.iterentries()]
        finally:
            found.close()
        wanted = [name for name in held if name in needed]
        if len(wanted) * 2 < len(held):
            move += wanted
            worn.append(index)
            gone += len(held) - len(wanted)
    objects.rewrite(move)
    for name in move:
        if name in loose:
            loose[name].unlink()
    for index in worn:
        for place in (index, index.with_suffix(".pack")):
            place.unlink()
    return gone


def _loose(path: Path) -> Iterator[tuple[bytes, Path]]:
    for folder in (path / "objects").glob("[0-9a-f][0-9a-f]"):
        for place in folder.iterdir():
            if len(place.name) == 38:
                yield bytes.fromhex(folder.name + place.name), place


def _sweep_temporary(path: Path) -> None:
    """What a process left that was killed."""
    for pattern in ("objects/*/tmp_*", "ref-*.tmp", "known-*.tmp"):
        for place in path.glob(pattern):
            place.unlink(missing_ok=True)
