"""Servers with a store that lasts, whose database is made to fail; and what a watcher may expect of them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion_runtime.cli.exits import ServerSaid

from ..scenarios.serverprocess import MODELS, ServerProcess

STORED = MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n')
SECONDS = 30
"""What a state that is to come may take to come."""


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[Path]:
    """A disk of its own in `folder`; skips where nothing can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Takes all that is left on a disk; the file that takes it."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return filler


def kept(server: ServerProcess, told: list[dict[str, Any]], log: list[dict[str, Any]]) -> None:
    """Is all in the log that was told, once, as it was told, and without gap?"""
    whole = [event for event in log if "." not in event["id"]]
    assert [int(event["id"]) for event in whole] == list(range(1, len(whole) + 1))
    by_id = {event["id"]: event for event in whole}
    for event in told:
        if "." not in event["id"]:
            assert by_id[event["id"]] == event


async def log_of(server: ServerProcess, session: str) -> list[dict[str, Any]]:
    """Its whole events, as the store has them."""
    path, json_ = f"/api/sessions/{session}/events?limit=1000", {"accept": "application/json"}
    async with server.client.open("GET", path, headers=json_) as answer:
        return list(msgspec.json.decode(await answer.whole())["data"])


async def health(server: ServerProcess) -> str:
    """What its check of the storage says."""
    return str((await server.client.call("GET", "/api/health"))["checks"]["storage"])


async def prompted(server: ServerProcess, session: str, text: str) -> str:
    """A prompt, once it is taken: a store that is back may need a moment."""
    with trio.fail_after(SECONDS):
        while True:
            try:
                return await server.prompt(session, text)
            except ServerSaid as error:
                if error.status != 503:
                    raise
            await trio.sleep(0.2)


def bound_by_rights() -> list[str]:
    """What goes before a command so that files' rights bind it, also as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed, and root needs no rights")
    return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
