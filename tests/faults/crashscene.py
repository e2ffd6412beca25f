"""The crash scenario: clients that use a server as IDEs do, and write down all that they were told."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
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
PATIENCE = 60.0
"""Seconds that a client waits for what must come."""
PICTURE = base64.b64encode(b"\x89PNG not really").decode()
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
ENOUGH = 1000
"""Characters of growing text, of which most must outlive a crash."""
IDLE = 2.2
"""Seconds after which a shell that nobody uses has ended."""
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
        with suppress(PillionError, OSError):
            while True:
                await self._connection(session, seen, pages)

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
            await self.call(
                "POST", f"/api/sessions/{session}/approvals/{id}", {"decision": "allow", "remember": remember}
            )
            self.told.decided[id] = session, "allow"

    async def _answer(self, session: str, id: str, event: dict[str, Any]) -> None:
        answer = (event.get("options") or ["go on"])[0]
        with unless(404, 409, 410):
            await self.call("POST", f"/api/sessions/{session}/questions/{id}", {"answer": answer})
            self.told.answered[id] = session, answer


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


# ── what they do ──


async def agent(c: Clients) -> None:
    """A turn with every kind of tool, and two prompts that wait for it."""
    session = await c.open(strategy="agent")
    seen = await c.watch(session, pages=40)
    await c.prompt(session, "work", key=f"key-{session}")
    await c.prompt(session, "run")
    picture = {"media_type": "image/png", "data": PICTURE}
    await c.prompt(session, "look at", images=[picture])
    await seen.until(lambda seen: seen.count(*ENDS) == 3)


async def stream(c: Clients) -> None:
    """A long answer that the vendor cuts once; its watchers come and go."""
    session = await c.open(strategy="chat")
    seen = await c.watch(session, pages=15)
    await c.watch(session)
    await c.prompt(session, "stream")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def rider(c: Clients) -> None:
    """All that a strategy can do, with an answer of a given form at the end."""
    session = await c.open(strategy="rider")
    seen = await c.watch(session)
    await c.prompt(session, "ride", schema=SCHEMA)
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def form(c: Clients) -> None:
    """An answer that does not fit its form at first, sealed thinking, a result that is too long, a conversation
    that is, a change of the session's name, and a fork."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "misfit", schema=SCHEMA, images=[{"media_type": "image/png", "data": PICTURE}])
    title = f"The form {session[:6]}"
    await c.call("PATCH", f"/api/sessions/{session}", {"title": title})
    c.told.titles[session] = title
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await c.prompt(session, "think", model="rider/sealed")
    await c.prompt(session, "large")
    await seen.until(lambda seen: seen.count(*ENDS) == 3)
    await c.call("POST", f"/api/sessions/{session}/compact", {})
    await c.prompt(session, "large")
    await c.prompt(session, "sum it up in vain", model="rider/narrow", roles={"compact": ["rider/mute"]})
    for model in ("narrow", "small", "shut", "shut"):
        await c.prompt(session, "look back", model=f"rider/{model}")
    await seen.until(lambda seen: seen.count(*ENDS) == 10)
    fork = (await c.call("POST", f"/api/sessions/{session}/fork", {}))["id"]
    c.told.sessions.add(fork)
    await c.watch(fork)
    await c.prompt(fork, "say")


async def joins(c: Clients) -> None:
    """Prompts that join a turn or break into it: while a call waits for its approval, and while its preview is made."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "slow")
    await seen.until(lambda seen: seen.count("tool.started") == 1)
    await c.prompt(session, "stop it", when="break")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await c.prompt(session, "linger")
    await seen.until(lambda seen: seen.count("approval.decided") >= 2)
    await c.prompt(session, "go left", when="steer")
    await seen.until(lambda seen: seen.count(*ENDS) == 2)
    await c.prompt(session, "ask")
    await seen.until(lambda seen: seen.count(*ENDS) == 3)


async def breaks(c: Clients) -> None:
    """Somebody breaks in while an approval is open that nobody answers."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "unanswered")
    await seen.until(lambda seen: seen.count("approval.wanted") == 1)
    await c.prompt(session, "stop it", when="break")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def cancels(c: Clients) -> None:
    """A prompt that is withdrawn, a turn that is cancelled, one that is interrupted, and one that does not let go."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "long")
    await seen.until(lambda seen: seen.count("text.delta") >= 1)
    if (await c.call("POST", f"/api/sessions/{session}/cancel", {}))["stopping"]:
        c.told.stopped.append(session)
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await c.prompt(session, "linger")
    await seen.until(lambda seen: seen.count("tool.started") == 1)
    await c.prompt(session, "hold on", when="interrupt", strategy="stubborn")
    await seen.until(lambda seen: seen.count("turn.started") == 3)
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 3)
    wanted = seen.count("approval.wanted")
    await c.prompt(session, "unanswered")
    await seen.until(lambda seen: seen.count("approval.wanted") > wanted)
    waiting = await c.prompt(session, "never")
    await c.call("DELETE", f"/api/sessions/{session}/prompts/{waiting}")
    c.told.withdrawn[waiting] = session
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 4)


async def calls(c: Clients) -> None:
    """A tool that the client calls, with an approval that is remembered; a text that is unsaved in an editor."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.call("POST", f"/api/sessions/{session}/tools/run_command", {"arguments": {"command": "true"}})
    await c.call("PUT", f"/api/sessions/{session}/overlays/open.txt", {"text": "old\n"})
    await c.prompt(session, "open")
    await seen.until(lambda seen: seen.count(*ENDS) == 2)


