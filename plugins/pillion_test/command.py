"""`pillion tests`: which command runs a folder's tests, shown, set or forgotten. Needs no server."""

from __future__ import annotations

import json
from pathlib import Path

import click
import trio

from pillion import Home, LocalWorkspace
from pillion.escapes import plain
from pillion.settings import load

from .project import commands
from .remembered import Commands


@click.command("tests")
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False, exists=True, resolve_path=True), default=Path()
)
@click.option("--set", "set_", metavar="COMMAND", help="From now on this command runs them.")
@click.option("--forget", is_flag=True, help="Ask again at the next run.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="A settings file, laid over the shipped one."
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the answers are kept.")
def tests(
    folder: Path, set_: str | None, forget: bool, json_: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Show which command runs the tests of FOLDER, by default this one; or say which."""
    if set_ is not None and (forget or not set_.strip()):
        raise click.UsageError("Either --set with a command, or --forget.")
    settings = load(config=config, data_dir=data_dir)
    section = settings.plugins.get("test")
    said = section.config.get("commands", {}) if section else {}
    known = Commands(Home("test", settings.data_dir), said if isinstance(said, dict) else {})
    trio.run(_run, known, folder, set_, forget, json_)


async def _run(known: Commands, folder: Path, set_: str | None, forget: bool, json_: bool) -> None:
    if set_ is not None:
        await known.put(folder, set_.strip())
    elif forget and not await known.forget(folder):
        click.echo("Nothing was remembered.", err=True)
    told = {
        "folder": str(folder),
        "settings": known.set_for(folder),
        "remembered": await known.get(folder),
        "found": await commands(LocalWorkspace(folder)),
    }
    if json_:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    found = told["found"]
    counts = next(((word, told[word]) for word in ("settings", "remembered") if told[word]), None)
    if counts is not None:
        click.echo(f"{plain(str(counts[1]))}  ({counts[0]})")
    elif found:
        click.echo(f"{plain(str(found[0]))}  (found in its files; you are asked at the first run)")
    else:
        click.echo("No command is known; you are asked at the first run.")
