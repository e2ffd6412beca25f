"""The live server as a source: what a cut stream, a foreign file and a dead process do to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from pillion_runtime.cli.client import Client
from pillion_runtime.cli.remote import Remote, find_server
from pillion_runtime.cli.source import Wish

BOUND = 40


@asynccontextmanager
async def cutting_proxy(url: str, after: int) -> AsyncIterator[str]:
    """The address of a proxy that ends each connection after so many bytes of answer."""
    port = int(url.rpartition(":")[2])

    async def pass_on(client: trio.SocketStream) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as server, trio.open_nursery() as nursery:

            async def up() -> None:
                async for piece in client:
                    await server.send_all(piece)

            nursery.start_soon(up)
            left = after
            async for piece in server:
                await client.send_all(piece[:left])
                left -= len(piece)
                if left <= 0:
                    break
            nursery.cancel_scope.cancel()
            await client.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(lambda task_status: serve(pass_on, task_status))
        yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def serve(handler: Any, task_status: trio.TaskStatus[Any]) -> None:
    await trio.serve_tcp(handler, 0, host="127.0.0.1", task_status=task_status)


async def all_frames(remote: Remote, session: str) -> list[dict[str, Any]]:
    """Every whole event from the start to the turn's end."""
    found: list[dict[str, Any]] = []
    with trio.fail_after(BOUND):
        async with remote.follow(session, "") as frames:
            while not found or found[-1]["type"] != "turn.finished":
                found += [json.loads(frame) for frame in await frames.page()]
    return [event for event in found if "." not in event["id"]]


async def test_a_stream_that_is_cut_again_and_again_loses_nothing(cli: Any) -> None:
    async with cli.serving() as said:
        remote = await find_server(cli.data_dir)
        assert remote is not None
        session = await remote.create(Wish(str(cli.workspace)))
        await remote.prompt(session, "hello")
        whole = await all_frames(remote, session)
        token = json.loads((cli.data_dir / "server.json").read_text())["token"]
        async with cutting_proxy(said["url"], 1000) as address:
            client = Client(address, token)
            client._headers["host"] = said["url"].removeprefix("http://")
            pieces = await all_frames(Remote(client, address), session)
        passing = await remote.create(Wish(str(cli.workspace), ephemeral=True))
        assert (await Client(said["url"], token).call("GET", f"/api/sessions/{passing}"))["ephemeral"]
    assert pieces == whole
    assert [event["id"] for event in whole] == [str(n + 1) for n in range(len(whole))]


async def test_a_file_that_others_may_read_is_not_trusted(cli: Any) -> None:
    async with cli.serving():
        assert await find_server(cli.data_dir) is not None
        (cli.data_dir / "server.json").chmod(0o644)
        assert await find_server(cli.data_dir) is None


async def test_a_port_that_does_not_answer_is_ignored(tmp_path: Path) -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]  # accepts, and says nothing
    url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    file = tmp_path / "server.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"url": url, "pid": 1, "token": "x", "version": "0"}))
    with trio.fail_after(BOUND):
        assert await find_server(tmp_path) is None
    await listener.aclose()
