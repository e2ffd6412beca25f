"""The crash harness: a server is killed, restarted on the same data, and held against what its clients were told."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import trio
from msgspec import Struct

from pillion.errors import PillionError
from pillion_runtime.cli.exits import ServerLost
from pillion_runtime.testing import vendor_server

from .crashcheck import LOST, MARGIN, Evidence, Rows, violations
from .crashclients import Clients, Seen, Told, Watchers, clients
from .crashscene import go_on, leave_open, play, read_all
from .crashscript import Script
from .crashserver import Forker
from .killpoints import Point

HERE = Path(__file__).parent
HALF_OPEN = "pillion.kernel:Kernel._begin#3.await.after"
"""A session is there, and its first event is not."""
AT_RANDOM = 0.15
"""Share of the kills that come at a moment, not at a point."""
PLAYS = 3
"""How often the scenario is played at most until each point was passed."""
LONGEST = 180.0
"""Seconds that each half of a kill may take."""
SETTINGS = """
[host]
bind = "127.0.0.1:0"
log = "json"
[defaults]
store = "storage"
rest_after = 0.05
tool_output = 1000
model = "chat/scripted"
[models.roles]
slow = ["rider/mute", "chat/scripted"]
fast = ["rider/mute", "chat/scripted"]
compact = ["chat/scripted"]
edit = ["chat/blocks"]
[deadlines]
stopping = 0.4
question = 1.5
[plugins.embedded]
enabled = false
[plugins.anthropic]
base_url = "{url}"
models = {{ scripted = {{ context = 100000, output = 8000 }}, first = {{ context = 100000, output = 8000 }} }}
[plugins.web]
enabled = false
[plugins.retry]
longest_wait = 0.2
[plugins.openai]
base_url = "{url}/v1"
models = {{ scripted = {{ context = 100000, output = 8000 }} }}
[plugins.openai.servers.chat]
base_url = "{url}/v1"
api = "chat"
key_command = ["echo", "a-key-that-a-program-prints"]
[plugins.openai.servers.chat.models]
scripted = {{ images = true }}
blocks = {{}}
words = {{ tools = "none" }}
held = {{ tools = "constrained" }}
[plugins.edit]
formats = {{ "anthropic/scripted" = "editor", "openai/scripted" = "patch", "chat/blocks" = "blocks" }}
[plugins.terminal]
idle = 4
[plugins.usage]
session_tokens = 1000000000
day_tokens = 1000000000
[plugins.rider]
use = "{here}/rider.py:Plugin"
"""
KILLER = """
[plugins.killer]
use = "{here}/killer.py:Plugin"
points = "{points}"
said = "{said}"
point = "{point}"
hit = {hit}
"""


class Kill(Struct, frozen=True):
    """At the `hit`-th passing of `point`; without one, at a `moment`, as a share of the time that the scenario takes
    when all points are traced."""

    number: int
    point: str = ""
    hit: int = 1
    moment: float = 0.0

    def __str__(self) -> str:
        return f"{self.point} hit {self.hit}" if self.point else f"moment {self.moment:.4f}"


class Outcome(Struct, frozen=True):
    """`reached`: it died where it should, not when the scenario was over."""

    kill: Kill
    reached: bool
    broken: Sequence[str]
    seconds: float
    folder: str


class Left(Struct):
    """What an earlier crash left: a folder with its data, and what its clients know."""

    folder: Path
    told: Told
    seen: Watchers
    killed: float


class Harness:
    """Kills in `folder`, whose data begins as what a first crash left."""

    def __init__(self, forker: Forker, folder: Path, points: Sequence[Point]) -> None:
        self.forker, self.folder, self.points = forker, folder, points
        self._points = folder / "points.json"
        named = [{"name": point.name, **msgspec.to_builtins(point)} for point in points]
        self._points.write_bytes(msgspec.json.encode(named))
        self._left: Left
        self._half_open = ""
        """A session without its first event."""
        self.seconds = 0.0
        """What the scenario takes."""

    async def prepare(self) -> Counter[str]:
        """The first crashes, and how often the scenario passes each point."""
        folder = self._fresh("first", None)
        told, seen = Told(), dict[str, Any]()
        half = self._killer(folder, HALF_OPEN)
        script = Script(folder / "ledger")
        script.endless = True
        async with vendor_server(script) as vendor:
            async with (
                self.forker.serve(folder, self._settings(vendor.url) + half, "log-half") as server,
                clients(server.url, server.token, folder / "work", told, seen) as c,
            ):
                with suppress(PillionError):
                    await c.open()
                with trio.fail_after(LONGEST):
                    await server.ended.wait()
            (self._half_open,) = Rows(folder / "data").last
            async with (
                self.forker.serve(folder, self._settings(vendor.url), "log") as server,
                clients(server.url, server.token, folder / "work", told, seen) as c,
            ):
                await leave_open(c)
                killed = time.monotonic()
        self._left = Left(folder, told, seen, killed)
        visits = Counter[str]()
        for number in range(PLAYS):  # what comes down to a race is passed in one of them
            visits |= await self._visits(f"visits{number}")
            if len(visits) == len(self.points):
                break
        return visits

    async def _visits(self, name: str) -> Counter[str]:
        folder = self._fresh(name, self._left)
        told, seen = self._known()
        settings = self._killer(folder)
        async with (
            vendor_server(Script(folder / "ledger")) as vendor,
            self.forker.serve(folder, self._settings(vendor.url) + settings, "log") as server,
        ):
            began = time.monotonic()
            async with clients(server.url, server.token, folder / "work", told, seen) as c:
                await self._play(c)
            self.seconds = time.monotonic() - began
            os.kill(server.pid, signal.SIGTERM)
            await server.ended.wait()
        return Counter(msgspec.json.decode((folder / "said").read_bytes(), type=dict[str, int]))

    async def _play(self, c: Clients) -> None:
        await play(c, [*sorted(self._left.told.sessions), self._half_open])

    def _killer(self, folder: Path, point: str = "", hit: int = 1) -> str:
        return KILLER.format(here=HERE, points=self._points, said=folder / "said", point=point, hit=hit)

    async def run(self, kill: Kill) -> Outcome:
        """One crash from beginning to end."""
        began = time.monotonic()
        folder = self._fresh(f"kill{kill.number}", self._left)
        script = Script(folder / "ledger")
        async with vendor_server(script) as vendor:
            try:
                broken, reached = await self._crash_and_go_on(kill, folder, self._settings(vendor.url), script)
            except Exception:  # whatever a client met is what broke
                broken, reached = [traceback.format_exc()], False
        if not broken:
            shutil.rmtree(folder)
        return Outcome(kill, reached, broken, time.monotonic() - began, str(folder))

    async def _crash_and_go_on(self, kill: Kill, folder: Path, settings: str, script: Script) -> tuple[list[str], bool]:
        """What broke, and whether it died where it should."""
        told, seen = self._known()
        with trio.fail_after(LONGEST):
            try:
                reached, killed = await self._crash(kill, folder, settings, told, seen)
            except ServerLost:  # before it served; else its clients would have met it
                reached, killed = True, float((folder / "said").read_text())
        at_crash = msgspec.convert(msgspec.to_builtins(told), Told)
        before = Rows(folder / "data")
        with trio.fail_after(LONGEST):
            async with (
                self.forker.serve(folder, settings, "log-after") as server,
                clients(server.url, server.token, folder / "work", told, seen) as c,
            ):
                await go_on(c)
                again = await read_all(c, [id for id in before.last if id not in told.deleted])
        broken = violations(Evidence(at_crash, told, seen, killed, before, Rows(folder / "data"), again, script))
        return broken + errors(folder / "log-after"), reached

    async def _crash(self, kill: Kill, folder: Path, settings: str, told: Told, seen: Watchers) -> tuple[bool, float]:
        """Whether it died where it should, and when."""
        said = folder / "said"
        if kill.point:
            settings += self._killer(folder, kill.point, kill.hit)
        async with (
            self.forker.serve(folder, settings, "log") as server,
            clients(server.url, server.token, folder / "work", told, seen) as c,
        ):
            c.nursery.start_soon(c.until_lost, server.ended)
            with trio.move_on_after(kill.moment * self.seconds if kill.moment else float("inf")) as moment:
                await self._play(c)
            if kill.point and said.exists():
                await server.ended.wait()
                return True, float(said.read_text())
            assert not server.ended.is_set(), (folder / "log").read_text()
            killed = time.monotonic()
            server.kill()
            await server.ended.wait()
            return moment.cancelled_caught, killed

    def _fresh(self, name: str, left: Left | None) -> Path:
        folder = self.folder / name
        if left is not None:
            shutil.copytree(left.folder / "data", folder / "data")
        work = folder / "work"
        work.mkdir(parents=True)
        (work / "a.txt").write_text("line one\nline two\n")
        (work / "open.txt").write_text("old\n")
        (work / "Makefile").write_text("test:\n\ttrue\n")
        return folder

    def _known(self) -> tuple[Told, Watchers]:
        left, seen = self._left, dict[str, list[Seen]]()
        for session, watchers in left.seen.items():
            seen[session] = [watcher.copy(left.killed - LOST - MARGIN) for watcher in watchers]
        return msgspec.convert(msgspec.to_builtins(left.told), Told), seen

    def _settings(self, url: str) -> str:
        return SETTINGS.format(url=url, here=HERE)


def errors(log: Path) -> list[str]:
    """The exceptions that a server's log tells as errors."""
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]
    return [f"The log says: {line}" for line in lines if line["level"] == "error" and "exception" in line]


def kills(visits: Counter[str], count: int, seed: int, points: Sequence[str] = ()) -> list[Kill]:
    """Each point once before any a second time, at one of its passings; among them moments. The same for one seed."""
    dice = random.Random(seed)
    ahead: list[str] = []
    chosen = []
    for number in range(1, count + 1):
        if dice.random() < AT_RANDOM:
            chosen.append(Kill(number, moment=dice.random() / 2))
            continue
        if not ahead:
            ahead = sorted(points or visits)
            dice.shuffle(ahead)
        point = ahead.pop()
        chosen.append(Kill(number, point, dice.randint(1, max(1, visits[point]))))
    return chosen


async def run_all(harness: Harness, chosen: Sequence[Kill], tell: Any, at_once: int = 2) -> list[Outcome]:
    """Runs the kills, `at_once` at a time."""
    outcomes: list[Outcome] = []
    limiter = trio.CapacityLimiter(at_once)

    async def one(kill: Kill) -> None:
        async with limiter:
            outcome = await harness.run(kill)
            outcomes.append(outcome)
            tell(outcome)

    async with trio.open_nursery() as nursery:
        for kill in chosen:
            nursery.start_soon(one, kill)
    return outcomes
