"""Plugins that come and go while sessions run: from the next turn, and a running turn keeps what it has."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion import ConfigError, Conflict, NotFound, Request, TurnInfo, hookimpl, hookspec
from pillion.errors import NeedsRestart
from pillion.events import ToolFinished
from pillion.memorystore import MemoryStore
from pillion.settings import load
from pillion.testing.kit import FunctionTool, Host, events, kernel_host
from pillion.testing.scripted import Gate, ProviderPlugin, ScriptedProvider, calls, says


class Lamp:
    """One of everything that a kernel takes, and it tells what happens to it."""

    def __init__(self, said: list[str], name: str = "lamp") -> None:
        self.said, self.name = said, name

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> list[Any]:
        async def run(arguments: Any, call: Any) -> str:
            return f"{self.name} is lit"

        return [FunctionTool(self.name, run)]

    @hookimpl
    def register_providers(self) -> list[Any]:
        self.said.append("providers")
        return [ScriptedProvider(name=self.name)]

    @hookimpl
    def register_checks(self) -> dict[str, Any]:
        async def well() -> str:
            return ""

        return {self.name: well}

    @hookimpl
    def register_observers(self) -> list[Any]:
        return [self]

    async def watch(self, feed: Any) -> None:
        async for seen in feed:
            self.said.append(seen.record.type)
        self.said.append("feed ended")

    @hookimpl
    def lifespan(self) -> Any:
        return self.live()

    @asynccontextmanager
    async def live(self) -> AsyncIterator[None]:
        self.said.append("begun")
        yield
        self.said.append("left")


def said_by(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, ToolFinished)]


async def settled() -> None:
    """What was started has had its turn."""
    await trio.testing.wait_all_tasks_blocked(0.01)


@pytest.mark.promise("plugins.live")
async def test_what_a_plugin_brings_comes_and_goes(tmp_path: Path) -> None:
    said: list[str] = []
    provider = ScriptedProvider(otherwise=lambda request: says("Well."))
    async with kernel_host(tmp_path, provider=provider, plugins={"lamp": Lamp(said)}) as host:
        kernel = host.kernel
        for enabled in (False, True):
            there = await kernel.switchboard.switch("lamp", enabled)
            await settled()
            await host.run(await host.open(), "go")
            assert there.state == ("on" if enabled else "off")
            assert ("lamp" in kernel.catalog.providers) is enabled
            assert ("lamp" in await kernel.checks()) is enabled
            assert ("lamp" in [tool.name for tool in provider.requests[-1].tools]) is enabled
            said.append("·")
        await settled()
        assert kernel.lost == {}
    away, back = " ".join(said).split(" · ", 1)
    assert away == "providers begun feed ended left"
    assert back.startswith("providers begun session.opened prompt.queued turn.started")


async def test_who_stays_is_not_asked_again(tmp_path: Path) -> None:
    said: list[str] = []
    async with kernel_host(tmp_path, plugins={"lamp": Lamp(said), "other": Lamp([], "other")}) as host:
        await settled()
        before = host.kernel.catalog.providers["lamp"]
        await host.kernel.switchboard.switch("other", False)
        await host.kernel.switchboard.switch("other", True)
        await settled()
        assert host.kernel.catalog.providers["lamp"] is before
        assert said == ["providers", "begun"]


@pytest.mark.promise("plugins.live_kit")
async def test_a_running_turn_keeps_its_kit_and_the_lifespan_waits_for_it(tmp_path: Path) -> None:
    said: list[str] = []
    gate = Gate()
    provider = ScriptedProvider([gate, *calls(("lamp", "{}"))], says("Done."), says("Again."))
    async with kernel_host(tmp_path, provider=provider, plugins={"lamp": Lamp(said)}) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await gate.reached.wait()
        await host.kernel.switchboard.switch("lamp", False)
        await settled()
        assert "left" not in said
        gate.opened.set()
        await session.ended(accepted.turn, accepted.after)
        await settled()
        assert said_by(await events(session)) == ["lamp is lit"]
        assert "left" in said
        await host.run(session, "again")
        assert [tool.name for tool in provider.requests[-1].tools] == []


async def test_a_lifespan_waits_for_a_call_without_a_session(tmp_path: Path) -> None:
    said: list[str] = []
    gate = Gate()
    async with kernel_host(
        tmp_path, provider=ScriptedProvider([gate, *says("x")]), plugins={"lamp": Lamp(said)}
    ) as host:
        call = host.kernel.completions.start(Request("scripted/one", ()))
        await gate.reached.wait()
        await host.kernel.switchboard.switch("lamp", False)
        await settled()
        assert "left" not in said
        gate.opened.set()
        assert len([chunk async for chunk in call]) == 2
        await settled()
        assert "left" in said


class Hangs(Lamp):
    """Neither its beginning nor its end comes."""

    @asynccontextmanager
    async def live(self) -> AsyncIterator[None]:
        await trio.sleep_forever()
        yield


class Stays(Lamp):
    @asynccontextmanager
    async def live(self) -> AsyncIterator[None]:
        yield
        try:
            await trio.sleep_forever()
        finally:
            self.said.append("cancelled")


class Stubborn(Lamp):
    """Takes no cancel for an hour."""

    @asynccontextmanager
    async def live(self) -> AsyncIterator[None]:
        with trio.CancelScope(shield=True):
            await trio.sleep(3600)
        yield


@pytest.mark.promise("plugins.live_faults")
@pytest.mark.parametrize("kind", [Hangs, Stubborn])
async def test_a_lifespan_that_does_not_begin_is_given_up(
    tmp_path: Path, kind: type[Lamp], autojump_clock: Any
) -> None:
    async with kernel_host(tmp_path) as host:
        host.kernel.host.add("lamp", kind([]))
        await host.kernel.switchboard.switch("lamp", False)
        began = trio.current_time()
        state = await host.kernel.switchboard.switch("lamp", True)
        assert (state.state, state.reason) == ("quarantined", "Its lifespan did not begin within 30 s.")
        assert trio.current_time() - began == pytest.approx(30)
        assert "lamp" not in host.kernel.catalog.providers
        state = await host.kernel.switchboard.switch("lamp", False)
        assert (state.state, state.reason) == ("off", "")


async def test_a_lifespan_that_does_not_end_is_cancelled(tmp_path: Path, autojump_clock: Any) -> None:
    async with kernel_host(tmp_path, plugins={"lamp": Stays(said := [])}) as host:
        await host.kernel.switchboard.switch("lamp", False)
        await trio.sleep(31)
        assert (host.kernel.lives.lifespans, said[-1]) == ([], "cancelled")
        assert "did not end within 30 s" in host.kernel.host.told("lamp").reason


class Raises:
    @hookimpl
    def lifespan(self) -> Any:
        return self

    async def __aenter__(self) -> None:
        raise OSError("no oil")

    async def __aexit__(self, *_: object) -> None: ...


async def test_a_lifespan_that_fails_says_why(tmp_path: Path) -> None:
    async with kernel_host(tmp_path) as host:
        host.kernel.host.add("lamp", Raises())
        await host.kernel.switchboard.switch("lamp", False)
        assert (
            await host.kernel.switchboard.switch("lamp", True)
        ).reason == "Its lifespan failed with OSError: no oil."
        await host.run(await host.open(), "go")


class Breaks(Lamp):
    """What it started fails while it lives."""

    @asynccontextmanager
    async def live(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.fail)
            yield

    async def fail(self) -> None:
        raise OSError("no oil")


async def test_a_lifespan_that_fails_while_it_lives_is_named_at_once(tmp_path: Path) -> None:
    async with kernel_host(tmp_path, plugins={"lamp": Breaks([])}) as host:
        await settled()
        told = host.kernel.host.told("lamp")
        assert (told.state, told.reason) == ("on", "Its lifespan failed with OSError: no oil.")
        assert (await host.kernel.switchboard.switch("lamp", False)).state == "off"


async def test_who_is_there_keeps_its_name(tmp_path: Path) -> None:
    """A newcomer that stands first in the settings brings a name that is taken by now."""
    async with kernel_host(tmp_path, plugins={"first": ProviderPlugin(ScriptedProvider(name="same"))}) as host:
        await host.kernel.switchboard.switch("first", False)
        host.kernel.host.add("third", ProviderPlugin(ScriptedProvider(name="same")))
        host.kernel.switchboard.settle()
        state = await host.kernel.switchboard.switch("first", True)
        assert state.reason == "It brings a provider 'same', and another one has that name."
        assert host.kernel.host.state("third") == "on"
        assert "same" in host.kernel.catalog.providers


async def test_what_others_need_stays(tmp_path: Path) -> None:
    class Needs(Lamp):
        needs = ("lamp",)

    async with kernel_host(tmp_path, plugins={"lamp": Lamp([]), "needs": Needs([], "needs")}) as host:
        switch = host.kernel.switchboard.switch
        with pytest.raises(Conflict, match=r"The plugin 'lamp' is needed by 'needs': switch that off first\."):
            await switch("lamp", False)
        await switch("needs", False)
        assert (await switch("lamp", False)).state == "off"
        assert (await switch("needs", True)).reason == "It needs the plugin 'lamp', which is off."
        await switch("lamp", True)
        assert (await switch("needs", True)).state == "on"
        with pytest.raises(NotFound, match=r"No settings list a plugin 'lampp'\. Did you mean 'lamp'\?"):
            await switch("lampp", True)


class Specs:
    @hookspec
    def paint(self, colour: str) -> str:
        """A hook of a plugin's own."""
        raise NotImplementedError


