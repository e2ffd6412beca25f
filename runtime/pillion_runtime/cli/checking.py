"""Whether settings are right, plugin by plugin, and the JSON Schema of the file."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pillion.catalog import Catalog
from pillion.errors import ConfigError, PillionError
from pillion.plugins import PluginHost
from pillion.protection import Protected
from pillion.roles import Models
from pillion.settings import Deadlines, Defaults, Execution, Settings, Trust
from pillion.values import Limits

from .. import hostsettings
from ..hookspecs import HostHooks
from ..hostsettings import HostSettings

SECTIONS: dict[str, type[Struct]] = {
    "host": HostSettings,
    "defaults": Defaults,
    "models": Models,
    "limits": Limits,
    "deadlines": Deadlines,
    "execution": Execution,
    "trust": Trust,
    "protected": Protected,
}
_AT = re.compile(r"\(at line (\d+), column \d+\)")
"""Where a file is no TOML."""
_HEAD = re.compile(r"\s*(?:\[(\[)?)\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*([\w\-.\"' ]+?)\s*=")
EFFECTS = {"type": "array", "items": {"enum": ["read", "write", "execute", "network"]}}


class Wrong(Struct, frozen=True):
    """Something that the settings get wrong. `key` is the whole dotted one as far as known, `line` of the file or 0."""

    message: str
    key: str = ""
    plugin: str = ""
    line: int = 0

    @classmethod
    def of(cls, error: PillionError) -> Wrong:
        at = _AT.search(str(error))
        return cls(str(error), getattr(error, "path", ""), getattr(error, "plugin", ""), int(at[1]) if at else 0)

    def told(self) -> dict[str, Any]:
        return {"message": self.message, "key": self.key, "plugin": self.plugin, "line": self.line or None}

    def placed(self, file: Path) -> Wrong:
        """With the line of `file` where the key stands."""
        return msgspec.structs.replace(self, line=self.line or line_of(file, self.key))


def problems(settings: Settings) -> list[Wrong]:
    """What would keep the host or a plugin from working as the settings want it."""
    try:
        hostsettings.read(settings)
    except ConfigError as error:
        return [Wrong.of(error)]
    host = PluginHost(settings, (HostHooks,))
    host.load()
    wrong = [
        Wrong(f"Plugin {state.name}: {state.reason}", _path(host, state.name), state.name)
        for state in host.states()
        if state.state == "quarantined"
    ]
    return wrong + list(_defaults(settings, Catalog(settings, host)))


def _path(host: PluginHost, plugin: str) -> str:
    error = host.refused.get(plugin)
    return error.path if error and error.path.startswith("plugins.") else f"plugins.{plugin}"


def _defaults(settings: Settings, catalog: Catalog) -> Iterator[Wrong]:
    """Names that nobody brings. Of models the vendors have the last word."""
    for key, name, known in (
        ("store", settings.defaults.store, ["memory", *catalog.stores]),
        ("strategy", settings.defaults.strategy, ["auto", *catalog.strategies]),
    ):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            if not near and key == "store":
                hint = f"{hint} Switch the plugin on that brings it, or name one of these."
            yield Wrong(f"Setting defaults.{key}: there is no {name!r}. {hint}", f"defaults.{key}")


def file_schema(settings: Settings) -> dict[str, Any]:
    """JSON Schema (2020-12) of plugins.toml."""
    host = PluginHost(settings, (HostHooks,))
    host.load()
    tops, components = msgspec.json.schema_components(list(SECTIONS.values()), ref_template="#/$defs/{name}")
    plugins: dict[str, Any] = {}
    for state in host.states():
        plugins[state.name] = _section(state.name, state.settings, components)
    common = {"enabled": {"type": "boolean"}, "use": {"type": "string"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plugins.toml of Pillion",
        "type": "object",
        "additionalProperties": False,
        "properties": dict(zip(SECTIONS, tops, strict=True))
        | {
            "guards": {"type": "object", "additionalProperties": EFFECTS},
            "plugins": {
                "type": "object",
                "properties": plugins,
                "additionalProperties": {"type": "object", "properties": common},
            },
        },
        "$defs": components,
    }


def _section(name: str, schema: dict[str, Any] | None, components: dict[str, Any]) -> dict[str, Any]:
    """A plugin's section: its own keys, and the two that each has. Its parts get names of their own."""
    mine = msgspec.json.decode(msgspec.json.encode(schema or {}).replace(b"#/$defs/", f"#/$defs/{name}.".encode()))
    components |= {f"{name}.{part}": body for part, body in mine.pop("$defs", {}).items()}
    top = components.get(mine.get("$ref", "").removeprefix("#/$defs/"), {"type": "object", "properties": {}})
    more = {"enabled": {"type": "boolean", "default": True}, "use": {"type": "string"}}
    return {**top, "properties": more | top.get("properties", {})}


def line_of(file: Path, path: str) -> int:
    """The line of a TOML file that gives a dotted key, or else the innermost table around it; 0: no line does.

    In `path`, `[...]` is a key of any name and `[2]` the third table of an array.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 0
    wanted = re.sub(r"\[\d+\]", "", path).replace("[...]", ".*").split(".")
    nth = next((int(index) for index in re.findall(r"\[(\d+)\]", path)), None)
    section: list[str] = []
    tables: Counter[str] = Counter()
    best, depth, skipped = 0, 0, False
    for number, line in enumerate(lines, 1):
        if head := _HEAD.match(line):
            section = _names(head[2])
            tables[head[2]] += 1
            skipped = bool(head[1]) and nth not in (None, tables[head[2]] - 1)
            found = section
        elif key := _KEY.match(line):
            found = [*section, *_names(key[1])]
        else:
            continue
        fits = all(name in ("*", one) for name, one in zip(wanted, found, strict=False))
        if fits and not skipped and depth < len(found) <= len(wanted):
            best, depth = number, len(found)
    return best


def _names(dotted: str) -> list[str]:
    return [name.strip(" \"'") for name in dotted.split(".")]
