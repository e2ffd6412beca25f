"""A whole server on a real port, in the test's own nursery: real kernel, scripted provider, real HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import trio

from pillion.settings import Settings
from pillion.testing.kit import StrategyPlugin, ToolPlugin, plain_settings
from pillion.testing.scripted import ProviderPlugin, ScriptedProvider
from pillion_runtime import discovery
from pillion_runtime.server import Announcement, Stop, serve

from ..contract import STREAMS, Contract, contract

BOUND = 20
"""Seconds that any wait of these tests may take."""


class Serving:
    """A running server, and a client that has its token."""

    def __init__(self, settings: Settings, provider: ScriptedProvider, announcement: Announcement, stop: Stop) -> None:
        self.settings, self.provider, self.stop = settings, provider, stop
        self.url = announcement.url
        self.port = int(announcement.url.rpartition(":")[2])
        self.announcement = announcement
        found = discovery.read(settings.data_dir)
        assert found is not None
        self.found = found
        self.bearer = {"authorization": f"Bearer {found.token}"}
        hooks: Any = {"response": [self.check]}
        self.anyone = httpx2.AsyncClient(base_url=self.url, timeout=BOUND, event_hooks=hooks)
        self.client = httpx2.AsyncClient(base_url=self.url, timeout=BOUND, headers=self.bearer, event_hooks=hooks)
        self.ended = trio.Event()
        self.contract: Contract | None = None

    async def learn(self) -> Contract:
        """What the server says of its answers, from now on."""
        self.contract = contract(*[await self._get(path) for path in ("/openapi.json", "/api/events/schema")])
        return self.contract

    async def _get(self, path: str) -> bytes:
        answer = await self.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        return body

    async def check(self, response: httpx2.Response) -> None:
        """Every answer is as the server describes it."""
        request, headers = response.request, response.headers
        streams = headers.get("content-type", "").partition(";")[0] in STREAMS
        body = None if streams else await response.aread()
        told = (request.method, request.url.path, response.status_code, headers, body)
        known = self.contract or await self.learn()
        try:
            known.check(*told)
        except AssertionError:
            (await self.learn()).check(*told)  # a plugin may have been switched

    async def session(self, **fields: Any) -> str:
        """Opens a session through HTTP; its id."""
        body = {"workspace": str(self.settings.data_dir)} | fields
        answer = await self.client.post("/api/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def prompt(self, session: str, text: str = "go", **fields: Any) -> httpx2.Response:
        return await self.client.post(f"/api/sessions/{session}/prompts", json={"text": text} | fields)

    def watch(self, session: str, after: str = "", **headers: str) -> AbstractAsyncContextManager[Watcher]:
        """An open event stream."""
        return _watch(self, f"/api/sessions/{session}/events", {"after": after} if after else {}, headers)

    async def raw(self, request: str | bytes) -> bytes:
        """Sends bytes on a socket of its own, and gives all that comes until the server closes it."""
        data = request.encode() if isinstance(request, str) else request
        with trio.fail_after(BOUND):
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
                await stream.send_all(data)
                return b"".join([chunk async for chunk in stream])


class Watcher:
    """Reads an event stream: `comments`, and events one by one."""

    def __init__(self, response: httpx2.Response, contract: Contract | None) -> None:
        self.response = response
        self._contract = contract
        self.comments: list[str] = []
        self.retry = ""
        self.place = ""
        self._lines = response.aiter_lines()

    async def event(self) -> dict[str, Any] | None:
        """The next event's data, with the stream's own `sse_id` and `sse_event`; None when the stream has ended."""
        fields: dict[str, str] = {}
        with trio.fail_after(BOUND):
            async for line in self._lines:
                if line.startswith(":"):
                    self.comments.append(line[1:].strip())
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "data" in fields:
                    self.place = fields.get("id", self.place)
                    event = msgspec.json.decode(fields["data"])
                    if self._contract is not None:
                        self._contract.check_event(event)
                    return event | {  # type: ignore[no-any-return]
                        "sse_id": fields.get("id"),
                        "sse_event": fields["event"],
                    }
                else:
                    self.retry = fields.get("retry", self.retry)
                    self.place = fields.get("id", self.place)
                    fields = {}
        return None

    async def until(self, *types: str) -> list[dict[str, Any]]:
        """All events up to the first of one of these types, or to the stream's end."""
        found: list[dict[str, Any]] = []
        while (event := await self.event()) is not None:
            found.append(event)
            if event["type"] in types:
                break
        return found


@asynccontextmanager
async def _watch(
    serving: Serving, path: str, params: dict[str, str], headers: dict[str, str]
) -> AsyncIterator[Watcher]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with serving.client.stream("GET", path, params=params, headers=sent) as response:
        assert response.status_code == 200, await response.aread()
        yield Watcher(response, serving.contract)


@asynccontextmanager
async def serving(
    folder: Path,
    *tools: Any,
    plugins: Mapping[str, object] | None = None,
    settings: Settings | None = None,
    **flags: Any,
) -> AsyncIterator[Serving]:
    provider = ScriptedProvider()
    brought = {"scripted": ProviderPlugin(provider), "loop": StrategyPlugin(), "tools": ToolPlugin(*tools)}
    settings = settings or plain_settings(folder, **{"host__bind": "127.0.0.1:0", "host__grace": 0.2} | flags)
    stop = Stop()
    said: list[Announcement] = []
    up = trio.Event()

    def announce(announcement: Announcement) -> None:
        said.append(announcement)
        up.set()

    async with trio.open_nursery() as nursery:
        ended = trio.Event()

        async def life() -> None:
            try:
                await serve(settings, stop=stop, announce=announce, plugins=brought | dict(plugins or {}))
            finally:
                ended.set()
                up.set()

        nursery.start_soon(life)
        with trio.fail_after(BOUND):
            await up.wait()
        if said:
            running = Serving(settings, provider, said[0], stop)
            running.ended = ended
            try:
                yield running
            finally:
                stop.ask()
                stop.ask()
                with trio.CancelScope(shield=True):
                    await running.anyone.aclose()
                    await running.client.aclose()
                with trio.move_on_after(BOUND) as scope:
                    await ended.wait()
                assert not scope.cancelled_caught, "the server did not end"
        nursery.cancel_scope.cancel()


Maker = Callable[..., AbstractAsyncContextManager[Serving]]


@pytest.fixture
def open_server(tmp_path: Path) -> Maker:
    """Makes servers with tools, plugins and settings of the test's choice."""

    def make(*tools: Any, **options: Any) -> AbstractAsyncContextManager[Serving]:
        return serving(tmp_path, *tools, **options)

    return make


@pytest.fixture
async def server(open_server: Maker) -> AsyncIterator[Serving]:
    """A server with a scripted provider and no plugin of ours."""
    async with open_server() as running:
        yield running
