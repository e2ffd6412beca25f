"""Who may come in: the target, Host, Origin, token and cookie of a request, judged before any handler."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from .browsers import Browsers
from .hostsettings import Address
from .problems import Refused

OPEN_PATHS = frozenset(
    {
        "/livez", "/readyz", "/api/health", "/api/version", "/api/config",
        "/openapi.json", "/docs", "/api/events/schema", "/open",
    }
)  # fmt: skip
"""Answered without a token; some say more with one. `/open` wants a code instead."""
QUERY_TOKENS = frozenset({"token", "access_token", "api_key", "authorization"})
OWN_SITES = (["same-origin"], ["none"])
"""Sec-Fetch-Site of a GET without Origin that our own page sends, or a person who enters the address."""


class Card(NamedTuple):
    """What a request shows at the door; of each header all values."""

    method: str
    path: str
    query: str
    peer: str
    """The address that it comes from."""
    host: list[str]
    origin: list[str]
    authorization: list[str]
    cookie: list[str]
    site: list[str]
    accept: list[str]
    preflight: list[str]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Card:
        """The card of an ASGI request."""
        found: dict[bytes, list[str]] = {name: [] for name in _CARD_HEADERS}
        for name, value in scope["headers"]:
            values = found.get(name.lower())
            if values is not None:
                values.append(value.decode("latin-1"))
        peer = (scope.get("client") or ("",))[0]
        query = scope["query_string"].decode("latin-1")
        return cls(scope.get("method", "GET"), scope["path"], query, peer, *found.values())

    @property
    def is_preflight(self) -> bool:
        """A browser asks, without credentials, whether a page may send what it is about to send."""
        return self.method == "OPTIONS" and bool(self.origin and self.preflight)

    @property
    def wants_page(self) -> bool:
        """A person looks at the answer."""
        return self.method in ("GET", "HEAD") and any("text/html" in types for types in self.accept)


_CARD_HEADERS = (
    b"host", b"origin", b"authorization", b"cookie", b"sec-fetch-site", b"accept", b"access-control-request-method",
)  # fmt: skip


class Gate:
    """The rules of one listening address. `names` and `origins` are further ones from the settings."""

    def __init__(
        self,
        address: Address,
        token: str,
        browsers: Browsers,
        names: Iterable[str] = (),
        origins: Collection[str] = (),
    ) -> None:
        bare = "[::1]" if address.host == "::1" else address.host
        literals = {"127.0.0.1", "localhost", "[::1]"} | ({bare} if address.loopback else set())
        self._hosts = {f"{host}:{address.port}" for host in literals} | (literals if address.port == 80 else set())
        self._names = {name.lower() for name in names}
        self._origins = frozenset(origins)
        self._token = token.encode()
        self._browsers = browsers
        self.tokenless: Collection[str] = ()
        """Paths that plugins serve without a token, too."""

    @property
    def expects_pages(self) -> bool:
        """Are there further origins? Then what is answered depends on the Origin."""
        return bool(self._origins)

    def further_origin(self, card: Card) -> str:
        """The one of host.origins whose page asks; "" for our own page and for what is no page.

        Raises Refused 403 for the target, the Host and the Origin.
        """
        if not card.path.startswith("/"):
            raise Refused(403, "The request's target must be a path.", code="target_refused")
        if len(card.host) != 1 or not self._is_host(card.host[0].lower()):
            said = "The Host header names neither this server's loopback address nor one of host.names."
            raise Refused(403, said, code="host_refused")
        if not card.origin:
            return ""
        (origin,) = card.origin if len(card.origin) == 1 else ("",)
        if origin.lower() in self._origins:
            return origin
        if not self._is_own(origin.lower(), card.host[0].lower()):
            raise Refused(403, "This Origin is neither this server's nor one of host.origins.", code="origin_refused")
        return ""

    def client(self, card: Card) -> str:
        """Who sends the request: all that have the token are one, each browser that is signed in is one; "" for others.

        Raises Refused 401 where it must. To be called when `further_origin` has let it pass.
        """
        if any(key.lower() in QUERY_TOKENS for key, _ in parse_qsl(card.query, keep_blank_values=True)):
            raise _unauthorized("A token never goes into the address: send the header Authorization: Bearer ….")
        if card.authorization:
            if self._has_token(card.authorization):
                return "token"
            if not self._is_tokenless(card):
                raise _unauthorized("The token is wrong.")
        known = self._browsers.which(card.cookie)
        counts = bool(card.origin) or (card.method in ("GET", "HEAD") and card.site in OWN_SITES)
        if not (known and counts) and card.path not in OPEN_PATHS and not self._is_tokenless(card):
            raise _unauthorized(
                "The cookie counts only for what a page of this server or of one of host.origins sends."
                if known
                else "A token is needed: Authorization: Bearer …. A browser is signed in by `pillion open`."
            )
        return known if counts else ""

    def _is_tokenless(self, card: Card) -> bool:
        """Does a plugin serve it without a token, and is it a program of this machine that asks?"""
        if not any(card.path == path or (path[-1:] == "/" and card.path.startswith(path)) for path in self.tokenless):
            return False
        host = card.host[0].lower()
        own_page = not card.origin or self._is_own(card.origin[0].lower(), host)
        return _is_loopback(card.peer) and host in self._hosts and own_page and card.site in ([], *OWN_SITES)

    def _is_host(self, host: str) -> bool:
        return host in self._hosts or host in self._names or _without_port(host) in self._names

    def _is_own(self, origin: str, host: str) -> bool:
        """What is reached by one of host.names may be behind TLS or not, so its origin has to be listed."""
        return host in self._hosts and origin == f"http://{host}"

    def _has_token(self, credentials: list[str]) -> bool:
        if len(credentials) != 1:
            return False
        scheme, _, value = credentials[0].partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(value.strip().encode(), self._token)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _unauthorized(detail: str) -> Refused:
    return Refused(401, detail, headers={"www-authenticate": 'Bearer realm="pillion"'})
