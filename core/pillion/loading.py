"""A section of the settings -> the plugin's class: from an entry point, a module or a file; and back to its files."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import sys
import traceback
from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from .errors import ConfigError, MissingLibrary
from .settings import PluginSection

GROUP = "pillion"
MOST_FILES = 2000
"""Of one package, that are looked at for changes."""
INSTALLED = {"site-packages", "dist-packages"}
OURS = "pillion"
"""The package whose modules nobody drops: the process runs on them."""


class NoConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """For plugins without settings."""


class Loaded(NamedTuple):
    """A plugin's class and what it says of itself; `schema` is that of its section."""

    kind: Any
    version: str
    source: str
    summary: str
    schema: dict[str, Any] | None


class Failed(NamedTuple):
    """Why it can't be had, as a sentence."""

    state: Literal["missing", "quarantined"]
    reason: str
    error: BaseException


Points = Mapping[str, metadata.EntryPoint]


def entry_points(wanted: Collection[str]) -> Points:
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


def load(section: PluginSection, points: Points) -> Loaded | Failed:
    """Imports it. Whatever it does at import, this returns; it may run in any thread."""
    try:
        return _load(section, points)
    except (Exception, SystemExit) as error:  # whatever a plugin does at import, the rest runs
        return failure(section, points, error)


def failure(section: PluginSection, points: Points, error: BaseException) -> Failed:
    """What an error at import, or of a plugin's making, means."""
    match error:
        case MissingLibrary():
            said = str(error).removesuffix(error.hint).strip()
            return Failed(
                "missing", f"{said} Run `{error.hint}`." if error.hint.startswith("pip ") else str(error), error
            )
        case ConfigError():
            return Failed("quarantined", str(error), error)
        case ModuleNotFoundError():
            library = (error.name or "").partition(".")[0]
            if library and library != module_of(section, points).partition(".")[0]:
                said = f"It needs {library}, which is not installed. Run `pip install {library}`."
                return Failed("missing", said, error)
            return Failed("quarantined", f"It can't be imported: {error}.", error)
    place = _place(error, module_of(section, points))
    return Failed("quarantined", f"It failed to load with {named(error)}.{place}", error)


def module_of(section: PluginSection, points: Points) -> str:
    """Where the plugin itself is imported from."""
    point = points.get(section.use)
    place = section.use.partition(":")[0]
    return point.module if point else _file_module(section) if place.endswith(".py") else place


def is_shipped(section: PluginSection, points: Points) -> bool:
    """Does it come with Pillion itself?"""
    point = points.get(section.use)
    return point is not None and point.dist is not None and point.dist.name == "pillion"


def forget(section: PluginSection, points: Points) -> None:
    """Drops the plugin's own modules, so that the next load reads them anew. Objects made of the old ones live on."""
    top = module_of(section, points).partition(".")[0]
    if top == OURS:
        return
    for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def sources(section: PluginSection, points: Points) -> list[Path]:
    """The plugin's own files, where somebody may be writing them: none of what is installed for good."""
    file = section.use.partition(":")[0]
    if section.use not in points and file.endswith(".py"):
        return [(section.folder / file).resolve()]
    top = module_of(section, points).partition(".")[0]
    try:
        spec = None if top == OURS else importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return []
    found = [Path(spec.origin)] if spec.has_location and spec.origin else []
    with suppress(OSError):  # a folder that goes meanwhile
        for folder in spec.submodule_search_locations or ():
            found += itertools.islice(Path(folder).rglob("*.py"), MOST_FILES)
    return [path for path in dict.fromkeys(found) if not INSTALLED & set(path.parts)]


def named(error: BaseException) -> str:
    """An error's kind and words; of a group, the first one's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".rstrip(": .")


def _load(section: PluginSection, points: Points) -> Loaded:
    version, use = "", section.use
    if ":" in use:
        kind = _from_file(section) if use.partition(":")[0].endswith(".py") else _from_module(use)
    elif use in points:
        point = points[use]
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
    return Loaded(kind, version, use, summary, schema)


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


def _place(error: BaseException, module: str) -> str:
    """A sentence about the line of the plugin's own code that it comes from. A SyntaxError says so itself."""
    top, last = module.partition(".")[0], ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").partition(".")[0] == top:
            last = f" See {frame.f_code.co_filename}, line {line}."
    return "" if isinstance(error, SyntaxError) else last
