"""Lists of sessions: newest first, page by page, and by words, with the passages where those stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pillion import Page, SessionInfo, SessionQuery
from pillion.listcursor import behind, parsed

from .entities import Entities
from .ponytypes import desc, raw_sql, select
from .rows import Rows
from .search import ANSWER, QUERY, Search, passage, wanted

TURNS = 50
"""The newest ones, in which the words of a search are looked for to be shown."""
SAID = "SELECT query, answer FROM conversation_message WHERE session = ? ORDER BY seq DESC LIMIT ?"


class Listing:
    """In the database's thread."""

    def __init__(self, entities: Entities, rows: Rows, search: Search) -> None:
        self._entities, self._rows, self._search = entities, rows, search

    def page(self, query: SessionQuery) -> Page:
        Session: Any = self._entities.Session
        pieces = wanted(query.text)
        if query.text.strip() and not pieces:
            return Page(())  # signs alone: nothing is found by them
        found = select(s for s in Session if s.parent == query.parent and s.archived == query.archived)
        if query.workspace:
            found = found.filter(lambda s: s.workspace == query.workspace)
        for condition, value in self._search.conditions(pieces):
            found = _where(found, condition.replace("?", "$value"), value)
        if query.cursor:
            created, id = parsed(query.cursor)
            found = found.filter(lambda s: s.created <= created and (s.created < created or s.id < id))
        rows = list(found.order_by(lambda s: (desc(s.created), desc(s.id))).limit(query.limit + 1))
        page = [info_of(row) for row in rows[: query.limit]]
        matches = {row.id: shown for row in rows[: query.limit] if pieces and (shown := self._passage(row, pieces))}
        return Page(page, behind(page[-1]) if len(rows) > query.limit else "", matches)

    def _passage(self, session: Any, pieces: Sequence[Sequence[str]]) -> str:
        """Of the newest turn in which most pieces stand, else of the title."""
        most, best = 0, ""
        for said in self._rows.all(SAID, (session.id, TURNS)):
            for text, length in zip(said, (QUERY, ANSWER), strict=True):
                count, shown = passage(text[:length], pieces)
                if count > most:
                    most, best = count, shown
            if most == len(pieces):
                return best
        count, shown = passage(session.title, pieces)
        return shown if count > most else best


def info_of(row: Any) -> SessionInfo:
    return SessionInfo(
        id=row.id,
        workspace=row.workspace,
        created=row.created,
        updated=row.updated,
        title=row.title,
        model=row.model,
        strategy=row.strategy,
        labels=dict(row.labels),
        parent=row.parent,
        trusted=row.trusted,
        archived=row.archived,
        origin=row.origin,
        branched=row.branched,
    )


def _where(found: Any, condition: str, value: str) -> Any:
    return found.filter(lambda s: raw_sql(condition))
