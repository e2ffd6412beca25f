"""The example client for IDEs: its types are the server's, it compiles under strict tsc, and it works."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import msgspec
import pytest
import trio

from pillion_runtime.testing import Asked, Reply, call

from ..required import required
from .cutting import cutting
from .serverprocess import BOUND, ServerProcess, riding

IDE = Path(__file__).parents[2] / "docs/howto/ide"
HINT = "npm install in docs/howto/ide, and put node_modules/.bin on PATH"
PIECES = ("All of it ", "is mended: ", "ä, 漢字 and 🎉 ", *(f"line {number} " for number in range(200)))


def program(asked: Asked) -> Reply:
    """One call that has to be approved, then the words; `slowly`: words until somebody says stop."""
    if "slowly" in asked.prompt:
        return Reply(text=("word ",) * 5000, pause=0.01)
    if not asked.results:
        return Reply(text=("I look. ",), calls=(call("run_command", command="echo tested"),))
    return Reply(text=PIECES, pause=0.01)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs it."""
    out = tmp_path_factory.mktemp("client")
    node, tsc = required("node", hint="nodejs.org"), required("tsc", hint=HINT)
    done = subprocess.run([tsc, "-p", IDE, "--outDir", out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (out / "package.json").write_text('{"type": "module"}')
    return [node, str(out / "client.js")]


async def run(client: list[str], url: str, server: ServerProcess, *more: str) -> trio.Process:
    command = [*client, url, server.found.token, str(server.folder), *more]
    return await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


async def said(process: trio.Process, until: bytes = b"\0") -> str:
    """What it prints up to `until`, or to its end."""
    text = b""
    assert process.stdout is not None
    with trio.fail_after(BOUND):
        while until not in text and (piece := await process.stdout.receive_some()):
            text += piece
    return text.decode()


@pytest.mark.promise("description.types", "events.resume")
async def test_the_example_client_asks_approves_and_comes_back_after_cuts(client: list[str], tmp_path: Path) -> None:
    async with cutting(1500, 5000, 2000) as proxy:
        names = f'["127.0.0.1:{proxy.port}"]'
        async with riding(tmp_path, program, PILLION__HOST__NAMES=names) as (vendor, server):
            proxy.target = server.port
            process = await run(client, f"http://127.0.0.1:{proxy.port}", server, "Mend it.", "--yes")
            text = await said(process)
            assert await process.wait() == 0, text
            assert text.count("? run_command: echo tested") == 1
            assert [result.text for result in vendor.asked[-1].results] == ["tested\n[exit code 0]"]
            assert msgspec.json.decode(text.splitlines()[-1]) == ["I look. ", "".join(PIECES)]
            assert proxy.left == []
            assert (await server.client.call("GET", "/api/sessions"))["data"] == []


@pytest.mark.promise("description.types", "door.problems")
async def test_the_example_client_stops_the_turn_and_is_told_what_is_wrong(client: list[str], tmp_path: Path) -> None:
    async with riding(tmp_path, program) as (_, server):
        process = await run(client, server.found.url, server, "Speak slowly.")
        await said(process, b"word word")
        process.send_signal(signal.SIGINT)
        assert "turn.cancelled" in await said(process)
        assert await process.wait() == 1
        process = await run(client, server.found.url, server)
        assert "invalid: Wrong: text." in await said(process)
        assert await process.wait() == 1
