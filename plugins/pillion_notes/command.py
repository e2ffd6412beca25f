"""`pillion notes`: a session's scratch pad, shown or edited, from the running server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click

from pillion.settings import load

SECONDS = 30.0
"""In which the server answers; it is on this machine."""
WHOLE = 32
"""Characters of an id."""

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
    server = Server(load(config=config, data_dir=data_dir).data_dir)
    id = server.named(session)
    path = f"/api/sessions/{quote(id, safe='')}/scratchpad"
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


def _put(server: Server, path: str, text: str, tag: str) -> dict[str, Any]:
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
        """The id that begins with `text`. Raises ClickException for none, and for more than one."""
        if len(text) >= WHOLE:
            return text
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page, _ = self.ask("GET", f"/api/sessions?{urlencode(query)}")
            found += [session["id"] for session in page["data"] if session["id"].startswith(text.lower())]
            cursor = page["next_cursor"]
        if len(found) == 1:
            return found[0]
        if not found:
            raise click.ClickException(f"There is no session {text!r}; `pillion sessions list` names them.")
        raise click.ClickException("\n  ".join([f"{len(found)} sessions begin with {text!r}:", *found[:8]]))

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}
    ) -> tuple[dict[str, Any], str]:
        """The answer's JSON, and its tag. Raises ClickException."""
        data = None if body is None else json.dumps(body).encode()
        sent = self._headers | dict(headers) | ({"content-type": "application/json"} if data else {})
        connection = HTTPConnection(self._host, self._port, timeout=SECONDS)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            said = json.loads(answer.read() or b"{}")
        except ConnectionRefusedError:
            raise self._none from None
        except (OSError, HTTPException, ValueError) as error:
            raise click.ClickException(f"The server did not answer: {error}.") from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise click.ClickException(said.get("detail") or answer.reason)
        return said, answer.headers.get("etag", "")
