"""A real server whose page a headless Chromium shows. Playwright is synchronous here, so the server has a thread."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trio

from pillion_runtime.testing import Program

from ..inthread import in_thread
from .serverprocess import BOUND, COMMAND, ServerProcess, bare_environment, riding

ARGUMENTS = [
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP evil.example 127.0.0.1",
]


class Desk:
    """A running server, as a person at a terminal and an IDE use it."""

    def __init__(self, server: ServerProcess, tunnel: Tunnel, token: trio.lowlevel.TrioToken) -> None:
        self.server, self.folder = server, server.folder
        self.url = server.found.url
        self.through_tunnel = f"http://{tunnel.host}"
        self._tunnel, self._token = tunnel, token

    def link(self, *arguments: str) -> str:
        """What `pillion open --print` prints."""
        command = [*COMMAND, "open", "--print", "--data-dir", str(self.folder / "data"), *arguments]
        environment = bare_environment(self.folder)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=BOUND, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request with the token."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.server.found.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=BOUND) as answer:
            return json.loads(answer.read() or b"null")

    def statuses(self, path: str) -> list[int]:
        """What requests for it got until now, as the server's log has it."""
        marks = len(self._lines("/livez"))
        self.call("GET", "/livez")
        until = time.monotonic() + BOUND
        while len(self._lines("/livez")) == marks and time.monotonic() < until:  # the log is written a little later
            time.sleep(0.01)
        return [line["status"] for line in self._lines(path)]

    def _lines(self, path: str) -> list[dict[str, Any]]:
        return [line for line in self.server.log() if line.get("path") == path]

    def cut(self) -> None:
        self._token.run_sync_soon(self._tunnel.cut)

    def mend(self) -> None:
        self._token.run_sync_soon(self._tunnel.mend)

    def session(self, workspace: Path) -> str:
        return str(self.call("POST", "/api/sessions", {"workspace": str(workspace)})["id"])


@contextmanager
def open_desk(folder: Path, program: Program, *origins: str) -> Iterator[Desk]:
    """A server of the agent strategy that lists these origins, and the tunnel's own."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        tunnel = Tunnel(listener)
        variables = {
            "PILLION__DEFAULTS__STRATEGY": "agent",
            "PILLION__HOST__ORIGINS": json.dumps([*origins, f"http://{tunnel.host}"]),
            "PILLION__HOST__NAMES": json.dumps([tunnel.host]),
        }
        async with riding(folder, program, **variables) as (_, server), trio.open_nursery() as nursery:
            tunnel.target = server.port
            nursery.start_soon(tunnel.run)
            yield Desk(server, tunnel, trio.lowlevel.current_trio_token())
            nursery.cancel_scope.cancel()

    with in_thread(opened, BOUND) as desk:
        yield desk


class Tunnel:
    """A port that leads to the server's, and can be cut. To be used in the thread where it runs."""

    def __init__(self, listener: trio.SocketListener) -> None:
        self._listener = listener
        self._open = True
        self._connections: set[trio.CancelScope] = set()
        self.host = f"127.0.0.1:{listener.socket.getsockname()[1]}"
        self.target = 0

    async def run(self) -> None:
        await trio.serve_listeners(self._pass, [self._listener])

    def cut(self) -> None:
        """Ends what goes through, and lets nothing through until `mend`."""
        self._open = False
        for connection in self._connections:
            connection.cancel()

    def mend(self) -> None:
        self._open = True

    async def _pass(self, near: trio.SocketStream) -> None:
        async with near:
            if not self._open:
                return
            async with await trio.open_tcp_stream("127.0.0.1", self.target) as far, trio.open_nursery() as both:
                self._connections.add(both.cancel_scope)
                both.start_soon(_copy, near, far, both.cancel_scope)
                both.start_soon(_copy, far, near, both.cancel_scope)
            self._connections.discard(both.cancel_scope)


async def _copy(source: trio.SocketStream, to: trio.SocketStream, connection: trio.CancelScope) -> None:
    """The connection is over when one side ends it."""
    with suppress(trio.BrokenResourceError):
        while data := await source.receive_some(65536):
            await to.send_all(data)
    connection.cancel()


class _Elsewhere(BaseHTTPRequestHandler):
    """An empty page, at any path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[str]:
    """The origin of a page that is not ours."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
