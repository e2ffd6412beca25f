"""A place in a list of sessions, as a page's `next` has it: behind that session, newest first. For stores."""

from __future__ import annotations

import base64

from .contracts.store import SessionInfo
from .errors import BadCursor


def behind(info: SessionInfo) -> str:
    """The cursor of what comes after this session."""
    return base64.urlsafe_b64encode(f"{info.created} {info.id}".encode()).decode()


def parsed(cursor: str) -> tuple[int, str]:
    """When that session was made (ms since 1970 UTC), and its id. Raises BadCursor."""
    try:
        created, _, id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return int(created), id
    except ValueError:
        raise BadCursor(f"{cursor[:40]!r} is no cursor of a list; use the one that a page gave.") from None
