"""Which processes descend from one that we started, and their end.

On Linux a descendant is known by any of four things, since each alone can be shed: the cgroup it was put into, the
value of a resource limit that the kernel no longer uses, a variable in its environment, and its parents. Elsewhere only
the process group is known. Nothing here starts a process.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import sys
import time
from pathlib import Path

import trio
from msgspec import Struct

try:
    import resource
except ImportError:  # pragma: no cover - only where there are no POSIX limits
    resource = None  # type: ignore[assignment]

VARIABLE = "PILLION_TREE"
GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""
TOTAL = 10.0
"""Seconds after which what can't be killed (a process in an uninterruptible wait) is given up and reported."""
LINUX = sys.platform == "linux"

# RLIMIT_LOCKS: without effect since Linux 2.4.25, yet inherited through fork, exec, setsid and `env -i`.
_LOCKS = 10
_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS_OF_STOPPING = 20
_LOOKS = 5
_GROWTH = 64
"""A tree that grows by so many while it should end gets no more grace."""


class _Stat(Struct, frozen=True):
    parent: int
    state: str


class Tree:
    """The descendants of one process. `adopt` and `settle` come right after its start, `end` once at its end."""

    def __init__(self, groups: Path | None) -> None:
        self.mark = secrets.token_hex(8)
        self._tag = secrets.randbits(47) | 1 << 47
        self._groups = groups
        self._group: Path | None = None
        self._root = 0
        self._orphans: set[int] = set()
        self._dead: set[int] = set()

    def adopt(self, root: int) -> None:
        """From now on `root` and all it starts are members."""
        self._root = root
        _set_tag(root, self._tag)

    def settle(self) -> None:
        """Marks what the root has started before `adopt`, and moves the root into a cgroup where that can be done.
        Blocks up to some 30 ms."""
        if LINUX:
            for _ in range(2):  # twice: a fork that was under way is not listed yet
                for pid in _descendants({self._root}, newer_than=self._root):
                    _set_tag(pid, self._tag)
        if self._groups is None:
            return
        group = self._groups / f"pillion-{os.getpid()}-{self.mark}"
        try:
            group.mkdir()
            self._group = group
            (group / "cgroup.procs").write_text(str(self._root))
        except OSError:  # not ours to make, full, or the process is gone already: the other marks remain
            self._remove_group()

    async def end(self, limiter: trio.CapacityLimiter) -> int:
        """Ends every member: SIGTERM, `GRACE`, then SIGKILL until none is left. How many are left after `TOTAL`."""
        started = time.monotonic()
        pause, killing = 0.002, False
        left = await trio.to_thread.run_sync(self._alive, limiter=limiter)
        at_first = len(left)
        self._signal(left, signal.SIGTERM, signal.SIGCONT)
        while left and time.monotonic() < started + TOTAL:
            await trio.sleep(pause)
            pause = min(pause * 2, 0.05)
            killing = killing or time.monotonic() > started + GRACE or len(left) > at_first + _GROWTH
            left = await trio.to_thread.run_sync(self._kill if killing else self._alive, limiter=limiter)
        self._remove_group()
        return len(left)

    def _alive(self) -> set[int]:
        """The members that still run. One look is not enough to say *none*: what forks and ends meanwhile has left a
        child that this look can't have seen."""
        if not LINUX:
            return self._in_process_group()
        for _ in range(_LOOKS):
            alive, moved = self._look()
            if alive or not moved:
                break
        return alive

    def _look(self) -> tuple[set[int], bool]:
        """The members that run, and whether any process ended during the look. Those that fell to us are reaped."""
        members, moved = self._marked()
        members |= self._orphans
        if members:
            members |= _descendants(members)
        members.discard(os.getpid())
        alive: set[int] = set()
        orphans: set[int] = set()
        for pid in members:
            stat = _stat(pid)
            if stat is None:
                moved = True
            elif stat.state not in "ZX":
                alive.add(pid)
                if stat.parent == os.getpid() and pid != self._root:
                    orphans.add(pid)
            elif pid not in self._dead:
                moved = True
                self._dead.add(pid)
                if stat.parent == os.getpid() and pid != self._root:
                    with contextlib.suppress(ChildProcessError):
                        os.waitpid(pid, os.WNOHANG)
        # Only a child of ours keeps its number until we reap it, so only those may be remembered.
        self._orphans = orphans
        return alive, moved

    def _kill(self) -> set[int]:
        """One round of SIGKILL. Members are stopped first, until no new one appears: a fork bomb can't outrun it."""
        if self._group is not None:
            with contextlib.suppress(OSError):
                (self._group / "cgroup.kill").write_text("1")
        self._stop_tagged()
        alive = self._alive()
        self._signal(alive, signal.SIGSTOP)
        self._signal(alive, signal.SIGKILL)
        return self._alive()

    def _stop_tagged(self) -> None:
        stopped: set[int] = set()
        for _ in range(_ROUNDS_OF_STOPPING if LINUX else 0):
            before = len(stopped)
            for pid in _processes():
                with contextlib.suppress(ProcessLookupError):
                    if pid not in stopped and _tag(pid) == self._tag:
                        os.kill(pid, signal.SIGSTOP)  # at once: what is only noted may be gone by the next look
                        stopped.add(pid)
            if len(stopped) == before:
                return

    def _signal(self, pids: set[int], *signals: signal.Signals) -> None:
        for number in signals:
            if not LINUX and pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._root, number)
                continue
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def _marked(self) -> tuple[set[int], bool]:
        """Processes with one of our marks, and whether any process ended meanwhile."""
        found = _group_members(self._group) if self._group is not None else set()
        wanted = f"{VARIABLE}={self.mark}".encode()
        own, moved = _tag(os.getpid()), False
        for pid in _processes():
            try:
                tag = _tag(pid)
            except ProcessLookupError:
                moved = True
                continue
            if tag == self._tag or (tag == own and wanted in _environ(pid)):
                found.add(pid)
        return found, moved

    def _in_process_group(self) -> set[int]:
        try:
            os.killpg(self._root, 0)
        except (ProcessLookupError, PermissionError):
            return set()
        return {self._root}

    def _remove_group(self) -> None:
        if self._group is not None:
            with contextlib.suppress(OSError):
                for inner in sorted(self._group.glob("**/"), reverse=True):
                    inner.rmdir()
            self._group = None


