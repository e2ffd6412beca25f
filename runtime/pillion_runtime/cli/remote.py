"""The live server of a data directory, as a Source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import trio

from pillion.errors import ConfigError
from pillion.portable import More
from pillion.settings import Settings
from pillion.values import Message, ModelInfo
from pillion.verifying import Verified

from .. import discovery, ndjson
from ..modellist import ModelList
from .client import ANSWER, Body, Client
from .exits import ServerLost, ServerSaid
from .source import Answer, Listing, Posted, Search, Source, Wish

ALIVE = 2.0
"""Seconds in which a server that lives says so."""
SILENCE = 40.0
"""Seconds of silence after which a stream counts as dead: the server sends a comment every 15."""
PATIENCE = 30.0
"""Seconds of trying to come back to a stream before the server counts as lost."""
SWITCH = 150.0
"""Seconds in which a plugin is switched: it is imported and begins, and one before it may do so first."""
POURING = 3600.0
"""Seconds in which a file is sent and taken."""
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)


@asynccontextmanager
async def open_source(settings: Settings, *, here: bool = False) -> AsyncIterator[Source]:
    """The live server of the data directory, if there is one and not `here`; else a kernel in this process."""
    server = None if here else await find_server(settings.data_dir)
    if server is not None:
        yield server
        return
    from .inprocess import open_inprocess  # a client of a live server needs no kernel

    async with open_inprocess(settings) as inprocess:
        yield inprocess


async def find_server(data_dir: Path) -> Remote | None:
    """The server that this data directory's file names, if it lives and answers."""
    found = discovery.read(data_dir)
    if found is None:
        return None
    try:  # without the token: with it, all the health checks would run first
        health = await Client(found.url, "").call("GET", "/api/health", deadline=ALIVE)
    except (ServerLost, ServerSaid, msgspec.DecodeError):
        return None
    if not isinstance(health, dict) or not health.get("done") or health.get("status") == "stopping":
        return None
    return Remote(Client(found.url, found.token), found.url)


class Stream:
    """A session's events over SSE. Comes back behind the last event it saw, whatever cuts it off."""

    def __init__(self, client: Client, path: str, after: str) -> None:
        self._client, self._path, self._after = client, path, after
        self._frames: trio.MemoryReceiveChannel[list[bytes]]

    async def page(self) -> Sequence[bytes]:
        try:
            return await self._frames.receive()
        except trio.EndOfChannel:
            return []

    async def pump(self, send: trio.MemorySendChannel[list[bytes]]) -> None:
        """Reads into `send` till the session is gone. Raises ServerLost when there is no coming back."""
        from .sse_reader import EventStream

        events = EventStream(self._after)
        lost_at, tries, followed = trio.current_time(), 0, False
        async with send:
            while True:
                try:
                    headers = {"accept": "text/event-stream"} | ({"last-event-id": events.last} if events.last else {})
                    async with self._client.open("GET", self._path, headers=headers) as body:
                        while piece := await self._more(body):
                            lost_at, tries, followed = trio.current_time(), 0, True
                            frames = events.feed(piece)
                            if frames:
                                await send.send(frames)
                except ServerLost:
                    if trio.current_time() - lost_at > PATIENCE:
                        raise
                except ServerSaid as error:
                    if followed and error.status in (404, 410):
                        return  # it was deleted meanwhile
                    if error.status < 500:
                        raise
                events.cut()
                await trio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
                if trio.current_time() - lost_at > PATIENCE:
                    raise ServerLost("The server ends each stream at once.")

    async def _more(self, body: Body) -> bytes:
        with trio.move_on_after(SILENCE):
            return await body.more()
        raise ServerLost(f"The server was silent for {SILENCE:g} s.")


