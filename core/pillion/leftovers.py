"""What a Pillion that was killed has left running: found by the mark on each process, and ended tree by tree."""

from __future__ import annotations

import logging
import os

import trio

from .processtree import VARIABLE, Tree, ancestors, environ, is_alive, processes

_log = logging.getLogger("pillion.processes")
_NAME = f"{VARIABLE}=".encode()


async def end_leftovers(threads: trio.CapacityLimiter) -> int:
    """Ends all trees of this user whose Pillion is gone; how many there were. Needs /proc, and does nothing without.

    What belongs to one that lives is left alone, and so is a tree that we ourselves are part of.
    """
    trees = await trio.to_thread.run_sync(_find, limiter=threads)
    for mark, members in trees.items():
        left = await Tree.of(mark, members).end(threads)
        owner = mark.partition("-")[0]
        _log.warning("Ended %d processes that process %s, a Pillion that is gone, has left", len(members), owner)
        if left:
            _log.error("%d of them could not be ended", left)
    return len(trees)


def _find() -> dict[str, set[int]]:
    """Members of the trees whose owner is gone, by mark."""
    trees: dict[str, set[int]] = {}
    for pid in processes():
        if mark := _mark(pid):
            trees.setdefault(mark, set()).add(pid)
    owners = [mark.partition("-")[0] for mark in trees if is_alive(mark)]
    living = {int(pid) for pid in owners if pid.isdigit()}
    untouched = living | ancestors(os.getpid()) | {os.getpid()}
    return {mark: members for mark, members in trees.items() if not is_alive(mark) and not members & untouched}


def _mark(pid: int) -> str:
    """The mark of one of this user's processes, "" where it has none."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return ""
    except OSError:
        return ""
    found = [value for value in environ(pid).split(b"\0") if value.startswith(_NAME)]
    return found[0][len(_NAME) :].decode("ascii", "replace") if found else ""
