"""Whether a program waits for somebody to type: what its processes are blocked in, as /proc tells it."""

from __future__ import annotations

import os
import platform
import select
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pillion.processtree import descendants

Waits = Literal["yes", "maybe", "no", "unknown"]
"""`yes`: one reads its input and gets none. `maybe`: one waits for anything, and its input is among that, or its
terminal gives it single keys. `unknown`: all sleep, and nobody says in what."""

_READ: dict[str, frozenset[int]] = {"x86_64": frozenset([0, 19]), "aarch64": frozenset([63, 65])}
"""read, readv."""
_POLL: dict[str, frozenset[int]] = {
    "x86_64": frozenset([7, 23, 232, 270, 271, 281, 441]),
    "aarch64": frozenset([22, 72, 73, 441]),
}
"""poll, select, epoll_wait and their kin."""
_MACHINE = platform.machine()
_SELECT: dict[str, frozenset[int]] = {"x86_64": frozenset([23, 270]), "aarch64": frozenset([72])}
"""select, pselect6."""
_EPOLL: dict[str, frozenset[int]] = {"x86_64": frozenset([232, 281, 441]), "aarch64": frozenset([22, 441])}
"""epoll_wait and its kin."""
_SELECTS, _EPOLLS = _SELECT.get(_MACHINE, frozenset()), _EPOLL.get(_MACHINE, frozenset())
_POLLED = struct.Struct("ihh")
"""`struct pollfd`."""
_READS, _POLLS = _READ.get(_MACHINE, frozenset()), _POLL.get(_MACHINE, frozenset())
_CONTROLLING = os.makedev(5, 0)
"""/dev/tty: its own terminal, for each process."""
MOST = 64
"""Processes, and threads of one, that are looked at."""
MOST_WATCHED = 1024
"""Descriptors that a thread waits for, as far as they are looked at."""


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
        elif call in _POLLS and reads[0] and _is(pid, 0, reads) and (keys or 0 in _watched(pid, call, said[1:4])):
            found.add("maybe")
    return found


def _watched(pid: int, call: int, given: Sequence[str]) -> Iterable[int]:
    """The descriptors whose input a thread waits for, as its memory tells; none where that can't be read."""
    first, second = (int(one, 16) for one in given[:2])
    try:
        if call in _EPOLLS:
            said = Path(f"/proc/{pid}/fdinfo/{first}").read_text().splitlines()
            return [int(line.split()[1]) for line in said if line.startswith("tfd:")]
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            if call in _SELECTS:  # how many, and a set of bits
                memory.seek(second)
                bits = int.from_bytes(memory.read(min(first, MOST_WATCHED) // 8 + 1), sys.byteorder)
                return [number for number in range(min(first, MOST_WATCHED)) if bits >> number & 1]
            memory.seek(first)  # a table, and how long it is
            table = memory.read(_POLLED.size * min(second, MOST_WATCHED))
            return [fd for fd, events, _ in _POLLED.iter_unpack(table) if events & select.POLLIN]
    except (OSError, ValueError, OverflowError, struct.error):
        return []


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
