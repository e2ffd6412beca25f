"""The settings in force, as people see them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from pillion.settings import Settings

from . import hostsettings


class InForce(Struct, frozen=True, rename={"source": "from"}):
    """A setting's value, secrets masked, and the layer it came from."""

    value: Any
    source: str


def in_force(settings: Settings) -> dict[str, InForce]:
    """Every setting by its dotted key, with the layer it came from; secrets masked, defaults included."""
    sections: dict[str, Struct] = {
        "host": hostsettings.read(settings),
        "defaults": settings.defaults,
        "models": settings.models,
        "limits": settings.limits,
        "deadlines": settings.deadlines,
        "execution": settings.execution,
        "trust": settings.trust,
        "protected": settings.protected,
    }
    told = {
        f"{name}.{key}": InForce(value, "default")
        for name, section in sections.items()
        for key, value in msgspec.to_builtins(section).items()
    }
    said = {key: InForce(setting["value"], setting["from"]) for key, setting in settings.masked().items()}
    return dict(sorted((told | said).items()))
