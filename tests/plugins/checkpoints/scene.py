"""A session on a folder, whose model changes it: by the tool of files, and by a program."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from pillion import Call, Home, Session
from pillion.contracts.policy import Allow, JudgedCall, Verdict
from pillion.events import TurnFinished
from pillion.filediff import file_changed, images
from pillion.testing.kit import Anything, FunctionTool, Host, PolicyPlugin, frames, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says
from pillion_checkpoints.events import WorkspaceRestored
from pillion_checkpoints.plugin import Config, Plugin
from pillion_checkpoints.strategies import Order
from pillion_checkpoints.timeline import Timeline, Timelines


class AllowAll:
    async def decide(self, call: JudgedCall) -> Verdict:
        return Allow()


class Scene:
    """`does` is what the program does the next time it is run."""

    def __init__(self, host: Host, session: Session, folder: Path, data: Path) -> None:
        self.host, self.session, self.folder, self.data = host, session, folder, data

    async def turn(self, *steps: Any, words: str = "go") -> None:
        """A turn whose steps each write a file (a pair of path and text, None: take it away) or run a function."""
        for step in steps:
            if callable(step):
                PROGRAMS.append(step)
                self.host.provider.script(calls(("program", "{}")))
            else:
                said = json.dumps({"text": json.dumps(step)})
                self.host.provider.script(calls(("put", said)))
        self.host.provider.script(says("done"))
        assert isinstance(await self.host.run(self.session, words), TurnFinished)

    async def go(self, way: str, **order: Any) -> WorkspaceRestored:
        """Undo, redo or restore, and what came of it."""
        after = str(self.session.head)
        end = await self.host.run(self.session, "", strategy=way, arguments=Order(**order))
        assert isinstance(end, TurnFinished), end
        told = [frame for frame in await frames(self.session, after) if frame.type == "workspace.restored"]
        return msgspec.json.decode(told[-1].data, type=WorkspaceRestored)

    async def timeline(self) -> Timeline:
        return await Timelines().of(self.session)

    async def words(self) -> list[str]:
        return [message.text for message in await self.session.messages() if message.text]

    def __getitem__(self, path: str) -> str | None:
        place = self.folder / path
        return place.read_text() if place.exists() else None

    def __setitem__(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)


PROGRAMS: list[Callable[[], object]] = []
"""What the program does, one at a run."""


async def _program(arguments: Anything, call: Call) -> str:
    PROGRAMS.pop(0)()
    return "ran"


async def _put(arguments: Anything, call: Call) -> str:
    path, text = json.loads(arguments.text)
    there = await call.workspace.stat(path)
    old = None if there is None else (await call.workspace.read(path)).data
    hash = await call.workspace.write(path, text.encode())
    change = file_changed(path, old, text.encode(), hash, call.id)
    await call.emit(change, blobs=images(change, old))
    return "written"


@asynccontextmanager
async def scene(tmp_path: Path, config: Config | None = None) -> AsyncIterator[Scene]:
    folder, data = tmp_path / "work", tmp_path / "data"
    folder.mkdir(exist_ok=True)
    data.mkdir(exist_ok=True)
    PROGRAMS.clear()
    plugins = {
        "checkpoints": Plugin(config or Config(), Home("checkpoints", data)),
        "allow": PolicyPlugin(AllowAll()),
    }
    tools = (
        FunctionTool("program", _program, "execute"),
        FunctionTool("put", _put, "write"),
        FunctionTool("meanwhile", _program),  # what somebody else does in the same step
    )
    async with kernel_host(data, *tools, provider=ScriptedProvider(), plugins=plugins) as host:
        host.folder = folder
        yield Scene(host, await host.open(), folder, data)


def stores(data: Path) -> list[Path]:
    return sorted((data / "plugins" / "checkpoints").glob("*.git"))


def image(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that is in a folder: kind, permission bits of files, content or target."""
    found: dict[str, tuple[object, ...]] = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            status = path.lstat()
            key = os.fsencode(path.relative_to(folder)).decode(errors="surrogateescape")
            if stat.S_ISLNK(status.st_mode):
                found[key] = ("link", os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                found[key] = ("file", status.st_mode & 0o777, hashlib.sha256(path.read_bytes()).hexdigest())
            else:
                found[key] = ("folder",)
    return found
