"""Checkpoints over HTTP and at the command line, from a server process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing import Reply, Vendor, call, replies, vendor_server

from ...scenarios.serverprocess import BOUND, COMMAND, MODELS, ServerProcess, bare_environment, server_process

ALLOW = '\n[[plugins.approvals.rules]]\neffect = "write"\nverdict = "allow"\n'


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """A model that makes a file, then talks."""
    makes = Reply(calls=(call("write_file", path="made.txt", content="of the model\n"),))
    async with vendor_server(replies(makes, *(Reply(text=("Yes.",)) for _ in range(8)))) as vendor:
        yield vendor


@pytest.fixture
async def server(vendor: Vendor, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    (tmp_path / "work").mkdir()
    async with server_process(tmp_path, MODELS.format(url=vendor.url) + ALLOW) as server:
        yield server


async def asked(server: ServerProcess, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    try:
        async with server.client.open(method, path, body) as answer:
            return answer.status, json.loads(await answer.whole())
    except ServerSaid as error:
        return error.status, str(error)


async def test_over_http(server: ServerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    (folder / "kept.txt").write_text("one\n")
    session = await server.session(folder, strategy="agent")
    path = f"/api/sessions/{session}"
    assert (await asked(server, "POST", f"{path}/undo"))[0] == 409
    await server.ride(session, "make it")
    status, listed = await asked(server, "GET", f"{path}/checkpoints")
    first = listed["data"][0]
    assert (status, first["why"], first["text"], listed["undo"]["text"]) == (200, "step", "make it", "make it")
    (folder / "kept.txt").write_text("two\n")
    status, diff = await asked(server, "GET", f"{path}/checkpoints/{first['checkpoint'][:8]}/diff")
    assert [(one["path"], one["kind"]) for one in diff["data"]] == [("kept.txt", "changed"), ("made.txt", "created")]
    last = listed["data"][-1]["checkpoint"]
    status, diff = await asked(server, "GET", f"{path}/checkpoints/{first['checkpoint']}/diff?to={last}")
    assert [one["path"] for one in diff["data"]] == ["made.txt"]
    assert (await asked(server, "POST", f"{path}/checkpoints/0000/restore"))[0] == 404
    async with server.watch(session, "latest") as watch:
        assert (await asked(server, "POST", f"{path}/undo", {"what": "files"}))[0] == 202
        told = (await watch.until("workspace.restored"))[-1]
    assert (told["by"], told["paths"], (folder / "kept.txt").read_text()) == ("undo", ["made.txt"], "two\n")
    assert not (folder / "made.txt").exists()


async def test_at_the_command_line(server: ServerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    session = await server.session(folder, strategy="agent")
    await server.ride(session, "make it")
    code, out, _ = await told(tmp_path, "checkpoints", session[:8])
    assert code == 0 and "make it" in out
    code, out, _ = await told(tmp_path, "undo", "--what", "files")
    assert (code, out) == (0, "1 file put back:\n  made.txt\n") and not (folder / "made.txt").exists()
    (folder / "made.txt").write_text("mine\n")
    code, out, err = await told(tmp_path, "redo", session[:8])
    assert code == 1 and "Left as it is: made.txt (changed by somebody else since)" in out and "--overwrite" in err
    assert (folder / "made.txt").read_text() == "mine\n"
    code, out, _ = await told(tmp_path, "undo", "--overwrite", "--json")
    assert (code, json.loads(out)["paths"], (folder / "made.txt").exists()) == (0, ["made.txt"], False)
    (folder / "made.txt").write_text("another\n")
    _, _, err = await told(tmp_path, "redo")
    code, out, _ = await told(tmp_path, *err.split("`")[1].split()[1:])
    assert (code, out) == (0, "1 file put back:\n  made.txt\n") and (folder / "made.txt").read_text() == "mine\n"


async def told(tmp_path: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in the folder."""
    places = ["--config", str(tmp_path / "plugins.toml"), "--data-dir", str(tmp_path / "data")]
    with trio.fail_after(BOUND):
        command, environment = [*COMMAND, *words, *places], bare_environment(tmp_path)
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False, cwd=tmp_path / "work", env=environment
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()
