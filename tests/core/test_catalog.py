"""The catalog: which model, which strategy, whose tool; and who is out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from pillion import Allow, ConfigError, Event, ModelInfo, NotFound, Tool, hookimpl
from pillion.catalog import Catalog, schema_of
from pillion.hookspecs import TurnInfo
from pillion.localworkspace import LocalWorkspace
from pillion.plugins import PluginHost, PluginState
from pillion.settings import load
from pillion.testing.kit import FunctionTool, PolicyPlugin, StrategyPlugin, ToolPlugin
from pillion.testing.scripted import ProviderPlugin, ScriptedProvider


class Named:
    """A strategy with nothing but a name."""

    description = "It does nothing."

    def __init__(self, name: str) -> None:
        self.name = name

    async def run(self, turn: Any) -> None: ...


class Allows:
    async def decide(self, call: Any) -> Allow:
        return Allow()


async def nothing(arguments: Any, call: Any) -> str:
    return ""


def built(folder: Path, flags: dict[str, Any] | None = None, **plugins: object) -> tuple[Catalog, PluginHost]:
    settings = load(data_dir=folder, environ={}, shipped=False, flags=flags)
    host = PluginHost(settings)
    host.load()
    for name, plugin in plugins.items():
        host.add(name, plugin)
    return Catalog(settings, host), host


def state(host: PluginHost, name: str) -> PluginState:
    return next(state for state in host.states() if state.name == name)


def turn(folder: Path) -> TurnInfo:
    return TurnInfo("s", "t", "loop", None, LocalWorkspace(folder), False)


def provider(name: str, **options: Any) -> ProviderPlugin:
    return ProviderPlugin(ScriptedProvider(name=name, **options))


def test_auto_is_the_first_model_in_the_order_of_the_settings(tmp_path: Path) -> None:
    catalog, _ = built(tmp_path, empty=ProviderPlugin(), b=provider("beta"), a=provider("alpha"))
    assert catalog.model("")[1].name == catalog.model("auto")[1].name == "beta/one"
    assert [model.name for model in catalog.models()] == ["beta/one", "alpha/one"]
    catalog, _ = built(tmp_path, {"defaults.model": "alpha/two"}, b=provider("beta"), a=provider("alpha"))
    assert catalog.model("")[1] == ModelInfo("alpha/two", context=128_000, output=8_192)


def test_without_a_model_the_error_says_the_ways_out(tmp_path: Path) -> None:
    class Keyless:
        hint = "Set KEY to use theirs."

    (tmp_path / "weights.py").write_text("from pillion import MissingLibrary\nraise MissingLibrary('No weights.')")
    flags = {"plugins.weights.use": f"{tmp_path}/weights.py:Plugin"}
    catalog, _ = built(tmp_path, flags, keyless=Keyless())
    with pytest.raises(ConfigError, match=r"^No model is available. Set KEY to use theirs. No weights.$"):
        catalog.model("auto")
    with pytest.raises(NotFound, match=r"'gpt': names are provider/model, and providers are: none. Set KEY"):
        catalog.model("gpt")


def test_auto_takes_the_strategy_that_suits_the_model(tmp_path: Path) -> None:
    catalog, _ = built(tmp_path, s=StrategyPlugin(Named("agent"), Named("chat")))
    for tools, name in (("native", "agent"), ("constrained", "chat"), ("none", "chat")):
        assert catalog.strategy("auto", ModelInfo("a/b", 1, 1, tools=tools)).name == name
    assert catalog.strategy("", None).name == "chat"
    with pytest.raises(NotFound, match="there are: agent, chat"):
        catalog.strategy("plan", None)


def test_a_workspace_is_a_folder_or_what_a_plugin_makes_of_a_url(tmp_path: Path) -> None:
    class Editor:
        @hookimpl
        def register_workspaces(self) -> dict[str, Any]:
            return {"editor": lambda url: ("made", url)}

    catalog, _ = built(tmp_path, editor=Editor())
    assert catalog.workspace(str(tmp_path)).root == tmp_path
    assert catalog.workspace("editor://1") == ("made", "editor://1")
    for address in ("relative", "other://1", str(tmp_path / "none"), ""):
        with pytest.raises(NotFound, match="give the absolute path"):
            catalog.workspace(address)


def test_a_plugin_whose_name_is_taken_is_out_with_all_it_brings(tmp_path: Path) -> None:
    class Both(ProviderPlugin):
        @hookimpl
        def register_strategies(self) -> list[Named]:
            return [Named("own"), Named("chat")]

        @hookimpl
        def register_tools(self, turn: TurnInfo) -> list[Any]:
            return [FunctionTool("own", nothing)]

    both = Both(ScriptedProvider(name="second"))
    catalog, host = built(tmp_path, first=StrategyPlugin(Named("chat")), both=both, third=provider("third"))
    assert state(host, "both").reason == "It brings a strategy 'chat', and another one has that name."
    assert (list(catalog.providers), list(catalog.strategies)) == (["third"], ["chat"])
    assert [model.name for model in catalog.models()] == ["third/one"]
    assert catalog.kit(turn(tmp_path)).tools == {}


def test_two_providers_of_one_name_collide(tmp_path: Path) -> None:
    catalog, host = built(tmp_path, a=provider("same"), b=provider("same"))
    assert (host.state("a"), host.state("b"), list(catalog.providers)) == ("on", "quarantined", ["same"])


class Raises:
    description = ""

    @property
    def name(self) -> str:
        raise OSError("no name")

    async def run(self, turn: Any) -> None: ...


class Answer:
    """A plugin whose one hook answers with `value`."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Strategies(Answer):
    @hookimpl
    def register_strategies(self) -> Any:
        return self.value


