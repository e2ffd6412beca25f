"""Is it alive, what is it, how is it set: the routes that need no token. Some say more with one."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from quart import Blueprint, Response

from pillion.settings import Settings

from ..bodies import answer
from ..host import Host, is_authorized
from ..hostsettings import HostSettings
from ..problems import Refused
from ..version import package_version, version_hash

GREETING = "Pillion is here, and rides along."


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    async def livez() -> Response:
        return answer({"status": "ok"})

    @routes.get("/readyz")
    async def readyz() -> Response:
        if host.stopping:
            raise Refused(503, "The server is stopping.", code="stopping", retryable=True)
        return answer({"status": "ok"})

    @routes.get("/api/health")
    async def health() -> Response:
        """`done` is what Aide waits for. Plugins and checks are told to those who have the token."""
        if not is_authorized():
            return answer({"done": True, "status": _status(host)})
        checks = await host.kernel.checks()
        status = "degraded" if any(checks.values()) and not host.stopping else _status(host)
        return answer({"done": True, "status": status, "checks": checks, "plugins": host.kernel.host.states()})

    @routes.get("/api/version")
    async def version() -> Response:
        return answer({"package_version": package_version(), "version_hash": version_hash()})

    @routes.get("/api/config")
    async def config() -> Response:
        told: dict[str, Any] = {"response": GREETING}
        if is_authorized():
            told["settings"] = in_force(host.kernel.settings, host.settings)
        return answer(told)

    return routes


def in_force(settings: Settings, host: HostSettings) -> dict[str, Any]:
    """Every setting by its dotted key, with the layer it came from; secrets masked, defaults included."""
    sections: dict[str, Struct] = {
        "host": host,
        "defaults": settings.defaults,
        "limits": settings.limits,
        "deadlines": settings.deadlines,
        "execution": settings.execution,
        "trust": settings.trust,
    }
    told: dict[str, Any] = {
        f"{name}.{key}": {"value": value, "from": "default"}
        for name, section in sections.items()
        for key, value in msgspec.to_builtins(section).items()
    }
    return dict(sorted((told | settings.masked()).items()))


def _status(host: Host) -> str:
    if host.stopping:
        return "stopping"
    return "degraded" if any(state.state == "quarantined" for state in host.kernel.host.states()) else "ok"
