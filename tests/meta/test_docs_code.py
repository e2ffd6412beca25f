"""The programs in the how-tos run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import Reply, call, replies, vendor_server

from ..canaries import KEYS
from ..scenarios.serverprocess import MODELS, ServerProcess, server_process
from . import pages

BOUND = 40
CUT = 2500
"""Bytes after which a watcher's connection is cut."""
WORDS = tuple(f"w{number} " for number in range(200))


async def _run(*command: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    with trio.fail_after(BOUND):
        return await trio.run_process(
            [sys.executable, *command], cwd=cwd, env=env, capture_stdout=True, stderr=subprocess.STDOUT, check=False
        )


async def test_the_testing_kits_page(tmp_path: Path) -> None:
    page = pages.text("docs/howto/test_a_plugin.md")
    named = re.findall(r"`(\w+\.py)`:\n\n```python\n(.*?)^```$", page, re.M | re.S)
    assert [name for name, _ in named] == [
        "lines.py",
        "test_turn.py",
        "test_recorded.py",
        "test_contract.py",
        "test_vendor.py",
    ]
    (ini, *_) = pages.blocks(page, "ini")
    for name, body in [("pytest.ini", ini), *named]:
        (tmp_path / name).write_text(body)
    await _record(tmp_path)
    done = await _run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    said = done.stdout.decode()
    assert done.returncode == 0, said
    assert re.search(r"\d passed", said), said


async def _record(folder: Path) -> None:
    """Makes the page's recording as it tells to, with a vendor's server for a model."""
    program = replies(Reply(calls=(call("count_lines", path="poem.txt"),)), Reply(text="Two lines."))
    async with vendor_server(program) as vendor:
        environment = {
            **os.environ,
            **KEYS,
            "PILLION_RECORD": "anthropic/claude-sonnet-4-5",
            "PILLION__PLUGINS__ANTHROPIC__BASE_URL": vendor.url,
        }
        done = await _run(
            "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_recorded.py", cwd=folder, env=environment
        )
    assert done.returncode == 0, done.stdout.decode()
    assert len(vendor.asked) == 2


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server whose model speaks for half a second."""
    async with (
        vendor_server(replies(Reply(text=WORDS, pause=0.0025))) as vendor,
        server_process(tmp_path, MODELS.format(url=vendor.url)) as server,
    ):
        yield server


@asynccontextmanager
async def cutting(port: int) -> AsyncIterator[tuple[int, list[int]]]:
    """A way to that port which cuts each connection after CUT bytes of answer; its port, and the bytes of each."""
    passed: list[int] = []

    async def carry(client: trio.SocketStream) -> None:
        async with client, await trio.open_tcp_stream("127.0.0.1", port) as server:
            request = await client.receive_some(65536)
            await server.send_all(request.replace(f":{own}".encode(), f":{port}".encode()))
            count = 0
            while count < CUT and (data := await server.receive_some(CUT - count)):
                count += len(data)
                await client.send_all(data)
            passed.append(count)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    own = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, carry, listeners))
        yield own, passed
        nursery.cancel_scope.cancel()


DRIVER = """
import json, sys, watch
texts = {}
for event in watch.events(*sys.argv[1:]):
    print(json.dumps([event, texts.get(event.get("item"))]))
    watch.fold(texts, event)
    if event["type"] == "turn.finished":
        break
"""


async def test_the_watchers_page(server: ServerProcess, tmp_path: Path) -> None:
    """Cut off again and again, the client sees each whole event once, and each text grows into the server's."""
    (client,) = pages.blocks(pages.text("docs/howto/watch.md"), "python")
    (tmp_path / "watch.py").write_text(client)
    (tmp_path / "driver.py").write_text(DRIVER)
    session = await server.session(tmp_path)
    await server.prompt(session, "go")
    async with cutting(server.port) as (port, passed):
        done = await _run("driver.py", f"http://127.0.0.1:{port}", server.found.token, session, cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode()
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(passed) >= 2, "it was never cut off"
    whole = [int(event["id"]) for event, _ in seen if "." not in event["id"]]
    assert whole == list(range(1, len(whole) + 1))
    ((text, before),) = [(event["text"], before) for event, before in seen if event["type"] == "text.finished"]
    assert text == "".join(WORDS)
    assert before, "it never saw the text grow"
    assert text.startswith(before)


async def test_the_watchers_program(server: ServerProcess, tmp_path: Path) -> None:
    """From the discovery file to the turn's texts, as its first line says."""
    (client,) = pages.blocks(pages.text("docs/howto/watch.md"), "python")
    (tmp_path / "watch.py").write_text(client)
    session = await server.session(tmp_path)
    await server.prompt(session, "go")
    done = await _run("watch.py", "data", session, cwd=tmp_path)
    *lines, texts = done.stdout.decode().splitlines()
    assert done.returncode == 0, lines
    messages = (await server.client.call("GET", f"/api/sessions/{session}/messages"))["data"]
    assert [*json.loads(texts).values()] == [messages[-1]["parts"][0]["text"]]
