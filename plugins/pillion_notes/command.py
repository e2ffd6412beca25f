"""`pillion notes`: a session's scratch pad, shown or edited, from the running server."""

from __future__ import annotations

from typing import Any

import click

from pillion_http.commandline import on_server, say, say_json
from pillion_http.liveserver import LiveServer


@click.command("notes")
@click.argument("session")
@click.option("--edit", is_flag=True, help="Change them in your editor: $VISUAL, else $EDITOR.")
@on_server
def notes(session: str, edit: bool, json_: bool, server: LiveServer) -> None:
    """Show the notes that model and person keep in a session. SESSION is an id, or the beginning of one."""
    path = f"/api/sessions/{server.session(session)}/scratchpad"
    pad, tag = server.ask("GET", path)
    if edit:
        text = click.edit(pad["text"], extension=".md")
        if text is None or text == pad["text"]:
            click.echo("Nothing is changed.", err=True)
        else:
            pad = _put(server, path, text, tag)
    if json_:
        say_json(pad)
    elif not edit:
        _show(pad)


def _put(server: LiveServer, path: str, text: str, tag: str) -> dict[str, Any]:
    """Writes them, if they are still those that were edited; what can't be written is told, so that it is not lost."""
    try:
        pad, _ = server.ask("PUT", path, {"text": text}, {"if-match": tag})
    except click.ClickException as error:
        raise click.ClickException(f"{error.message}\nWhat you wrote:\n\n{text}") from None
    return pad


def _show(pad: dict[str, Any]) -> None:
    if not pad["text"]:
        click.echo("There are no notes in this session.", err=True)
        return
    say(pad["text"], nl=not pad["text"].endswith("\n"))
    click.echo(f"Written by the {pad['by']}, {pad['updated']}.", err=True)
