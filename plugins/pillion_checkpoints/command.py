"""`pillion undo`, `redo` and `checkpoints`: what the running server keeps of a session, and the way back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import click

from pillion.settings import load

SECONDS = 120.0
"""In which the server answers; it is on this machine."""
WHOLE = 32
"""Characters of an id."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would move a terminal's cursor, or worse."""
_WHYS = {
    "changed": "changed by somebody else since",
    "interrupted": "changed by a program that was cut off, or by somebody",
    "unsaved": "unsaved in an editor",
    "protected": "protected",
    "blocked": "something that is not kept stands there",
}
_ENDS = ("turn.finished", "turn.failed", "turn.cancelled", "turn.interrupted")
F = TypeVar("F", bound=Callable[..., Any])


def commands() -> Sequence[click.Command]:
    return [undo, redo, checkpoints]


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
@_common
def undo(session: str, what: str, overwrite: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Take a session's last turn back: its changes of files, and its words.

    SESSION is an id, or the beginning of one; by default the last one of this folder.
    """
    _go("undo", session, what, overwrite, json_, Server(load(config=config, data_dir=data_dir).data_dir))


@click.command("redo")
@click.argument("session", default="")
@_going
@_common
def redo(session: str, what: str, overwrite: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Do again what was undone last. SESSION as for `pillion undo`."""
    _go("redo", session, what, overwrite, json_, Server(load(config=config, data_dir=data_dir).data_dir))


@click.command("checkpoints")
@click.argument("session", default="")
@click.option("--diff", metavar="CHECKPOINT", help="What differs between it and now.")
@click.option("--restore", metavar="CHECKPOINT", help="Go back to it.")
@_going
@_common
def checkpoints(
    session: str,
    diff: str | None,
    restore: str | None,
    what: str,
    overwrite: bool,
    json_: bool,
    config: Path | None,
    data_dir: Path | None,
) -> None:
    """List a session's checkpoints, show what changed since one, or go back to it. SESSION as for `pillion undo`."""
    server = Server(load(config=config, data_dir=data_dir).data_dir)
    if restore:
        _go(f"checkpoints/{quote(restore, safe='')}/restore", session, what, overwrite, json_, server)
        return
    path = f"/api/sessions/{server.named(session)}/checkpoints"
    said = server.ask("GET", f"{path}/{quote(diff, safe='')}/diff" if diff else path)
    if json_:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    elif diff:
        for file in said["data"]:
            _say(file["diff"] or f"{file['path']}: {file['kind']}{_modes(file)}\n", nl=False)
    else:
        for one in said["data"]:
            _say(
                f"{one['checkpoint'][:12]}  {one['time'][:19]}Z  {one['why']:8}step {one['step']}  {_line(one['text'])}"
            )
        for way in ("undo", "redo"):
            if said[way]:
                click.echo(f"{way}: {_CONTROL.sub(' ', _line(said[way]['text']))}", err=True)


def _modes(file: Mapping[str, Any]) -> str:
    return f", mode {file['modes'][0]} to {file['modes'][1]}" if file["modes"] else ""


def _line(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= 60 else f"{first[:59]}…"


def _say(text: str, *, nl: bool = True) -> None:
    click.echo(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), nl=nl)


def _go(way: str, session: str, what: str, overwrite: bool, json_: bool, server: Server) -> None:
    """Asks for it, waits for its end, and tells what came of it. Exits with 1 where files were left as they are."""
    id = server.named(session)
    accepted = server.ask("POST", f"/api/sessions/{id}/{way}", {"what": what, "overwrite": overwrite})
    told = server.outcome(id, accepted["turn"], accepted["after"])
    if json_:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _show(told)
    if told.get("left"):
        raise SystemExit(1)


def _show(told: Mapping[str, Any]) -> None:
    if told.get("what", "both") != "files":
        click.echo("The conversation is what it was then.")
    count, paths = told.get("files", 0), told.get("paths", [])
    if told.get("what", "both") != "conversation":
        click.echo(f"{count} {'file' if count == 1 else 'files'} put back{':' if paths else '.'}")
    for path in paths:
        _say(f"  {path}")
    if count > len(paths):
        click.echo(f"  … and {count - len(paths)} more")
    for one in told.get("left", []):
        _say(f"Left as it is: {one['path']} ({_WHYS.get(one['why'], one['why'])})")
        _say(one.get("diff", ""), nl=False)
    if told.get("left"):
        click.echo("With --overwrite these are put back, too; what is there is kept in a checkpoint first.", err=True)


class Server:
    """The running server of a data directory: its file `server.json` says where it is."""

    def __init__(self, data_dir: Path) -> None:
        self._none = click.ClickException(f"No server runs on {data_dir}; `pillion serve` starts one.")
        try:
            found = json.loads((data_dir / "server.json").read_text("utf-8"))
            place = urlsplit(found["url"])
            self._headers = {"authorization": f"Bearer {found['token']}"}
        except (OSError, ValueError, KeyError):
            raise self._none from None
        self._host, self._port = place.hostname or "", place.port

    def named(self, text: str) -> str:
        """The id that begins with `text`; without one, of the last session of this folder. Raises ClickException."""
        if len(text) >= WHOLE:
            return quote(text, safe="")
        here = str(Path.cwd().resolve())
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = self.ask("GET", f"/api/sessions?{urlencode(query)}")
            if text:
                found += [one["id"] for one in page["data"] if one["id"].startswith(text.lower())]
            else:
                found += [one["id"] for one in page["data"] if str(Path(one["workspace"]).resolve()) == here]
                if found:
                    return found[0]
            cursor = page["next_cursor"]
        if len(found) == 1:
            return found[0]
        if not found:
            what = f"There is no session {text!r}" if text else "No session works on this folder"
            raise click.ClickException(f"{what}; `pillion sessions list` names them.")
        raise click.ClickException("\n  ".join([f"{len(found)} sessions begin with {text!r}:", *found[:8]]))

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer's JSON. Raises ClickException."""
        said: dict[str, Any] = json.loads(self._answer(method, path, body, "application/json") or b"{}")
        return said

    def outcome(self, session: str, turn: str, after: str) -> dict[str, Any]:
        """What the turn told when it ended. Raises ClickException with what failed it."""
        told: dict[str, Any] = {}
        path = f"/api/sessions/{session}/events?after={quote(after, safe='')}"
        connection, answer = self._open("GET", path, None, "application/x-ndjson")
        try:
            for line in iter(answer.readline, b""):
                event = json.loads(line)
                if event.get("turn") != turn:
                    continue
                if event["type"] == "workspace.restored":
                    told = event
                elif event["type"] in _ENDS:
                    if event["type"] != "turn.finished":
                        raise click.ClickException(event.get("message") or "It was stopped.")
                    break
        except (OSError, HTTPException, ValueError) as error:
            raise click.ClickException(f"The server did not answer: {error}.") from None
        finally:
            connection.close()
        return told

    def _answer(self, method: str, path: str, body: Any, accept: str) -> bytes:
        connection, answer = self._open(method, path, body, accept)
        try:
            return bytes(answer.read())
        except (OSError, HTTPException) as error:
            raise click.ClickException(f"The server did not answer: {error}.") from None
        finally:
            connection.close()

    def _open(self, method: str, path: str, body: Any, accept: str) -> tuple[HTTPConnection, Any]:
        data = None if body is None else json.dumps(body).encode()
        sent = self._headers | {"accept": accept} | ({"content-type": "application/json"} if data else {})
        connection = HTTPConnection(self._host, self._port, timeout=SECONDS)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            if answer.status >= 400:
                detail = json.loads(answer.read() or b"{}").get("detail")
                raise click.ClickException(detail or answer.reason)
        except ConnectionRefusedError:
            raise self._none from None
        except (OSError, HTTPException, ValueError) as error:
            raise click.ClickException(f"The server did not answer: {error}.") from None
        return connection, answer
