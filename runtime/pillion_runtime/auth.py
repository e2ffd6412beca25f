"""Who may come in: the target, Host, Origin and bearer token of a request, judged before any handler."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl

from .hostsettings import Address
from .problems import Refused

OPEN_PATHS = frozenset({"/api/health", "/livez", "/readyz", "/api/version", "/api/config"})
"""Answered without a token; some say more with one."""
QUERY_TOKENS = frozenset({"token", "access_token", "api_key", "authorization"})

Headers = Iterable[tuple[bytes, bytes]]


class Gate:
    """The rules of one listening address. `names` and `origins` are further ones from the settings."""

    def __init__(self, address: Address, token: str, names: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        bare = "[::1]" if address.host == "::1" else address.host
        literals = {"127.0.0.1", "localhost", "[::1]"} | ({bare} if address.loopback else set())
        self._hosts = {f"{host}:{address.port}" for host in literals} | (literals if address.port == 80 else set())
        self._names = {name.lower() for name in names}
        self._origins = {origin.lower().rstrip("/") for origin in origins} - {"null", ""}
        self._token = token.encode()

    def check(self, path: str, query: bytes, headers: Headers) -> bool:
        """Whether the request carries the token. Raises Refused: 403 for target, Host and Origin, 401 for the token."""
        hosts, origins, credentials = _picked(headers)
        if not path.startswith("/"):
            raise Refused(403, "The request's target must be a path.", code="target_refused")
        if len(hosts) != 1 or not self._is_host(hosts[0]):
            said = "The Host header names neither this server's loopback address nor one of host.names."
            raise Refused(403, said, code="host_refused")
        if any(origin.lower() not in self._origins for origin in origins):
            raise Refused(403, "This Origin is not one of host.origins.", code="origin_refused")
        if any(key.lower() in QUERY_TOKENS for key, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)):
            raise _unauthorized("A token never goes into the address: send the header Authorization: Bearer ….")
        known = self._is_known(credentials)
        if not known and (credentials or path not in OPEN_PATHS):
            what = "The token is wrong." if credentials else "A token is needed: Authorization: Bearer …."
            raise _unauthorized(what)
        return known

    def _is_host(self, host: str) -> bool:
        host = host.lower()
        return host in self._hosts or host in self._names or _without_port(host) in self._names

    def _is_known(self, credentials: list[str]) -> bool:
        if len(credentials) != 1:
            return False
        scheme, _, value = credentials[0].partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(value.strip().encode(), self._token)


def _picked(headers: Headers) -> tuple[list[str], list[str], list[str]]:
    found: dict[bytes, list[str]] = {b"host": [], b"origin": [], b"authorization": []}
    for name, value in headers:
        values = found.get(name.lower())
        if values is not None:
            values.append(value.decode("latin-1"))
    return found[b"host"], found[b"origin"], found[b"authorization"]


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _unauthorized(detail: str) -> Refused:
    return Refused(401, detail, headers={"www-authenticate": 'Bearer realm="pillion"'})
