"""What a crash may leave of the database's files, and files that are none."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pillion.errors import NotFound, StoreFailed
from pillion.events import SessionChanged
from pillion.kernel import open_kernel
from pillion.testing.kit import frames, plain_settings
from pillion_runtime.testing import vendor_server
from pillion_runtime.testing.echo import Echo
from pillion_storage.database import FILE, Place
from pillion_storage.migrations import back_up
from pillion_storage.opening import open_store

from ..scenarios.serverprocess import COMMAND, bare_environment, server_process
from .storageserver import STORED

TRIES = 200 if os.environ.get("PILLION_LONG") else 12
FRAME = 4096 + 24
"""Bytes of a page in the log of writes; 32 more come before the first (sqlite.org/fileformat2.html, section 4.1)."""


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def flip(data: bytes, chance: random.Random) -> bytes:
    """Some bits of the last frames."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 8)):
        at = len(changed) - 1 - chance.randrange(min(len(changed) - 32, 6 * FRAME))
        changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def zeros(data: bytes, chance: random.Random) -> bytes:
    """What a file system may show of blocks that were never written."""
    at = chance.randrange(32, len(data))
    return data[:at] + bytes(len(data) - at)


@pytest.mark.promise("storage.torn")
async def test_a_torn_log_of_writes_loses_its_end_alone(tmp_path: Path) -> None:
    """Killed in mid-turn; then the -wal is cut, bits of it flip, or the -shm is gone."""
    chance = random.Random(7)
    async with vendor_server(Echo()) as vendor, server_process(tmp_path, STORED.format(url=vendor.url)) as server:
        session = await server.session(tmp_path)
        told = await server.ride(session, "say this back")
        after = await server.prompt(session, "stream 900 chunks 2 ms apart")
        async with server.watch(session, after) as watch:
            while (event := await watch.event()).get("at", 0) < 4000:
                told.append(event)
            await server.kill()
    before = {int(event["id"]): event["type"] for event in told if "." not in event["id"]}
    data, torn = tmp_path / "data", tmp_path / "torn"
    whole = (data / f"{FILE}-wal").read_bytes()
    assert len(whole) > 3 * FRAME, "there is something to tear"
    most = 0
    for number in range(TRIES):
        shutil.copytree(data, torn, ignore=shutil.ignore_patterns("server.json"))
        if number:  # the first one is as the crash has left it
            (torn / f"{FILE}-wal").write_bytes(chance.choice((cut, flip, zeros))(whole, chance))
        if number % 2:
            (torn / f"{FILE}-shm").unlink(missing_ok=True)
        seen = await recovered(torn, session)
        numbers = [seq for seq, _ in seen]
        assert numbers == list(range(1, len(numbers) + 1)), "a gap, or a number twice"
        most = max(most, len([pair for pair in seen if pair in before.items()]))
        shutil.rmtree(torn)
    assert most == len(before), "a crash alone loses nothing"


async def recovered(data: Path, session: str) -> list[tuple[int, str]]:
    """The log after recovery, which must go on; empty if the session itself was torn off."""
    store = await open_store(Place(data / FILE))
    async with open_kernel(plain_settings(data), store=store) as kernel:
        try:
            found = await kernel.session(session)
        except NotFound:
            return []
        await found.note(SessionChanged(title="goes on"))
        shown = [(int(frame.id), frame.type) for frame in await frames(found) if "." not in frame.id]
        kinds = [kind for _, kind in shown]
        ends = sum(kinds.count(f"turn.{end}") for end in ("finished", "interrupted", "failed", "cancelled"))
        assert kinds.count("turn.started") == ends
        return shown


def garbage(file: Path) -> None:
    with file.open("r+b") as data:
        data.write(random.Random(1).randbytes(100))


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def text(file: Path) -> None:
    file.write_text("This is no database.\n" * 300)


@pytest.mark.promise("storage.torn")
@pytest.mark.parametrize("spoil", [garbage, halved, text])
async def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    data = tmp_path / "data"
    file = data / FILE
    await (await open_store(Place(file))).aclose()
    copy = back_up(file)
    spoil(file)
    before = file.read_bytes()
    with pytest.raises(StoreFailed, match="is damaged") as refused:
        await open_store(Place(file))
    assert str(file) in str(refused.value) and str(copy) in str(refused.value)
    if spoil is garbage:
        (tmp_path / "plugins.toml").write_text('[defaults]\nstore = "storage"\n')
        for command in (["serve", "--port", "0"], ["doctor"]):
            done = told(tmp_path, command)
            said = (done.stdout + done.stderr).decode()
            assert done.returncode == 1 and f"The database {file} is damaged" in said and "Traceback" not in said
    assert file.read_bytes() == before
    shutil.copy(copy, file)
    await (await open_store(Place(file))).aclose()


def told(folder: Path, command: list[str]) -> subprocess.CompletedProcess[bytes]:
    places = ["--config", str(folder / "plugins.toml"), "--data-dir", str(folder / "data")]
    return subprocess.run(
        [*COMMAND, *command, *places],
        cwd=folder,
        env=bare_environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    await (await open_store(Place(tmp_path / FILE))).aclose()
    with sqlite3.connect(tmp_path / FILE) as rows:
        assert rows.execute("SELECT count(*) FROM session").fetchone() == (0,)
