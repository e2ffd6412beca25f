"""The editor as a server: what is asked of it over HTTP. Each call has a deadline, and its failures have types."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import h11
import msgspec
import trio
from msgspec import Struct

from pillion import ToolError

T = TypeVar("T")
SECONDS = 10.0
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer."""
READ = 65536


class EditorFailed(ToolError):
    """The editor does not do what it was asked."""

    code = "editor"


class EditorAway(EditorFailed):
    """It is not there, or does not answer in time."""

    code = "editor_away"


class EditorLacks(EditorFailed):
    """It has no such endpoint, or one that answers otherwise."""

    code = "editor_lacks"


class NewExchange(Struct, frozen=True):
    exchange_id: str | None = None


class Editor:
    """One editor, by the address that it gave. Raises EditorFailed, also when made with an address that is not allowed:
    loopback's, or one of `hosts`."""

    def __init__(self, url: str, hosts: Collection[str] = ()) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 80
        except ValueError:
            raise EditorFailed("editor_url is no address.") from None
        if parts.scheme != "http" or parts.username or parts.query or parts.fragment:
            raise EditorFailed("editor_url is no plain http address.")
        if not (_is_loopback(host) or host in hosts):
            raise EditorFailed("editor_url is not on this machine; the setting editor_hosts allows others.")
        self.url, self._host, self._port = url, host, port
        self._prefix = parts.path.rstrip("/")

    async def new_exchange(self, session: str) -> str:
        """The id under which an answer is shown."""
        given = await self.ask("/new_exchange", NewExchange, {"session_id": session})
        if not given.exchange_id:
            raise EditorLacks("The editor gave no id for the answer.")
        return given.exchange_id

    async def ask(self, path: str, kind: type[T], body: dict[str, Any], seconds: float = SECONDS) -> T:
        """Its answer to a POST, as `kind`. Asked again once where the connection did not come about."""
        data = msgspec.json.encode({**body, "editor_url": self.url})
        with trio.move_on_after(seconds):
            status, said = await self._exchange("POST", path, data)
            if status != 200:
                raise EditorLacks(f"The editor answers {path} with the status {status}.")
            try:
                return msgspec.json.decode(said, type=kind)
            except msgspec.DecodeError as error:
                raise EditorLacks(f"What the editor answers to {path} does not fit: {error}.") from None
        raise EditorAway(f"The editor did not answer {path} within {seconds:g} s.")

    async def _exchange(self, method: str, path: str, data: bytes) -> tuple[int, bytes]:
        try:
            stream = await self._connected()
            async with stream:
                return await self._talked(stream, method, path, data)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise EditorAway(f"The editor can't be reached ({type(error).__name__}).") from None
        except h11.ProtocolError as error:
            raise EditorLacks(f"The editor does not answer {path} in HTTP: {error}.") from None

    async def _connected(self) -> trio.SocketStream:
        try:
            return await trio.open_tcp_stream(self._host, self._port)
        except OSError:  # it may be about to open its port again
            await trio.sleep(0.1)
            return await trio.open_tcp_stream(self._host, self._port)

    async def _talked(self, stream: trio.SocketStream, method: str, path: str, data: bytes) -> tuple[int, bytes]:
        http = h11.Connection(h11.CLIENT)
        host = f"[{self._host}]" if ":" in self._host else self._host
        headers = [("Host", f"{host}:{self._port}"), ("Connection", "close")]
        if method == "POST":
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        sent = http.send(h11.Request(method=method, target=self._prefix + path, headers=headers)) or b""
        if data:
            sent += http.send(h11.Data(data)) or b""
        await stream.send_all(sent + (http.send(h11.EndOfMessage()) or b""))
        status, body = 0, bytearray()
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await stream.receive_some(READ))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > LARGEST:
                    raise EditorLacks(f"What the editor answers to {path} is too long.")
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                return status, bytes(body)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
