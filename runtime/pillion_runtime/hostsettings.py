"""The section [host] of the settings, and what follows from it: where to listen, and with which token."""

from __future__ import annotations

import ipaddress
import re
import secrets
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pillion.errors import ConfigError
from pillion.settings import Settings

SHORTEST_TOKEN = 16
_origin = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#@*\s]+)")
_usual_ports = {"http": ":80", "https": ":443"}


class HostSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """[host]. Times are in seconds; `names` are further values of the Host header, `NAME` or `NAME:PORT`."""

    bind: str = "127.0.0.1:42424"
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    token_env: str = ""
    """The environment variable with the token; without it each start makes its own."""
    requests: Annotated[int, Meta(ge=0)] = 12_000
    """What one client may send in a minute: who has the token, a browser, else an address. 0: no limit."""
    log: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    grace: Annotated[float, Meta(ge=0)] = 5.0
    """What running turns get to end by themselves when the server stops."""
    stop_within: Annotated[float, Meta(gt=0)] = 90.0
    """Seconds after which a server that was asked to stop, and that a plugin holds, ends by force, with exit code 1."""


class Address(Struct, frozen=True):
    """Where to listen: `host` is an IP address or `localhost`; port 0 takes any that is free."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{Address(host, self.port)}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """From `HOST:PORT` or `[::1]:PORT`. Raises ConfigError."""
        host, colon, port = text.rpartition(":")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else "" if ":" in host else host
        if not (_is_host(host) and colon and port.isascii() and port.isdigit() and int(port) < 65536):
            hint = "Write an address and a port: 127.0.0.1:42424, [::1]:42424, or port 0 for any that is free."
            raise ConfigError(f"Setting host.bind: {text!r} can't be bound.", key="host.bind", hint=hint)
        return cls(host, int(port))


def read(settings: Settings) -> HostSettings:
    """The section [host]. Raises ConfigError."""
    return settings.section("host", HostSettings)


def token(settings: Settings, host: HostSettings, address: Address) -> str:
    """The bearer token: the configured one, else 256 random bits. It counts as a secret from now on.

    Raises ConfigError when the configured one is missing or short, or when none is configured beyond loopback.
    """
    if host.token_env:
        value = settings.environment.secret(host.token_env)
        if len(value) < SHORTEST_TOKEN:
            what = "too short" if value else "not set"
            hint = f"Put at least {SHORTEST_TOKEN} random characters there, e.g. of `openssl rand -hex 32`."
            raise ConfigError(f"The token's variable {host.token_env} is {what}.", key="host.token_env", hint=hint)
        return value
    if not address.loopback:
        hint = (
            'Put a token into an environment variable and name it: token_env = "PILLION_TOKEN" under [host], '
            "or `pillion serve --token-env PILLION_TOKEN`."
        )
        raise ConfigError(f"Binding to {address}, beyond loopback, needs a token of yours.", key="host.bind", hint=hint)
    return settings.secrets.register(secrets.token_urlsafe(32))


def origins(host: HostSettings) -> frozenset[str]:
    """host.origins as browsers write them: lower case, without the usual port. Raises ConfigError."""
    found = set()
    for number, given in enumerate(host.origins):
        key = f"host.origins[{number}]"
        match = _origin.fullmatch(given.lower().removesuffix("/"))
        if match is None:
            hint = "Write scheme, host and port of each page: https://ide.example, http://localhost:3000."
            why = "any page can have it" if given == "null" else "it is no origin"
            raise ConfigError(f"Setting {key}: {given!r} can't be let in: {why}.", key=key, hint=hint)
        found.add(match[0].removesuffix(_usual_ports.get(match[1], "/")))
    return frozenset(found)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
