"""`pillion serve` as a process of its own, and a client that speaks to it over HTTP as an IDE would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import trio

from pillion_runtime import discovery
from pillion_runtime.cli.client import Body, Client
from pillion_runtime.cli.sse_reader import EventStream
from pillion_runtime.testing import Program, Vendor, vendor_server

from ..canaries import KEYS
from ..contract import STREAMS, Contract, contract

BOUND = 40
"""Seconds that any wait of these tests may take."""
KEY = {"ANTHROPIC_API_KEY": KEYS["ANTHROPIC_API_KEY"]}
"""For `riding`: with it there is `anthropic/scripted`, too."""
ENDINGS = ("turn.finished", "turn.failed", "turn.cancelled")
COMMAND = (sys.executable, "-m", "pillion_runtime.cli.main")
MODELS = """
[host]
bind = "127.0.0.1:0"
grace = 0.2
log = "json"
[defaults]
model = "chat/scripted"
strategy = "loop"
[plugins.loop]
use = "pillion.testing.kit:StrategyPlugin"
[plugins.embedded]
enabled = false
[plugins.anthropic]
base_url = "{url}"
[plugins.openai]
base_url = "{url}/v1"
[plugins.openai.servers.chat]
base_url = "{url}/v1"
api = "chat"
models = ["scripted"]
[plugins.openai.servers.responses]
base_url = "{url}/v1"
api = "responses"
models = ["scripted"]
"""
"""Settings for a vendor's server at `url`: `chat/scripted`, `responses/scripted`; with keys the vendors' own too."""


class Checked:
    """An answer that is held against the server's description when it is whole."""

    def __init__(self, body: Body, contract: Contract, method: str, path: str) -> None:
        self._body, self._contract = body, contract
        self._asked = method, urlsplit(path).path
        self.status, self.headers = body.status, body.headers
        if self.headers.get("content-type", "").partition(";")[0] in STREAMS:
            self._check(None)

    async def more(self) -> bytes:
        return await self._body.more()

    async def whole(self) -> bytes:
        data = await self._body.whole()
        self._check(data)
        return data

    def _check(self, data: bytes | None) -> None:
        self._contract.check(*self._asked, self.status, self.headers, data)


class CheckedClient(Client):
    """The command line's own client; every answer has to be as the server describes it."""

    contract: Contract | None = None

    async def learn(self) -> Contract:
        """What the server says of its answers, from now on."""
        known = []
        for path in ("/openapi.json", "/api/events/schema"):
            async with await self._connect() as stream:
                known.append(await (await super()._send(stream, "GET", path, None, {})).whole())
        self.contract = contract(*known)
        return self.contract

    async def _send(self, stream: trio.abc.Stream, method: str, path: str, body: Any, more: Mapping[str, str]) -> Any:
        answer = await super()._send(stream, method, path, body, more)
        return Checked(answer, self.contract or await self.learn(), method, path)


class Watch:
    """An open event stream."""

    def __init__(self, body: Any, contract: Contract | None) -> None:
        self._body, self._contract = body, contract
        self._stream = EventStream()
        self._ready: deque[bytes] = deque()

    async def event(self) -> dict[str, Any]:
        """The next event. Raises EOFError at the stream's end."""
        with trio.fail_after(BOUND):
            while not self._ready:
                piece = await self._body.more()
                if not piece:
                    raise EOFError("the stream has ended")
                self._ready.extend(self._stream.feed(piece))
        event: dict[str, Any] = msgspec.json.decode(self._ready.popleft())
        if self._contract is not None:
            self._contract.check_event(event)
        return event

    async def until(self, *types: str) -> list[dict[str, Any]]:
        """All events up to the first of one of these types."""
        found = [await self.event()]
        while found[-1]["type"] not in types:
            found.append(await self.event())
        return found


