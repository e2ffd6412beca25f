"""Whether a program waits for somebody to type: what its processes are blocked in, as /proc tells it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Literal

from pillion.processtree import descendants

Waits = Literal["yes", "maybe", "no", "unknown"]
"""`yes`: one reads its input and gets none. `maybe`: one that takes single keys from its terminal waits for anything.
`unknown`: all sleep, and nobody says in what."""

_READ: dict[str, frozenset[int]] = {"x86_64": frozenset([0, 19]), "aarch64": frozenset([63, 65])}
"""read, readv."""
_POLL: dict[str, frozenset[int]] = {
    "x86_64": frozenset([7, 23, 232, 270, 271, 281, 441]),
    "aarch64": frozenset([22, 72, 73, 441]),
}
"""poll, select, epoll_wait and their kin."""
_MACHINE = platform.machine()
_READS, _POLLS = _READ.get(_MACHINE, frozenset()), _POLL.get(_MACHINE, frozenset())
_CONTROLLING = os.makedev(5, 0)
"""/dev/tty: its own terminal, for each process."""
MOST = 64
"""Processes, and threads of one, that are looked at."""


def waits(root: int, reads: tuple[int, int], *, group: int = 0, keys: bool = False) -> Waits:
    """Of the processes from `root` down, whose input is `reads` (Process.reads). `group`: those of a terminal's
    foreground alone. `keys`: its terminal is in the mode in which each key counts. Blocks for some milliseconds."""
    found: set[Waits] = set()
    members = [root, *descendants({root})]
    for pid in members[:MOST]:
        if not group or _group(pid) == group:
            found |= _waits_of(pid, reads, keys)
    return next((one for one in ("yes", "maybe", "unknown") if one in found and "busy" not in found), "no")


def _waits_of(pid: int, reads: tuple[int, int], keys: bool) -> set[Waits]:
    found: set[Waits] = set()
    try:
        threads = os.listdir(f"/proc/{pid}/task")[:MOST]
    except OSError:
        return found
    for thread in threads:
        try:
            said = Path(f"/proc/{pid}/task/{thread}/syscall").read_text().split()
        except PermissionError:
            found.add("unknown")
            continue
        except OSError:  # it is gone
            continue
        if len(said) < 2 or not said[0].isdigit():  # it runs
            continue
        call = int(said[0])
        if call in _READS and _is(pid, int(said[1], 16), reads):
            found.add("yes")
        elif call in _POLLS and keys and reads[0] and _is(pid, 0, reads):
            found.add("maybe")
    return found


def _is(pid: int, descriptor: int, reads: tuple[int, int]) -> bool:
    try:
        found = os.stat(f"/proc/{pid}/fd/{descriptor}")
    except OSError:
        return False
    terminal, inode = reads
    return found.st_rdev in (terminal, _CONTROLLING) if terminal else (found.st_rdev, found.st_ino) == (0, inode)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
