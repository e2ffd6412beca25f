"""PATCH /api/plugins/{name}: plugins come and go over HTTP, their routes too, and the settings file may say so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from quart import Blueprint

from pillion import Event, hookimpl
from pillion.settings import load
from pillion.testing.kit import FunctionTool, Loop
from pillion.testing.scripted import Gate, calls, says


class Peal(Loop):
    name = "peal"


class Rung(Event, frozen=True, tag="bell.rung"):
    """It rang."""


class Bell:
    """A route, a tool, a strategy and a lifespan."""

    def __init__(self, path: str = "/bell", gate: Gate | None = None) -> None:
        self.path, self.gate = path, gate
        self.begun = trio.Event()

    @hookimpl
    def register_routes(self) -> list[Blueprint]:
        blueprint = Blueprint("bell", __name__)

        @blueprint.get(self.path)
        async def ring() -> Any:
            """Rings."""
            return {"bell": "ring"}

        ring.openapi = {"answers": {200: dict[str, str]}}  # type: ignore[attr-defined]
        return [blueprint]

    @hookimpl
    def register_tools(self) -> list[Any]:
        async def run(arguments: Any, call: Any) -> str:
            return "it rang"

        return [FunctionTool("ring", run)]

    @hookimpl
    def register_strategies(self) -> list[Any]:
        return [Peal()]

    @hookimpl
    def register_events(self) -> list[Any]:
        return [Rung]

    @hookimpl
    def lifespan(self) -> Any:
        return self.live()

    @asynccontextmanager
    async def live(self) -> AsyncIterator[None]:
        self.begun.set()
        if self.gate is not None:
            self.gate.reached.set()
            await self.gate.opened.wait()
        yield


async def switch(server: Any, name: str, **body: Any) -> Any:
    return await server.client.patch(f"/api/plugins/{name}", json=body)


async def state(server: Any, name: str) -> dict[str, Any]:
    return dict((await server.client.get(f"/api/plugins/{name}")).json())


@pytest.mark.promise("plugins.live", "plugins.live_routes", "plugins.live_kit", "description.routes")
async def test_routes_and_tools_come_and_go_while_a_turn_and_its_stream_go_on(open_server: Any) -> None:
    async with open_server(plugins={"bell": Bell()}) as server:
        gate = Gate()
        server.provider.script([gate, *calls(("ring", "{}"))], says("Well."), says("Without."))
        session = await server.session()
        async with server.watch(session) as watcher:
            await server.prompt(session)
            await gate.reached.wait()
            off = (await switch(server, "bell", enabled=False)).json()
            assert (off["plugin"]["state"], off["takes_effect"], off["written"]) == ("off", "next_turn", None)
            assert (await server.client.get("/bell")).status_code == 404
            assert "/bell" not in (await server.client.get("/openapi.json")).json()["paths"]
            assert "bell.rung" not in (await server.client.get("/api/events/schema")).json()["$defs"]
            assert (await server.client.get("/api/tools")).json()["data"] == []
            gate.opened.set()
            events = await watcher.until("turn.finished")
            assert [event["text"] for event in events if event["type"] == "tool.finished"] == ["it rang"]
            await server.prompt(session)
            await watcher.until("turn.finished")
        assert server.provider.requests[-1].tools == ()
        assert (await switch(server, "bell", enabled=True)).json()["plugin"]["state"] == "on"
        assert (await server.client.get("/bell")).json() == {"bell": "ring"}
        assert "/bell" in (await server.client.get("/openapi.json")).json()["paths"]
        assert "bell.rung" in (await server.client.get("/api/events/schema")).json()["$defs"]


@pytest.mark.promise("plugins.live_refused")
async def test_what_can_not_be_switched_says_why(open_server: Any) -> None:
    class Clock:
        needs = ("bell",)

    async with open_server(plugins={"bell": Bell(), "clock": Clock()}) as server:
        unknown = await switch(server, "bel", enabled=False)
        assert (unknown.status_code, unknown.json()["detail"]) == (
            404,
            "No settings list a plugin 'bel'. Did you mean 'bell'?",
        )
        assert (await server.client.get("/api/plugins/bel")).status_code == 404
        wrong = await switch(server, "bell", enable=False, persist="yes")
        assert [error["field"] for error in wrong.json()["errors"]] == ["enable", "enabled", "persist"]
        needed = await switch(server, "bell", enabled=False)
        assert (needed.status_code, needed.json()["code"]) == (409, "conflict")
        assert needed.json()["detail"] == "The plugin 'bell' is needed by 'clock': switch that off first."
        assert (await server.client.get("/bell")).status_code == 200


@pytest.mark.promise("plugins.live_faults")
async def test_routes_that_collide_take_their_plugin_out_with_all_it_brings(open_server: Any) -> None:
    bell = Bell("/bell")
    async with open_server(plugins={"bell": bell}) as server:
        await switch(server, "bell", enabled=False)
        bell.path = "/api/tools"
        told = (await switch(server, "bell", enabled=True)).json()["plugin"]
        assert (told["state"], told["reason"]) == (
            "quarantined",
            "It brings a route GET /api/tools, which exists already.",
        )
        strategies = (await server.client.get("/api/strategies")).json()["data"]
        assert [strategy["name"] for strategy in strategies] == ["loop"]
        bell.path = "/bell"
        assert (await switch(server, "bell", enabled=True)).json()["plugin"]["state"] == "on"


@pytest.mark.promise("plugins.live_faults")
async def test_who_asked_may_leave_and_others_are_served_meanwhile(open_server: Any) -> None:
    gate = Gate()
    gate.opened.set()
    async with open_server(plugins={"bell": Bell(gate=gate)}) as server:
        await switch(server, "bell", enabled=False)
        gate.opened, gate.reached = trio.Event(), trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_patch, server)
            await gate.reached.wait()
            assert (await server.client.get("/bell")).status_code == 404
            nursery.cancel_scope.cancel()
        gate.opened.set()
        with trio.fail_after(20):
            while (await server.client.get("/bell")).status_code != 200:
                pass


async def _patch(server: Any) -> None:
    await server.client.patch("/api/plugins/bell", json={"enabled": True})


SETTINGS = """\
[host]
bind = "127.0.0.1:0"  # any
[defaults]
strategy = "loop"
[plugins.bell]
use = "./bell.py:Plugin"
enabled = false  # for now
[plugins.shelf]
use = "./shelf.py:Plugin"
"""
BELL = "from pillion.testing.kit import ToolPlugin\nclass Plugin(ToolPlugin): pass\n"
SHELF = """
from pillion import hookimpl
from pillion.memorystore import MemoryStore
class Plugin:
    @hookimpl
    def register_stores(self):
        async def make():
            return MemoryStore()
        return {"shelf": make}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "bell.py").write_text(BELL)
    (tmp_path / "shelf.py").write_text(SHELF)
    (tmp_path / "plugins.toml").write_text(SETTINGS)
    return tmp_path / "plugins.toml"


