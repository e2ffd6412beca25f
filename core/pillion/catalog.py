"""What the plugins declared, by kind and name."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import Struct

from .contracts.code import CodeIndex
from .contracts.compactor import Compactor
from .contracts.confinement import Confinement
from .contracts.context import ContextProvider
from .contracts.forks import Forks, Snapshots
from .contracts.observer import Observer
from .contracts.policy import Policy
from .contracts.provider import Provider, Request
from .contracts.store import Store
from .contracts.strategy import Strategy
from .contracts.tool import Effect, Tool
from .contracts.witness import Witness
from .contracts.workspace import Workspace
from .errors import ConfigError, NotFound
from .events import Event, is_own, type_of
from .hookspecs import TurnInfo
from .localworkspace import LocalWorkspace
from .plugins import PluginHost
from .protection import Protection
from .roles import near_models
from .settings import Settings
from .streamguard import GuardedProvider
from .tokens import ESTIMATE, Counter
from .tooltext import TextTools
from .values import ModelInfo, ToolSpec

_log = logging.getLogger(__name__)
TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every vendor takes as a tool's name."""


class Kit(Struct, frozen=True):
    """What one turn works with, to its end. `policies` come with the names of their plugins; `denied` are effects
    whose guard can't run. `compactor`: without one nothing is made shorter."""

    tools: Mapping[str, Tool]
    contexts: tuple[ContextProvider, ...]
    policies: tuple[tuple[str, Policy], ...]
    denied: frozenset[str]
    compactor: Compactor | None = None
    witnesses: tuple[Witness, ...] = ()

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as a model is told of them."""
        return tuple(ToolSpec(tool.name, tool.description, schema_of(tool.Arguments)) for tool in self.tools.values())


@functools.cache
def schema_of(arguments: type[Struct]) -> dict[str, Any]:
    """JSON Schema of a tool's arguments, an object at the top."""
    (top,), components = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    name = top["$ref"].rpartition("/")[2]
    schema: dict[str, Any] = components[name]
    if top["$ref"].encode() not in msgspec.json.encode(components):  # else it holds itself
        del components[name]
    return schema | ({"$defs": components} if components else {})


def fault_of(tool: Tool) -> str:
    """Why a model can't be told of `tool`, as the rest of a sentence; "" when it can."""
    if not TOOL_NAME.fullmatch(str(tool.name)):
        return f"is named {tool.name!r}, and a name is 1 to 64 letters, digits, - and _"
    if tool.effect not in get_args(Effect):
        return f"has the effect {tool.effect!r}, and there are {', '.join(get_args(Effect))}"
    if not str(tool.description).strip():
        return "has no description"
    try:
        schema_of(tool.Arguments)
    except Exception as error:  # whatever stands where a Struct belongs
        return f"has Arguments without a JSON schema ({type(error).__name__})"
    return ""


def event_fault(kind: Any) -> str:
    """Why `kind` can't be described as an event, as the rest of a sentence; "" when it can."""
    if not (isinstance(kind, type) and issubclass(kind, Event) and isinstance(kind.__struct_config__.tag, str)):
        return "no subclass of Event with a tag"
    try:
        msgspec.json.schema(kind)
    except Exception as error:  # whatever stands where a type belongs
        return f"which has no JSON schema ({type(error).__name__})"
    return ""


class Offer(NamedTuple):
    """One thing that a plugin brings under a name; `models` are a provider's."""

    what: str
    name: str
    thing: Any
    models: Sequence[ModelInfo] = ()


class Brought(NamedTuple):
    """What one plugin brings. It is asked for once, since the objects have lives of their own."""

    plugin: Any
    offers: list[Offer]
    observers: list[Observer]
    events: list[type[Event]]


