"""The server's life as others see it: the line, the file, the token, signals, the parent, the log."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import trio

from pillion.errors import ConfigError
from pillion.testing.kit import plain_settings
from pillion.testing.scripted import Gate, says
from pillion_runtime import discovery, hostsettings, portholder, server
from pillion_runtime.hostsettings import Address

SLOW = '''
import trio
from contextlib import asynccontextmanager
from pillion import ModelInfo, Text, hookimpl

class Plugin:
    """A model that never ends."""
    name = "slow"
    description = "Asks once."
    @hookimpl
    def register_providers(self): return [self]
    @hookimpl
    def register_strategies(self): return [self]
    def models(self): return [ModelInfo("slow/one", 1000, 1000)]
    async def run(self, turn): await turn.step()
    @asynccontextmanager
    async def stream(self, request):
        async def chunks():
            yield Text("working on " + request.messages[-1].text)
            await trio.sleep_forever()
        yield chunks()
'''
CLINGING = '''
import logging, trio
from pillion import hookimpl

class Plugin:
    """A strategy that does not let go."""
    name = "clinging"
    description = "Clings."
    @hookimpl
    def register_strategies(self): return [self]
    async def run(self, turn):
        logging.getLogger("pillion.clinging").warning("clinging now")
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()
'''
BOUND = 30


class Process:
    """`pillion serve` as a process, and a client for it."""

    def __init__(self, process: trio.Process, line: bytes, data_dir: Path) -> None:
        self.process = process
        self.said = msgspec.json.decode(line)
        found = discovery.read(data_dir)
        assert found is not None
        self.found = found
        headers = {"authorization": f"Bearer {found.token}"}
        self.client = httpx2.AsyncClient(base_url=found.url, headers=headers, timeout=BOUND)


@asynccontextmanager
async def serving(folder: Path, *options: str, more: str = "", **environment: str) -> AsyncIterator[Process]:
    (folder / "slow.py").write_text(SLOW)
    config = folder / "plugins.toml"
    config.write_text(
        '[defaults]\nmodel = "slow/one"\nstrategy = "slow"\n'
        '[plugins.slow]\nuse = "./slow.py:Plugin"\n[host]\ngrace = 0.2\n' + more
    )
    command = [sys.executable, "-m", "pillion_runtime.cli.main", "serve", "--config", str(config)]
    command += ["--data-dir", str(folder / "data"), "--port", "0", *options]
    with (folder / "stderr").open("wb") as stderr:
        process = await trio.lowlevel.open_process(
            command, stdout=subprocess.PIPE, stderr=stderr, env=dict(os.environ) | environment
        )
        try:
            with trio.fail_after(BOUND):
                assert process.stdout is not None
                line = await process.stdout.receive_some()
            assert line, (folder / "stderr").read_text()
            running = Process(process, bytes(line), folder / "data")
            async with running.client:
                yield running
        finally:
            process.kill()
            await process.wait()


async def ended(process: trio.Process) -> int:
    with trio.fail_after(BOUND):
        return await process.wait()


@pytest.mark.promise("life.announced")
async def test_the_line_and_the_file_say_where_it_is(tmp_path: Path) -> None:
    async with serving(tmp_path) as running:
        file = tmp_path / "data" / "server.json"
        assert running.said["event"] == "listening"
        assert running.said == {
            "event": "listening",
            "url": running.found.url,
            "pid": running.process.pid,
            "token_file": str(file),
            "version": running.found.version,
        }
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert len(running.found.token) >= 43
        assert (await running.client.get("/api/health")).json()["done"] is True
        running.process.terminate()
        assert await ended(running.process) == 0
        assert not file.exists()


@pytest.mark.promise("life.gentle_stop")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_turns_and_streams_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    async with serving(tmp_path) as running:
        session = (await running.client.post("/api/sessions", json={"workspace": str(tmp_path)})).json()["id"]
        await running.client.post(f"/api/sessions/{session}/prompts", json={"text": "the sentence of a prompt"})
        async with running.client.stream("GET", f"/api/sessions/{session}/events") as stream:
            text = ""
            with trio.fail_after(BOUND):
                async for line in stream.aiter_lines():
                    text += line + "\n"
                    if "text.delta" in line:
                        running.process.send_signal(number)
            assert "event: turn.cancelled" in text
        assert await ended(running.process) == 0
    log = [msgspec.json.decode(line) for line in (tmp_path / "stderr").read_bytes().splitlines()]
    requests = [line for line in log if line["event"] == "request"]
    assert [(line["method"], line["status"]) for line in requests] == [("POST", 201), ("POST", 202), ("GET", 200)]
    assert all(line["request"].startswith("req_") and line["ms"] >= 0 for line in requests)
    assert len({line["request"] for line in requests}) == 3
    assert "sentence" not in (tmp_path / "stderr").read_text()
    assert running.found.token not in (tmp_path / "stderr").read_text()


@pytest.mark.promise("life.forced_stop")
async def test_a_plugin_that_does_not_let_go_can_not_hold_the_end(tmp_path: Path) -> None:
    clinging = tmp_path / "clinging.py"
    clinging.write_text(CLINGING)
    config = 'stop_within = 1\n[plugins.clinging]\nuse = "./clinging.py:Plugin"\n[deadlines]\nstopping = 0.2\n'
    async with serving(tmp_path, more=config) as running:
        session = (await running.client.post("/api/sessions", json={"workspace": str(tmp_path)})).json()["id"]
        prompt = {"text": "go", "strategy": "clinging"}
        await running.client.post(f"/api/sessions/{session}/prompts", json=prompt)
        with trio.fail_after(BOUND):
            while "clinging now" not in (tmp_path / "stderr").read_text():  # noqa: ASYNC110 - another process writes
                await trio.sleep(0.05)
        running.process.terminate()
        assert await ended(running.process) == 1
    assert "ends by force" in (tmp_path / "stderr").read_text()


@pytest.mark.promise("life.parent")
async def test_it_ends_with_the_process_it_was_started_for(tmp_path: Path) -> None:
    parent = await trio.lowlevel.open_process([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    async with serving(tmp_path, "--parent-pid", str(parent.pid)) as running:
        assert (await running.client.get("/readyz")).status_code == 200
        parent.kill()
        assert await ended(running.process) == 0
    await parent.wait()


async def test_a_token_of_the_user(tmp_path: Path) -> None:
    async with serving(tmp_path, "--token-env", "MY_TOKEN", MY_TOKEN="0123456789abcdef-mine") as running:
        assert running.found.token == "0123456789abcdef-mine"
        assert (await running.client.get("/api/models")).status_code == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bind", "0.0.0.0:0"], ["beyond loopback", "--token-env"]),
        (["--bind", "nonsense"], ["host.bind", "127.0.0.1:42424"]),
        (["--token-env", "NOT_SET"], ["NOT_SET", "openssl rand"]),
        (["--parent-pid", "0"], ["--parent-pid"]),
        (["--bind", "192.0.2.1:1", "--token-env", "PATH"], ["Can't listen on 192.0.2.1:1: ", "--port 0"]),
    ],
)
async def test_it_refuses_to_start_and_says_why(tmp_path: Path, options: list[str], words: list[str]) -> None:
    command = [sys.executable, "-m", "pillion_runtime.cli.main", "serve", "--data-dir", str(tmp_path), *options]
    with trio.fail_after(BOUND):
        done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    for word in words:
        assert word in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


async def _refusal(folder: Path, port: int) -> str:
    """What a server says that can't have its port."""
    settings = plain_settings(folder, host__bind=f"127.0.0.1:{port}")
    with trio.fail_after(BOUND), pytest.raises(ConfigError) as refused:
        await server.serve(settings, stop=server.Stop())
    return str(refused.value)


