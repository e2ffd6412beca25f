"""The editor as a server: what is asked of it over HTTP. Each call has a deadline, and its failures have types."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import h11
import msgspec
import trio

from .editorfaults import EditorAway, EditorFailed, EditorLacks
from .wire import BROKEN, Wire

T = TypeVar("T")
SECONDS = 10.0


class Editor:
    """One editor, by the address that it gave. Raises EditorFailed, also when made with an address that is not allowed:
    loopback's, or one of `hosts`."""

    def __init__(self, url: str, hosts: Collection[str] = (), seconds: float = SECONDS) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 80
        except ValueError:
            raise EditorFailed("editor_url is no address.") from None
        if parts.scheme != "http" or parts.username or parts.query or parts.fragment:
            raise EditorFailed("editor_url is no plain http address.")
        if not (_is_loopback(host) or host in hosts):
            raise EditorFailed("editor_url is not on this machine; the setting editor_hosts allows others.")
        self.url, self._seconds = url, seconds
        self._prefix = parts.path.rstrip("/")
        if not (self._prefix.isascii() and self._prefix.isprintable()):
            raise EditorFailed("editor_url is no plain http address.")
        self._wire = Wire(host, port)

    async def ask(
        self,
        path: str,
        kind: type[T],
        body: Mapping[str, Any],
        *,
        seconds: float | None = None,
        method: Literal["POST", "GET"] = "POST",
        once: bool = False,
    ) -> T:
        """Its answer, as `kind`, within `seconds`. `once`: what it does must not be done twice; else it is asked again
        where the connection was closed before it answered."""
        data = b"" if method == "GET" else msgspec.json.encode({**body, "editor_url": self.url})
        seconds = self._seconds if seconds is None else seconds
        with trio.move_on_after(seconds):
            status, said = await self._exchange(method, path, data, once)
            if status != 200:
                raise EditorLacks(f"The editor answers {path} with the status {status}.")
            try:
                return msgspec.json.decode(said, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise EditorLacks(f"What the editor answers to {path} does not fit: {error}.") from None
        raise EditorAway(f"The editor did not answer {path} within {seconds:g} s.")

    def close(self) -> None:
        self._wire.close()

    async def _exchange(self, method: str, path: str, data: bytes, once: bool) -> tuple[int, bytes]:
        try:
            return await self._wire.ask(method, self._prefix + path, data, once=once)
        except BROKEN as error:
            raise EditorAway(f"The editor can't be reached ({type(error).__name__}).") from None
        except h11.ProtocolError as error:
            raise EditorLacks(f"The editor does not answer {path} in HTTP: {error}.") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
