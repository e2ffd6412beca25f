"""A server is killed while it puts files back: nothing is half or lost, its next start says so, the undo goes on."""

from __future__ import annotations

import json
from collections.abc import Set
from pathlib import Path

import pytest

from pillion_runtime.testing import Asked, Reply, call, vendor_server

from ...scenarios.serverprocess import MODELS, ServerProcess, server_process
from .scene import image, stores
from .test_store import fsck, needs_git

FILES = 1_200
"""More than two batches of those that are written together."""
SETTINGS = (
    MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n')
    + '\n[plugins.approvals]\nexecute = "allow"\nwrite = "allow"\n'
)
COMMAND = f"for number in $(seq {FILES}); do echo changed > file$number; done; rm first; mkdir new; echo x > new/x"


def works(asked: Asked) -> Reply:
    return Reply(calls=(call("run_command", command=COMMAND),)) if asked.number == 1 else Reply(text=("Done.",))


def back(folder: Path, also: Set[str] = frozenset()) -> int:
    """How many files are what they were. Each is that, or what the command made of it, or what `also` says."""
    found = [(folder / f"file{number}").read_text() for number in range(1, FILES + 1)]
    assert set(found) <= {"before\n", "changed\n", *also}
    return found.count("before\n")


async def undo(server: ServerProcess, session: str) -> str:
    async with server.client.open("POST", f"/api/sessions/{session}/undo", {"what": "files"}) as answer:
        return str(json.loads(await answer.whole())["after"])


@pytest.mark.promise("undo.whole")
@needs_git
async def test_an_undo_that_was_killed_twice_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for number in range(1, FILES + 1):
        (folder / f"file{number}").write_text("before\n")
    (folder / "first").write_text("first\n")
    before = image(folder)
    async with vendor_server(works) as vendor:
        settings = SETTINGS.format(url=vendor.url)
        async with server_process(tmp_path, settings) as server:
            session = await server.session(folder, strategy="agent")
            await server.ride(session, "change all")
            assert back(folder) == 0
            async with server.watch(session, await undo(server, session)) as watch:
                await watch.until("file.changed")  # the first batch is written
                await server.kill()
        first = back(folder)
        assert 0 < first < FILES
        async with server_process(tmp_path, settings) as server:
            shown = await server.client.call("GET", f"/api/sessions/{session}")
            assert shown["last_turn"]["ended"] == "interrupted"
            (folder / "file1").write_text("of a person\n")
            async with server.watch(session, await undo(server, session)) as watch:
                await watch.until("checkpoint.taken")  # now it begins to write
                await server.kill()
        assert back(folder, {"of a person\n"}) >= first - 1 and (folder / "file1").read_text() == "of a person\n"
        (folder / "file1").write_text("before\n")
        async with server_process(tmp_path, settings) as server:
            async with server.watch(session, await undo(server, session)) as watch:
                told = (await watch.until("workspace.restored"))[-1]
            assert (image(folder), told.get("left", [])) == (before, [])
        assert [fsck(store) for store in stores(tmp_path / "data")] == [""]
