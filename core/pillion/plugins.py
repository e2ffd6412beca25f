"""Names -> plugin objects: find, configure, check, register, ask one by one, quarantine."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import msgspec
import pluggy
from msgspec import Struct

from .errors import ConfigError, HeldUp, MissingLibrary
from .hookspecs import Kernelhooks
from .settings import PluginSection, Settings, convert

GROUP = "pillion"
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


class NoConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """For plugins without settings."""


class PluginHost:
    """The plugins of one process. `hookspecs` are hooks besides the kernel's, e.g. the HTTP host's."""

    def __init__(self, settings: Settings, hookspecs: Sequence[type] = ()) -> None:
        self._settings = settings
        self._manager = pluggy.PluginManager(GROUP)
        for specs in (Kernelhooks, *hookspecs):
            self._manager.add_hookspecs(specs)
        self._states: dict[str, PluginState] = {}
        self._plugins: dict[str, Any] = {}
        self._found: dict[str, metadata.EntryPoint] = {}
        self._homes: dict[str, str] = {}
        """The plugin by the top of its modules' names."""

    def load(self) -> None:
        """Loads what the settings list, one by one; what can't be loaded says why and the rest goes on."""
        self._found = _entry_points({section.use for section in self._settings.plugins.values() if section.enabled})
        waiting = dict(self._settings.plugins)
        classes: dict[str, Any] = {}
        for name, section in waiting.items():
            if not section.enabled:
                self._states[name] = PluginState(name, "off", source=section.use)
            else:
                self._guarded(name, lambda s=section: classes.__setitem__(s.name, self._find(s)))
        for name in _ordered({name: tuple(getattr(kind, "needs", ())) for name, kind in classes.items()}):
            self._guarded(name, lambda n=name: self._register(waiting[n], classes[n]))

    def states(self) -> list[PluginState]:
        """All plugins that the settings list, in their order."""
        return [self._states[name] for name in self._settings.plugins]

    def state(self, name: str) -> str:
        """The state's name; `off` for a plugin that no setting lists."""
        return self._states[name].state if name in self._states else "off"

    def plugins(self) -> dict[str, Any]:
        """The plugin objects that are on, by name, in the order of the settings."""
        return {name: self._plugins[name] for name in self._settings.plugins if name in self._plugins}

    def add(self, name: str, plugin: object) -> None:
        """Registers a plugin object that no file names; for tests and embedders. Raises ConfigError."""
        self._settings = msgspec.structs.replace(
            self._settings,
            plugins={**self._settings.plugins, name: PluginSection(name, True, "object", Path(), {})},
        )
        self._admit(name, plugin)
        self._homes[type(plugin).__module__] = name
        self._states[name] = PluginState(name, "on", source="object", hooks=self._hooks(plugin))

    def ask(self, hook: str, *, order: Sequence[str] | None = None, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Asks plugin by plugin; yields name and answer. One that raises is logged, marked, and answers nothing.

        `order` names the plugins to ask; without it all are, in the order of the settings.
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
                self.fault(name, f"Its hook {hook} raised {_named(error)}.", error)
                continue
            if answer is not None:
                yield name, answer

    def fault(self, name: str, reason: str, error: BaseException | None = None) -> None:
        """Notes what a plugin did wrong; it stays on, and its state says what happened last."""
        _log.error("Plugin %s: %s", name, reason, exc_info=error)
        if name in self._states:
            self._states[name] = msgspec.structs.replace(self._states[name], reason=self._sentence(reason))

    def quarantine(self, name: str, reason: str, error: BaseException | None = None) -> None:
        """Takes a plugin out: from now on it is not asked."""
        plugin = self._plugins.pop(name, None)
        if plugin is not None:
            self._manager.unregister(plugin)
        _log.error("Plugin %s is quarantined: %s", name, reason, exc_info=error)
        known = self._states.get(name, PluginState(name, "quarantined"))
        self._states[name] = msgspec.structs.replace(known, state="quarantined", reason=self._sentence(reason))

    def owner(self, module: str) -> str:
        """The plugin that a module, by its dotted name, belongs to; "" for none."""
        return self._homes.get(module) or self._homes.get(module.partition(".")[0], "")

    def _sentence(self, reason: str) -> str:
        """A reason as people read it: on one line, ended, secrets masked."""
        text = " ".join(self._settings.secrets.redact(reason).split())
        return text if text.endswith((".", "!", "?")) else f"{text}."

    def _guarded(self, name: str, work: Any) -> None:
        section = self._settings.plugins[name]
        self._states.setdefault(name, PluginState(name, "on", source=section.use))
        self._homes[self._module(section).partition(".")[0]] = name
        try:
            work()
        except MissingLibrary as error:
            said = str(error).removesuffix(error.hint).strip()
            self._missing(name, f"{said} Run `{error.hint}`." if error.hint.startswith("pip ") else str(error))
        except ModuleNotFoundError as error:
            library = (error.name or "").partition(".")[0]
            if library and library != self._module(section).partition(".")[0]:
                self._missing(name, f"It needs {library}, which is not installed. Run `pip install {library}`.")
            else:
                self.quarantine(name, f"It can't be imported: {error}.", error)
        except ConfigError as error:
            self.quarantine(name, str(error))
        except (Exception, SystemExit) as error:  # whatever a plugin does at import, the rest runs
            self.quarantine(name, f"It failed to load with {_named(error)}.", error)

    def _missing(self, name: str, reason: str) -> None:
        known = self._states[name]
        self._states[name] = msgspec.structs.replace(known, state="missing", reason=self._sentence(reason))

    def _module(self, section: PluginSection) -> str:
        """Where the plugin itself is imported from."""
        point = self._found.get(section.use)
        place = section.use.partition(":")[0]
        return point.module if point else _file_module(section) if place.endswith(".py") else place

    def _find(self, section: PluginSection) -> Any:
        version, use, found = "", section.use, self._found
        if ":" in use:
            kind = _from_file(section) if use.partition(":")[0].endswith(".py") else _from_module(use)
        elif use in found:
            point = found[use]
            kind = point.load()
            use = point.value
            version = point.dist.version if point.dist else ""
        else:
            raise ConfigError(
                f"No installed distribution brings a plugin {use!r}.",
                hint='Install it, or say where it is with use = "./file.py:Plugin".',
            )
        schema = msgspec.json.schema(getattr(kind, "Config", NoConfig))
        summary = (inspect.getdoc(kind) or "").partition("\n")[0]
        self._states[section.name] = PluginState(section.name, "on", version, use, summary, settings=schema)
        return kind

    def _register(self, section: PluginSection, kind: Any) -> None:
        name = section.name
        for need in getattr(kind, "needs", ()):
            if need not in self._plugins:
                why = "needs it" if self.state(need) == "on" else f"is {self.state(need)}"
                raise ConfigError(f"It needs the plugin {need!r}, which {why}.")
        config = convert(section.config, getattr(kind, "Config", NoConfig), plugin=name, prefix=f"plugins.{name}")
        plugin = kind(config) if hasattr(kind, "Config") else kind()
        self._admit(name, plugin)
        self._states[name] = msgspec.structs.replace(self._states[name], hooks=self._hooks(plugin))

    def _admit(self, name: str, plugin: Any) -> None:
        specs = getattr(plugin, "hookspecs", None)
        if specs is not None:
            self._manager.add_hookspecs(specs)
        for hook, implementation in _implementations(plugin):
            if not hasattr(self._manager.hook, hook) and not implementation.pillion_impl["optionalhook"]:
                raise ConfigError(f"It implements a hook {hook!r} that nobody declares.")
            if inspect.iscoroutinefunction(implementation) or inspect.isasyncgenfunction(implementation):
                raise ConfigError(f"Its hook {hook!r} is async; hooks are sync and return objects that wait.")
            self._check_arguments(hook, implementation)
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            raise ConfigError(f"{error}".strip().replace("\n", " ").rstrip(".") + ".") from None
        self._plugins[name] = plugin

    def _check_arguments(self, hook: str, implementation: Any) -> None:
        caller = getattr(self._manager.hook, hook, None)
        if caller is None or caller.spec is None:
            return
        offered = list(caller.spec.argnames)
        for wanted, parameter in inspect.signature(implementation).parameters.items():
            if parameter.default is parameter.empty and wanted not in offered:
                known = ", ".join(offered) or "nothing"
                raise ConfigError(f"Its hook {hook!r} wants {wanted!r}, which nobody gives; that hook gives: {known}.")

    def _hooks(self, plugin: Any) -> tuple[str, ...]:
        return tuple(hook for hook, _ in _implementations(plugin))


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": .")


