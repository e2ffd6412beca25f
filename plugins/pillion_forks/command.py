"""`pillion forks`: list, make, compare, merge and drop them, by the running server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from pillion_http.commandline import on_server, say, say_json
from pillion_http.liveserver import LiveServer

_WHYS = {
    "both": "changed here, too, at the same place",
    "gone": "taken away on one side, changed on the other",
    "unsaved": "unsaved in an editor",
    "protected": "protected",
    "blocked": "something that is not kept stands there",
}


def commands() -> Sequence[click.Command]:
    return [forks]


@click.group("forks")
def forks() -> None:
    """Workspaces of their own that began as another one: list, make, compare, merge and drop them."""


@forks.command("list")
@click.option("--here", is_flag=True, help="Only those of this folder.")
@on_server
def list_(here: bool, json_: bool, server: LiveServer) -> None:
    """The forks there are, the oldest first."""
    said, _ = server.ask("GET", "/api/forks")
    found = [one for one in said["data"] if not here or one["origin"] == str(Path.cwd())]
    if json_:
        say_json(found)
        return
    for one in found:
        say(f"{one['fork']}  {one['created'][:19]}Z  {one['way']:8}{one['origin']}")


@forks.command("new")
@click.argument("folder", default=".")
@click.option("--checkpoint", default="", help="As the folder was then: a checkpoint's whole name.")
@on_server
def new(folder: str, checkpoint: str, json_: bool, server: LiveServer) -> None:
    """Make a fork of FOLDER, by default of this one. Prints where its files are, and its address for a session."""
    wanted = folder if "://" in folder else str(Path(folder).absolute())
    body = {"workspace": wanted, "checkpoint": checkpoint}
    said, _ = server.ask("POST", "/api/forks", body)
    if json_:
        say_json(said)
    else:
        say(f"{said['fork']}\n{said['folder']}\n{said['address']}")


@forks.command("diff")
@click.argument("fork")
@on_server
def diff(fork: str, json_: bool, server: LiveServer) -> None:
    """What was changed in FORK since it was made, or merged."""
    said, _ = server.ask("GET", f"/api/forks/{quote(fork, safe='')}/diff")
    if json_:
        say_json(said)
        return
    for file in said["data"]:
        say(file["diff"] or f"{file['path']}: {file['kind']}\n", nl=False)


@forks.command("merge")
@click.argument("fork")
@click.option("--session", default="", help="The session whose turn it is; by default the last one of the origin.")
@click.option(
    "--prefer",
    type=click.Choice(["fork", "mark"]),
    help="For files that both changed at the same place: the fork's, or both with marks. By default they are left.",
)
@click.option("--drop", is_flag=True, help="And drop the fork, where nothing was left.")
@on_server
def merge(fork: str, session: str, prefer: str | None, drop: bool, json_: bool, server: LiveServer) -> None:
    """Bring what FORK changed into the workspace that it was made from. Exits with 1 where something was left."""
    path = f"/api/forks/{quote(fork, safe='')}"
    found, _ = server.ask("GET", path)
    id = server.session(session) if session else _session(server, found["origin"])
    accepted, _ = server.ask("POST", f"{path}/merge", {"session": id, "prefer": prefer or ""})
    told = server.outcome(id, accepted, "fork.merged")
    if json_:
        say_json(told)
    else:
        _show(told)
    if told.get("left"):
        raise SystemExit(1)
    if drop:
        server.ask("DELETE", path)


@forks.command("drop")
@click.argument("fork")
@on_server
def drop(fork: str, json_: bool, server: LiveServer) -> None:
    """Take FORK away, with all that is in it."""
    server.ask("DELETE", f"/api/forks/{quote(fork, safe='')}")
    if json_:
        say_json({"dropped": fork})


def _session(server: LiveServer, origin: str) -> str:
    """The last one on that workspace, or a new one."""
    said, _ = server.ask("GET", f"/api/sessions?limit=1&workspace={quote(origin, safe='')}")
    if not said["data"]:
        made, _ = server.ask("POST", "/api/sessions", {"workspace": origin})
        return str(made["id"])
    return str(said["data"][0]["id"])


def _show(told: Mapping[str, Any]) -> None:
    count, paths = told.get("files", 0), told.get("paths", [])
    click.echo(f"{count} {'file' if count == 1 else 'files'} merged{':' if paths else '.'}")
    for path in paths:
        say(f"  {path}")
    if count > len(paths):
        click.echo(f"  … and {count - len(paths)} more")
    for one in told.get("left", []):
        say(f"Left as it is: {one['path']} ({_WHYS.get(one['why'], one['why'])})")
        say(one.get("diff", ""), nl=False)
    if any(one["why"] == "both" for one in told.get("left", [])):
        click.echo("--prefer fork takes the fork's, --prefer mark both with marks; each can be undone.", err=True)
