"""`pillion notes`: a session's scratch pad, shown or edited, from the running server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from pillion.settings import load
from pillion_http.liveserver import LiveServer

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would move a terminal's cursor, or worse."""


@click.command("notes")
@click.argument("session")
@click.option("--edit", is_flag=True, help="Change them in your editor: $VISUAL, else $EDITOR.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="A settings file, laid over the shipped one."
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the server is looked for.")
def notes(session: str, edit: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show the notes that model and person keep in a session. SESSION is an id, or the beginning of one."""
    server = LiveServer(load(config=config, data_dir=data_dir).data_dir)
    path = f"/api/sessions/{server.session(session)}/scratchpad"
    pad, tag = server.ask("GET", path)
    if edit:
        text = click.edit(pad["text"], extension=".md")
        if text is None or text == pad["text"]:
            click.echo("Nothing is changed.", err=True)
        else:
            pad = _put(server, path, text, tag)
    if json_:
        click.echo(json.dumps(pad, indent=2, ensure_ascii=False))
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
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", pad["text"])
    click.echo(text, nl=not text.endswith("\n"))
    click.echo(f"Written by the {pad['by']}, {pad['updated']}.", err=True)
