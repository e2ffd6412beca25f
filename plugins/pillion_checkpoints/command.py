"""`pillion undo`, `redo` and `checkpoints`: what the running server keeps of a session, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import click

from pillion_http.commandline import on_server, safe, say, say_json
from pillion_http.liveserver import LiveServer

_WHYS = {
    "changed": "changed by somebody else since",
    "interrupted": "changed by a program that was cut off, or by somebody",
    "unsaved": "unsaved in an editor",
    "protected": "protected",
    "blocked": "something that is not kept stands there",
}
F = TypeVar("F", bound=Callable[..., Any])


def commands() -> Sequence[click.Command]:
    return [undo, redo, checkpoints]


def _going(command: F) -> F:
    for option in (
        click.option("--overwrite", is_flag=True, help="Also files that somebody else has changed since."),
        click.option("--what", type=click.Choice(["files", "conversation", "both"]), default="both", show_default=True),
    ):
        command = option(command)
    return command


@click.command("undo")
@click.argument("session", default="")
@_going
@on_server
def undo(session: str, what: str, overwrite: bool, json_: bool, server: LiveServer) -> None:
    """Take a session's last turn back: its changes of files, and its words.

    SESSION is an id, or the beginning of one; by default the last one of this folder.
    """
    _go("undo", session, what, overwrite, json_, server)


@click.command("redo")
@click.argument("session", default="")
@_going
@on_server
def redo(session: str, what: str, overwrite: bool, json_: bool, server: LiveServer) -> None:
    """Do again what was undone last. SESSION as for `pillion undo`."""
    _go("redo", session, what, overwrite, json_, server)


@click.command("checkpoints")
@click.argument("session", default="")
@click.option("--diff", metavar="CHECKPOINT", help="What differs between it and now.")
@click.option("--restore", metavar="CHECKPOINT", help="Go back to it.")
@_going
@on_server
def checkpoints(
    session: str,
    diff: str | None,
    restore: str | None,
    what: str,
    overwrite: bool,
    json_: bool,
    server: LiveServer,
) -> None:
    """List a session's checkpoints, show what changed since one, or go back to it. SESSION as for `pillion undo`."""
    if restore:
        _go(f"checkpoints/{quote(restore, safe='')}/restore", session, what, overwrite, json_, server)
        return
    path = f"/api/sessions/{_of(server, session)}/checkpoints"
    said, _ = server.ask("GET", f"{path}/{quote(diff, safe='')}/diff" if diff else path)
    if json_:
        say_json(said)
    elif diff:
        for file in said["data"]:
            say(file["diff"] or f"{file['path']}: {file['kind']}{_modes(file)}\n", nl=False)
    else:
        for one in said["data"]:
            say(
                f"{one['checkpoint'][:12]}  {one['time'][:19]}Z  {one['why']:8}step {one['step']}  {_line(one['text'])}"
            )
        for way in ("undo", "redo"):
            if said[way]:
                click.echo(f"{way}: {safe(_line(said[way]['text']))}", err=True)


def _modes(file: Mapping[str, Any]) -> str:
    return f", mode {file['modes'][0]} to {file['modes'][1]}" if file["modes"] else ""


def _line(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= 60 else f"{first[:59]}…"


def _go(way: str, session: str, what: str, overwrite: bool, json_: bool, server: LiveServer) -> None:
    """Asks for it, waits for its end, and tells what came of it. Exits with 1 where files were left as they are."""
    id = _of(server, session)
    accepted, _ = server.ask("POST", f"/api/sessions/{id}/{way}", {"what": what, "overwrite": overwrite})
    told = server.outcome(id, accepted, "workspace.restored")
    if json_:
        say_json(told)
    else:
        _show(told, id)
    if told.get("left"):
        raise SystemExit(1)


def _show(told: Mapping[str, Any], session: str) -> None:
    if told.get("what", "both") != "files":
        click.echo("The conversation is what it was then.")
    count, paths = told.get("files", 0), told.get("paths", [])
    if told.get("what", "both") != "conversation":
        click.echo(f"{count} {'file' if count == 1 else 'files'} put back{':' if paths else '.'}")
    for path in paths:
        say(f"  {path}")
    if count > len(paths):
        click.echo(f"  … and {count - len(paths)} more")
    for one in told.get("left", []):
        say(f"Left as it is: {one['path']} ({_WHYS.get(one['why'], one['why'])})")
        say(one.get("diff", ""), nl=False)
    if told.get("left"):
        again = f"pillion checkpoints {session[:12]} --restore {told['checkpoint'][:12]} --what files --overwrite"
        click.echo(f"`{again}` puts these back, too; what is there is kept in a checkpoint first.", err=True)


def _of(server: LiveServer, session: str) -> str:
    return server.session(session) if session else server.last_session(Path.cwd())