class Painter(Lamp):
    hookspecs = Specs


class Brush(Lamp):
    @hookimpl
    def paint(self, colour: str) -> str:
        return colour.upper()


async def test_hooks_of_a_plugin_go_with_it_and_come_back(tmp_path: Path) -> None:
    plugins = {"painter": Painter([], "painter"), "brush": Brush([], "brush")}
    async with kernel_host(tmp_path, plugins=plugins) as host:
        switch, ask = host.kernel.switchboard.switch, host.kernel.host.ask
        await switch("painter", False)
        await switch("brush", False)
        assert "'paint' that nobody declares" in (await switch("brush", True)).reason
        for name in ("painter", "brush"):
            assert (await switch(name, True)).state == "on"
        assert (await host.kernel.switchboard.reload("painter")).state == "on"
        assert list(ask("paint", colour="red")) == [("brush", "RED")]


STORE = """
from pillion import hookimpl
from pillion.memorystore import MemoryStore
from pillion.settings import load
class Plugin:
    @hookimpl
    def register_stores(self):
        async def make():
            return MemoryStore()
        return {"mine": make}
"""


async def test_the_store_in_use_changes_only_at_a_restart(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(STORE)
    flags = {"plugins__mine__use": f"{tmp_path}/mine.py:Plugin", "defaults__store": "mine"}
    async with kernel_host(tmp_path, **flags) as host:
        for change in (host.kernel.switchboard.switch("mine", False), host.kernel.switchboard.reload("mine")):
            with pytest.raises(NeedsRestart, match="The plugin 'mine' brings the store in use"):
                await change
        assert host.kernel.host.told("mine").state == "on"


async def test_a_store_of_the_callers_holds_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(STORE)
    flags = {"plugins__mine__use": f"{tmp_path}/mine.py:Plugin", "defaults__store": "mine"}
    async with kernel_host(tmp_path, store=MemoryStore(), **flags) as host:
        assert (await host.kernel.switchboard.switch("mine", False)).state == "off"


LAMP = """
from pillion import hookimpl
from pillion.testing.kit import FunctionTool
from {helper} import COLOUR
class Plugin:
    @hookimpl
    def register_tools(self):
        return [FunctionTool(COLOUR, print)]
"""


def written(folder: Path, colour: str) -> None:
    """A package `lamp_of_test` with a plugin whose tool has the name `colour`, which another module of it knows."""
    package = folder / "lamp_of_test"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(LAMP.format(helper=".colours"))
    (package / "colours.py").write_text(colour)


def tools(host: Host) -> list[str]:
    return [tool.name for tool, _ in host.kernel.tools()]


@pytest.fixture
async def lamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    """A kernel with that package, off the bytecode: two edits of one second look the same to it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    written(tmp_path, "COLOUR = 'red'")
    async with kernel_host(tmp_path, plugins__lamp__use="lamp_of_test.plugin:Plugin") as host:
        yield host
    for name in [name for name in sys.modules if name.startswith("lamp_of_test")]:
        del sys.modules[name]


@pytest.mark.promise("plugins.dev")
async def test_a_reload_reads_all_of_the_plugins_files(lamp: Host) -> None:
    for colour in ("blue", "pink"):
        written(lamp.folder, f"COLOUR = '{colour}'")
        assert (await lamp.kernel.switchboard.reload("lamp")).state == "on"
        assert tools(lamp) == [colour]


@pytest.mark.promise("plugins.dev_broken")
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("COLOUR = = 1", "SyntaxError: invalid syntax (colours.py, line 1)."),
        ("\nCOLOUR = 1 / 0", "ZeroDivisionError: division by zero. See {folder}/lamp_of_test/colours.py, line 2."),
        ("COLOR = 1", "cannot import name 'COLOUR'"),
        ("import no_such_lib", "It needs no_such_lib, which is not installed."),
    ],
)
async def test_a_broken_edit_takes_the_plugin_out_until_it_is_mended(lamp: Host, source: str, said: str) -> None:
    written(lamp.folder, source)
    state = await lamp.kernel.switchboard.reload("lamp")
    assert state.state in ("quarantined", "missing")
    assert said.format(folder=lamp.folder) in state.reason
    assert tools(lamp) == []
    await lamp.run(await lamp.open(), "go")
    written(lamp.folder, "COLOUR = 'green'")
    assert (await lamp.kernel.switchboard.switch("lamp", True)).state == "on", "switching on tries again"
    assert tools(lamp) == ["green"]


async def test_an_import_that_does_not_end_keeps_nobody_waiting(lamp: Host) -> None:
    written(lamp.folder, "import threading; threading.Event().wait(60)")
    msgspec.structs.force_setattr(lamp.kernel.settings.deadlines, "blocking", 0.2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lamp.kernel.switchboard.reload, "lamp")
        await lamp.run(await lamp.open(), "go")
        assert tools(lamp) == ["red"], "until then the old one is there"
    assert lamp.kernel.host.told("lamp").reason == "Its import did not end within 0.2 s."


async def test_a_reload_leaves_the_old_lifespan_first(tmp_path: Path) -> None:
    said: list[str] = []
    async with kernel_host(tmp_path, plugins={"lamp": Lamp(said)}) as host:
        await host.kernel.switchboard.reload("lamp")
        await settled()
        assert [word for word in said if word in ("begun", "left")] == ["begun", "left", "begun"]


async def test_an_installed_plugin_is_listed_when_it_is_switched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    info = tmp_path / "guest_of_test-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest_of_test\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[pillion]\nguest_of_test = guest_of_test:Plugin\n")
    (tmp_path / "guest_of_test.py").write_text(STORE)
    async with kernel_host(tmp_path) as host:
        with pytest.raises(NotFound):
            host.kernel.host.told("guest_of_test")
        state = await host.kernel.switchboard.switch("guest_of_test", True)
        assert (state.state, state.version, state.pending) == ("on", "1.2", "off")
        assert "mine" in host.kernel.catalog.stores
        assert host.kernel.settings.masked()["plugins.guest_of_test.enabled"] == {"value": True, "from": "live"}


CONFIGURED = """
from msgspec import Struct
from pillion.testing.kit import FunctionTool
from pillion import hookimpl
class Plugin:
    class Config(Struct, frozen=True):
        colour: str = "red"
    def __init__(self, config):
        self.colour = config.colour
    @hookimpl
    def register_tools(self):
        return [FunctionTool(self.colour, print)]
"""


async def test_switching_on_reads_the_plugins_section_anew(tmp_path: Path) -> None:
    """Also of a plugin that the file lists only now. What the next start would change is told as pending."""
    file = tmp_path / "plugins.toml"
    (tmp_path / "lamp.py").write_text(CONFIGURED)
    section = '[plugins.lamp]\nuse = "./lamp.py:Plugin"\n'
    file.write_text("")
    settings = load(config=file, data_dir=tmp_path, environ={}, shipped=False, flags={"defaults.strategy": "loop"})
    async with kernel_host(tmp_path, settings=settings) as host:
        kernel, switch = host.kernel, host.kernel.switchboard.switch

        def pending() -> str:
            kernel.host.look_again()
            return kernel.host.told("lamp").pending

        file.write_text(section)
        assert pending() == "on"
        assert (await switch("lamp", True)).state == "on"
        assert (tools(host), pending()) == (["red"], "")
        file.write_text(f'{section}colour = "blue"\n')
        assert (tools(host), pending()) == (["red"], "changed")
        assert (await switch("lamp", False)).pending == "on"
        assert (await switch("lamp", True)).pending == ""
        assert tools(host) == ["blue"]
        assert kernel.settings.masked()["plugins.lamp.colour"] == {"value": "blue", "from": str(file)}
        file.write_text(f"{section}enabled = false\n")
        assert pending() == "off"
        file.write_text("[plugins.lamp\n")
        assert (await switch("lamp", False)).state == "off"
        with pytest.raises(ConfigError, match="can't be read"):
            await switch("lamp", True)
        assert tools(host) == []
