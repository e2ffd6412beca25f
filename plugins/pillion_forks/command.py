"""`pillion forks`: list, make, compare, merge and drop them, by the running server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import click

from pillion.settings import load
from pillion_http.liveserver import LiveServer

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would move a terminal's cursor, or worse."""
_WHYS = {
    "both": "changed here, too, at the same place",
    "gone": "taken away on one side, changed on the other",
    "unsaved": "unsaved in an editor",
    "protected": "protected",
    "blocked": "something that is not kept stands there",
}
_ENDS = ("turn.finished", "turn.failed", "turn.cancelled", "turn.interrupted")
F = TypeVar("F", bound=Callable[..., Any])


def commands() -> Sequence[click.Command]:
    return [forks]


def _common(command: F) -> F:
    for option in (
        click.option(
            "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the server is looked for."
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A settings file, laid over the shipped one.",
        ),
        click.option("--json", "json_", is_flag=True, help="One JSON document on stdout."),
    ):
        command = option(command)
    return command


@click.group("forks")
def forks() -> None:
    """Workspaces of their own that began as another one: list, make, compare, merge and drop them."""


@forks.command("list")
@click.option("--here", is_flag=True, help="Only those of this folder.")
@_common
def list_(here: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """The forks there are, the oldest first."""
    said, _ = _server(config, data_dir).ask("GET", "/api/forks")
    found = [one for one in said["data"] if not here or one["origin"] == str(Path.cwd())]
    if json_:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for one in found:
        _say(f"{one['fork']}  {one['created'][:19]}Z  {one['way']:8}{one['origin']}")


@forks.command("new")
@click.argument("folder", default=".")
@click.option("--checkpoint", default="", help="As the folder was then: a checkpoint's whole name.")
@_common
def new(folder: str, checkpoint: str, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Make a fork of FOLDER, by default of this one. Prints where its files are, and its address for a session."""
    wanted = folder if "://" in folder else str(Path(folder).absolute())
    body = {"workspace": wanted, "checkpoint": checkpoint}
    said, _ = _server(config, data_dir).ask("POST", "/api/forks", body)
    if json_:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        _say(f"{said['fork']}\n{said['folder']}\n{said['address']}")


@forks.command("diff")
@click.argument("fork")
@_common
def diff(fork: str, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """What was changed in FORK since it was made, or merged."""
    said, _ = _server(config, data_dir).ask("GET", f"/api/forks/{quote(fork, safe='')}/diff")
    if json_:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for file in said["data"]:
        _say(file["diff"] or f"{file['path']}: {file['kind']}\n", nl=False)


@forks.command("merge")
@click.argument("fork")
@click.option("--session", default="", help="The session whose turn it is; by default the last one of the origin.")
@click.option(
    "--prefer",
    type=click.Choice(["fork", "mark"]),
    help="For files that both changed at the same place: the fork's, or both with marks. By default they are left.",
)
@click.option("--drop", is_flag=True, help="And drop the fork, where nothing was left.")
@_common
def merge(
    fork: str, session: str, prefer: str | None, drop: bool, json_: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Bring what FORK changed into the workspace that it was made from. Exits with 1 where something was left."""
    server = _server(config, data_dir)
    path = f"/api/forks/{quote(fork, safe='')}"
    found, _ = server.ask("GET", path)
    id = server.session(session) if session else _session(server, found["origin"])
    accepted, _ = server.ask("POST", f"{path}/merge", {"session": id, "prefer": prefer or ""})
    told = _outcome(server, id, accepted["turn"], accepted["after"])
    if json_:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _show(told)
    if told.get("left"):
        raise SystemExit(1)
    if drop:
        server.ask("DELETE", path)


@forks.command("drop")
@click.argument("fork")
@_common
def drop(fork: str, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Take FORK away, with all that is in it."""
    _server(config, data_dir).ask("DELETE", f"/api/forks/{quote(fork, safe='')}")
    if json_:
        click.echo(json.dumps({"dropped": fork}))


def _server(config: Path | None, data_dir: Path | None) -> LiveServer:
    return LiveServer(load(config=config, data_dir=data_dir).data_dir)


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
        _say(f"  {path}")
    if count > len(paths):
        click.echo(f"  … and {count - len(paths)} more")
    for one in told.get("left", []):
        _say(f"Left as it is: {one['path']} ({_WHYS.get(one['why'], one['why'])})")
        _say(one.get("diff", ""), nl=False)
    if any(one["why"] == "both" for one in told.get("left", [])):
        click.echo("--prefer fork takes the fork's, --prefer mark both with marks; each can be undone.", err=True)


def _say(text: str, *, nl: bool = True) -> None:
    click.echo(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), nl=nl)


def _outcome(server: LiveServer, session: str, turn: str, after: str) -> Mapping[str, Any]:
    """What the turn told when it ended. Raises ClickException with what failed it."""
    told: Mapping[str, Any] = {}
    for event in server.follow(f"/api/sessions/{session}/events?after={quote(after, safe='')}"):
        if event.get("turn") != turn:
            continue
        if event["type"] == "fork.merged":
            told = event
        elif event["type"] in _ENDS:
            if event["type"] != "turn.finished":
                raise click.ClickException(event.get("message") or "It was stopped.")
            break
    return told
