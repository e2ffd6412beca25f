"""What model calls used, summed: one statement, on the store's rows of calls or on those in memory."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from msgspec import Struct, structs

from pillion.errors import BadCursor
from pillion.values import Usage

By = Literal["", "session", "model", "role", "day", "turn", "step"]
DAY = 86_400_000
"""Milliseconds; days are those of UTC, and have numbers since 1970."""
KEYS: dict[By, tuple[str, str]] = {
    "": ("''", "0"),
    "session": ("root", "0"),
    "model": ("model", "0"),
    "role": ("role", "0"),
    "day": ("CAST(day AS TEXT)", "0"),
    "turn": ("turn", "0"),
    "step": ("turn", "step"),
}
"""What calls are put together by: a text, and a number beside it."""
OF_DAYS = """SUM(calls) AS calls, SUM(errors) AS errors, SUM(input) AS input, SUM(output) AS output,
    SUM(cached) AS cached, SUM(cost) AS cost, MAX(newest) AS newest FROM llm_day"""
OF_CALLS = """COUNT(*) AS calls, SUM(CASE WHEN error = '' THEN 0 ELSE 1 END) AS errors, SUM(input) AS input,
    SUM(output) AS output, SUM(cached) AS cached, SUM(cost) AS cost, MAX(time) AS newest FROM llm_data"""
COLUMNS = 7
"""Of a sum."""
T = TypeVar("T")


class Rows(Protocol):
    """Where a statement is put; `?` in it stands for a value."""

    def all(self, statement: str, values: Sequence[Any] = (), /) -> list[Any]: ...


@runtime_checkable
class Readable(Protocol):
    """A store with a table `llm_data`."""

    async def reading(self, work: Callable[[Rows], T], /) -> T: ...


class Wanted(Struct, frozen=True):
    """Which calls: those of `session` and its children, "" is all; of the days from `since` to `until`, both included.
    Groups come newest first, `limit` of them, behind `cursor`."""

    by: By = ""
    session: str = ""
    since: int | None = None
    until: int | None = None
    limit: int = 100
    cursor: str = ""


class Sum(Struct, frozen=True):
    """What `calls` used together, `errors` of which failed. `newest` is when the last one ended (ms since 1970 UTC)."""

    calls: int = 0
    errors: int = 0
    usage: Usage = Usage()
    newest: int = 0


class Group(Struct, frozen=True):
    """Calls that have `key`, and `step` with it, in common. `title` is that of a session."""

    key: str
    step: int
    title: str
    sum: Sum


class Found(Struct, frozen=True):
    """All that was wanted, as one sum, and a page of its groups."""

    total: Sum
    groups: Sequence[Group]
    next: str = ""


def found(rows: Rows, wanted: Wanted) -> Found:
    """Raises BadCursor."""
    behind, place = ("WHERE (newest, k, n) < (?, ?, ?)", _parsed(wanted.cursor)) if wanted.cursor else ("", ())
    grouped, values = _grouped(structs.replace(wanted, by=""))
    total = _sum(rows.all(grouped, values)[0][2:])
    if not wanted.by or not total.calls:
        return Found(total, ())
    grouped, values = _grouped(wanted)
    statement = f"""SELECT page.*, session.title FROM (
            SELECT * FROM ({grouped}) AS grouped {behind} ORDER BY newest DESC, k DESC, n DESC LIMIT ?
        ) AS page LEFT JOIN session ON session.id = page.k ORDER BY newest DESC, k DESC, n DESC"""
    answer = rows.all(statement, (*values, *place, wanted.limit + 1))
    groups = [Group(row[0], int(row[1]), row[-1] or "", _sum(row[2:])) for row in answer[: wanted.limit]]
    return Found(total, groups, _behind(groups[-1]) if len(answer) > wanted.limit else "")


def used(rows: Rows, *, session: str = "", since: int | None = None) -> Usage:
    """What the calls of a session and its children used, or all calls since that day."""
    grouped, values = _grouped(Wanted(session=session, since=since))
    return _sum(rows.all(grouped, values)[0][2:]).usage


def _grouped(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    key, step = KEYS[wanted.by]
    one_by_one = wanted.by in ("turn", "step")
    day = f"time / {DAY}" if one_by_one else "day"
    limits = [("root = ?", wanted.session or None), (f"{day} >= ?", wanted.since), (f"{day} <= ?", wanted.until)]
    conditions = [(condition, value) for condition, value in limits if value is not None]
    where = f"WHERE {' AND '.join(condition for condition, _ in conditions)}" if conditions else ""
    group = "GROUP BY 1" if wanted.by else ""
    group += ", 2" if wanted.by == "step" else ""
    statement = f"SELECT {key} AS k, {step} AS n, {OF_CALLS if one_by_one else OF_DAYS} {where} {group}"
    return statement, tuple(value for _, value in conditions)


def _sum(row: Sequence[Any]) -> Sum:
    calls, errors, input, output, cached, cost, newest = (value or 0 for value in row[:COLUMNS])
    return Sum(int(calls), int(errors), Usage(int(input), int(output), int(cached), float(cost)), int(newest))


def _behind(group: Group) -> str:
    return base64.urlsafe_b64encode(f"{group.sum.newest} {group.step} {group.key}".encode()).decode()


def _parsed(cursor: str) -> tuple[int, str, int]:
    try:
        newest, step, key = base64.urlsafe_b64decode(cursor).decode().split(" ", 2)
        return int(newest), key, int(step)
    except ValueError:
        raise BadCursor(f"{cursor[:40]!r} is no cursor of a list; use the one that a page gave.") from None
