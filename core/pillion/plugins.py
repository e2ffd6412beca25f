"""Plugins by name: configure, check, register, ask one by one, take out."""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import pluggy
from msgspec import Struct

from . import loading
from .errors import ConfigError, HeldUp, NotFound
from .home import Home
from .hookspecs import Kernelhooks
from .loading import Failed, Loaded, NoConfig, named
from .settings import PluginSection, Settings, convert

_log = logging.getLogger(__name__)


class PluginState(Struct, frozen=True):
    """What became of one plugin. `reason` is a complete sentence where `state` is `missing` or `quarantined`."""

    name: str
    state: Literal["on", "off", "missing", "quarantined"]
    version: str = ""
    source: str = ""
    summary: str = ""
    hooks: tuple[str, ...] = ()
    settings: dict[str, Any] | None = None
    """JSON Schema of its section."""
    reason: str = ""
    pending: Literal["", "on", "off", "changed"] = ""
    """What the next start makes of it, where that is another thing than now."""


class PluginHost:
    """The plugins of one process. `hookspecs` are hooks besides the kernel's, e.g. the HTTP host's."""

    def __init__(self, settings: Settings, hookspecs: Sequence[type] = ()) -> None:
        self.settings = settings
        """With what was switched since the start."""
        self._manager = pluggy.PluginManager(loading.GROUP)
        for specs in (Kernelhooks, *hookspecs):
            self._manager.add_hookspecs(specs)
        self._states: dict[str, PluginState] = {}
        self._plugins: dict[str, Any] = {}
        self._admitted: dict[str, Any] = {}
        """Registered, and not on yet."""
        self._objects: dict[str, Any] = {}
        """Those that no file names."""
        self._points: loading.Points = {}
        self._modules: dict[str, str] = {}
        """The plugin by the top of its modules' names."""
        self._next = settings
        """What the settings say for the next start."""
        self.refused: dict[str, ConfigError] = {}
        """What is wrong with the section of a plugin that is quarantined for it."""
        self._changed: set[str] = set()
        """Plugins whose files only the next start can read."""

    def load(self) -> None:
        """Loads what the settings list, one by one; what can't be loaded says why and the rest goes on."""
        sections = self.settings.plugins
        self._points = loading.entry_points({section.use for section in sections.values() if section.enabled})
        loaded: dict[str, Loaded] = {}
        for name, section in sections.items():
            if not section.enabled:
                self._states[name] = PluginState(name, "off", source=section.use)
            elif found := self.found(name, self.find(name)):
                loaded[name] = found
        for name in _ordered({name: tuple(getattr(one.kind, "needs", ())) for name, one in loaded.items()}):
            if self.admit(name, loaded[name]):
                self.put_on(name)

    # ── who is there ──

    def states(self) -> list[PluginState]:
        """All plugins that the settings list, in their order."""
        return [self.told(name) for name in self.settings.plugins]

    def told(self, name: str) -> PluginState:
        """The state of a plugin that the settings list. Raises NotFound."""
        if name not in self.settings.plugins:
            raise NotFound(self._unknown(name))
        return msgspec.structs.replace(self._states[name], pending=self._pending(name))

    def state(self, name: str) -> str:
        """The state's name; `off` for a plugin that no setting lists."""
        return self._states[name].state if name in self._states else "off"

    def is_off(self, name: str) -> bool:
        """Is it listed, and switched off?"""
        return name in self.settings.plugins and self._states[name].state == "off"

    def plugins(self, also: str = "") -> dict[str, Any]:
        """The plugin objects that are on, by name, in the order of the settings; `also` one that is only admitted."""
        there = self._plugins | ({also: self._admitted[also]} if also in self._admitted else {})
        return {name: there[name] for name in self.settings.plugins if name in there}

    def is_object(self, name: str) -> bool:
        """Is it one that no file names?"""
        return name in self._objects

    def is_shipped(self, name: str) -> bool:
        """Does it come with Pillion itself?"""
        return loading.is_shipped(self.settings.plugins[name], self._points)

    def brings(self, name: str, hook: str) -> bool:
        """Does the plugin implement that hook?"""
        return hook in self._states[name].hooks

    def dependants(self, name: str) -> list[str]:
        """The plugins that are on and need this one."""
        return [other for other, plugin in self.plugins().items() if name in getattr(plugin, "needs", ())]

    def owner(self, module: str) -> str:
        """The plugin that a module, by its dotted name, belongs to; "" for none."""
        return self._modules.get(module) or self._modules.get(module.partition(".")[0], "")

    # ── asking ──

    def ask(self, hook: str, *, order: Sequence[str] | None = None, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Asks plugin by plugin; yields name and answer. One that raises is logged, marked, and answers nothing.

        `order` names the plugins to ask; without it all that are on are, in the order of the settings.
        """
        caller = getattr(self._manager.hook, hook)
        answers = {impl.plugin_name: impl for impl in caller.get_hookimpls()}
        for name in self.plugins() if order is None else order:
            impl = answers.get(name)
            if impl is None:
                continue
            try:
                answer = impl.function(*(arguments[argument] for argument in impl.argnames))
            except HeldUp as error:  # it would hold up every turn
                self.quarantine(name, f"Its hook {hook} did not return: {error}", error)
                continue
            except (Exception, SystemExit) as error:  # a plugin's fault is its own
                self.fault(name, f"Its hook {hook} raised {named(error)}.", error)
                continue
            if answer is not None:
                yield name, answer

    def fault(self, name: str, reason: str, error: BaseException | None = None) -> None:
        """Notes what a plugin did wrong; it stays on, and its state says what happened last."""
        _log.error("Plugin %s: %s", name, reason, exc_info=error)
        if name in self._states:
            self._states[name] = msgspec.structs.replace(self._states[name], reason=self._sentence(reason))

    # ── coming ──

    def add(self, name: str, plugin: object) -> None:
        """Registers a plugin object that no file names; for tests and embedders. Raises ConfigError."""
        self._register(name, plugin)
        self._objects[name] = plugin
        section = PluginSection(name, True, "object", Path(), {})
        self.settings = msgspec.structs.replace(self.settings, plugins={**self.settings.plugins, name: section})
        self._states[name] = PluginState(name, "on", source="object", hooks=_hooks(plugin))
        self.put_on(name)

    def look_again(self) -> None:
        """Reads the settings again, for what the next start would make of them. A plugin that a file lists by now is
        listed, off; so it can be switched on. Raises ConfigError."""
        self._next = self.settings.read_again()
        for name, section in self._next.plugins.items():
            if name not in self.settings.plugins:
                self.settings = self.settings.with_plugin(self._next, name, False)
                self._states[name] = PluginState(name, "off", source=section.use)

    def expect(self, name: str) -> None:
        """Makes sure that there is a plugin of that name: one that the settings list by now, or else an installed one,
        which is listed from now on, off. Raises NotFound, ConfigError."""
        self.look_again()
        if name in self.settings.plugins:
            return
        if name not in loading.entry_points({name}):
            raise NotFound(self._unknown(name))
        self.settings = self.settings.with_plugin(self._next, name, False)
        self._states[name] = PluginState(name, "off", source=name)

    def find(self, name: str) -> Loaded | Failed:
        """Imports the plugin's class. Changes nothing here, and may run in a thread."""
        if name in self._objects:
            return Loaded(type(self._objects[name]), "", "object", "", None)
        section = self.settings.plugins[name]
        return loading.load(section, self._points)

    def found(self, name: str, outcome: Loaded | Failed) -> Loaded | None:
        """Notes what came of `find`; None: it can't be had, and its state says why."""
        section = self.settings.plugins[name]
        self._modules[_top(loading.module_of(section, self._points))] = name
        if isinstance(outcome, Failed):
            self._states.setdefault(name, PluginState(name, "on", source=section.use))
            self._refuse(name, outcome)
            return None
        self._states[name] = PluginState(
            name, "on", outcome.version, outcome.source, outcome.summary, settings=outcome.schema
        )
        return outcome

    def admit(self, name: str, loaded: Loaded) -> bool:
        """Makes the plugin's object and registers it; it is asked only where `order` names it. False: its state says
        why not."""
        section = self.settings.plugins[name]
        try:
            self._check_needs(loaded.kind)
            self._register(name, self._objects.get(name) or self._made(section, loaded.kind))
        except (Exception, SystemExit) as error:  # whatever a plugin does when it is made, the rest runs
            self._refuse(name, loading.failure(section, self._points, error))
            return False
        self._states[name] = msgspec.structs.replace(self._states[name], hooks=_hooks(self._admitted[name]))
        return True

    def put_on(self, name: str) -> None:
        """From now on an admitted plugin is asked with the others."""
        plugin = self._plugins[name] = self._admitted.pop(name)
        self._modules.setdefault(_top(type(plugin).__module__), name)

    # ── going ──

    def take_out(self, name: str) -> None:
        """Of a plugin that is on, another object takes the place: from now on this one is not asked."""
        self._unregister(name)

    def quarantine(self, name: str, reason: str, error: BaseException | None = None) -> None:
        """Takes a plugin out: from now on it is not asked."""
        self._unregister(name)
        _log.error("Plugin %s is quarantined: %s", name, reason, exc_info=error)
        known = self._states.get(name, PluginState(name, "quarantined"))
        self._states[name] = msgspec.structs.replace(known, state="quarantined", reason=self._sentence(reason))

    def switch_off(self, name: str) -> None:
        """Takes a plugin out because somebody wants it so."""
        self._unregister(name)
        self._states[name] = msgspec.structs.replace(self._states[name], state="off", hooks=(), reason="")

    def forget(self, name: str) -> None:
        """Drops the modules of a plugin that is out, so that it is read anew when it comes back."""
        if name not in self._objects:
            loading.forget(self.settings.plugins[name], self._points)

    # ── what the settings say ──

    def set_enabled(self, name: str, enabled: bool) -> None:
        """From now on its section is as the files have it, and on or off."""
        if name in self._objects:
            section = msgspec.structs.replace(self.settings.plugins[name], enabled=enabled)
            self.settings = msgspec.structs.replace(self.settings, plugins={**self.settings.plugins, name: section})
            return
        self.settings = self.settings.with_plugin(self._next, name, enabled)
        use = self.settings.plugins[name].use
        if enabled and use not in self._points:
            self._points = loading.entry_points({use})

    def mark_changed(self, name: str) -> None:
        """The plugin's files have changed, and only the next start can read them."""
        self._changed.add(name)

    def sources(self) -> dict[str, list[Path]]:
        """The files of each plugin that is switched on, where somebody may be writing them."""
        return {
            name: loading.sources(section, self._points)
            for name, section in self.settings.plugins.items()
            if section.enabled and name not in self._objects
        }

    # ── the rest ──

    def _refuse(self, name: str, failed: Failed) -> None:
        if failed.state == "quarantined":
            if isinstance(failed.error, ConfigError):
                self.refused[name] = failed.error
            return self.quarantine(name, failed.reason, None if name in self.refused else failed.error)
        self._unregister(name)
        self._states[name] = msgspec.structs.replace(
            self._states[name], state="missing", reason=self._sentence(failed.reason)
        )

    def _sentence(self, reason: str) -> str:
        """A reason as people read it: on one line, ended, secrets masked."""
        text = " ".join(self.settings.secrets.redact(reason).split())
        return text if text.endswith((".", "!", "?")) else f"{text}."

    def _pending(self, name: str) -> Literal["", "on", "off", "changed"]:
        now, then = self.settings.plugins[name], self._next.plugins.get(name)
        if name in self._objects:
            return ""
        if then is None or then.enabled != now.enabled:
            return "on" if then is not None and then.enabled else "off" if now.enabled else ""
        changed = now.enabled and (name in self._changed or (then.use, then.config) != (now.use, now.config))
        return "changed" if changed else ""

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.settings.plugins, 1)
        return f"No settings list a plugin {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")

    def _check_needs(self, kind: Any) -> None:
        for need in getattr(kind, "needs", ()):
            if need not in self._plugins:
                why = "needs it" if self.state(need) == "on" else f"is {self.state(need)}"
                raise ConfigError(f"It needs the plugin {need!r}, which {why}.")

    def _made(self, section: PluginSection, kind: Any) -> Any:
        """The plugin's object. Its constructor gets its Config, if it has one, and a Home where it names one."""
        config = convert(
            section.config, getattr(kind, "Config", NoConfig), plugin=section.name, prefix=f"plugins.{section.name}"
        )
        given: dict[str, Any] = {}
        if _wants_home(kind):
            given["home"] = Home(section.name, self.settings.data_dir, self.settings.secrets)
        return kind(config, **given) if hasattr(kind, "Config") else kind(**given)

    def _register(self, name: str, plugin: Any) -> None:
        specs = getattr(plugin, "hookspecs", None)
        if specs is not None:
            self._manager.add_hookspecs(specs)
        try:
            for hook, implementation in _implementations(plugin):
                self._check_hook(hook, implementation)
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError, ConfigError) as error:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            self._withdraw(specs)
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"{error}".strip().replace("\n", " ").rstrip(".") + ".") from None
        self._admitted[name] = plugin

    def _unregister(self, name: str) -> None:
        plugin = self._plugins.pop(name, None) or self._admitted.pop(name, None)
        if plugin is not None:
            self._manager.unregister(plugin)
            self._withdraw(getattr(plugin, "hookspecs", None))

    def _withdraw(self, specs: Any) -> None:
        """Takes back the hooks that a plugin declared. Who implements one keeps it, for when the plugin comes back."""
        for hook in dir(specs) if specs is not None else ():
            if self._manager.parse_hookspec_opts(specs, hook) is not None:
                caller = getattr(self._manager.hook, hook, None)
                if caller is not None and caller.spec is not None and caller.spec.namespace is specs:
                    caller.spec = None

    def _check_hook(self, hook: str, implementation: Any) -> None:
        caller = getattr(self._manager.hook, hook, None)
        declared = caller is not None and caller.spec is not None
        if not declared and not implementation.pillion_impl["optionalhook"]:
            raise ConfigError(f"It implements a hook {hook!r} that nobody declares.")
        if inspect.iscoroutinefunction(implementation) or inspect.isasyncgenfunction(implementation):
            raise ConfigError(f"Its hook {hook!r} is async; hooks are sync and return objects that wait.")
        if not declared:
            return
        offered = list(caller.spec.argnames)  # type: ignore[union-attr]
        for wanted, parameter in inspect.signature(implementation).parameters.items():
            if parameter.default is parameter.empty and wanted not in offered:
                known = ", ".join(offered) or "nothing"
                raise ConfigError(f"Its hook {hook!r} wants {wanted!r}, which nobody gives; that hook gives: {known}.")


def _wants_home(kind: Any) -> bool:
    try:
        return "home" in inspect.signature(kind).parameters
    except (TypeError, ValueError):  # no class, or one that can't be looked into
        return False


def _implementations(plugin: Any) -> list[tuple[str, Any]]:
    members = ((name, getattr(type(plugin), name, None)) for name in dir(type(plugin)))
    marked = [(name, getattr(plugin, name)) for name, member in members if hasattr(member, "pillion_impl")]
    return [(implementation.pillion_impl["specname"] or name, implementation) for name, implementation in marked]


def _hooks(plugin: Any) -> tuple[str, ...]:
    return tuple(hook for hook, _ in _implementations(plugin))


def _top(module: str) -> str:
    """By which part of a module's name its plugin is known: the package, or all of it where the package is ours."""
    package = module.partition(".")[0]
    return module if package == loading.OURS else package


def _ordered(needs: dict[str, tuple[str, ...]]) -> list[str]:
    """Each name behind what it needs, otherwise in the given order; circles are left as they stand."""
    ordered: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in needs and name not in ordered and name not in path:
            for need in needs[name]:
                visit(need, (*path, name))
            ordered.append(name)

    for name in needs:
        visit(name, ())
    return ordered
