"""`pillion plugins enable|disable`: through the live server where there is one, else in the settings file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import trio

from pillion.errors import ConfigError
from pillion.plugins import PluginHost
from pillion.settings import Settings

from ..switching import keep
from . import exits, options
from .listing import print_json
from .remote import find_server


def switch(name: str, enabled: bool, persist: bool, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Does it and tells it; the exit code."""
    settings = options.load_settings(config, data_dir)
    told = trio.run(_switch, settings, name, enabled, persist)
    if json_:
        print_json(told)
    else:
        print(_sentence(told, enabled))
        if told["note"]:
            click.echo(f"pillion: {told['note']}", err=True)
    failed = told["state"] in ("quarantined", "missing") or (persist and not told["written"])
    return exits.FAILED if failed else exits.DONE


async def _switch(settings: Settings, name: str, enabled: bool, persist: bool) -> dict[str, Any]:
    server = await find_server(settings.data_dir)
    if server is not None:
        done = await server.switch_plugin(name, enabled, persist)
        plugin = done.pop("plugin")
        return {"name": name, "state": plugin["state"], "reason": plugin.get("reason", "")} | done
    if not persist:
        hint = "Leave out --no-persist to write your settings."
        raise ConfigError("No server runs on this data directory, so there is nothing to switch.", hint=hint)
    PluginHost(settings).expect(name)
    written, note = await keep(settings, name, enabled)
    if written is None:
        raise ConfigError(note)
    return {"name": name, "state": "", "reason": "", "takes_effect": "restart", "written": written, "note": note}


def _sentence(told: dict[str, Any], enabled: bool) -> str:
    word = told["state"] or ("on" if enabled else "off")
    if told["reason"]:
        return f"{told['name']} is {word}: {told['reason']}"
    restart = told["takes_effect"] == "restart"
    when = "from the next start" if restart else "from the next turn"
    said = f"{told['name']} is {'on' if enabled else 'off'} {when}."
    return f"{said} {told['written']} says so." if told["written"] else said
