"""Names in a request that must be known: a wrong one is named as a wrong field, not as a missing page."""

from __future__ import annotations

from collections.abc import Callable

from pillion.errors import ConfigError, NotFound, PillionError

from ..host import Host
from ..problems import FieldError, Refused


def check(host: Host, *, workspace: str = "", model: str = "", strategy: str = "") -> None:
    """Raises Refused 422 that names each one which does not exist; `""` and `auto` always do."""
    catalog = host.kernel.catalog
    known: dict[str, tuple[str, Callable[[str], object]]] = {
        "workspace": (workspace, catalog.workspace),
        "model": (model, catalog.model),
        "strategy": (strategy, lambda name: catalog.strategy(name, None)),
    }
    errors = []
    for field, (name, find) in known.items():
        try:
            if name not in ("", "auto"):
                find(name)
        except (NotFound, ConfigError, PillionError) as error:
            errors.append(FieldError(field, str(error)))
    if errors:
        raise Refused(422, " ".join(error.message for error in errors), errors=errors)
