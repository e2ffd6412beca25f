"""`--record` and `--replay` as a shell sees them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pillion_runtime.testing import Reply, call

WRITES = Reply(text="I write it down.", calls=(call("write_note", path="note.txt", text="remember"),))
WROTE = Reply(text="It is written.")


def without_network() -> tuple[str, ...]:
    """What runs a program where no address can be reached, not even loopback; nothing where that is not allowed."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], check=False, capture_output=True).returncode:
        return ()
    return (unshare, "-rn")


async def test_a_run_is_gone_through_again_without_a_network(door: Any, scripted: Any, tmp_path: Path) -> None:
    """A live server has settings of its own, and takes no part."""
    scripted.says(WRITES, WROTE)
    recorded = await door.run("run", "write it", "--yes", "--record", "../run.jsonl")
    assert recorded.code == 0, recorded
    (door.workspace / "note.txt").unlink()
    asked = len(door.vendor.asked)
    again = await door.run("run", "write it", "--yes", "--replay", "../run.jsonl", within=without_network())
    assert (again.code, again.out) == (0, recorded.out), again
    assert (door.workspace / "note.txt").read_text() == "remember"
    assert len(door.vendor.asked) == asked
    model = ("-m", "local/scripted")
    other = await door.run("run", "write them", *model, "--replay", "../run.jsonl")
    assert other.code == 1, other
    assert '-  "text": "write it"' in other.err and '+  "text": "write them"' in other.err


async def test_a_server_replays_to_all_that_ask_it(cli: Any, scripted: Any) -> None:
    scripted.says(WROTE)
    async with cli.serving("--record", "run.jsonl"):
        assert (await cli.run("run", "is it written?")).code == 0
    asked = len(cli.vendor.asked)
    async with cli.serving("--replay", "run.jsonl"):
        ended = await cli.run("run", "is it written?")
        assert (ended.code, ended.out) == (0, "It is written.\n"), ended
    assert len(cli.vendor.asked) == asked


async def test_both_at_once_are_refused(cli: Any) -> None:
    (cli.workspace / "run.jsonl").touch()
    ended = await cli.run("run", "hello", "--record", "other.jsonl", "--replay", "run.jsonl")
    assert (ended.code, "a run is one or the other" in ended.err) == (2, True), ended


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
async def test_a_recording_that_is_not_there_is_a_usage_error(cli: Any, name: str) -> None:
    assert (await cli.run("run", "hello", "--replay", name)).code == 2
