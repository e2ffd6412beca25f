"""Clients of the crash scenario: they use a server as IDEs do, and write down all that they were told."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio
from msgspec import Struct

from pillion.errors import PillionError
from pillion_runtime.cli.client import Client
from pillion_runtime.cli.exits import ServerLost, ServerSaid
from pillion_runtime.cli.sse_reader import EventStream

ENDS = ("turn.finished", "turn.failed", "turn.cancelled", "turn.interrupted")
PATIENCE = 120.0
"""Seconds that a client waits for what must come."""
AGAIN = 0.2
"""Seconds until one comes back whom the server did not answer."""
PICTURE = base64.b64encode(b"\x89PNG not really").decode()
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
ENOUGH = 1000
"""Characters of growing text, of which most must outlive a crash."""
JSON = {"accept": "application/json"}
DELTAS = ("text.delta", "thinking.delta", "call.delta", "tool.output")


class Growth:
    """An item as its deltas made it: `text`, and how long it was when."""

    def __init__(self) -> None:
        self.text = ""
        self.marks: list[tuple[float, int]] = []

    def take(self, at: int, text: str) -> None:
        if at > len(self.text):
            raise AssertionError(f"A piece is missing before character {at}.")
        self.text = self.text[:at] + text
        self.marks.append((time.monotonic(), len(self.text)))

    def until(self, moment: float) -> str:
        """What was seen by then."""
        return self.text[: max((length for seen, length in self.marks if seen <= moment), default=0)]


class Seen:
    """What one watcher of one session saw, over all its connections."""

    def __init__(self) -> None:
        self.last = ""
        self.whole: list[tuple[int, bytes]] = []
        self.grown: dict[int, Growth] = {}
        self.types: list[str] = []
        self.ended: set[str] = set()
        """Turns."""
        self.lost = False
        """The server is."""
        self.faults: list[str] = []
        self._came = trio.Event()

    def copy(self, moment: float) -> Seen:
        """One that comes back as this one would. Of its growing text that counts which was seen by that moment."""
        new = Seen()
        new.last, new.whole, new.types = self.last, list(self.whole), list(self.types)
        new.ended, new.faults = set(self.ended), list(self.faults)
        for item, growth in self.grown.items():
            new.grown[item] = Growth()
            new.grown[item].text, new.grown[item].marks = growth.text, [(0.0, len(growth.until(moment)))]
        return new

    def take(self, data: bytes) -> dict[str, Any]:
        event: dict[str, Any] = msgspec.json.decode(data)
        id = event.get("id", "")
        if event["type"] in DELTAS:
            try:
                self.grown.setdefault(event["item"], Growth()).take(event["at"], event["text"])
            except AssertionError as error:
                self.faults.append(f"Item {event['item']}: {error}")
        elif id and "." not in id:
            self.whole.append((int(id), data))
        elif event["type"] == "resync":
            self.faults.append("The watcher had to begin again.")
        self.types.append(event["type"])
        if event["type"] in ENDS:
            self.ended.add(event["turn"])
        self.wake()
        return event

    def wake(self) -> None:
        self._came.set()
        self._came = trio.Event()

    async def until(self, ready: Callable[[Seen], bool]) -> None:
        """Raises ServerLost, TooSlowError."""
        with trio.fail_after(PATIENCE):
            while not ready(self):
                if self.lost:
                    raise ServerLost("It is dead.")
                await self._came.wait()

    def count(self, *types: str) -> int:
        return sum(self.types.count(type) for type in types)


Watchers = dict[str, list[Seen]]
"""By session."""


class Told(Struct):
    """What the clients were told, in answers that had come whole. `prompts`: by id, with session and text."""

    sessions: set[str] = msgspec.field(default_factory=set)
    prompts: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    resumed: dict[str, str] = msgspec.field(default_factory=dict)
    deleted: set[str] = msgspec.field(default_factory=set)
    withdrawn: dict[str, str] = msgspec.field(default_factory=dict)
    decided: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    answered: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    titles: dict[str, str] = msgspec.field(default_factory=dict)
    stopped: list[str] = msgspec.field(default_factory=list)
    completions: int = 0


class Clients:
    """Speak to one server. `told` and `seen` outlive it."""

    def __init__(self, url: str, token: str, workspace: Path, told: Told, seen: Watchers) -> None:
        self._client = Client(url, token)
        self.workspace, self.told, self.seen = workspace, told, seen
        self.nursery: trio.Nursery
        self.lost = False
        self.hurried = False
        """Everything that is asked is answered."""
        self._numbers = itertools.count(len(told.prompts) + 1)

    async def until_lost(self, ended: trio.Event) -> None:
        """Waits for the server's end, and lets nobody wait for it any longer. What has come is still read."""
        await ended.wait()
        self.lost = True
        for seen in (seen for watchers in self.seen.values() for seen in watchers):
            seen.lost = True
            seen.wake()

    # ── requests ──

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}) -> Any:
        async with self._client.open(method, path, body, headers, deadline=PATIENCE) as answer:
            with trio.fail_after(PATIENCE):
                data = await answer.whole()
            return msgspec.json.decode(data) if data else None

    async def open(self, **fields: Any) -> str:
        opened = await self.call("POST", "/api/sessions", {"workspace": str(self.workspace)} | fields)
        self.told.sessions.add(opened["id"])
        return str(opened["id"])

    async def prompt(self, session: str, text: str, key: str = "", **fields: Any) -> str:
        """Posts a prompt, its text made the only one of its kind; its id."""
        text = f"{text} {session[:6]}{next(self._numbers)}"
        headers = {"idempotency-key": key} if key else {}
        ids = set()
        for _ in range(2 if key else 1):
            path = f"/api/sessions/{session}/prompts"
            accepted = await self.call("POST", path, {"text": text} | fields, headers)
            ids.add(accepted["prompt"])
            self.told.prompts[accepted["prompt"]] = session, text
            self.told.sessions.add(session)
        assert len(ids) == 1, "One key, two prompts."
        return str(accepted["prompt"])

    async def resume(self, session: str) -> None:
        """Goes on with the last turn, if there is anything to go on with."""
        with unless(409):
            accepted = await self.call("POST", f"/api/sessions/{session}/resume")
            self.told.resumed[accepted["prompt"]] = session

    # ── watching ──

    async def watch(self, session: str, pages: int = 0) -> Seen:
        """A new watcher, till the server's end; it comes back behind its last id after each `pages` events."""
        seen = Seen()
        seen.lost = self.lost
        self.seen.setdefault(session, []).append(seen)
        self.nursery.start_soon(self._watching, session, seen, pages)
        return seen

    async def come_back(self, session: str) -> list[Seen]:
        """The session's watchers, from where they were."""
        for seen in self.seen.get(session, []):
            seen.lost = self.lost
            self.nursery.start_soon(self._watching, session, seen, 0)
        return self.seen.get(session) or [await self.watch(session)]

    async def _watching(self, session: str, seen: Seen, pages: int) -> None:
        while not self.lost:
            try:
                await self._connection(session, seen, pages)
            except ServerSaid:
                return
            except (PillionError, OSError):  # a busy server lets one wait too long; as long as it lives one comes back
                await trio.sleep(AGAIN)

    async def _connection(self, session: str, seen: Seen, pages: int) -> None:
        stream, left = EventStream(seen.last), pages
        headers = {"accept": "text/event-stream"} | ({"last-event-id": seen.last} if seen.last else {})
        async with self._client.open("GET", f"/api/sessions/{session}/events", headers=headers) as body:
            while piece := await body.more():
                for data in stream.feed(piece):
                    event = seen.take(data)
                    self._react(session, event)
                    left -= 1
                seen.last = stream.last
                if pages and left <= 0:
                    return
        raise ServerLost("The stream has ended.")

    def _react(self, session: str, event: dict[str, Any]) -> None:
        match event:
            case {"type": "approval.wanted", "approval": id, "preview": preview}:
                if preview != "unanswered" or self.hurried:
                    self.nursery.start_soon(self._decide, session, id, preview)
            case {"type": "question.asked", "question": id, "text": text} if self.hurried or "nobody" not in text:
                self.nursery.start_soon(self._answer, session, id, event)

    async def _decide(self, session: str, id: str, preview: str) -> None:
        remember = "always" if preview == "true" else "once"
        with unless(404, 409, 410):
            await self.insist(
                "POST", f"/api/sessions/{session}/approvals/{id}", {"decision": "allow", "remember": remember}
            )
            self.told.decided[id] = session, "allow"

    async def _answer(self, session: str, id: str, event: dict[str, Any]) -> None:
        answer = (event.get("options") or ["go on"])[0]
        with unless(404, 409, 410):
            await self.insist("POST", f"/api/sessions/{session}/questions/{id}", {"answer": answer})
            self.told.answered[id] = session, answer

    async def insist(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}) -> Any:
        """Again where no answer came, as long as the server lives: for what may be asked twice."""
        while True:
            try:
                return await self.call(method, path, body, headers)
            except (ServerLost, OSError):
                if self.lost:
                    raise
                await trio.sleep(AGAIN)


@asynccontextmanager
async def clients(url: str, token: str, workspace: Path, told: Told, seen: Watchers) -> AsyncIterator[Clients]:
    """Clients of a server, whose watchers end with the block."""
    async with trio.open_nursery() as nursery:
        made = Clients(url, token, workspace, told, seen)
        made.nursery = nursery
        yield made
        nursery.cancel_scope.cancel()


@contextmanager
def unless(*statuses: int) -> Iterator[None]:
    """Lets these refusals pass, and that the server is lost."""
    try:
        yield
    except (ServerLost, OSError):
        return
    except ServerSaid as error:
        if error.status not in statuses:
            raise
