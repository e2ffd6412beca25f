"""What the plugins declared, by kind and name."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from .contracts.context import ContextProvider
from .contracts.observer import Observer
from .contracts.policy import Policy
from .contracts.provider import Provider
from .contracts.store import Store
from .contracts.strategy import Strategy
from .contracts.tool import Tool
from .contracts.workspace import Workspace
from .errors import ConfigError, NotFound
from .hookspecs import TurnInfo
from .localworkspace import LocalWorkspace
from .plugins import PluginHost
from .settings import Settings
from .streamguard import GuardedProvider
from .values import ModelInfo, ToolSpec


class Kit(Struct, frozen=True):
    """What one turn works with, to its end. `denied` are effects whose guard can't run."""

    tools: Mapping[str, Tool]
    contexts: tuple[ContextProvider, ...]
    policies: tuple[Policy, ...]
    denied: frozenset[str]

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as a model is told of them."""
        return tuple(ToolSpec(tool.name, tool.description, schema_of(tool.Arguments)) for tool in self.tools.values())


@functools.cache
def schema_of(arguments: type[Struct]) -> dict[str, Any]:
    """JSON Schema of a tool's arguments, an object at the top."""
    (top,), components = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    name = top["$ref"].rpartition("/")[2]
    schema: dict[str, Any] = components.pop(name)
    return schema | ({"$defs": components} if components else {})