class ServerProcess:
    """A running server. `folder` holds its settings, its log `stderr` and its data directory."""

    def __init__(self, process: trio.Process, found: discovery.Found, folder: Path) -> None:
        self.process, self.found, self.folder = process, found, folder
        self.port = int(found.url.rpartition(":")[2])
        self.client = CheckedClient(found.url, found.token)

    ends_with = 0
    """The exit code that the end must show."""

    async def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self.ends_with = -signal.SIGKILL
        self.process.kill()
        await self.process.wait()

    async def session(self, workspace: Path, **fields: Any) -> str:
        """Opens a session; its id."""
        opened = await self.client.call("POST", "/api/sessions", {"workspace": str(workspace)} | fields)
        return str(opened["id"])

    async def prompt(self, session: str, text: str, **fields: Any) -> str:
        """Posts a prompt; the cursor behind which its events come."""
        body = {"text": text} | fields
        accepted = await self.client.call("POST", f"/api/sessions/{session}/prompts", body)
        return str(accepted["after"])

    async def cancel(self, session: str) -> None:
        await self.client.call("POST", f"/api/sessions/{session}/cancel", {})

    async def decide(self, session: str, approval: str, decision: str) -> None:
        await self.client.call("POST", f"/api/sessions/{session}/approvals/{approval}", {"decision": decision})

    @asynccontextmanager
    async def watch(self, session: str, after: str = "") -> AsyncIterator[Watch]:
        path = f"/api/sessions/{session}/events" + (f"?after={after}" if after else "")
        async with self.client.open("GET", path) as body:
            yield Watch(body, self.client.contract)

    async def ride(
        self, session: str, text: str, decide: Callable[[dict[str, Any]], str] = lambda wanted: "allow", **fields: Any
    ) -> list[dict[str, Any]]:
        """Prompts, answers each approval as `decide` says, and returns the turn's events."""
        events: list[dict[str, Any]] = []
        async with self.watch(session, await self.prompt(session, text, **fields)) as watch:
            while not events or events[-1]["type"] not in ENDINGS:
                events += await watch.until("approval.wanted", *ENDINGS)
                if (wanted := events[-1])["type"] == "approval.wanted":
                    await self.decide(session, wanted["approval"], decide(wanted))
        return events

    def request(self, path: str, **headers: str) -> bytes:
        """The bytes of a GET with the token."""
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Authorization: Bearer {self.found.token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log so far."""
        return [msgspec.json.decode(line) for line in (self.folder / "stderr").read_bytes().splitlines()]

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def bare_environment(folder: Path, **variables: str) -> dict[str, str]:
    """An environment without this machine's keys and settings; `folder` is the home."""
    passed = ("PATH", "PYTHONPATH", "LANG")
    return {name: os.environ[name] for name in passed if name in os.environ} | {"HOME": str(folder)} | variables


@asynccontextmanager
async def server_process(
    folder: Path, settings: str, options: Sequence[str] = (), prefix: Sequence[str] = (), **variables: str
) -> AsyncIterator[ServerProcess]:
    """Serves with `settings` (TOML) laid over the shipped ones until left; then SIGTERM must end it with 0.

    `prefix` goes before the command."""
    (folder / "plugins.toml").write_text(settings)
    command = [*prefix, *COMMAND, "serve", "--config", str(folder / "plugins.toml"), "--data-dir", str(folder / "data")]
    with (folder / "stderr").open("wb") as stderr:
        environment = bare_environment(folder, **variables)
        process = await trio.lowlevel.open_process(
            [*command, "--port", "0", *options], stdout=subprocess.PIPE, stderr=stderr, cwd=folder, env=environment
        )
        try:
            with trio.fail_after(BOUND):
                assert process.stdout is not None
                line = await process.stdout.receive_some()
            found = discovery.read(folder / "data")
            assert line and found is not None, (folder / "stderr").read_text()
            server = ServerProcess(process, found, folder)
            yield server
            process.terminate()
            with trio.fail_after(BOUND):
                assert await process.wait() == server.ends_with, (folder / "stderr").read_text()
        finally:
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()


@asynccontextmanager
async def riding(
    folder: Path, program: Program, more: str = "", options: Sequence[str] = (), **variables: str
) -> AsyncIterator[tuple[Vendor, ServerProcess]]:
    """A vendor's server that answers as `program` says, and a server whose models it has; `more` are settings."""
    async with (
        vendor_server(program) as vendor,
        server_process(folder, MODELS.format(url=vendor.url) + more, options, **variables) as server,
    ):
        yield vendor, server