class Catalog:
    """What the plugins that are on bring; tools, contexts and policies are asked for at each turn.

    When plugins come and go another catalog is made, and takes the place of this one. It is told what was `before`, so
    that only those who are new are asked. `newcomer` is one that is only admitted; it brings no name that is taken.
    """

    def __init__(
        self, settings: Settings, host: PluginHost, *, before: Catalog | None = None, newcomer: str = ""
    ) -> None:
        self._settings, self._host = settings, host
        self._protection = Protection.of(settings)
        self.providers: dict[str, Provider] = {}
        self.strategies: dict[str, Strategy] = {}
        self.stores: dict[str, Callable[[], Awaitable[Store]]] = {}
        self.observers: list[tuple[str, Observer]] = []
        self.checks: dict[str, Callable[[], Awaitable[str]]] = {}
        self.events: dict[str, tuple[str, type[Event]]] = {}
        """The plugins' own: type -> plugin and Struct."""
        self._workspaces: dict[str, Callable[[str], Workspace]] = {}
        self._models: dict[str, ModelInfo] = {}
        self._fitting: set[tuple[type, Any]] = before._fitting if before else set()
        self._counters: dict[ModelInfo, Counter] = {}
        self._bare: dict[str, Provider] = {}
        """The providers as they were brought, without wrappers."""
        self._wrapping: list[tuple[str, Any]] = []
        self._brought: dict[str, Brought] = self._ask_all(before._brought if before else {}, newcomer)
        self._collect(newcomer)
        self._wrap(before, newcomer)

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
                + near_models(name, self._models)
                + self._ways_to_a_model()
            )
        # a model that no table knows may be new: the vendor has the last word
        return provider, self._models.get(name) or ModelInfo(name, context=128_000, output=8_192)

    def bare(self, model: ModelInfo) -> Provider:
        """The model's provider with its deadlines, and without any plugin's wrapper."""
        return GuardedProvider(self._bare[model.provider], self._settings.deadlines)

    def counter(self, model: ModelInfo) -> Counter:
        """Counts tokens as that model does. Always the same one for a model, so that it counts each message once."""
        if model not in self._counters:
            self._counters[model] = self._counter(model)
        return self._counters[model]

    def vendors_count(self, model: ModelInfo) -> Callable[[Request], Awaitable[int]] | None:
        """Has the model's vendor count a request; None: its provider knows nobody to ask."""
        return getattr(self._bare.get(model.provider), "count", None)

    def _counter(self, model: ModelInfo) -> Counter:
        """What the model's setting `tokenizer` names, else what its provider brings, else an estimate."""
        bring = getattr(self._bare.get(model.provider), "counter", None)
        if model.tokenizer == ESTIMATE or bring is None:
            return Counter()
        try:
            brought: object = bring(model)
        except Exception as error:  # a plugin's fault is its own
            _log.error("The provider %s brings no counter for %s", model.provider, model.name, exc_info=error)
            return Counter()
        return brought if isinstance(brought, Counter) else Counter()

    def strategy(self, name: str, model: ModelInfo | None) -> Strategy:
        """The strategy of that name; `auto` or `""` is what suits the model. Raises NotFound."""
        if name in ("", "auto"):
            name = self._settings.defaults.strategy
        if name == "auto":
            name = "agent" if model is not None and model.tools in ("native", "tags") else "chat"
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
        return LocalWorkspace(path, self._protection, ("/",) if self._settings.trust.includes(address) else ())

    def kit(self, turn: TurnInfo) -> Kit:
        """What the plugins offer this turn. A tool whose name is taken is left out, and its plugin's state says so."""
        tools = {name: tool for name, (_, tool) in self._tools(turn).items()}
        contexts = self._gather("register_contexts", ContextProvider, turn=turn)
        policies = self._gather("register_policies", Policy, turn=turn)
        # a guard that is switched off on purpose guards nothing; one that nobody lists is a slip of the pen
        guards = [*policies, *self._gather("register_confinements", Confinement)]
        fine = {plugin for plugin, _ in guards} | {name for name in self._settings.guards if self._host.is_off(name)}
        denied = {effect for guard, effects in self._settings.guards.items() if guard not in fine for effect in effects}
        compactor = next((one for _, one in self._gather("register_compactors", Compactor, turn=turn)), None)
        witnesses = tuple(one for _, one in self._gather("register_witnesses", Witness, turn=turn))
        return Kit(tools, tuple(c for _, c in contexts), tuple(policies), frozenset(denied), compactor, witnesses)

    def names(self, turn: TurnInfo) -> dict[str, dict[str, list[str]]]:
        """What each plugin brings, tools of such a turn included: plugin -> what it is -> names."""
        found: dict[str, dict[str, list[str]]] = {plugin: {} for plugin in self._brought}
        for plugin, brought in self._brought.items():
            named = [(offer.what, offer.name) for offer in brought.offers]
            named += [("model", model.name) for offer in brought.offers for model in offer.models]
            named += [("event", type_of(kind)) for kind in brought.events]
            named += [("observer", type(observer).__name__) for observer in brought.observers]
            for what, name in named:
                found[plugin].setdefault(what, []).append(name)
        for name, (plugin, _) in self._tools(turn).items():
            found[plugin].setdefault("tool", []).append(name)
        return found

    def _tools(self, turn: TurnInfo) -> dict[str, tuple[str, Tool]]:
        """By name, with their plugins."""
        tools: dict[str, tuple[str, Tool]] = {}
        for plugin, answer in self._host.ask("register_tools", turn=turn):
            for tool in self._checked(plugin, "register_tools", answer, Tool):
                fault = fault_of(tool)
                if fault:
                    self._host.fault(plugin, f"A tool of it is left out: it {fault}.")
                elif tool.name in tools:
                    self._host.fault(plugin, f"Its tool {tool.name!r} is left out: another plugin has that name.")
                else:
                    tools[tool.name] = plugin, tool
        return tools

    def plugins(self) -> set[str]:
        """Whose things these are."""
        return set(self._brought)

    def maker_of_store(self, name: str) -> str:
        """The plugin that brings the store of that name; "" for none."""
        owners = [
            plugin for plugin, brought in self._brought.items() for o in brought.offers if o[:2] == ("store", name)
        ]
        return owners[0] if owners else ""

    def _ask_all(self, before: Mapping[str, Brought], newcomer: str) -> dict[str, Brought]:
        """In the order of the settings. One that is out by the end brings nothing."""
        brought = {}
        for name, plugin in self._host.plugins(newcomer).items():
            known = before.get(name)
            brought[name] = known if known is not None and known.plugin is plugin else self._asked(name, plugin)
        there = self._host.plugins(newcomer)
        return {name: one for name, one in brought.items() if name in there}

    def _asked(self, plugin: str, itself: Any) -> Brought:
        only = [plugin]
        offers = []
        environment = self._settings.environment
        for _, provider in self._gather("register_providers", Provider, order=only, environment=environment):
            try:
                models = list(provider.models())
                assert all(isinstance(model, ModelInfo) for model in models), "models() are ModelInfos"
            except Exception as error:  # a plugin's fault is its own
                self._host.quarantine(plugin, f"Its provider can't say its models: {error!r}.", error)
            else:
                offers.append(Offer("provider", provider.name, provider, models))
        for _, strategy in self._gather("register_strategies", Strategy, order=only):
            offers.append(Offer("strategy", strategy.name, strategy))
        given: dict[str, dict[str, Any]] = {"store": {"settings": self._settings, "host": self._host}}
        for what in ("store", "workspace", "check"):
            for _, answer in self._host.ask(f"register_{what}s", order=only, **given.get(what, {})):
                if isinstance(answer, Mapping) and all(callable(maker) for maker in answer.values()):
                    offers += [Offer(what, name, maker) for name, maker in answer.items()]
                else:
                    self._host.fault(plugin, f"Its hook register_{what}s returned no table of makers by name.")
        observers = [observer for _, observer in self._gather("register_observers", Observer, order=only)]
        events = [
            kind for _, answer in self._host.ask("register_events", order=only) for kind in self._kinds(plugin, answer)
        ]
        return Brought(itself, offers, observers, events)

    def _collect(self, newcomer: str) -> None:
        """A plugin that brings a name which another has is out, with all that it brings: nothing of it is half here."""
        taken: set[tuple[str, str]] = set()
        sources = self._sources(newcomer)
        offered = {
            plugin: [offer for offer in brought.offers if offer.what != "provider" or plugin in sources]
            for plugin, brought in self._brought.items()
        }
        for plugin in sorted(self._brought, key=lambda name: name == newcomer):  # who is there keeps its names
            names = [(offer.what, offer.name) for offer in offered[plugin]]
            twice = next((name for i, name in enumerate(names) if name in taken or name in names[:i]), None)
            if twice is not None:
                said = f"It brings a {twice[0]} {twice[1]!r}, and another one has that name."
                self._host.quarantine(plugin, said)
                del self._brought[plugin]
            else:
                taken.update(names)
        tables: dict[str, dict[str, Any]] = {
            "provider": self._bare,
            "strategy": self.strategies,
            "store": self.stores,
            "workspace": self._workspaces,
            "check": self.checks,
        }
        for plugin, brought in self._brought.items():
            for offer in offered[plugin]:
                tables[offer.what][offer.name] = offer.thing
                self._models |= {model.name: model for model in offer.models}
            self.observers += [(plugin, observer) for observer in brought.observers]
            for kind in brought.events:
                if type_of(kind) in self.events:
                    self._host.fault(plugin, f"Its event {type_of(kind)!r} is left out: another one has that name.")
                else:
                    self.events[type_of(kind)] = plugin, kind

    def _sources(self, newcomer: str = "") -> dict[str, Any]:
        """The plugins whose providers count: all, unless some of them say that they are the only source."""
        there = self._host.plugins(newcomer)
        only = {name: plugin for name, plugin in there.items() if getattr(plugin, "only_source", False) is True}
        return only or there

    def _kinds(self, plugin: str, answer: Any) -> list[type[Event]]:
        """Those types of events that can be described."""
        kinds = []
        for kind in answer if isinstance(answer, (list, tuple)) else [answer]:
            fault = event_fault(kind)
            if fault:
                self._host.fault(plugin, f"Its hook register_events returned {kind!r}, {fault}.")
            elif is_own(type_of(kind)):
                self._host.fault(plugin, f"Its event {type_of(kind)!r} is left out: another one has that name.")
            else:
                kinds.append(kind)
        return kinds

    def _wrap(self, before: Catalog | None, newcomer: str) -> None:
        """Wrappers are asked again only where they are others, or where the provider is."""
        there = self._host.plugins(newcomer)
        ordered = sorted(there, key=lambda name: _order(there[name]), reverse=True)
        self._wrapping = [(name, there[name]) for name in ordered if self._host.brings(name, "wrap_provider")]
        same = before is not None and before._wrapping == self._wrapping
        for name, provider in self._bare.items():
            if before is not None and same and before._bare.get(name) is provider:
                self.providers[name] = before.providers[name]
            else:
                self.providers[name] = self._wrapped(provider)

    def _wrapped(self, provider: Provider) -> Provider:
        """The provider with deadlines, tools for models without, and every plugin's wrapper: the highest innermost."""
        wrapped: Provider = TextTools(GuardedProvider(provider, self._settings.deadlines))
        for plugin, _ in self._wrapping:
            for _, answer in self._host.ask("wrap_provider", order=[plugin], provider=wrapped, bare=provider):
                (good,) = self._checked(plugin, "wrap_provider", [answer], Provider) or (wrapped,)
                if good.name == provider.name:
                    wrapped = good
                else:
                    self._host.fault(
                        plugin, f"Its wrapper of {provider.name!r} is named {good.name!r}: it is left out."
                    )
        return wrapped

    def code(self) -> CodeIndex | None:
        """Who knows the code of workspaces; None: no plugin that is on."""
        return next((one for _, one in self._gather("register_code", CodeIndex)), None)

    def snapshots(self) -> Snapshots | None:
        """Who keeps what workspaces were; None: no plugin that is on."""
        return next((one for _, one in self._gather("register_snapshots", Snapshots)), None)

    def forks(self) -> Forks | None:
        """Who makes workspaces of their own that begin as another one; None: no plugin that is on."""
        return next((one for _, one in self._gather("register_forks", Forks)), None)

    def confinement(self) -> Confinement | None:
        """Where programs run that a model chooses; None: no plugin that is on has anything to say about that."""
        return next((one for _, one in self._gather("register_confinements", Confinement)), None)

    def _gather(
        self, hook: str, kind: Any, *, order: Sequence[str] | None = None, **arguments: Any
    ) -> list[tuple[str, Any]]:
        return [
            (plugin, thing)
            for plugin, answer in self._host.ask(hook, order=order, **arguments)
            for thing in self._checked(plugin, hook, answer, kind)
        ]

    def _checked(self, plugin: str, hook: str, answer: Any, kind: Any) -> list[Any]:
        if not isinstance(answer, (list, tuple)):
            self._host.fault(plugin, f"Its hook {hook} returned a {type(answer).__name__} where a list belongs.")
            return []
        return [thing for thing in answer if self._is(plugin, hook, thing, kind)]

    def _is(self, plugin: str, hook: str, thing: Any, kind: Any) -> bool:
        fit = (type(thing), kind)
        if fit in self._fitting:  # asking a protocol about each object anew would cost most of a turn's beginning
            return True
        try:
            good = isinstance(thing, kind)
            for member in getattr(kind, "__protocol_attrs__", ()) if good else ():
                getattr(thing, member)  # may raise; until Python 3.11 isinstance asks for each itself
        except Exception as error:  # a plugin's fault is its own
            self._host.fault(plugin, f"Its hook {hook} returned a {type(thing).__name__} that raises {error!r}.", error)
            return False
        if not good:
            self._host.fault(plugin, f"Its hook {hook} returned a {type(thing).__name__}, no {kind.__name__}.")
        else:
            self._fitting.add(fit)
        return good

    def _ways_to_a_model(self) -> str:
        hints = [str(getattr(plugin, "hint", "")) for plugin in self._sources().values()]
        missing = [state.reason for state in self._host.states() if state.state == "missing"]
        return " ".join(hint for hint in (*hints, *missing) if hint)


def _order(plugin: Any) -> float:
    order = getattr(plugin, "wrap_order", 50)
    return order if isinstance(order, (int, float)) else 50