class Remote:
    """The Source of a live server."""

    def __init__(self, client: Client, where: str) -> None:
        self._client = client
        self.where = where

    async def create(self, wish: Wish) -> str:
        body: dict[str, Any] = {"workspace": wish.workspace}
        body |= {key: value for key, value in (("model", wish.model), ("strategy", wish.strategy)) if value}
        if wish.max_steps:
            body["limits"] = {"steps": wish.max_steps}
        if wish.ephemeral:
            body["ephemeral"] = True
        session = await self._client.call("POST", "/api/sessions", body)
        return str(session["id"])

    async def rename(self, session: str, title: str) -> None:
        await self._client.call("PATCH", f"/api/sessions/{session}", {"title": title})

    async def prompt(self, session: str, text: str, *, model: str = "", strategy: str = "") -> Posted:
        body = {"text": text} | {key: value for key, value in (("model", model), ("strategy", strategy)) if value}
        posted = await self._client.call("POST", f"/api/sessions/{session}/prompts", body)
        return Posted(posted["turn"], str(posted.get("after", "")))

    async def resume(self, session: str) -> Posted:
        posted = await self._client.call("POST", f"/api/sessions/{session}/resume")
        return Posted(posted["turn"], str(posted.get("after", "")))

    async def compact(self, session: str) -> Posted:
        posted = await self._client.call("POST", f"/api/sessions/{session}/compact")
        return Posted(posted["turn"], str(posted.get("after", "")))

    async def waiting(self, session: str) -> list[str]:
        rows = _rows(await self._client.call("GET", f"/api/sessions/{session}/prompts"))
        return [str(row["prompt"]) for row in rows if not row.get("turn")]

    @asynccontextmanager
    async def follow(self, session: str, after: str) -> AsyncIterator[Stream]:
        async with self._stream(f"/api/sessions/{session}/events", after) as stream:
            yield stream

    @asynccontextmanager
    async def follow_all(self) -> AsyncIterator[Stream]:
        """The events of all sessions, from now on; each begins with a `session.cursor`, also after a cut."""
        async with self._stream("/api/events", "") as stream:
            yield stream

    @asynccontextmanager
    async def _stream(self, path: str, after: str) -> AsyncIterator[Stream]:
        stream = Stream(self._client, path, after)
        send, stream._frames = trio.open_memory_channel[list[bytes]](1)  # full: the server waits, its log does not
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.pump, send)
            yield stream
            nursery.cancel_scope.cancel()

    async def cancel(self, session: str) -> None:
        await self._client.call("POST", f"/api/sessions/{session}/cancel", {})

    async def decide(self, session: str, approval: str, answer: Answer) -> None:
        body = {"decision": answer.decision, "remember": answer.remember, "reason": answer.reason, "by": answer.by}
        await self._client.call("POST", f"/api/sessions/{session}/approvals/{approval}", body)

    async def answer(self, session: str, question: str, answer: str | None, by: str) -> None:
        await self._client.call("POST", f"/api/sessions/{session}/questions/{question}", {"answer": answer, "by": by})

    async def delete(self, session: str) -> None:
        await self._client.call("DELETE", f"/api/sessions/{session}")

    async def archive(self, session: str, archived: bool) -> None:
        await self._client.call("PATCH", f"/api/sessions/{session}", {"archived": archived})

    async def fork(self, session: str, at: int | None = None) -> dict[str, Any]:
        return dict(await self._client.call("POST", f"/api/sessions/{session}/fork", {"at": at}))

    async def export(self, session: str, write: Callable[[bytes], None]) -> None:
        async with self._client.open("GET", f"/api/sessions/{quote(session, safe='')}/export") as body:
            while True:
                with trio.move_on_after(SILENCE) as waiting:
                    piece = await body.more()
                if waiting.cancelled_caught:
                    raise ServerLost(f"The server was silent for {SILENCE:g} s.")
                if not piece:
                    return
                write(piece)

    async def import_(self, more: More, *, new_ids: bool) -> dict[str, Any]:
        path = "/api/sessions/import" + ("?new_ids=true" if new_ids else "")
        return dict(await self._client.pour(path, ndjson.MEDIA_TYPE, more, deadline=POURING))

    async def sessions(self, search: Search = Search(), cursor: str = "", limit: int = 50) -> Listing:  # noqa: B008
        query = {"workspace": search.workspace, "q": search.text, "cursor": cursor, "limit": str(limit)}
        query |= {"archived": "true"} if search.archived else {}
        path = "/api/sessions?" + urlencode({key: value for key, value in query.items() if value})
        return msgspec.convert(await self._client.call("GET", path), Listing)

    async def session(self, id: str) -> dict[str, Any]:
        return dict(await self._client.call("GET", f"/api/sessions/{quote(id, safe='')}"))

    async def messages(self, session: str) -> list[Message]:
        return msgspec.convert(
            _rows(await self._client.call("GET", f"/api/sessions/{session}/messages")), list[Message]
        )

    async def tools(self) -> list[dict[str, Any]]:
        return _rows(await self._client.call("GET", "/api/tools"))

    async def models(self) -> list[ModelInfo]:
        return list((await self.model_list()).data)

    async def model_list(self) -> ModelList:
        return msgspec.convert(await self._client.call("GET", "/api/models"), ModelList)

    async def verify(self, model: str, seconds: float) -> Verified:
        body = {"model": model, "seconds": seconds}
        told = await self._client.call("POST", "/api/models/verify", body, deadline=seconds + ANSWER)
        return msgspec.convert(told, Verified)

    async def plugins(self) -> list[dict[str, Any]]:
        return _rows(await self._client.call("GET", "/api/plugins"))

    async def switch_plugin(self, name: str, enabled: bool, persist: bool) -> dict[str, Any]:
        """What `PATCH /api/plugins/{name}` answers."""
        body = {"enabled": enabled, "persist": persist}
        path = f"/api/plugins/{quote(name, safe='')}"
        return dict(await self._client.call("PATCH", path, body, deadline=SWITCH))

    async def link(self, session: str) -> dict[str, Any]:
        """A `url` that signs a browser in, and the `seconds` it works. Raises ConfigError: the server has no page."""
        try:
            async with self._client.open("GET", "/"):
                pass
        except ServerSaid as error:
            if error.status != 404:
                raise
            hint = "`pillion plugins list` says how `web` is; its section in the settings is [plugins.web]."
            raise ConfigError("The server has no page: no plugin brings one.", plugin="web", hint=hint) from None
        made: dict[str, Any] = await self._client.call("POST", "/api/browser-codes", {"session": session})
        return made

    async def checks(self) -> dict[str, str]:
        health = await self._client.call("GET", "/api/health")
        checks = health.get("checks") or {}
        return {str(name): str(said) for name, said in checks.items()}


def _rows(answer: Any) -> list[dict[str, Any]]:
    return list(answer["data"])
