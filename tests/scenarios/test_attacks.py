"""What a hostile page, program or network may try on a running server, beyond what the host's own tests hold."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from pillion_runtime.cli.exits import ServerSaid

from .serverprocess import BOUND, ServerProcess, server_process
from .watchers import asleep

PLAIN = "[plugins.embedded]\nenabled = false\n"
MANY = 300
"""Connections at once; more would meet this process's own limit of open files first."""
MIB = 1024 * 1024
"""Of the server's memory."""


async def raw(server: ServerProcess, *pieces: bytes, enough: bytes = b"\0") -> bytes:
    """Sends bytes on a socket of its own; what comes back up to `enough`, or until the server closes it."""
    answer = b""
    with trio.fail_after(BOUND):
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            with suppress(trio.BrokenResourceError):  # the server may refuse before all is sent
                for piece in pieces:
                    await stream.send_all(piece)
            with suppress(trio.BrokenResourceError):
                while enough not in answer and (data := await stream.receive_some(65536)):
                    answer += data
    return answer


def head(server: ServerProcess, line: str, *headers: str, token: bool = True) -> bytes:
    lines = [f"{line} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close", *headers]
    lines += [f"Authorization: Bearer {server.found.token}"] * token
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def crowd(server: ServerProcess, first: bytes) -> AsyncIterator[list[trio.SocketStream]]:
    """Many connections that have sent only `first`."""
    streams: list[trio.SocketStream] = []
    try:
        with trio.fail_after(BOUND):
            for _ in range(MANY):
                streams.append(await trio.open_tcp_stream("127.0.0.1", server.port))
                await streams[-1].send_all(first)
        yield streams
    finally:
        for stream in streams:
            await trio.aclose_forcefully(stream)


async def still_serves(server: ServerProcess, workspace: Path) -> None:
    """Somebody else's requests are answered; the slowest of them is printed."""
    slowest = 0.0
    for _ in range(20):
        began = time.perf_counter()
        await server.client.call("GET", "/api/health")
        await server.session(workspace)
        slowest = max(slowest, time.perf_counter() - began)
    print(f"the slowest of 20 took {slowest * 1000:.0f} ms")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with server_process(tmp_path, PLAIN) as server:
        yield server


@pytest.mark.promise("door.origin")
async def test_a_preflight_of_a_foreign_page_gets_no_leave(server: ServerProcess) -> None:
    asked = "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization, content-type"
    for origin in ("https://evil.example", "null", f"http://127.0.0.1.evil.example:{server.port}"):
        line = head(server, "OPTIONS /api/sessions", f"Origin: {origin}", *asked, token=False)
        answer = (await raw(server, line)).lower()
        assert (answer.split()[1], b"access-control" in answer) == (b"403", False)


@pytest.mark.promise("door.token", "door.host")
async def test_an_event_stream_is_guarded_like_the_rest(server: ServerProcess, tmp_path: Path) -> None:
    path = f"/api/sessions/{await server.session(tmp_path)}/events"
    foreign = await raw(server, head(server, f"GET {path}", "Origin: https://evil.example"))
    stranger = await raw(server, head(server, f"GET {path}", token=False))
    in_query = await raw(server, head(server, f"GET {path}?token={server.found.token}", token=False))
    assert [answer.split()[1] for answer in (foreign, stranger, in_query)] == [b"403", b"401", b"401"]
    assert b"session.opened" not in foreign + stranger + in_query


@pytest.mark.promise("secrets.nowhere", "door.token_not_in_address")
async def test_no_token_gets_into_the_log(tmp_path: Path) -> None:
    async with server_process(tmp_path, PLAIN) as server:
        token = server.found.token
        for path in (f"/api/models?token={token}", f"/api/models?access_token={token}", f"/livez?x={token}"):
            await raw(server, head(server, f"GET {path}"))
        await raw(server, head(server, "GET /api/models", f"X-Token: {token}", f"Cookie: token={token}"))
    log = (tmp_path / "stderr").read_text()
    assert log.count('"/api/models"') == 3
    assert token not in log


@pytest.mark.promise("door.ids")
async def test_ids_cannot_be_guessed(server: ServerProcess, tmp_path: Path) -> None:
    ids = [await server.session(tmp_path) for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(len(id) == 32 and int(id, 16) >= 0 for id in ids)
    assert len({id[:4] for id in ids}) > 40 and len({id[-4:] for id in ids}) > 40
    near = f"{int(ids[-1], 16) ^ 1:032x}"
    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/messages"), ("POST", "/cancel"), ("DELETE", "")):
        with pytest.raises(ServerSaid) as refused:
            await server.client.call(method, f"/api/sessions/{near}{path}", {} if method == "POST" else None)
        assert refused.value.status == 404


@pytest.mark.promise("door.hostile_requests")
@pytest.mark.parametrize(
    "framing",
    ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 5", "Content-Length: -1"],
)
async def test_a_body_of_two_lengths_is_refused(server: ServerProcess, framing: str) -> None:
    smuggled = b"0\r\n\r\nDELETE /api/sessions/x HTTP/1.1\r\n\r\n"
    answer = await raw(server, head(server, "POST /api/sessions", "Content-Type: application/json", framing), smuggled)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.split()[1] in (b"400", b"422")


@pytest.mark.promise("door.hostile_requests", "door.body_limit")
async def test_huge_requests_cost_neither_memory_nor_others(server: ServerProcess, tmp_path: Path) -> None:
    before = server.memory()
    headers = (b"X-%d: y\r\n" % number * 100 for number in range(10_000))
    many = await raw(server, head(server, "GET /livez")[:-2], *headers)
    kind, length = "Content-Type: application/json", f"Content-Length: {100 * MIB}"
    declared = await raw(server, head(server, "POST /api/sessions", kind, length), b"x" * 4096, enough=b"too_large")
    line = await raw(server, b"GET /" + b"x" * 4 * MIB)
    assert (many.split()[1], declared.split()[1], line.split()[1]) == (b"431", b"413", b"431")
    await still_serves(server, tmp_path)
    assert server.memory() - before < 64 * MIB


@pytest.mark.promise("door.hostile_requests")
async def test_slow_and_idle_connections_do_not_keep_others_out(server: ServerProcess, tmp_path: Path) -> None:
    before = server.memory()
    session = await server.session(tmp_path)
    begun = head(server, "POST /api/sessions", "Content-Type: application/json", "Content-Length: 1000")
    async with crowd(server, b"GET /livez HT") as slow, crowd(server, begun + b'{"work'):
        for stream in slow:
            await stream.send_all(b"TP/1.1\r\nX-Slow: ")
        sleepers = [await asleep(server, session) for _ in range(MANY)]
        await still_serves(server, tmp_path)
        grown = server.memory() - before
        for sleeper in sleepers:
            await trio.aclose_forcefully(sleeper)
    await still_serves(server, tmp_path)
    print(f"{grown / MANY / 3 / 1024:.0f} KiB a connection")
    assert grown < 3 * MANY * MIB // 4
