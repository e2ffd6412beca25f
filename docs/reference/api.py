"""Writes what the API promises: openapi.json, events.schema.json, and the TypeScript types that are made of them.

    python docs/reference/api.py               refuses what would break a client (versioning.md)
    python docs/reference/api.py --breaking    writes it all the same: before a release, or with a new version

Only the host's own routes and the kernel's own events are in it; a running server tells of its plugins' too.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import trio

from pillion.kernel import open_kernel
from pillion.settings import load
from pillion_runtime.app import create_app
from pillion_runtime.eventschema import events_schema
from pillion_runtime.hookspecs import HostHooks
from pillion_runtime.host import Host
from pillion_runtime.hostsettings import HostSettings
from pillion_runtime.openapi import document

HERE = Path(__file__).parent
API = HERE / "openapi.json"
EVENTS = HERE / "events.schema.json"
IDE = HERE.parent / "howto/ide"
TYPES = IDE / "pillion.ts"

DEPTHS = {"paths": 2, "components": 2, "$defs": 1}
"""How deep the lines of the files go."""

Schema = dict[str, Any]


def described() -> tuple[Schema, Schema]:
    """What a server without plugins says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        return trio.run(_described, Path(folder))


async def _described(folder: Path) -> tuple[Schema, Schema]:
    settings = load(data_dir=folder, environ={}, shipped=False)
    async with open_kernel(settings, hookspecs=(HostHooks,)) as kernel:
        api = document(create_app(Host(kernel, HostSettings())))
    return json.loads(msgspec.json.encode(api)), json.loads(msgspec.json.encode(events_schema({})))


def types(api: Schema, events: Schema) -> str:
    """TypeScript of both."""
    text: str = _module(IDE / "make.py").types(api, events)
    return text


def breaks(old: tuple[Schema, Schema], new: tuple[Schema, Schema]) -> list[str]:
    """What would break the clients of the old ones: sentences."""
    compare = _module(HERE / "breaking.py").Comparison
    return [*compare(old[0], new[0]).api(), *compare(old[1], new[1]).events()]


def promised() -> tuple[Schema, Schema]:
    """What stands in the files."""
    return json.loads(API.read_text("utf-8")), json.loads(EVENTS.read_text("utf-8"))


def text(schema: Schema) -> str:
    """JSON with a line for each operation and each part, so that a change shows as one line."""
    lines = [f"{json.dumps(name)}: {_lines(value, DEPTHS.get(name, 0))}" for name, value in schema.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(value: Any, depth: int) -> str:
    if not depth:
        return json.dumps(value, ensure_ascii=False)
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(part, depth - 1)}" for key, part in value.items()) + "\n}"


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(arguments: list[str]) -> None:
    api, events = described()
    if API.exists() and "--breaking" not in arguments:
        old = promised()
        broken = breaks(old, (api, events)) if old[0]["info"]["version"] == api["info"]["version"] else []
        if broken:
            sys.exit("\n".join(["This would break clients (see versioning.md, and --breaking):", *broken]))
    API.write_text(text(api), "utf-8")
    EVENTS.write_text(text(events), "utf-8")
    TYPES.write_text(types(api, events), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
