"""plugins.toml as it is shipped: what is commented out is valid, is the default, and is all that can be set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from pillion.plugins import NoConfig
from pillion.protection import Protected
from pillion.roles import Models
from pillion.settings import Deadlines, Defaults, Execution, Settings, Trust, convert, load, shipped_file
from pillion.values import Limits
from pillion_runtime.hostsettings import HostSettings

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
EXAMPLES = {
    "limits.cost",
    "plugins.embedded.keep_prompt",
    *(f"plugins.usage.{of}_{what}" for of in ("session", "day") for what in ("cost", "tokens")),
}
"""There is no default to show: it is none."""
OFF = {"aide"}
"""It opens routes without a token."""
SHIPPED = {"defaults.store": "storage"}
"""Set in the file, whatever is the default of a kernel without plugins."""


def uncommented(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with its setting switched on, and whether it stands below a table that is only an example."""
    example = False
    for line in text.splitlines():
        setting = re.match(r"# (\w+ = |\[|  )", line)  # two more spaces: the line before goes on
        example = line.startswith("# [") or (example and not line.startswith("["))
        yield (line[2:] if setting else line), example


TEXT = shipped_file().read_text("utf-8")


def shown(tmp_path: Path, *, examples: bool) -> Settings:
    file = tmp_path / "all.toml"
    file.write_text("\n".join(line for line, example in uncommented(TEXT) if examples or not example))
    return load(config=file, data_dir=tmp_path, environ={}, shipped=False)


def config_of(name: str) -> type[Struct]:
    (point,) = (point for point in metadata.entry_points(group="pillion") if point.name == name)
    kind: type[Struct] = getattr(point.load(), "Config", NoConfig)
    return kind


def defaults(kind: type[Struct]) -> Mapping[str, Any]:
    told: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(kind()))
    return told


PLUGINS = [*load(environ={}).plugins]


def test_every_line_switched_on_is_taken(tmp_path: Path) -> None:
    settings = shown(tmp_path, examples=True)
    settings.section("host", HostSettings)
    for name, section in settings.plugins.items():
        convert(section.config, config_of(name), plugin=name, prefix=f"plugins.{name}")
    assert settings.raw["plugins"]["openai"]["servers"]["local"]["context"] == 32768
    assert settings.raw["plugins"]["approvals"]["rules"]


@pytest.mark.parametrize("name", [*SECTIONS])
def test_a_section_shows_all_its_defaults(name: str, tmp_path: Path) -> None:
    raw = shown(tmp_path, examples=False).raw[name]
    _are_defaults(raw, defaults(SECTIONS[name]), name)
    assert raw.keys() == defaults(SECTIONS[name]).keys()


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_shows_all_its_defaults(name: str, tmp_path: Path) -> None:
    config = shown(tmp_path, examples=False).plugins[name].config
    _are_defaults(config, defaults(config_of(name)), f"plugins.{name}")
    tables = set(re.findall(rf"^# \[+plugins\.{name}\.(\w+)", TEXT, re.M))  # shown by an example
    assert config.keys() | tables == defaults(config_of(name)).keys()


def _are_defaults(raw: Mapping[str, Any], told: Mapping[str, Any], section: str) -> None:
    for key, value in raw.items():
        if f"{section}.{key}" not in EXAMPLES:
            assert value == SHIPPED.get(f"{section}.{key}", told[key]), f"{section}.{key}"


def test_every_first_party_plugin_is_listed_and_on_or_off_for_a_reason() -> None:
    mine = {point.name for point in metadata.entry_points(group="pillion") if point.module.startswith("pillion_")}
    settings = load(environ={})
    assert mine == set(settings.plugins)
    assert {name for name, section in settings.plugins.items() if not section.enabled} == OFF
