"""Connections that wait: how long they may, and who is not meant."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from pillion.testing.scripted import says
from pillion_runtime import listener

from .conftest import BOUND


@pytest.mark.parametrize("begun", [b"", b"GET /livez HTTP/1.1\r\nHost: "])
async def test_a_connection_that_sends_no_request_is_closed(
    open_server: Any, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "IDLE", 0.2)
    async with open_server() as server:
        assert await server.raw(begun) == b""


async def test_between_requests_it_is_closed_and_a_stream_that_is_silent_stays(
    open_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "IDLE", 0.2)
    async with open_server() as server:
        server.provider.script(says("hello"))
        session = await server.session()
        async with server.watch(session, after="latest") as watcher:
            answer = await server.raw(f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")  # and it has been closed since
            await server.prompt(session)
            assert (await watcher.until("turn.finished"))[-1]["type"] == "turn.finished"


async def test_the_end_closes_at_once_what_waits(open_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = listener.Listener.stop
    monkeypatch.setattr(listener.Listener, "stop", lambda self: stop(self, farewell=2 * BOUND))
    async with open_server() as server:
        waiting = await trio.open_tcp_stream("127.0.0.1", server.port)
        await server.client.get("/livez")
        server.stop.ask()
        with trio.fail_after(BOUND):
            assert await waiting.receive_some() == b""
            await server.ended.wait()
        await waiting.aclose()
