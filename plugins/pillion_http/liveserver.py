"""The running server, as a plugin's command finds and asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click

SECONDS = 120.0
"""In which the server answers; it is on this machine, and may have much to put back."""
WHOLE = 32
"""Characters of an id."""
ENDS = ("turn.finished", "turn.failed", "turn.cancelled", "turn.interrupted")


class LiveServer:
    """That of a data directory, whose file `server.json` says where it is.

    All that goes wrong is a ClickException: what the server says, or that there is none.
    """

    def __init__(self, data_dir: Path) -> None:
        self._none = click.ClickException(f"No server runs on {data_dir}; `pillion serve` starts one.")
        try:
            found = json.loads((data_dir / "server.json").read_text("utf-8"))
            place = urlsplit(found["url"])
            self._headers = {"authorization": f"Bearer {found['token']}"}
        except (OSError, ValueError, KeyError):
            raise self._none from None
        self._host, self._port = place.hostname or "", place.port

    def session(self, text: str) -> str:
        """The id that begins with `text`, as it stands in a path."""
        if len(text) >= WHOLE:
            return quote(text, safe="")
        found = [one["id"] for one in self._sessions() if one["id"].startswith(text.lower())]
        if len(found) == 1:
            return str(found[0])
        if not found:
            raise click.ClickException(f"There is no session {text!r}; `pillion sessions list` names them.")
        raise click.ClickException("\n  ".join([f"{len(found)} sessions begin with {text!r}:", *found[:8]]))

    def last_session(self, folder: Path) -> str:
        """The id of the last one on that folder."""
        for one in self._sessions():
            if Path(one["workspace"]).resolve() == folder.resolve():
                return str(one["id"])
        raise click.ClickException("No session works on this folder; `pillion sessions list` names them.")

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}
    ) -> tuple[dict[str, Any], str]:
        """The answer's JSON, and its tag."""
        with self._answer(method, path, body, {"accept": "application/json"} | dict(headers)) as answer:
            return json.loads(answer.read() or b"{}"), answer.headers.get("etag", "")

    def send(self, path: str, data: bytes, media_type: str) -> dict[str, Any]:
        """Posts what is no JSON; the answer's JSON."""
        headers = {"accept": "application/json", "content-type": media_type}
        with self._answer("POST", path, data, headers) as answer:
            told: dict[str, Any] = json.loads(answer.read())
            return told

    def follow(self, path: str) -> Iterator[dict[str, Any]]:
        """A stream of events, one by one, to its end."""
        with self._answer("GET", path, None, {"accept": "application/x-ndjson"}) as answer:
            yield from map(json.loads, iter(answer.readline, b""))

    def outcome(self, session: str, accepted: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
        """The event `kind` that an accepted turn told by its end, {} where it told none. What failed it is a
        ClickException."""
        told: Mapping[str, Any] = {}
        for event in self.follow(f"/api/sessions/{session}/events?after={quote(accepted['after'], safe='')}"):
            if event.get("turn") != accepted["turn"]:
                continue
            if event["type"] == kind:
                told = event
            elif event["type"] in ENDS:
                if event["type"] != "turn.finished":
                    raise click.ClickException(event.get("message") or "It was stopped.")
                break
        return told

    def _sessions(self) -> Iterator[dict[str, Any]]:
        """The last one first."""
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page, _ = self.ask("GET", f"/api/sessions?{urlencode(query)}")
            yield from page["data"]
            cursor = page["next_cursor"]

    @contextmanager
    def _answer(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = self._headers | ({"content-type": "application/json"} if data else {}) | dict(headers)
        connection = HTTPConnection(self._host, self._port, timeout=SECONDS)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise click.ClickException(json.loads(answer.read() or b"{}").get("detail") or answer.reason)
            yield answer
        except ConnectionRefusedError:
            raise self._none from None
        except (OSError, HTTPException, ValueError) as error:
            raise click.ClickException(f"The server did not answer: {error}.") from None
        finally:
            connection.close()
