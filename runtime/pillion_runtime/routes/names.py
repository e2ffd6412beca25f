"""Names in a request that must be known: a wrong one is named as a wrong field, not as a missing page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pillion.errors import ConfigError, NotFound, PillionError
from pillion.roles import check_roles

from ..host import Host
from ..problems import FieldError, Refused


def check(
    host: Host,
    *,
    workspace: str = "",
    model: str = "",
    strategy: str = "",
    roles: Mapping[str, Sequence[str] | None] = {},
) -> None:
    """Raises Refused 422 that names each one which does not exist; `""` and `auto` always do."""
    catalog = host.kernel.catalog
    known: list[tuple[str, str, Callable[[str], object]]] = [
        ("workspace", workspace, catalog.workspace),
        ("model", model, catalog.model),
        ("strategy", strategy, lambda name: catalog.strategy(name, None)),
    ]
    for role, line in roles.items():
        known.append((f"roles.{role}", role, lambda name: check_roles([name])))
        known += [(f"roles.{role}", name, catalog.model) for name in line or ()]
    errors = []
    for field, name, find in known:
        try:
            if name not in ("", "auto"):
                find(name)
        except (NotFound, ConfigError, PillionError) as error:
            errors.append(FieldError(field, str(error)))
    if errors:
        raise Refused(422, " ".join(error.message for error in errors), errors=errors)