@pytest.mark.promise("life.port_taken")
async def test_a_taken_port_names_the_server_that_has_it(open_server: Any, tmp_path: Path) -> None:
    async with open_server() as running:
        own = await _refusal(tmp_path, running.port)
        other = await _refusal(tmp_path / "elsewhere", running.port)
    assert f"the Pillion server of this data directory does so already, as process {os.getpid()}." in own
    assert "`pillion run`" in own
    assert "a Pillion server with another data directory does so" in other
    assert "--port 0" in other


@pytest.mark.promise("life.port_taken")
async def test_a_taken_port_names_the_program_that_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = await _refusal(tmp_path, port)
        assert str(portholder.holder_of(Address("::", port))) == str(portholder.holder_of(Address("localhost", port)))
        assert portholder.holder_of(Address("127.0.0.2", port)) is None
    assert said.startswith(f"Can't listen on 127.0.0.1:{port}: ")
    assert said.endswith("Choose another with --port, or --port 0 for any that is free.")
    if sys.platform == "linux":
        assert f"process {os.getpid()} (" in said
    assert str(portholder.Holder(uid=0)) == "a process of the user root"


@pytest.mark.promise("life.beyond_loopback")
def test_a_token_beyond_loopback_is_ones_own(tmp_path: Path) -> None:
    settings = plain_settings(tmp_path, host__bind="0.0.0.0:1")
    for text, needed in (("127.0.0.1:1", False), ("[::1]:1", False), ("localhost:1", False), ("10.0.0.1:1", True)):
        if needed:
            with pytest.raises(ConfigError, match="beyond loopback"):
                hostsettings.token(settings, hostsettings.read(settings), Address.parse(text))
        else:
            assert len(hostsettings.token(settings, hostsettings.read(settings), Address.parse(text))) >= 43


