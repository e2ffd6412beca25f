"""The one ASGI door: judges, names, counts and logs every request; the app behind it can be swapped while it serves."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

import trio

from pillion.secrets import Secrets

from . import apiversion, cors, problems, timings
from .auth import Card, Gate
from .logs import FIELDS, REQUEST
from .pace import UNCOUNTED, Pace

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

LINGER = 5.0
"""Seconds that a refused client gets to finish its body, so that it reads our answer and not a reset."""
AUTHORIZED = "pillion.authorized"
"""In the scope's `state`: does the request carry the token, or a cookie that counts?"""
BARE = b"default-src 'none'; frame-ancestors 'none'; sandbox"
"""The policy of a page that brings none: to a browser that is signed in, a script in it would be our own page's."""

log = logging.getLogger("pillion.http")
_VERSION = (apiversion.HEADER.lower().encode(), apiversion.VERSION.encode())
_sane_id = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


class Door:
    """`app` is what stands behind it."""

    def __init__(self, gate: Gate, app: App, secrets: Secrets, pace: Pace) -> None:
        self.app = app
        self._gate = gate
        self._secrets = secrets
        self._pace = pace

    def show(self, app: App) -> None:
        """The next request meets this one; requests and streams that are under way go on in the one before."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            raise NotImplementedError(scope["type"])  # an ASGI server takes that for "no lifespan here"
        exchange = Exchange(scope, receive, send, _request_id(scope))
        if self._gate.expects_pages:
            exchange.extra.append((b"vary", b"Origin"))
        token, spending = REQUEST.set(exchange.request_id), timings.SPENT.set(exchange.spent)
        try:
            await self._admit(scope, exchange)
        except Exception as error:  # the edge of HTTP
            await self._fail(scope, exchange, error)
        finally:
            exchange.log()
            REQUEST.reset(token)
            timings.SPENT.reset(spending)

    async def _admit(self, scope: Scope, exchange: Exchange) -> None:
        card = exchange.card
        if origin := self._gate.further_origin(card):
            exchange.extra += cors.headers(origin)
            if card.is_preflight:
                return await exchange.permit()
        authorized = self._counted(scope, exchange)
        apiversion.check(scope["headers"])
        if scope["type"] == "websocket":
            raise problems.Refused(403, "There are no WebSockets here.", code="no_websockets")
        scope["state"][AUTHORIZED] = authorized
        await self.app(scope, exchange.receive, exchange.send)

    def _counted(self, scope: Scope, exchange: Exchange) -> bool:
        """Is the request authorized? It counts as its client's: of who has the token, of a browser, else of an address.

        Raises Refused 429, and 401 where it must.
        """
        refused: problems.Refused | None = None
        try:
            client = self._gate.client(exchange.card)
        except problems.Refused as error:
            client, refused = "", error
        if exchange.card.path not in UNCOUNTED:
            exchange.extra += self._pace.take(client or f"from {(scope.get('client') or ('',))[0]}")
        if refused is not None:
            raise refused
        return bool(client)

    async def _fail(self, scope: Scope, exchange: Exchange, error: Exception) -> None:
        refused = problems.refusal(error)
        if refused.status == 500:
            log.error("request failed", exc_info=error)
        if not exchange.status:
            await exchange.refuse(refused, self._secrets)


class Exchange:
    """One request and its answer, as they pass the door."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self.status = 0
        self._scope = scope
        self._receive, self._send = receive, send
        self._body_read = trio.Event()
        self._began = perf_counter()
        self.spent: dict[str, float] = {}
        self.card = Card.of(scope)
        self.extra: list[tuple[bytes, bytes]] = []
        """Headers that any answer gets."""

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._body_read.set()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = dict(message) | {"headers": self._headers(message["headers"])}
        elif not message.get("more_body", False) and not self._body_read.is_set():
            with trio.move_on_after(LINGER):  # somebody in the app goes on reading the body
                await self._body_read.wait()
        await self._send(message)

    async def refuse(self, refused: problems.Refused, secrets: Secrets) -> None:
        """Sends a problem, then lets the client finish its body, which nobody keeps."""
        said = problems.said(refused, self._scope["path"], self.request_id, page=self.card.wants_page)
        body = secrets.redact_bytes(said.body)
        self.status = refused.status
        headers = [(b"content-length", str(len(body)).encode())]
        headers += [(name.encode(), value.encode()) for name, value in said.headers.items()]
        kind = "websocket.http" if self._scope["type"] == "websocket" else "http"
        await self._send({"type": f"{kind}.response.start", "status": self.status, "headers": self._headers(headers)})
        if kind == "http":
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            with trio.move_on_after(LINGER):
                while not self._body_read.is_set():
                    await self.receive()
            body = b""
        await self._send({"type": f"{kind}.response.body", "body": body, "more_body": False})

    async def permit(self) -> None:
        """Answers a preflight."""
        self.status = 204
        headers = self._headers(cors.leave())
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def log(self) -> None:
        """The request log: never a query, a body or a header."""
        fields = {
            "method": self._scope.get("method", "GET"),
            "path": self._scope["path"],
            "status": self.status or 499,  # the client left before there was an answer
            "ms": round((perf_counter() - self._began) * 1000, 1),
        }
        log.info("request", extra={FIELDS: fields})

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        more = [(b"x-request-id", self.request_id.encode()), (b"x-content-type-options", b"nosniff"), _VERSION]
        spent = {"app": perf_counter() - self._began} | self.spent
        more.append((timings.HEADER.lower().encode(), timings.told(spent)))
        given = {name.lower(): value for name, value in headers}
        if b"cache-control" not in given:
            more.append((b"cache-control", b"no-store"))
        kind = given.get(b"content-type", b"")
        if (b"html" in kind or b"xml" in kind) and b"content-security-policy" not in given:
            more.append((b"content-security-policy", BARE))
        return [*headers, *more, *self.extra]


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name.lower() == b"x-request-id" and _sane_id(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return f"req_{secrets.token_hex(8)}"
