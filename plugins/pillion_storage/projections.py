"""The plugin's own projections: what the log says, as rows that can be asked. All can be made again from the log.

Every append waits for them, so they write past the entities, which cost several times as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from pillion import Record, Usage, events

from .hookspecs import Projected, Projection
from .rows import Rows, plain
from .search import Search

T = TypeVar("T")
ENDS = {"turn.finished": "finished", "turn.failed": "failed", "turn.cancelled": "cancelled"}
ENDS |= {"turn.interrupted": "interrupted"}
"""A turn's last event, and the state that it leaves."""
GROWS = {"text.finished", "text.interrupted", "message.finished"}
CONVERSATION = {"prompt.queued", "prompt.joined", "prompt.dropped", "turn.started", "file.unsaved", *GROWS, *ENDS}
"""What a conversation is made of."""
QUEUED = """INSERT INTO conversation_message (session, turn, seq, query, answer, steps, state, reason, strategy, model,
    open_files, selected_code, context, created, updated)
    VALUES (?, ?, ?, ?, '', 0, 'waiting', '', ?, ?, ?, ?, ?, ?, ?)"""
SHOWN = "SELECT open_files, selected_code, context FROM conversation_message WHERE session = ? AND turn = ?"
SHOWS = """UPDATE conversation_message SET open_files = ?, selected_code = ?, context = ?
    WHERE session = ? AND turn = ?"""
JOINED = """UPDATE conversation_message SET query = query || ? || (
        SELECT query FROM conversation_message WHERE session = ? AND turn = ?), updated = ?
    WHERE session = ? AND turn = ? AND EXISTS (
        SELECT 1 FROM conversation_message WHERE session = ? AND turn = ?)"""
GONE = "DELETE FROM conversation_message WHERE session = ? AND turn = ?"
STARTED = """UPDATE conversation_message
    SET seq = ?, state = 'running', model = ?, strategy = ?, updated = ?
    WHERE session = ? AND turn = ?"""
GREW = """UPDATE conversation_message
    SET answer = COALESCE(?, answer), steps = COALESCE(?, steps), updated = ? WHERE session = ? AND turn = ?"""
