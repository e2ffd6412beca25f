"""Who has the database open: one row a process, with its heartbeat, so that others know whom they may follow."""

from __future__ import annotations

import os
import platform
import secrets
from pathlib import Path

from msgspec import Struct

BEATS = 4
"""In the time after which a silent process is taken for dead."""
FORGOTTEN = 10
"""Such times after which the row of one that is silent goes, too."""


class Self(Struct, frozen=True):
    """This process, as other processes see it. `born` tells it from a later one with the same pid, and its machine (or
    container) from others of the same name."""

    id: str
    host: str
    pid: int
    born: str

    @classmethod
    def make(cls) -> Self:
        pid = os.getpid()
        return cls(secrets.token_hex(8), platform.node(), pid, _born(pid))


class Other(Struct, frozen=True):
    """A process that has the database open. Times are milliseconds since 1970 UTC, by the database's clock."""

    id: str
    host: str
    pid: int
    born: str
    started: int
    beat: int

    def ended(self) -> bool:
        """Does the system know that it runs no more? It knows of this machine (or container) alone."""
        if self.host != platform.node() or _place(self.born) != _place(_born(os.getpid())):
            return False
        there = _born(self.pid)
        return not there or (bool(_place(there)) and there != self.born)

    def silent(self, now: int) -> float:
        """Seconds since its last heartbeat."""
        return max(0, now - self.beat) / 1000

    def lives(self, now: int, lease: float) -> bool:
        """May it still write what it has open? One that is silent for `lease` seconds is taken for dead, also on this
        machine: it may be stopped, and its sessions are wanted."""
        return not self.ended() and self.silent(now) < lease

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _born(pid: int) -> str:
    """The boot, the space of pids and the moment when the process began (proc(5): stat, field 22); "" when it does not
    run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        pids = os.readlink("/proc/self/ns/pid")
    except OSError:  # a system without /proc, or that hides others' processes
        return str(pid) if _answers(pid) else ""
    return "" if stat[0] == "Z" else f"{boot} {pids} {stat[19]}"


def _place(born: str) -> str:
    """The part of `born` that all processes of a machine (or container) have alike."""
    return born.rpartition(" ")[0]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
