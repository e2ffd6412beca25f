"""Is it alive, what is it, how is it set: the routes that need no token. Some say more with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from quart import Blueprint, Response

from pillion.plugins import PluginState

from ..bodies import answer
from ..described import described
from ..host import Host, is_authorized
from ..inforce import InForce, in_force
from ..problems import Refused
from ..version import package_version, version_hash

GREETING = "Pillion is here, and rides along."


class Status(Struct, frozen=True):
    status: Literal["ok"] = "ok"


class Health(Struct, frozen=True):
    """`checks` (each plugin's, "" when well) and `plugins` are told to those who have the token."""

    done: Literal[True]
    status: Literal["ok", "degraded", "stopping"]
    checks: Mapping[str, str] | UnsetType = UNSET
    plugins: Sequence[PluginState] | UnsetType = UNSET


class Version(Struct, frozen=True):
    """`version_hash` is a SHA-256 over the kernel's and the host's source files."""

    package_version: str
    version_hash: str


class Config(Struct, frozen=True):
    """`settings`, by their dotted keys, are told to those who have the token."""

    response: str
    settings: Mapping[str, InForce] | UnsetType = UNSET


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    @described(answers={200: Status})
    async def livez() -> Response:
        """The process lives."""
        return answer(Status())

    @routes.get("/readyz")
    @described(answers={200: Status}, errors=(503,))
    async def readyz() -> Response:
        """It takes work."""
        if host.stopping:
            raise Refused(503, "The server is stopping.", code="stopping", retryable=True)
        return answer(Status())

    @routes.get("/api/health")
    @described(answers={200: Health})
    async def show_health() -> Response:
        """How it is. `done` is true as soon as the server answers."""
        if not is_authorized():
            return answer(Health(True, _status(host)))
        checks = await host.kernel.checks()
        status = "degraded" if any(checks.values()) and not host.stopping else _status(host)
        return answer(Health(True, status, checks, host.kernel.host.states()))

    @routes.get("/api/version")
    @described(answers={200: Version})
    async def show_version() -> Response:
        """Which Pillion this is."""
        told = [
            version for _, version in host.kernel.host.ask("report_version") if version and isinstance(version, str)
        ]
        return answer(Version(told[0] if told else package_version(), version_hash()))

    @routes.get("/api/config")
    @described(answers={200: Config})
    async def show_config() -> Response:
        """A greeting, and every setting in force."""
        settings = in_force(host.kernel.settings) if is_authorized() else UNSET
        return answer(Config(GREETING, settings))

    return routes


def _status(host: Host) -> Literal["ok", "degraded", "stopping"]:
    if host.stopping:
        return "stopping"
    return "degraded" if any(state.state == "quarantined" for state in host.kernel.host.states()) else "ok"
