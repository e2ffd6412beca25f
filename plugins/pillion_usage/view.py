"""What was used, as the API tells it: the same from a server and at the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from .sums import By, Found, Group, Sum, Wanted

EPOCH = date(1970, 1, 1)


class Asked(Struct, frozen=True):
    """GET /api/usage. `since` and `until` are days (UTC), both included.

    `by`: session, model, role, day, turn or step; the last two of one session. Without it there is only the total.
    """

    by: By = ""
    session: str = ""
    since: date | None = None
    until: date | None = None
    ephemeral: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: str = ""


class Used(Struct, frozen=True):
    """What calls used together: tokens (`cached` is a part of `input`), and US dollars. `errors` of them failed.

    `newest` is when the last one ended, RFC 3339; null where there is none.
    """

    calls: int
    errors: int
    input: int
    output: int
    cached: int
    cost: float
    newest: str | None


class UsedBy(Used, frozen=True):
    """`key` is the id of a session or turn, the model, the role (`""`: of the conversation itself), or the day; `step`
    that of a turn, else null; `title` a session's."""

    key: str
    step: int | None
    title: str | None


class UsagePage(Struct, frozen=True):
    """Newest first. `since` is from when on all calls are known, where they are kept in memory alone; else null.

    `next_cursor` is null on the last page.
    """

    total: Used
    data: Sequence[UsedBy]
    next_cursor: str | None
    since: str | None


def wanted(asked: Asked) -> Wanted:
    """That, as the statement takes it."""
    return Wanted(
        asked.by,
        asked.session,
        _number(asked.since) if asked.since else None,
        _number(asked.until) if asked.until else None,
        asked.limit,
        asked.cursor,
    )


def page(found: Found, asked: Asked, since: int | None) -> UsagePage:
    """What was found; `since` where it was in memory alone (ms since 1970 UTC)."""
    return UsagePage(
        _used(found.total),
        [_group(asked.by, group) for group in found.groups if asked.by],
        found.next or None,
        None if since is None else _second(since),
    )


def _group(by: By, group: Group) -> UsedBy:
    used = _used(group.sum)
    key = (EPOCH.fromordinal(EPOCH.toordinal() + int(group.key))).isoformat() if by == "day" else group.key
    return UsedBy(
        **msgspec.structs.asdict(used),
        key=key,
        step=group.step if by == "step" else None,
        title=group.title if by == "session" else None,
    )


def _used(sum: Sum) -> Used:
    used = sum.usage
    newest = _second(sum.newest) if sum.calls else None
    return Used(sum.calls, sum.errors, used.input, used.output, used.cached, round(used.cost, 9), newest)


def _number(day: date) -> int:
    return (day - EPOCH).days


def _second(time: int) -> str:
    """Milliseconds since 1970 UTC as RFC 3339."""
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
