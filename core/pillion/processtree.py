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
import threading
import time
from collections.abc import Iterator
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
_NO_TAG = -2
_GROWTH = 64
"""A tree that grows by so many while it should end gets no more grace."""

_limits_are_of_the_process = threading.Lock()


class _Stat(Struct, frozen=True):
    parent: int
    state: str
    birth: str
    """Clock ticks since the machine began."""


class _Seen(Struct, frozen=True):
    alive: set[int]
    ended: int


class Tree:
    """The descendants of one process. Started within `marking`, then `adopt`, and `end` once."""

    def __init__(self, groups: Path | None) -> None:
        self.mark = f"{_owner()}-{secrets.token_hex(8)}"
        """Says whose it is: see is_alive."""
        self._tag = secrets.randbits(47) | 1 << 47
        self._groups = groups
        self._group: Path | None = None
        self._root = 0
        self._orphans: set[int] = set()
        self._dead: set[int] = set()

    @classmethod
    def of(cls, mark: str, members: set[int]) -> Tree:
        """A tree that somebody else has started, to be ended; `members` are those with its variable."""
        tree = cls(None)
        tree.mark = mark
        tags = {tag for pid in members if (tag := _tag(pid)) is not None and tag >> 47 == 1}
        tree._tag = tags.pop() if len(tags) == 1 else _NO_TAG
        return tree

    @contextlib.contextmanager
    def marking(self) -> Iterator[None]:
        """What is started within is a member from its first instruction on: it inherits our own limit."""
        if not LINUX or resource is None:
            yield
            return
        with _limits_are_of_the_process:
            before = resource.getrlimit(_LOCKS)
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(_LOCKS, (self._tag, before[1]))
            try:
                yield
            finally:
                resource.setrlimit(_LOCKS, before)

    def adopt(self, root: int) -> None:
        """`root` is what was started. Moves it into a cgroup where that can be done, which blocks up to some 30 ms."""
        self._root = root
        if self._groups is None:
            return
        group = self._groups / f"pillion-{os.getpid()}-{self.mark}"
        try:
            group.mkdir()
            self._group = group
            (group / "cgroup.procs").write_text(str(root))
        except OSError:  # not ours to make, full, or the process is gone already: the other marks remain
            self._remove_group()

    async def end(self, threads: trio.CapacityLimiter) -> int:
        """Ends every member: SIGTERM, `GRACE`, then SIGKILL until none is left. How many are left after `TOTAL`."""
        started = time.monotonic()
        pause, killing = 0.002, False
        seen = first = await trio.to_thread.run_sync(self._look, limiter=threads)
        _signal(first.alive, signal.SIGTERM, signal.SIGCONT)
        while (seen.alive or seen.ended) and time.monotonic() < started + TOTAL:
            if seen.alive:
                await trio.sleep(pause)
                pause = min(pause * 2, 0.05)
            late = time.monotonic() > started + GRACE
            killing = killing or late or len(seen.alive) > len(first.alive) + _GROWTH
            seen = await trio.to_thread.run_sync(self._kill if killing else self._look, limiter=threads)
        self._remove_group()
        return len(seen.alive)

    def _look(self) -> _Seen:
        """The members that run, and how many ended since the last look. Those that fell to us are reaped.

        *None runs* is true only if none ended either: it may have left a child which the list of processes, made
        before, does not have. Orphans are our children, so none can end without being seen here.
        """
        if not LINUX:
            return _Seen(self._in_process_group(), 0)
        alive: set[int] = set()
        ended = 0
        for pid in self._marked():
            state = self._reap_or_state(pid)
            if state not in ("", "Z", "X"):
                alive.add(pid)
            elif pid not in self._dead:
                ended += 1
                if state:
                    self._dead.add(pid)
        if alive:
            alive |= {pid for pid in descendants(alive) if self._reap_or_state(pid) not in ("", "Z", "X")}
        self._orphans = {pid for pid in alive if pid != self._root and _parent(pid) == os.getpid()}
        return _Seen(alive, ended)

    def _reap_or_state(self, pid: int) -> str:
        """The process's state letter, "" when it is gone, by our reaping or without it."""
        if pid != self._root:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    return ""
        stat = _stat(pid)
        return stat.state if stat else ""

    def _kill(self) -> _Seen:
        """One round of SIGKILL. Members are stopped first, until no new one appears: a fork bomb can't outrun it."""
        if self._group is not None:
            with contextlib.suppress(OSError):
                (self._group / "cgroup.kill").write_text("1")
        stopped: set[int] = set()
        for _ in range(_ROUNDS_OF_STOPPING if LINUX else 0):
            before = len(stopped)
            for pid in processes():
                if pid not in stopped and self._has_tag(pid):
                    _signal({pid}, signal.SIGSTOP)  # at once: what is only noted may be gone by the next look
                    stopped.add(pid)
            if len(stopped) == before:
                break
        seen = self._look()
        _signal(seen.alive, signal.SIGKILL)
        return seen

    def _marked(self) -> set[int]:
        """Processes with one of our marks, and orphans that once had a marked parent."""
        found = self._orphans | (_group_members(self._group) if self._group is not None else set())
        wanted = f"{VARIABLE}={self.mark}".encode()
        own = _tag(os.getpid())
        for pid in processes():
            if self._has_tag(pid) or (_tag(pid) == own and wanted in environ(pid)):
                found.add(pid)
        found.discard(os.getpid())
        return found

    def _has_tag(self, pid: int) -> bool:
        # Somebody else's thread may have forked within `marking`; but that child is in our session, and no member is.
        try:
            return _tag(pid) == self._tag and os.getsid(pid) != os.getsid(0)
        except ProcessLookupError:
            return False

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


def processes() -> list[int]:
    """The numbers of all that are to be seen."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _tag(pid: int) -> int | None:
    """The process's tag; None when it is gone or another user's."""
    try:
        return resource.prlimit(pid, _LOCKS)[0]
    except OSError:
        return None


def environ(pid: int) -> bytes:
    """What it was started with, b"" where that can't be read."""
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
    state, parent, *rest = text[text.rfind(b")") + 2 :].split(b" ", 20)
    return _Stat(int(parent), state.decode(), rest[17].decode())


def _owner() -> str:
    """This process, as no other one is called: its number, its birth, and where these count."""
    stat = _stat(os.getpid())
    return f"{os.getpid()}-{stat.birth if stat else 0}-{_namespaces()}"


def _namespaces() -> str:
    try:
        return ".".join(str(os.stat(f"/proc/self/ns/{name}").st_ino) for name in ("pid", "time"))
    except OSError:
        return ""


def is_alive(mark: str) -> bool:
    """Does the process live that has made this mark? So it counts where that can't be told."""
    pid, _, rest = mark.partition("-")
    birth, _, rest = rest.partition("-")
    namespaces = rest.partition("-")[0]
    if not (pid.isdigit() and birth.isdigit() and namespaces) or namespaces != _namespaces():
        return True
    stat = _stat(int(pid))
    return stat is not None and stat.birth == birth and stat.state not in ("Z", "X")


def ancestors(pid: int) -> set[int]:
    """Its parent, that one's, and so on."""
    found: set[int] = set()
    while (pid := _parent(pid)) and pid not in found:
        found.add(pid)
    return found


def _parent(pid: int) -> int:
    stat = _stat(pid)
    return stat.parent if stat else 0


def _signal(pids: set[int], *signals: signal.Signals) -> None:
    send = os.kill if LINUX else os.killpg
    for number in signals:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(pid, number)


def descendants(of: set[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid in processes():
        if (stat := _stat(pid)) is not None:
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
