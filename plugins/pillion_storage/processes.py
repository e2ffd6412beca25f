"""Who has the database open: one row a process, with its heartbeat, so that others know whom they may follow."""

from __future__ import annotations

import os
import platform
import secrets
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

BEAT_SECONDS = 5.0
STALE_SECONDS = 20.0
"""A process of another machine that has been silent for so long is taken for dead."""


class Self(Struct, frozen=True):
    """This process, as other processes see it. `born` tells it from a later one with the same pid."""

    id: str
    host: str
    pid: int
    born: str

    @classmethod
    def make(cls) -> Self:
        pid = os.getpid()
        return cls(secrets.token_hex(8), platform.node(), pid, _born(pid))


def lives(row: Any, now: float) -> bool:
    """Does that process run? On this machine the system knows; elsewhere its heartbeat tells."""
    if row.host == platform.node():
        return bool(row.born) and _born(row.pid) == row.born
    return bool(now * 1000 - row.beat < STALE_SECONDS * 1000)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _born(pid: int) -> str:
    """The boot and the moment in it when the process began (proc(5): stat, field 22); "" when it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(pid) if _answers(pid) else ""
    return "" if stat[0] == "Z" else f"{boot} {stat[19]}"


def _answers(pid: int) -> bool:
    """For systems without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
