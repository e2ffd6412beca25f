"""`pillion aide`: what the editor's sidecar left behind."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import to_builtins

from pillion_http.commandline import on_server, say, say_json
from pillion_http.liveserver import LiveServer

from .leftbehind import brought, left


@click.group("aide")
def aide() -> None:
    """What belongs to the Aide editor."""


@aide.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True))
@on_server
def import_(folder: Path, json_: bool, server: LiveServer) -> None:
    """Bring the sessions in that the sidecar kept in DIR, its --index-dir. Its files stay as they are.

    Exit code 1: at least one of them could not be brought in.
    """
    done = []
    for one in brought(folder, server):
        done.append(one)
        if not json_:
            nodes = f"; {one.nodes} nodes of attempts stay in the file" if one.nodes else ""
            said = one.error or f"is session {one.session}, with {one.exchanges} exchanges{nodes}"
            say(f"{one.file}: {said}")
    others = left(folder)
    if json_:
        say_json({"data": to_builtins(done), "left": others})
    else:
        if not done:
            click.echo("There are no sessions in it.", err=True)
        if others:
            files = ", ".join(f"{name}/ ({count})" for name, count in others.items())
            click.echo(f"Left as they are, since nothing here takes them: {files}.", err=True)
    if any(one.error for one in done):
        raise click.exceptions.Exit(1)