def said(file: Path) -> str:
    return file.read_text()


def write(file: Path, text: str) -> None:
    file.write_text(text)


def settings(file: Path, *, environ: dict[str, str] | None = None, **flags: Any) -> Any:
    dotted = {key.replace("__", "."): value for key, value in flags.items()}
    return load(config=file, data_dir=file.parent, environ=environ or {}, shipped=False, flags=dotted)


@pytest.mark.promise("plugins.persist")
async def test_persist_writes_the_users_file_and_keeps_its_comments(open_server: Any, file: Path) -> None:
    async with open_server(settings=settings(file)) as server:
        told = (await switch(server, "bell", enabled=True)).json()
        assert (told["plugin"]["pending"], told["written"], said(file)) == ("off", None, SETTINGS)
        told = (await switch(server, "bell", enabled=True, persist=True)).json()
        assert (told["plugin"]["pending"], told["written"], told["note"]) == ("", str(file), "")
        assert said(file) == SETTINGS.replace("enabled = false  # for now", "enabled = true  # for now")
        write(file, SETTINGS)
        assert (await state(server, "bell"))["pending"] == "off", "who edits the file is seen"


@pytest.mark.promise("plugins.persist")
async def test_what_does_not_work_is_not_written(open_server: Any, file: Path) -> None:
    (file.parent / "bell.py").write_text("raise RuntimeError('cracked')")
    async with open_server(settings=settings(file)) as server:
        told = (await switch(server, "bell", enabled=True, persist=True)).json()
        assert told["plugin"]["reason"].startswith("It failed to load with RuntimeError: cracked. See ")
        assert (told["plugin"]["state"], told["written"]) == ("quarantined", None)
        assert (told["note"], said(file)) == ("Your settings were left as they are.", SETTINGS)
        (file.parent / "bell.py").write_text(BELL)
        write(file, "[plugins.bell")
        broken = await switch(server, "bell", enabled=True)
        assert (broken.status_code, broken.json()["code"]) == (422, "config")
        write(file, SETTINGS)
        assert (await switch(server, "bell", enabled=True)).json()["plugin"]["state"] == "on"
        write(file, "[plugins.bell")
        told = (await switch(server, "bell", enabled=False, persist=True)).json()
        assert told["plugin"]["state"] == "off"
        assert told["written"] is None and "can't be read" in told["note"]


@pytest.mark.promise("plugins.persist")
async def test_what_overrules_the_file_is_named(open_server: Any, file: Path) -> None:
    above = settings(file, environ={"PILLION__PLUGINS__BELL__ENABLED": "false"})
    async with open_server(settings=above) as server:
        told = (await switch(server, "bell", enabled=True, persist=True)).json()
        assert told["plugin"]["pending"] == "off"
        assert told["note"] == (
            "At the next start $PILLION__PLUGINS__BELL__ENABLED wins over your file: the plugin is off then."
        )


@pytest.mark.promise("plugins.live_refused")
async def test_the_store_in_use_waits_for_a_restart(open_server: Any, file: Path) -> None:
    async with open_server(settings=settings(file, defaults__store="shelf")) as server:
        refused = await switch(server, "shelf", enabled=False)
        assert (refused.status_code, refused.json()["code"]) == (409, "needs_restart")
        told = (await switch(server, "shelf", enabled=False, persist=True)).json()
        assert (told["takes_effect"], told["plugin"]["state"], told["plugin"]["pending"]) == ("restart", "on", "off")
        assert load(config=file, environ={}, shipped=False).plugins["shelf"].enabled is False