def test_addresses() -> None:
    assert str(Address.parse("[::1]:80")) == "[::1]:80"
    assert Address.parse("localhost:0") == Address("localhost", 0)
    found = [Address.parse(text).url for text in ("0.0.0.0:1", "[::]:1", "[::1]:1")]
    assert found == ["http://127.0.0.1:1", "http://[::1]:1", "http://[::1]:1"]
    for wrong in ("", "80", ":80", "::1:80", "127.0.0.1:", "127.0.0.1:65536", "example.com:80", "127.0.0.1:8x"):
        with pytest.raises(ConfigError, match=r"host\.bind"):
            Address.parse(wrong)


def test_a_discovery_file_that_others_could_read_is_not_trusted(tmp_path: Path) -> None:
    found = discovery.Found("http://127.0.0.1:1", os.getpid(), "t", "1")
    path = discovery.write(tmp_path, found)
    assert discovery.read(tmp_path) == found
    path.chmod(0o644)
    assert discovery.read(tmp_path) is None
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(msgspec.json.encode(found))
    (tmp_path / "elsewhere").chmod(0o600)
    path.symlink_to(tmp_path / "elsewhere")
    assert discovery.read(tmp_path) is None


def test_a_discovery_file_of_another_server_stays(tmp_path: Path) -> None:
    ours = discovery.Found("http://127.0.0.1:1", os.getpid(), "t", "1")
    theirs = discovery.Found("http://127.0.0.1:2", os.getpid(), "u", "1")
    discovery.write(tmp_path, ours)
    discovery.write(tmp_path, theirs)
    discovery.remove(tmp_path, ours)
    assert discovery.read(tmp_path) == theirs
    discovery.remove(tmp_path, theirs)
    assert discovery.read(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_discovery_file_of_a_dead_process_is_none(tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    discovery.write(tmp_path, discovery.Found("http://127.0.0.1:1", done.pid, "t", "1"))
    assert discovery.read(tmp_path) is None


async def test_turns_get_their_grace(open_server: Any) -> None:
    gate = Gate()
    async with open_server(host__grace=20) as running:
        running.provider.script([gate, *says("in time")])
        session = await running.session()
        await running.prompt(session)
        async with running.watch(session) as watcher:
            await watcher.until("turn.started")
            running.stop.ask()
            await trio.testing.wait_all_tasks_blocked()
            assert (await running.client.get("/readyz")).status_code == 503
            refused = await running.prompt(session)
            assert (refused.status_code, refused.json()["code"]) == (503, "stopping")
            gate.opened.set()
            events = await watcher.until("turn.finished", "turn.cancelled")
            assert events[-1]["type"] == "turn.finished"
            assert await watcher.event() is None


async def test_asked_twice_it_ends_sooner(open_server: Any) -> None:
    async with open_server(host__grace=3600) as running:
        running.provider.script([Gate()])
        session = await running.session()
        await running.prompt(session)
        async with running.watch(session) as watcher:
            await watcher.until("turn.started")
            running.stop.ask()
            running.stop.ask()
            events = await watcher.until("turn.finished", "turn.cancelled")
            assert events[-1]["type"] == "turn.cancelled"
        with trio.fail_after(BOUND):
            await running.ended.wait()