ENDED = "UPDATE conversation_message SET state = ?, reason = ?, updated = ? WHERE session = ? AND turn = ?"
SAID = "SELECT query, answer FROM conversation_message WHERE session = ? AND turn = ?"
OPEN = "INSERT INTO open_file (session, path) VALUES (?, ?) ON CONFLICT DO NOTHING"
CALL = """INSERT INTO llm_data (session, seq, turn, step, role, provider, model, input, output, cached, cost, seconds,
    first, finish, error, request, answer, time, root)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
DAY = """INSERT INTO llm_day (session, day, role, model, root, calls, errors, input, output, cached, cost, newest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (session, day, role, model) DO UPDATE SET calls = llm_day.calls + excluded.calls,
    errors = llm_day.errors + excluded.errors, input = llm_day.input + excluded.input,
    output = llm_day.output + excluded.output, cached = llm_day.cached + excluded.cached,
    cost = llm_day.cost + excluded.cost, newest = excluded.newest"""
DAY_LONG = 86_400_000
"""Milliseconds; days are those of UTC."""
ROOT = """WITH RECURSIVE up (id, parent) AS (
        SELECT id, parent FROM session WHERE id = ?
        UNION SELECT session.id, session.parent FROM session JOIN up ON session.id = up.parent)
    SELECT id FROM up WHERE parent NOT IN (SELECT id FROM up)"""
PAD = """INSERT INTO scratch_pad (session, text, by, seq, updated) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (session) DO UPDATE
    SET text = excluded.text, by = excluded.by, seq = excluded.seq, updated = excluded.updated"""


class ScratchpadWritten(Struct, frozen=True):
    """What a projection reads of `scratchpad.written`, an event of the plugin `notes`."""

    text: str
    by: str = ""


_pads = msgspec.json.Decoder(ScratchpadWritten)


def own(rows: Rows, search: Search) -> dict[str, Projection]:
    """By their names."""
    return {"conversation": Conversation(rows, search), "calls": Calls(rows), "scratchpad": ScratchPads(rows)}


class Conversation:
    """ConversationMessage, one row a turn, from its prompt on; OpenFile; and the words by which both are found."""

    types = CONVERSATION

    def __init__(self, rows: Rows, search: Search) -> None:
        self._rows, self._search = rows, search

    def __call__(self, projected: Projected) -> None:
        session = projected.session
        if projected.anew:
            self._rows.run("DELETE FROM conversation_message WHERE session = ?", (session,))
            self._rows.run("DELETE FROM open_file WHERE session = ?", (session,))
            self._search.forget(session)
        records = [record for record in projected.records if record.type in self.types]
        for turn, mine in _by_turn(records):
            self._grow(session, turn, mine)

    def _grow(self, session: str, turn: str, records: Sequence[Record]) -> None:
        """Neighbours that one turn wrote: what it says and its steps become one statement."""
        growth = _Growth()
        for record in records:
            if growth.take(record):
                continue
            self._add(session, turn, growth)
            growth = _Growth()
            self._take(session, record)
        self._add(session, turn, growth)
        if records[-1].type in ENDS:
            self._find(session, turn)

    def _add(self, session: str, turn: str, growth: _Growth) -> None:
        if growth.time:
            self._rows.run(GREW, (growth.answer, growth.steps, growth.time, session, turn))

    def _take(self, session: str, record: Record) -> None:
        match record.type:
            case "prompt.queued":
                self._queued(session, record)
            case "prompt.joined":
                joined = (session, _read(record, events.PromptJoined).prompt)
                self._show(session, record.turn, *self._shown(*joined))
                self._rows.run(JOINED, ("\n\n", *joined, record.time, session, record.turn, *joined))
                self._rows.run(GONE, joined)
            case "prompt.dropped":
                self._rows.run(GONE, (session, _read(record, events.PromptDropped).prompt))
            case "turn.started":
                self._started(session, record)
            case "file.unsaved":
                self._unsaved(session, record)
            case _:
                values = (ENDS[record.type], _reason(record), record.time, session, record.turn)
                self._rows.run(ENDED, values)

    def _queued(self, session: str, record: Record) -> None:
        event = _read(record, events.PromptQueued)
        if not event.tool:
            shown = (event.open_files, event.selected_code, event.context)
            said = (plain(event.text), event.strategy, event.model, *(_json(_plain(one)) for one in shown))
            self._rows.run(QUEUED, (session, event.prompt, record.seq, *said, record.time, record.time))

    def _started(self, session: str, record: Record) -> None:
        event = _read(record, events.TurnStarted)
        paths = self._rows.all("SELECT path FROM open_file WHERE session = ? ORDER BY path", (session,))
        self._rows.run(STARTED, (record.seq, event.model, event.strategy, record.time, session, record.turn))
        self._show(session, record.turn, [path for (path,) in paths])
        self._find(session, record.turn)

    def _shown(self, session: str, turn: str) -> list[list[Any]]:
        """Open files, selected code and context of a turn; nothing where it has no row."""
        found = self._rows.all(SHOWN, (session, turn))
        return [msgspec.json.decode(one) if isinstance(one, str) else one for row in found for one in row]

    def _show(self, session: str, turn: str, *more: Sequence[Any]) -> None:
        """Adds to each of the three what it lacks."""
        if any(more) and (there := self._shown(session, turn)):
            new = [
                [*old, *(one for one in added if one not in old)]
                for old, added in zip_longest(there, more, fillvalue=())
            ]
            self._rows.run(SHOWS, (*map(_json, new), session, turn))

    def _unsaved(self, session: str, record: Record) -> None:
        event = _read(record, events.FileUnsaved)
        closed = "DELETE FROM open_file WHERE session = ? AND path = ?"
        self._rows.run(OPEN if event.hash else closed, (session, plain(event.path)))

    def _find(self, session: str, turn: str) -> None:
        """From now on the turn is found by what it says now."""
        for query, answer in self._rows.all(SAID, (session, turn)):
            self._search.put(session, turn, query, answer)


class _Growth:
    """What comes to a turn. A message's texts come in one batch, and the last message is the answer."""

    def __init__(self) -> None:
        self.answer: str | None = None
        self.steps: int | None = None
        self.time = 0
        self._step = 0

    def take(self, record: Record) -> bool:
        """Is it of that kind?"""
        match events.decode(record.type, record.data) if record.type in GROWS else None:
            case events.MessageFinished(step=step):
                self.steps, self.time = step, record.time
            case events.TextFinished(text=text, step=step) | events.TextInterrupted(text=text, step=step):
                self._said(plain(text), step, record.time)
            case _:
                return False
        return True

    def _said(self, text: str, step: int, time: int) -> None:
        if text:
            self.answer = (self.answer or "" if self._step == step else "") + text
            self._step, self.time = step, time


class Calls:
    """LLMData, one row a model call; LLMDay, one a session, day, role and model."""

    types = frozenset({"usage.recorded"})

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __call__(self, projected: Projected) -> None:
        session = projected.session
        if projected.anew:
            self._rows.run("DELETE FROM llm_data WHERE session = ?", (session,))
            self._rows.run("DELETE FROM llm_day WHERE session = ?", (session,))
        told = [record for record in projected.records if record.type in self.types]
        if told:
            root = next((id for (id,) in self._rows.all(ROOT, (session,))), session)
            calls = [(_read(record, events.UsageRecorded), record) for record in told]
            self._rows.many(CALL, [(*_call(session, event, record), root) for event, record in calls])
            self._rows.many(DAY, _days(session, root, calls))


class ScratchPads:
    """ScratchPad, one row a session that has one."""

    types = frozenset({"scratchpad.written"})

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __call__(self, projected: Projected) -> None:
        session = projected.session
        if projected.anew:
            self._rows.run("DELETE FROM scratch_pad WHERE session = ?", (session,))
        written = [record for record in projected.records if record.type in self.types]
        if written:
            event = _pads.decode(written[-1].data)
            values = (session, plain(event.text), event.by, written[-1].seq, written[-1].time)
            self._rows.run(PAD, values)


def _by_turn(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """In order, cut where the turn changes."""
    found: list[tuple[str, list[Record]]] = []
    for record in records:
        if not found or found[-1][0] != record.turn:
            found.append((record.turn, []))
        found[-1][1].append(record)
    return found


def _days(session: str, root: str, calls: Sequence[tuple[events.UsageRecorded, Record]]) -> list[tuple[object, ...]]:
    """One row for those that have all in common."""
    found: dict[tuple[int, str, str], list[tuple[events.UsageRecorded, Record]]] = {}
    for event, record in calls:
        found.setdefault((record.time // DAY_LONG, event.role, event.model), []).append((event, record))
    rows: list[tuple[object, ...]] = []
    for (day, role, model), same in found.items():
        used = sum((event.usage for event, _ in same), Usage())
        failed = sum(bool(event.error) for event, _ in same)
        counted = (len(same), failed, used.input, used.output, used.cached, used.cost)
        rows.append((session, day, role, model, root, *counted, same[-1][1].time))
    return rows


def _call(session: str, event: events.UsageRecorded, record: Record) -> tuple[object, ...]:
    used = event.usage
    return (
        *(session, record.seq, record.turn, event.step, event.role),
        *(event.model.partition("/")[0], event.model, used.input, used.output, used.cached, used.cost),
        *(event.seconds, event.first, event.finish, event.error, _json(event.request), event.answer, record.time),
    )


def _reason(record: Record) -> str:
    match events.decode(record.type, record.data):
        case events.TurnFinished(reason=reason):
            return reason
        case events.TurnFailed(code=code):
            return code
        case _:
            return ""


def _plain(value: Any) -> Any:
    """As JSON has it, with texts that both databases keep."""
    match msgspec.to_builtins(value):
        case str(text):
            return plain(text)
        case dict(fields):
            return {key: _plain(one) for key, one in fields.items()}
        case list() | tuple() as many:
            return [_plain(one) for one in many]
        case other:
            return other


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(record: Record, kind: type[T]) -> T:
    """The kernel's event. Raises msgspec.ValidationError for what is none."""
    event = events.decode(record.type, record.data)
    assert isinstance(event, kind)
    return event