class Stores(Answer):
    @hookimpl
    def register_stores(self) -> Any:
        return self.value


class Wraps(Answer):
    @hookimpl
    def wrap_provider(self, provider: Any) -> Any:
        return self.value(provider) if callable(self.value) else self.value


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (Strategies("agent"), "returned a str where a list belongs"),
        (Strategies([3]), "returned a int, no Strategy"),
        (Strategies([Raises()]), "returned a Raises that raises OSError('no name')"),
        (Stores([1]), "returned no table of makers"),
        (Stores({"x": 1}), "returned no table of makers"),
        (Wraps("nonsense"), "returned a str, no Provider"),
        (Wraps(lambda p: ScriptedProvider(name="other")), "is named 'other'"),
        (ProviderPlugin(ScriptedProvider(models=["m"])), "can't say its models"),
    ],
)
def test_nonsense_from_a_hook_is_left_out_and_said(tmp_path: Path, plugin: object, said: str) -> None:
    catalog, host = built(tmp_path, good=provider("good"), s=StrategyPlugin(), bad=plugin)
    assert said in state(host, "bad").reason
    assert (list(catalog.providers), list(catalog.strategies)) == (["good"], ["loop"])


def test_the_lowest_wrap_order_is_the_outermost(tmp_path: Path) -> None:
    seen: list[int] = []

    class Wrapper:
        def __init__(self, order: Any) -> None:
            self.wrap_order = order

        @hookimpl
        def wrap_provider(self, provider: Any) -> None:
            seen.append(self.wrap_order)

    built(tmp_path, a=Wrapper(10), b=Wrapper(60), c=Wrapper("nonsense"), p=provider("p"))
    assert seen == [60, "nonsense", 10]


class NoSchema(FunctionTool):
    def __init__(self) -> None:
        super().__init__("no_schema", nothing)
        self.Arguments = int  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (FunctionTool("two words", nothing), "is named 'two words', and a name is"),
        (FunctionTool("x", nothing, effect="magic"), "has the effect 'magic', and there are read"),  # type: ignore[arg-type]
        (NoSchema(), "has Arguments without a JSON schema"),
        (FunctionTool("taken", nothing), "Its tool 'taken' is left out: another plugin has that name."),
        (object(), "returned a object, no Tool"),
    ],
)
def test_a_tool_that_a_model_cannot_be_told_of_is_left_out(tmp_path: Path, tool: Any, said: str) -> None:
    good = ToolPlugin(FunctionTool("taken", nothing))
    catalog, host = built(tmp_path, good=good, bad=ToolPlugin(tool, FunctionTool("fine", nothing)))
    kit = catalog.kit(turn(tmp_path))
    assert list(kit.tools) == ["taken", "fine"]
    assert [spec.name for spec in kit.specs()] == ["taken", "fine"]
    assert said in state(host, "bad").reason


class Events(Answer):
    @hookimpl
    def register_events(self) -> Any:
        return self.value


class Noted(Event, frozen=True, tag="note.taken"):
    note: int


class Untagged(Event, frozen=True, tag=7):
    note: int


class NoSchemaEvent(Event, frozen=True, tag="note.lost"):
    note: Tool


class Twin(Event, frozen=True, tag="turn.finished"):
    note: int


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([Untagged], "no subclass of Event with a tag"),
        ([Noted(note=1)], "no subclass of Event with a tag"),
        ([NoSchemaEvent], "which has no JSON schema"),
        ([Twin], "Its event 'turn.finished' is left out: another one has that name."),
        ([Noted], "Its event 'note.taken' is left out: another one has that name."),
        (3, "returned 3, no subclass of Event"),
    ],
)
def test_an_event_that_cannot_be_described_is_left_out_and_said(tmp_path: Path, answer: Any, said: str) -> None:
    catalog, host = built(tmp_path, good=Events([Noted]), bad=Events(answer))
    assert catalog.events == {"note.taken": ("good", Noted)}
    assert said in state(host, "bad").reason


class Inner(Struct):
    """One part."""

    text: str


class Nested(Struct):
    parts: list[Inner]
    again: Nested | None = None


def test_a_schema_holds_all_it_refers_to() -> None:
    schema = schema_of(Nested)
    assert schema["type"] == "object"
    assert set(schema["$defs"]) == {"Inner", "Nested"}
    assert "$defs" not in schema_of(Inner)


def guarded(folder: Path, **plugins: object) -> frozenset[str]:
    flags = {"guards.judge": ["write", "execute"], "plugins.off.enabled": False, "guards.off": ["network"]}
    return built(folder, flags, **plugins)[0].kit(turn(folder)).denied


def test_effects_are_denied_while_their_guard_cannot_run(tmp_path: Path) -> None:
    class Broken:
        @hookimpl
        def register_policies(self, turn: TurnInfo) -> Any:
            raise OSError

    denied = frozenset({"write", "execute"})
    assert guarded(tmp_path, judge=PolicyPlugin(Allows())) == frozenset()
    assert guarded(tmp_path, judge=PolicyPlugin()) == denied
    assert guarded(tmp_path, judge=Broken()) == denied
    assert guarded(tmp_path) == denied  # a guard that no section lists