async def edits(c: Clients) -> None:
    """Files are changed in the formats of three vendors' models, by a second model, and by one without tools."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    ways = ("anthropic/scripted", "openai/scripted", "chat/blocks", "chat/scripted", "chat/words")
    for word, model in zip(("editor", "patch", "blocks", "instruct", "say"), ways, strict=True):
        await c.prompt(session, word, model=model)
    await seen.until(lambda seen: seen.count(*ENDS) == len(ways))


async def shells(c: Clients) -> None:
    """Commands in shells that stay, of which one is interrupted and one is cancelled."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "shell")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await trio.sleep(IDLE)  # nobody uses them: they end
    started = seen.count("tool.started")
    await c.prompt(session, "hang")
    await seen.until(lambda seen: seen.count("tool.started") > started)
    await trio.sleep(0.2)
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 2)


async def terminals(c: Clients) -> None:
    """Programs that go on behind the call which started them: typed to, waited for, read and ended."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    for word in ("background", "terminal", "late"):
        await c.prompt(session, word)
    await seen.until(lambda seen: seen.count(*ENDS) == 3)
    started = seen.count("tool.started")
    await c.prompt(session, "stay")
    await seen.until(lambda seen: seen.count("tool.started") > started)
    await trio.sleep(0.2)
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 4)


async def notes(c: Clients) -> None:
    """The scratch pad, also of a fork; and tests are run by a command that a person names."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "note")
    await c.prompt(session, "test")
    await seen.until(lambda seen: seen.count(*ENDS) == 2)
    fork = (await c.call("POST", f"/api/sessions/{session}/fork", {}))["id"]
    c.told.sessions.add(fork)
    seen = await c.watch(fork)
    await c.prompt(fork, "note")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def rests(c: Clients) -> None:
    """A session that nobody watches, which goes to rest between its prompts, and as they come."""
    session = await c.open(strategy="chat")
    for pause in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        await c.prompt(session, "say")
        await trio.sleep(pause)


async def completes(c: Clients) -> None:
    """Model calls without a session, of which the second waits until the vendor has told what its key may."""
    body = {"messages": [{"role": "user", "text": "aside"}]}

    async def one(model: str) -> None:
        with unless():
            await c.call("POST", f"/api/models/{model}/complete", body)
            c.told.completions += 1

    async with trio.open_nursery() as nursery:
        for model in ("chat/scripted", "anthropic/first", "anthropic/first"):
            nursery.start_soon(one, model)


async def deletes(c: Clients) -> None:
    """A session that is deleted while it works, with a child and a picture; and one that never was."""
    with unless(404):
        await c.call("POST", "/api/sessions/nobody/prompts", {"text": "hello"})
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "brief", strategy="rider")
    await c.prompt(session, "linger", images=[{"media_type": "image/png", "data": PICTURE}])
    await seen.until(lambda seen: seen.count("tool.started") == 1)
    c.told.sessions.discard(session)
    c.told.prompts = {id: said for id, said in c.told.prompts.items() if said[0] != session}
    await c.call("DELETE", f"/api/sessions/{session}")
    c.told.deleted.add(session)


async def comes_back(c: Clients, session: str) -> None:
    """A session that an earlier crash has cut off takes a prompt, half of them after it was resumed."""
    (seen,) = await c.come_back(session)
    await c.watch(session)
    if session < "8":
        await c.resume(session)
    prompt = await c.prompt(session, "say")
    await seen.until(lambda seen: prompt in seen.ended)


ALL = (agent, stream, rider, form, joins, breaks, cancels, calls, edits, shells, terminals, notes, rests, completes, deletes)


async def play(c: Clients, left: list[str]) -> None:
    """All of it side by side, `left` being sessions that a crash has cut off. Returns when it is over or the server is
    lost."""

    async def one(part: Callable[..., Any], *arguments: Any) -> None:
        with suppress(ServerLost, OSError):
            await part(c, *arguments)

    async with trio.open_nursery() as nursery:
        for part in ALL:
            nursery.start_soon(one, part)
        for session in left:
            nursery.start_soon(one, comes_back, session)


async def go_on(c: Clients) -> None:
    """Each session is resumed, takes the next prompt and carries it out, and all that waited before it."""
    c.hurried = True

    async def one(session: str) -> None:
        watchers = await c.come_back(session)
        await c.resume(session)
        prompt = await c.prompt(session, "next")
        for seen in watchers:
            await seen.until(lambda seen: prompt in seen.ended)

    async with trio.open_nursery() as nursery:
        for session in c.told.sessions:
            nursery.start_soon(one, session)


async def read_all(c: Clients, sessions: list[str]) -> Watchers:
    """What new watchers see of the whole logs of `sessions`."""
    found: Watchers = {}
    for session in sessions:
        head = (await c.call("GET", f"/api/sessions/{session}/events?limit=1", headers=JSON))["head"]
        found[session] = [await c.watch(session)]
        await found[session][0].until(lambda seen, head=head: bool(seen.whole) and seen.whole[-1][0] >= head)
    return found


async def leave_open(c: Clients) -> None:
    """Four sessions in the middle of something: growing text, an open approval, a command, an open question; and in
    each a prompt that waits."""
    for text, shown in (
        ("endless", "text.delta"),
        ("unanswered", "approval.wanted"),
        ("rest", "tool.output"),
        ("nobody", "question.asked"),
    ):
        session = await c.open(strategy="loop")
        seen = await c.watch(session)
        await c.prompt(session, text)
        await c.prompt(session, "and then")
        await seen.until(lambda seen, shown=shown: shown in seen.types)
        if text == "endless":
            await seen.until(lambda seen: sum(len(growth.text) for growth in seen.grown.values()) > ENOUGH)