def _implementations(plugin: Any) -> list[tuple[str, Any]]:
    members = ((name, getattr(type(plugin), name, None)) for name in dir(type(plugin)))
    marked = [(name, getattr(plugin, name)) for name, member in members if hasattr(member, "pillion_impl")]
    return [(implementation.pillion_impl["specname"] or name, implementation) for name, implementation in marked]


def _from_module(use: str) -> Any:
    module, _, attribute = use.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _file_module(section: PluginSection) -> str:
    """The name of a file's module; the file has none of its own."""
    return f"pillion_plugin_{section.name}"


def _from_file(section: PluginSection) -> Any:
    file, _, attribute = section.use.partition(":")
    path = (section.folder / file).resolve()
    if not path.is_file():
        raise ConfigError(f"There is no file {path}.", plugin=section.name, key="use")
    module_name = _file_module(section)
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return getattr(module, attribute)


def _entry_points(wanted: set[str]) -> dict[str, metadata.EntryPoint]:
    """The installed plugins by name. All distributions are only looked through for a name that our own lacks: with a
    few dozen installed that takes as long as a quarter of the whole start."""
    try:
        own = metadata.distribution("pillion").entry_points.select(group=GROUP)
    except metadata.PackageNotFoundError:  # run from a source tree
        own = metadata.EntryPoints()
    found = {point.name: point for point in own}
    if all(name in found or ":" in name for name in wanted):
        return found
    return {point.name: point for point in metadata.entry_points(group=GROUP)} | found


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