class Catalog:
    """Asked once at start; tools, contexts and policies are asked for again at each turn."""

    def __init__(self, settings: Settings, host: PluginHost) -> None:
        self._settings, self._host = settings, host
        self.providers: dict[str, Provider] = {}
        self.strategies: dict[str, Strategy] = {}
        self.stores: dict[str, Callable[[], Awaitable[Store]]] = {}
        self.observers: list[tuple[str, Observer]] = []
        self.checks: dict[str, Callable[[], Awaitable[str]]] = {}
        self._workspaces: dict[str, Callable[[str], Workspace]] = {}
        self._models: dict[str, ModelInfo] = {}
        self._collect()

    def models(self) -> list[ModelInfo]:
        """Every model that can be used now, the providers in the order of the settings."""
        return list(self._models.values())

    def model(self, name: str) -> tuple[Provider, ModelInfo]:
        """The model of that full name; `auto` or `""` is the default. ConfigError and NotFound say the ways out."""
        if name in ("", "auto"):
            name = self._settings.defaults.model
        if name == "auto":
            name = next(iter(self._models), "")
            if not name:
                raise ConfigError("No model is available.", key="model", hint=self._ways_to_a_model())
        provider = self.providers.get(name.partition("/")[0])
        if provider is None or "/" not in name:
            known = ", ".join(self.providers) or "none"
            raise NotFound(
                f"No provider offers the model {name!r}: names are provider/model, and providers are: {known}. "
                + self._ways_to_a_model()
            )
        # a model that no table knows may be new: the vendor has the last word
        return provider, self._models.get(name) or ModelInfo(name, context=128_000, output=8_192)

    def strategy(self, name: str, model: ModelInfo | None) -> Strategy:
        """The strategy of that name; `auto` or `""` is what suits the model. Raises NotFound."""
        if name in ("", "auto"):
            name = self._settings.defaults.strategy
        if name == "auto":
            name = "agent" if model is not None and model.tools == "native" else "chat"
        if name not in self.strategies:
            raise NotFound(f"There is no strategy {name!r}; there are: {', '.join(self.strategies) or 'none'}.")
        return self.strategies[name]

    def workspace(self, address: str) -> Workspace:
        """A local folder, or what a plugin makes of a URL. Raises NotFound."""
        scheme, separator, _ = address.partition("://")
        if separator and scheme in self._workspaces:
            made: Workspace = self._workspaces[scheme](address)
            return made
        path = Path(address)
        if separator or not path.is_absolute() or not path.is_dir():
            raise NotFound(f"The workspace {address!r} is no folder; give the absolute path of one.")
        return LocalWorkspace(path)

    def kit(self, turn: TurnInfo) -> Kit:
        """What the plugins offer this turn. A tool whose name is taken is left out, and its plugin's state says so."""
        tools: dict[str, Tool] = {}
        for plugin, answer in self._host.ask("register_tools", turn=turn):
            for tool in self._checked(plugin, "register_tools", answer, Tool):
                if tool.name in tools:
                    self._host.fault(plugin, f"Its tool {tool.name!r} is left out: another plugin has that name.")
                else:
                    tools[tool.name] = tool
        contexts = self._gather("register_contexts", ContextProvider, turn)
        policies = self._gather("register_policies", Policy, turn)
        guarding = {plugin for plugin, _ in policies}
        denied = {
            effect
            for guard, effects in self._settings.guards.items()
            if self._host.state(guard) in ("missing", "quarantined")
            or (self._host.state(guard) == "on" and guard not in guarding)
            for effect in effects
        }
        return Kit(tools, tuple(c for _, c in contexts), tuple(p for _, p in policies), frozenset(denied))

    def _collect(self) -> None:
        wrappers = sorted(
            self._host.plugins().items(), key=lambda item: getattr(item[1], "wrap_order", 50), reverse=True
        )
        for plugin, answer in list(self._host.ask("register_providers", environment=self._settings.environment)):
            for provider in self._checked(plugin, "register_providers", answer, Provider):
                if provider.name in self.providers:
                    self._collision(plugin, "provider", provider.name)
                    break
                self._add_provider(plugin, provider, [name for name, _ in wrappers])
        for plugin, strategy in self._gather_once("register_strategies", Strategy):
            if strategy.name in self.strategies:
                self._collision(plugin, "strategy", strategy.name)
            else:
                self.strategies[strategy.name] = strategy
        self.observers = self._gather_once("register_observers", Observer)
        for hook, into in (
            ("register_stores", self.stores),
            ("register_workspaces", self._workspaces),
            ("register_checks", self.checks),
        ):
            for plugin, answer in list(self._host.ask(hook)):
                for name, maker in dict(answer).items():
                    if name in into:
                        self._collision(plugin, hook.removeprefix("register_").removesuffix("s"), name)
                    else:
                        into[name] = maker

    def _add_provider(self, plugin: str, provider: Provider, order: list[str]) -> None:
        try:
            models = {model.name: model for model in provider.models()}
        except Exception as error:  # a plugin's fault is its own
            self._host.quarantine(plugin, f"Its provider can't say its models: {type(error).__name__}: {error}.", error)
            return
        wrapped: Provider = GuardedProvider(provider, self._settings.deadlines)
        for wrapper in order:  # innermost first
            for _, answer in self._host.ask("wrap_provider", order=[wrapper], provider=wrapped):
                wrapped = answer
        self.providers[provider.name] = wrapped
        self._models |= models

    def _gather(self, hook: str, kind: Any, turn: TurnInfo) -> list[tuple[str, Any]]:
        return [
            (plugin, thing)
            for plugin, answer in self._host.ask(hook, turn=turn)
            for thing in self._checked(plugin, hook, answer, kind)
        ]

    def _gather_once(self, hook: str, kind: Any) -> list[tuple[str, Any]]:
        return [
            (plugin, thing)
            for plugin, answer in list(self._host.ask(hook))
            for thing in self._checked(plugin, hook, answer, kind)
        ]

    def _checked(self, plugin: str, hook: str, answer: Any, kind: Any) -> list[Any]:
        if not isinstance(answer, (list, tuple)):
            self._host.fault(plugin, f"Its hook {hook} returned a {type(answer).__name__} where a list belongs.")
            return []
        good = []
        for thing in answer:
            if isinstance(thing, kind):
                good.append(thing)
            else:
                self._host.fault(plugin, f"Its hook {hook} returned a {type(thing).__name__}, no {kind.__name__}.")
        return good

    def _collision(self, plugin: str, what: str, name: str) -> None:
        self._host.quarantine(plugin, f"It brings a {what} {name!r}, and another plugin has that name.")

    def _ways_to_a_model(self) -> str:
        hints = [getattr(plugin, "hint", "") for plugin in self._host.plugins().values()]
        missing = [state.reason for state in self._host.states() if state.state == "missing"]
        return " ".join(hint for hint in (*hints, *missing) if hint)
