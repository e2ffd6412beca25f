"""What a session is called and answers with, and a change of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from . import events as e
from .contracts.store import SessionInfo
from .errors import ConfigError, Stale
from .letters import Change
from .roles import Roles, check_roles

LABELS = 64
"""Labels that a session may have."""


def changed(now: SessionInfo, change: Change, redact: Callable[[str], str]) -> tuple[e.SessionChanged, SessionInfo]:
    """The event that tells the change, and what the session is then. Raises Stale, ConfigError."""
    if change.expected and version_of(now) not in change.expected:
        raise Stale("The session has been changed since: read it again.")
    labels = {key: redact(value) for key, value in {**now.labels, **change.labels}.items() if value is not None}
    if len(labels) > LABELS:
        raise ConfigError(f"A session has at most {LABELS} labels.", key="labels")
    event = e.SessionChanged(
        title=None if change.title is None else redact(change.title),
        labels=labels if labels != dict(now.labels) else None,
        model=change.model,
        strategy=change.strategy,
        archived=change.archived,
        roles=_roles(now.roles, change.roles),
    )
    given = {key: value for key, value in msgspec.structs.asdict(event).items() if value is not None and key != "step"}
    return event, msgspec.structs.replace(now, **given)


def _roles(now: Roles, given: Mapping[str, Sequence[str] | None]) -> Roles | None:
    """All of the session's roles; None: they are as they were."""
    check_roles(given, at="roles")
    merged = {role: tuple(line) for role, line in {**now, **given}.items() if line}
    return merged if merged != dict(now) else None


def version_of(info: SessionInfo) -> str:
    """Another one after each change of what can be changed."""
    told = msgspec.json.encode(
        [info.title, sorted(info.labels.items()), info.model, info.strategy, info.archived, sorted(info.roles.items())]
    )
    return hashlib.sha256(told).hexdigest()[:32]
