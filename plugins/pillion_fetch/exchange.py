"""One request and its answer, over HTTP/1.1, bounded in all that a server can make long."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import h11
import trio
from msgspec import Struct

from pillion import ToolError

from .network import Network, NoConnection
from .place import Place

HEADERS = 64 * 1024
"""Bytes of an answer's headers, and of a chunk's."""
INTERIM = 8
"""Answers of kind 1xx before the one that counts."""
READ = 32 * 1024
CONNECTING = 10.0
"""Seconds for one address, where there are more."""


class BadAnswer(ToolError):
    """What the server sends is no answer, or one that is not read."""

    code = "answer"


class Answer(Struct, frozen=True):
    """`body` is without compression, at most as long as was allowed: `cut` says that there was more. It is empty where
    `wanted` did not want it. `length` is what the server says its (compressed) length is."""

    status: int
    kind: str
    location: str
    body: bytes
    cut: bool = False
    length: int | None = None


class Asking(Struct, frozen=True):
    """What every request has in common. `wanted(status, content_type)`: is the body to be read? `told(bytes, of)` is
    called while it comes."""

    network: Network
    context: Callable[[], ssl.SSLContext]
    agent: str
    most: int
    wanted: Callable[[int, str], bool]
    told: Callable[[int, int | None], None]


async def exchange(place: Place, addresses: Sequence[str], asking: Asking) -> Answer:
    """Asks one of those addresses, which have been judged, and no other. Raises NoConnection, BadAnswer."""
    async with _connected(place, addresses, asking) as stream:
        try:
            return await _talked(place, stream, asking)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise BadAnswer(f"The connection to {place.authority} broke off.") from error
        except h11.RemoteProtocolError as error:
            raise BadAnswer(f"{place.authority} does not answer in HTTP/1.1: {error}.") from None
        except h11.LocalProtocolError as error:
            raise BadAnswer(f"{place.authority} can't be asked that: {error}.") from None


@asynccontextmanager
async def _connected(place: Place, addresses: Sequence[str], asking: Asking) -> AsyncIterator[trio.abc.Stream]:
    stream: trio.abc.Stream | None = None
    said = "it has no address"
    for address in addresses:
        with trio.move_on_after(CONNECTING if len(addresses) > 1 else float("inf")):
            try:
                stream = await asking.network.connect(address, place.port)
                break
            except OSError as error:
                said = error.strerror or str(error)
                continue
        said = "it does not answer"
    if stream is None:
        raise NoConnection(f"There is no connection to {place.authority}: {said}.")
    try:
        yield await _secured(place, stream, asking) if place.scheme == "https" else stream
    finally:
        await trio.aclose_forcefully(stream)


async def _secured(place: Place, stream: trio.abc.Stream, asking: Asking) -> trio.abc.Stream:
    """The certificate has to be the name's, whatever address was connected to."""
    context = await trio.to_thread.run_sync(asking.context)
    secured = trio.SSLStream(stream, context, server_hostname=place.host, https_compatible=True)
    try:
        await secured.do_handshake()
    except trio.BrokenResourceError as error:
        cause = error.__cause__
        match cause:
            case ssl.SSLCertVerificationError():
                said = f"its certificate can't be trusted: {cause.verify_message}"
            case ssl.SSLError():
                said = f"no secure connection comes about: {cause.reason or 'TLS failed'}"
            case _:
                said = "it broke off"
        raise NoConnection(f"There is no connection to {place.authority}: {said}.") from None
    return secured


async def _talked(place: Place, stream: trio.abc.Stream, asking: Asking) -> Answer:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADERS)
    headers = [
        ("Host", place.authority),
        ("User-Agent", asking.agent),
        ("Accept", "text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.5"),
        ("Accept-Encoding", "gzip"),
        ("Connection", "close"),
    ]
    request = h11.Request(method="GET", target=place.target, headers=headers)
    await stream.send_all((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    response = await _response(connection, stream)
    told = {name: value.decode("utf-8", "replace") for name, value in reversed(list(response.headers))}
    kind, location = told.get(b"content-type", ""), told.get(b"location", "")
    length = int(told[b"content-length"]) if b"content-length" in told else None
    if not asking.wanted(response.status_code, kind):
        return Answer(response.status_code, kind, location, b"", length=length)
    inflated = _Inflated(told.get(b"content-encoding", ""), asking.most)
    taken = 0
    while not inflated.full and taken < asking.most:
        event = await _event(connection, stream)
        if not isinstance(event, h11.Data):
            break
        taken += len(event.data)
        inflated.take(bytes(event.data))
        asking.told(taken, length)
    cut = inflated.full or taken >= asking.most
    return Answer(response.status_code, kind, location, inflated.whole(cut), cut, length)


async def _response(connection: h11.Connection, stream: trio.abc.Stream) -> h11.Response:
    for _ in range(INTERIM):
        event = await _event(connection, stream)
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
            break
    raise BadAnswer("The server sends no answer.")


async def _event(connection: h11.Connection, stream: trio.abc.Stream) -> Any:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(bytes(await stream.receive_some(READ)))
    return event


class _Inflated:
    """The body as it comes, without its compression, and never more of it than is allowed."""

    def __init__(self, encoding: str, most: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise BadAnswer(f"The answer comes compressed as {encoding[:40]!r}, which was not asked for.")
        self._packed = encoding not in ("", "identity")
        self._parts: list[bytes] = []
        self._room = most
        self._inflate: Any = None

    @property
    def full(self) -> bool:
        return self._room <= 0

    def take(self, data: bytes) -> None:
        if not self._packed:
            self._add(data)
            return
        try:
            while data and not self.full:
                if self._inflate is None or self._inflate.eof:  # a gzip file may go on with another one
                    self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
                self._add(self._inflate.decompress(data, self._room))
                data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        except zlib.error as error:
            raise BadAnswer(f"The answer's compression is broken: {error}.") from None

    def whole(self, cut: bool) -> bytes:
        """All of it. Raises BadAnswer where the compression breaks off."""
        if self._packed and not cut and self._inflate is not None and not self._inflate.eof:
            raise BadAnswer("The answer's compression breaks off.")
        return b"".join(self._parts)

    def _add(self, data: bytes) -> None:
        self._parts.append(data[: self._room])
        self._room -= len(data)
