"""`pillion plugins`: what is switched on, and what keeps the rest from working."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options
from .completing import plugin_names


@click.group()
def plugins() -> None:
    """What is switched on, and what keeps the rest from working."""


@plugins.command("list")
@options.as_json
@options.places
def list_(json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Every plugin that the settings list, with its state."""
    from .listing import ask, print_json, print_table

    states: list[dict[str, Any]] = ask(config, data_dir, lambda source: source.plugins(), quiet=True, stored=False)
    if json_:
        print_json(states)
        return
    rows = [(state["name"], state["state"], state.get("version", ""), _said(state)) for state in states]
    print_table(("plugin", "state", "version", "what it does, or what is wrong"), rows, marks=STYLES)


STYLES = {"on": "green", "off": "dim", "missing": "yellow", "quarantined": "red"}


def _said(state: dict[str, Any]) -> str:
    said = str(state.get("reason") or state.get("summary", ""))
    return f"{said} ({PENDING[state['pending']]})".strip() if state.get("pending") else said


PENDING = {
    "on": "on at the next start",
    "off": "off at the next start",
    "changed": "changed, which counts from the next start",
}


def _switch_options(command: Any) -> Any:
    name = click.argument("name", shell_complete=plugin_names)
    persist = click.option(
        "--persist/--no-persist", default=True, help="Write it into your settings file, too; it is by default."
    )
    return name(persist(options.as_json(options.places(command))))


@plugins.command("enable")
@_switch_options
def enable(name: str, persist: bool, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Switch a plugin on, from the next turn; without a server, from its next start."""
    from .switch import switch

    return switch(name, True, persist, json_, config, data_dir)


@plugins.command("disable")
@_switch_options
def disable(name: str, persist: bool, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Switch a plugin off, from the next turn; without a server, from its next start."""
    from .switch import switch

    return switch(name, False, persist, json_, config, data_dir)


@plugins.command("check")
@click.argument("plugin", default="", shell_complete=plugin_names)
@options.as_json
@options.places
def check(plugin: str, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Load PLUGIN as a server would, and say what it brings and what is wrong; by default all that are listed.

    PLUGIN is a name of the settings, an installed plugin's, FILE.py, FILE.py:Class or module:Class. Its code runs.
    """
    from .listing import print_json
    from .plugincheck import examine

    reports = examine(plugin, config, data_dir)
    if json_:
        print_json([report.told() for report in reports])
    for report in () if json_ else reports:
        print(report.line())
    wrong = [report for report in reports if report.wrong and (plugin or report.state != "missing")]
    return 1 if wrong else 0


@plugins.command("commands")
@options.as_json
def commands_(json_: bool) -> None:
    """The commands that plugins bring: `pillion NAME`."""
    from .brought import commands
    from .listing import print_json, print_table

    lines = [(name, command.get_short_help_str()) for name, command in commands().items()]
    if json_:
        print_json([{"name": name, "summary": said} for name, said in lines])
        return
    print_table(("command", "what it does"), lines)


@plugins.command("new")
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Where to put it.  [default: a new folder pillion-NAME]",
)
@options.as_json
@options.places
def new(name: str, folder: Path | None, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Write a complete distribution with one plugin: settings, a tool, tests that pass, a README."""
    from .listing import print_json
    from .newplugin import names, write

    given = names(name, set(options.load_settings(config, data_dir).plugins))
    folder = folder or Path(given["distribution"])
    files = write(folder, given)
    if json_:
        print_json({"folder": str(folder.resolve()), "plugin": given["plugin"], "files": files})
        return
    click.echo(f"Wrote {folder}: {', '.join(files)}.")
    click.echo(f"Next: cd {folder} && pip install -e '.[test]' && pytest")