def become_subreaper() -> None:
    """Orphans of what we start become our children, so that their parents can be followed and they can be reaped."""
    if LINUX:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def find_groups() -> Path | None:
    """This process's own cgroup v2 folder, if groups can be made and ended in it; else None."""
    if not LINUX:
        return None
    try:
        own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        mounts = [line.split(" ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        root, place = next((m[3], m[4]) for m in mounts if m[m.index("-") + 1] == "cgroup2")
        folder = Path(place) / Path(own).relative_to(root)
        probe = folder / f"pillion-{os.getpid()}-{secrets.token_hex(4)}"
        probe.mkdir()
        usable = (probe / "cgroup.kill").exists() and os.access(folder / "cgroup.procs", os.W_OK)
        probe.rmdir()
    except (OSError, StopIteration, ValueError):
        return None
    return folder if usable else None


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _set_tag(pid: int, tag: int) -> None:
    if LINUX and resource is not None:
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.prlimit(pid, _LOCKS)
            resource.prlimit(pid, _LOCKS, (tag, hard))


def _tag(pid: int) -> int | None:
    """The process's tag; None when it is another user's. Raises ProcessLookupError when it is gone."""
    try:
        return resource.prlimit(pid, _LOCKS)[0]
    except PermissionError:
        return None


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name stands in parentheses and may itself hold spaces and parentheses.
    state, parent, *_ = text[text.rfind(b")") + 2 :].split(b" ", 2)
    return _Stat(int(parent), state.decode())


def _descendants(of: set[int], newer_than: int = 0) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid in _processes():
        if pid > newer_than and (stat := _stat(pid)) is not None:
            children.setdefault(stat.parent, []).append(pid)
    found: set[int] = set()
    waiting = list(of)
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found and child not in of:
                found.add(child)
                waiting.append(child)
    return found


def _group_members(group: Path) -> set[int]:
    found: set[int] = set()
    for listing in group.glob("**/cgroup.procs"):
        with contextlib.suppress(OSError):
            found |= {int(pid) for pid in listing.read_text().split()}
    return found
