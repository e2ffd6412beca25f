"""`pillion search`: the files of a folder that are about some words. Needs no server."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
import msgspec
import trio

from pillion import LocalWorkspace, Settings, ToolError, open_kernel
from pillion.escapes import plain
from pillion.secrets import hide_process

from .plugin import Plugin
from .searches import Asked, By, Found
from .tool import told

if TYPE_CHECKING:
    from pillion.plugins import PluginHost

HOOKS = ("register_code", "register_embedders", "register_languages", "register_rankers", "register_stores")
"""What a plugin has that a search needs."""
Load = Callable[[Path | None, Path | None], "PluginHost"]


def search_command(load: Load) -> click.Command:
    """The command, for the program that brings in plugins by `load`."""

    @click.command("search")
    @click.argument("question", nargs=-1, required=True)
    @click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False, exists=True, resolve_path=True),
        default=Path(),
        help="Where; by default here.",
    )
    @click.option("--by", type=click.Choice(get_args(By)), default="words", show_default=True)
    @click.option("--file", "files", multiple=True, metavar="PATH", help="With --by all: what it is about; repeatable.")
    @click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Files.")
    @click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
    @click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), help="A settings file, laid over the shipped one."
    )
    @click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where what was read is kept.")
    def search(
        question: tuple[str, ...], folder: Path, by: By, files: tuple[str, ...], limit: int, json_: bool,
        config: Path | None, data_dir: Path | None,
    ) -> None:  # fmt: skip
        """Find the files that are about QUESTION, words or names, the best first, with their best lines."""
        asked = Asked(" ".join(question), limit, by, files)
        answer = trio.run(_found, _needed(load(config, data_dir)), folder, asked)
        if isinstance(answer, ToolError):
            raise click.ClickException(str(answer))
        if json_:
            click.echo(msgspec.json.encode({"data": answer}))
            return
        for one in answer:
            click.echo("\n".join(map(plain, told(one).split("\n"))))

    return search


def _needed(host: PluginHost) -> Settings:
    """The settings with those plugins alone that keep or tell something of files; git tells it by a door."""
    settings = host.settings
    for name, plugin in host.plugins().items():
        if name != "git" and not isinstance(plugin, Plugin) and not any(hasattr(plugin, hook) for hook in HOOKS):
            settings = settings.with_plugin(settings, name, False)
    return settings


async def _found(settings: Settings, folder: Path, asked: Asked) -> list[Found] | ToolError:
    hide_process()
    workspace = LocalWorkspace(folder)
    async with open_kernel(settings) as kernel:
        own = next((one for one in kernel.host.plugins().values() if isinstance(one, Plugin)), None)
        if own is None:
            return ToolError("The plugin index is not at work: `pillion plugins list` says why.")
        searches = own.searches
        searches.embedding.makes = asked.by == "meaning"
        try:
            found = await searches.find(workspace, asked, _note)
            if asked.by == "meaning" and (embedder := searches.embedder()):
                _note("vectors are made of what has none", 0)
                await searches.embedding.settled(embedder, workspace)  # here nobody asks again later
                found = await searches.find(workspace, asked)
        except ToolError as error:
            return error  # what is raised here would come out as a group
        return found


def _note(text: str, done: float) -> None:
    """While a large folder is read for the first time."""
    if sys.stderr.isatty():
        click.echo(text, err=True)
