"""The plugin host: what can't run says why in a sentence, and the rest runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from pillion import hookimpl
from pillion.errors import ConfigError
from pillion.plugins import PluginHost, PluginState
from pillion.settings import load

GOOD = """
from pillion import hookimpl
class Plugin:
    "Brings nothing."
    @hookimpl
    def register_strategies(self):
        return []
"""
CONFIGURED = """
from msgspec import Struct
class Config(Struct, frozen=True, forbid_unknown_fields=True):
    colour: str = "red"
    size: int = 1
class Plugin:
    Config = Config
    def __init__(self, config):
        self.config = config
"""


def hook(body: str) -> str:
    return f"from pillion import hookimpl\nclass Plugin:\n    @hookimpl\n    {body}\n        return []\n"


def loaded(folder: Path, toml: str = "", **sources: str) -> PluginHost:
    """A host of plugins that stand as files beside their settings; `toml` is more of the settings file."""
    text = ""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, "utf-8")
        text += f'[plugins.{name}]\nuse = "./{name}.py:Plugin"\n'
    (folder / "plugins.toml").write_text(f"{text}{toml}\n", "utf-8")
    host = PluginHost(load(config=folder / "plugins.toml", environ={}, shipped=False))
    host.load()
    return host


def state(host: PluginHost, name: str) -> PluginState:
    found = next(state for state in host.states() if state.name == name)
    if found.state in ("missing", "quarantined"):
        assert re.fullmatch(r"[A-Z\"'/].*[.!?]", found.reason), found.reason
    return found


def test_a_file_beside_the_settings_is_a_plugin(tmp_path: Path) -> None:
    good = state(loaded(tmp_path, good=GOOD), "good")
    assert (good.state, good.summary, good.hooks) == ("on", "Brings nothing.", ("register_strategies",))


@pytest.mark.promise("plugins.quarantine")
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "It failed to load with ZeroDivisionError: division by zero."),
        ("raise SystemExit(3)", "It failed to load with SystemExit: 3."),
        ("raise SystemExit", "It failed to load with SystemExit."),
        ("import sys; sys.exit('no')", "It failed to load with SystemExit: no."),
        ("def (", "SyntaxError"),
        ("Other = 1", "has no attribute 'Plugin'"),
        ("Plugin = 3", "'int' object is not callable."),
        ("class Plugin:\n    def __init__(self):\n        raise OSError('x')", "It failed to load with OSError: x."),
        (hook("def register_tolls(self):"), "It implements a hook 'register_tolls' that nobody declares."),
        (hook("def register_tools(self, session):"), "wants 'session', which nobody gives; that hook gives: turn."),
        (hook("def register_events(self, turn):"), "that hook gives: nothing."),
        (hook("async def register_tools(self, turn):"), "is async; hooks are sync and return objects that wait."),
        ("class Plugin:\n    Config = 3", "It failed to load with"),
        ("class Plugin:\n    needs = ('storage',)", "It needs the plugin 'storage', which is off."),
    ],
)
def test_what_fails_is_quarantined_and_the_rest_runs(tmp_path: Path, source: str, said: str) -> None:
    host = loaded(tmp_path, first=GOOD, bad=source, last=GOOD)
    assert state(host, "bad").state == "quarantined"
    assert said in state(host, "bad").reason
    assert list(host.plugins()) == ["first", "last"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('color = "blue"', "Unknown setting plugins.it.color. Did you mean 'colour'?"),
        ('size = "big"', "Setting plugins.it.size: Expected `int`, got `str`."),
    ],
)
def test_a_bad_setting_names_the_key_and_the_nearest(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "it.py").write_text(CONFIGURED, "utf-8")
    host = loaded(tmp_path, f'[plugins.it]\nuse = "./it.py:Plugin"\n{line}', good=GOOD)
    assert state(host, "it").reason == said
    assert set(state(host, "it").settings["$defs"]["Config"]["properties"]) == {"colour", "size"}
    assert list(host.plugins()) == ["good"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_lib.deep", "It needs no_such_lib, which is not installed. Run `pip install no_such_lib`."),
        (
            "from pillion import MissingLibrary\nraise MissingLibrary('It needs wheels.', hint='pip install wheels')",
            "It needs wheels. Run `pip install wheels`.",
        ),
        (
            "from pillion import MissingLibrary\nraise MissingLibrary('It has no weights.', hint='Set model.')",
            "It has no weights. Set model.",
        ),
    ],
)
def test_a_missing_library_is_named_with_the_way_to_it(tmp_path: Path, source: str, reason: str) -> None:
    missing = state(loaded(tmp_path, it=source), "it")
    assert (missing.state, missing.reason) == ("missing", reason)


def test_a_plugin_whose_own_module_is_not_there_is_no_missing_library(tmp_path: Path) -> None:
    host = loaded(tmp_path, '[plugins.a]\nuse = "no_such.plugin:Plugin"\n[plugins.b]\nuse = "./b.py:Plugin"')
    assert state(host, "a").reason == "It can't be imported: No module named 'no_such'."
    assert state(host, "b").reason == f"There is no file {tmp_path / 'b.py'}."


def test_a_name_that_nobody_brings_is_quarantined(tmp_path: Path) -> None:
    host = loaded(tmp_path, "[plugins.no_such_plugin]")
    assert "No installed distribution brings a plugin 'no_such_plugin'." in state(host, "no_such_plugin").reason


def installed(folder: Path, name: str, source: str) -> None:
    """A distribution on the import path that brings a plugin by entry point."""
    info = folder / f"{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[pillion]\n{name} = {name}:Plugin\n", "utf-8")
    (folder / f"{name}.py").write_text(source, "utf-8")


def test_an_installed_plugin_runs_only_if_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "stranger_of_test", "import no_such_lib")
    installed(tmp_path, "friend_of_test", GOOD)
    assert loaded(tmp_path).states() == []
    host = loaded(tmp_path, "[plugins.stranger_of_test]\nenabled = false\n[plugins.friend_of_test]")
    assert state(host, "friend_of_test").version == "1.2"
    assert state(host, "stranger_of_test").state == "off"
    assert "stranger_of_test" not in sys.modules
    assert state(loaded(tmp_path, "[plugins.stranger_of_test]"), "stranger_of_test").state == "missing"


def test_what_comes_with_pillion_is_told_from_what_somebody_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "guest_of_test", GOOD)
    host = loaded(tmp_path, "[plugins.guest_of_test]\n[plugins.agent]", mine=GOOD)
    assert [state(host, name).state for name in ("agent", "guest_of_test", "mine")] == ["on"] * 3
    assert [host.is_shipped(name) for name in ("agent", "guest_of_test", "mine")] == [True, False, False]


def test_needs_order_the_loading_and_a_fault_is_passed_on(tmp_path: Path) -> None:
    sources = {"c": "b", "b": "a", "y": "x"}
    host = loaded(
        tmp_path,
        **{name: f"class Plugin:\n    needs = ({need!r},)" for name, need in sources.items()},
        a="class Plugin: pass",
        x="1 / 0",
    )
    assert list(host.plugins()) == ["c", "b", "a"]
    assert state(host, "y").reason == "It needs the plugin 'x', which is quarantined."


def test_plugins_that_need_each_other_say_so(tmp_path: Path) -> None:
    host = loaded(tmp_path, a="class Plugin:\n    needs = ('b',)", b="class Plugin:\n    needs = ('a',)")
    assert host.plugins() == {}
    assert "It needs the plugin" in state(host, "a").reason + state(host, "b").reason


def test_a_plugins_own_hooks_can_be_implemented_and_asked_for(tmp_path: Path) -> None:
    brings = "from pillion import hookspec\nclass Specs:\n    @hookspec\n    def paint(self, colour): ...\n"
    brings += "class Plugin:\n    hookspecs = Specs\n"
    paints = "from pillion import hookimpl\nclass Plugin:\n    needs = ('brings',)\n    @hookimpl\n"
    paints += "    def paint(self, colour):\n        return colour.upper()\n"
    host = loaded(tmp_path, paints=paints, brings=brings)
    assert list(host.ask("paint", colour="red")) == [("paints", "RED")]


class Exits:
    @hookimpl
    def register_strategies(self) -> None:
        raise SystemExit


class Answers:
    @hookimpl
    def register_strategies(self) -> list[str]:
        return ["it"]


def test_a_hook_that_raises_loses_only_its_own_answer(tmp_path: Path) -> None:
    host = loaded(tmp_path)
    host.add("exits", Exits())
    host.add("answers", Answers())
    assert list(host.ask("register_strategies")) == [("answers", ["it"])]
    assert host.state("exits") == "on"
    assert state(host, "exits").reason == "Its hook register_strategies raised SystemExit."


def test_reasons_hold_no_secret(tmp_path: Path) -> None:
    host = loaded(tmp_path, '[plugins.x]\ntoken = "s3cr3t-value"', bad="raise OSError('s3cr3t-value')")
    assert state(host, "bad").reason == f"It failed to load with OSError: [secret]. See {tmp_path}/bad.py, line 1."


def test_an_object_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    class Bad:
        @hookimpl
        async def register_tools(self) -> None: ...

    with pytest.raises(ConfigError, match="async"):
        loaded(tmp_path).add("bad", Bad())
