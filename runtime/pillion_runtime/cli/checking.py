"""Whether settings are right, plugin by plugin, and the JSON Schema of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pillion.errors import ConfigError, PillionError
from pillion.plugins import PluginHost
from pillion.settings import Deadlines, Defaults, Execution, Settings, Trust
from pillion.values import Limits

from .. import hostsettings
from ..hookspecs import HostHooks
from ..hostsettings import HostSettings

SECTIONS: dict[str, type[Struct]] = {
    "host": HostSettings,
    "defaults": Defaults,
    "limits": Limits,
    "deadlines": Deadlines,
    "execution": Execution,
    "trust": Trust,
}
EFFECTS = {"type": "array", "items": {"enum": ["read", "write", "execute", "network"]}}


class Wrong(Struct, frozen=True):
    """Something that the settings get wrong. `key` is dotted as far as it is known, `line` of the file or 0."""

    message: str
    key: str = ""
    plugin: str = ""
    line: int = 0

    @classmethod
    def of(cls, error: PillionError) -> Wrong:
        return cls(str(error), getattr(error, "key", ""), getattr(error, "plugin", ""))

    def told(self) -> dict[str, Any]:
        return {"message": self.message, "key": self.key, "plugin": self.plugin, "line": self.line or None}

    def placed(self, file: Path) -> Wrong:
        """With the line of `file` where the key stands."""
        return msgspec.structs.replace(self, line=line_of(file, self.key, self.plugin))


def problems(settings: Settings) -> list[Wrong]:
    """What would keep the host or a plugin from working as the settings want it."""
    try:
        hostsettings.read(settings)
    except ConfigError as error:
        return [Wrong.of(error)]
    host = PluginHost(settings, (HostHooks,))
    host.load()
    return [
        Wrong(f"Plugin {state.name}: {state.reason}", "", state.name)
        for state in host.states()
        if state.state == "quarantined"
    ]


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


def line_of(file: Path, key: str, plugin: str) -> int:
    """The line that gives a key, in the plugin's section where one is named; else that of the section's head."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 0
    wanted, section, head = key.rpartition(".")[2], "", 0
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if bare.startswith("["):
            section = bare.strip("[] ").partition("#")[0].strip("[] ")
            if section in (f"plugins.{plugin}", key) and not head:
                head = number
        elif wanted and bare.partition("=")[0].strip().strip('"') == wanted and (not plugin or plugin in section):
            return number
    return head
