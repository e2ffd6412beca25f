"""What must hold after a crash: the database, and what clients saw, held against what they had been told."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pillion_storage.database import FILE, Place
from pillion_storage.opening import prepared
from pillion_storage.projections import own
from pillion_storage.rebuilding import rebuild

from .crashclients import ENDS, Told, Watchers
from .crashscript import Script

OPENS = ("text.started", "thinking.started", "call.started", "tool.started")
LOST = 0.25
"""Seconds of growing text that may be lost."""

MARGIN = 1.0
"""Seconds, beyond that, which a flush may take to begin and to end on a busy machine."""
TOLD = ("process", "session", "agent_event", "draft", "blob", "blob_use", "projection_fault", "rebuild_wanted")
"""Tables that no rebuild makes."""
KEPT = ("schema_version", "file_cache", "file_artefact", "git_log_statistic", "file_git_commit_statistic")
"""And those of what is known of files."""
PENNY = 9
"""Digits of a sum of costs that do not depend on its order."""
COMMAND = re.compile(r"echo (\d+) >> (\S+?)[;\"\\]")


class Row(NamedTuple):
    seq: int
    type: str
    turn: str
    time: int
    data: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = msgspec.json.decode(self.data)
        return event


class Rows:
    """A database as it stands; read from a copy, so that nothing is mended by looking."""

    def __init__(self, data: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for file in data.glob(f"{FILE}*"):
                shutil.copy(file, folder)
            connection = sqlite3.connect(Path(folder) / FILE, isolation_level=None)
            self._all = lambda statement: connection.execute(statement).fetchall()
            self.faults = list(self._look())
            self.last: dict[str, int] = dict(self._all("SELECT id, last FROM session"))
            self.parents: dict[str, str] = dict(self._all("SELECT id, parent FROM session"))
            self.titles: dict[str, str] = dict(self._all("SELECT id, title FROM session"))
            self.logs: dict[str, list[Row]] = {session: [] for session in self.last}
            for session, *row in self._all(
                "SELECT session, seq, type, turn, time, data FROM agent_event ORDER BY session, seq"
            ):
                self.logs[session].append(Row(*row))
            self.faults += self._drafts()
            self.faults += self._projections(Path(folder) / FILE)
            connection.close()

    def _look(self) -> Iterator[str]:
        if (said := self._all("PRAGMA integrity_check")) != [("ok",)]:
            yield f"The database is not whole: {said}."
        if said := self._all("PRAGMA foreign_key_check"):
            yield f"Rows refer to what is not there: {said[:3]}."
        try:
            self._all("INSERT INTO search_words (search_words, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            yield f"What sessions are found by is not the text that they are: {error}."
        unused = "SELECT hash FROM blob WHERE hash NOT IN (SELECT hash FROM blob_use)"
        if said := self._all(unused):
            yield f"Blobs that nobody uses: {said[:3]}."

    def _drafts(self) -> Iterator[str]:
        for session, item in self._all("SELECT DISTINCT session, item FROM draft"):
            if item not in open_items(self.logs[session]):
                yield f"Session {session} keeps drafts of item {item}, which is closed."

    def _projections(self, file: Path) -> Iterator[str]:
        """All rows that follow from the log are those that it gives when it is read again."""
        held = self._following()
        ready = prepared(Place(file), None)
        rebuild(ready, own(ready.rows, ready.search))
        ready.database.disconnect()
        for table, made in self._following().items():
            if held[table] != made:
                more, less = (held[table] - made).most_common(2), (made - held[table]).most_common(2)
                yield f"{table} holds {more} and not {less}; its log says otherwise."

    def _following(self) -> dict[str, Counter[tuple[Any, ...]]]:
        """The rows of each table that follows from the log, without numbers of rows."""
        tables = [name for (name,) in self._all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for table in tables:
            if table not in (*TOLD, *KEPT) and not table.startswith(("sqlite_", "search_words")):
                columns = [column for (column,) in self._all(f"SELECT name FROM pragma_table_info('{table}')")]
                wanted = ", ".join(column for column in columns if (table, column) != ("search_text", "id"))
                rows = self._all(f"SELECT {wanted} FROM {table}")
                found[table] = Counter(
                    tuple(round(v, PENNY) if isinstance(v, float) else v for v in row) for row in rows
                )
        return found

    def numbering(self) -> Iterator[str]:
        for session, log in self.logs.items():
            numbers = [row.seq for row in log]
            if numbers != list(range(1, len(log) + 1)) or len(log) != self.last[session]:
                yield f"The log of {session} has the numbers {numbers}, and should have {self.last[session]}."

    def find(self, session: str, **fields: Any) -> list[Row]:
        """The events of a session that have these fields."""
        return [row for row in self.logs.get(session, ()) if fields.items() <= row.event.items()]


def _rounded(value: Any) -> Any:
    return round(value, PENNY) if isinstance(value, float) else value


def open_items(log: list[Row]) -> set[int]:
    opened = {row.seq for row in log if row.type in OPENS}
    return opened - {row.event["item"] for row in log if "item" in row.event}


class Evidence(NamedTuple):
    """All that is known of one crash.

    `at_crash` is what clients had been told by then, `told` what by the end. `before` is the database as the dead
    server left it, `after` as the next one left it in turn. `again` is what new watchers saw of the whole logs.
    """

    at_crash: Told
    told: Told
    seen: Watchers
    killed: float
    before: Rows
    after: Rows
    again: Watchers
    script: Script


def violations(found: Evidence) -> list[str]:
    """Sentences about what broke; empty when all was kept."""
    said = [f"After the crash: {fault}" for fault in (*found.before.faults, *found.before.numbering())]
    said += [f"After the restart: {fault}" for fault in (*found.after.faults, *found.after.numbering())]
    for check in (acknowledged, kept, closed, taken, watched, grown, ran):
        said += [f"{check.__name__}: {fault}" for fault in check(found)]
    return said + [f"The model was sent: {fault}" for fault in found.script.wrong]


def acknowledged(found: Evidence) -> Iterator[str]:
    """What was answered is in the log that the dead server left, once."""
    told, before = found.at_crash, found.before
    for session in told.sessions:
        if not before.find(session, type="session.opened"):
            yield f"Session {session} was opened and is not there."
    for session in told.deleted & before.last.keys():
        yield f"Session {session} was deleted and is there."
    for prompt, (session, text) in told.prompts.items():
        if len(before.find(session, type="prompt.queued", prompt=prompt)) != 1:
            yield f"Prompt {prompt} ({text}) was accepted and is not there once."
        if len(found.after.find(session, type="prompt.queued", text=text)) != 1:
            yield f"Prompt {prompt} ({text}) is there twice."
    for prompt, session in told.resumed.items():
        if len(before.find(session, type="prompt.queued", prompt=prompt)) != 1:
            yield f"Session {session} was resumed, and the log does not say so once."
    for prompt, session in told.withdrawn.items():
        if not before.find(session, type="prompt.dropped", prompt=prompt):
            yield f"Prompt {prompt} was withdrawn and waits."
    asked = [("approval", "decided", "decision", told.decided), ("question", "answered", "answer", told.answered)]
    for noun, verb, field, answers in asked:
        for id, (session, answer) in answers.items():
            written = before.find(session, type=f"{noun}.{verb}", **{noun: id, field: answer})
            if session in told.sessions and not written:
                yield f"The {noun} {id} was {verb} and is not."
    for session in told.stopped:
        if not before.find(session, type="turn.stopping"):
            yield f"The turn of {session} was stopped, and the log does not say so."
    for session, title in told.titles.items():
        if before.titles.get(session) != title:
            yield f"Session {session} was named {title!r} and is not."
    records = [log for session, log in before.logs.items() if before.parents[session] == "completions"]
    if sum(row.type == "usage.recorded" for log in records for row in log) < told.completions:
        yield "What a completion used was not recorded."


def kept(found: Evidence) -> Iterator[str]:
    """The next server changes nothing of what is written, and every watcher was shown what is written."""
    for session, log in found.before.logs.items():
        if session not in found.told.deleted and found.after.logs.get(session, [])[: len(log)] != log:
            yield f"The log of {session} is not what it was."
    for session, (again,) in found.again.items():
        known = dict(again.whole)
        for seq, data in (whole for seen in found.seen.get(session, ()) for whole in seen.whole):
            if known.get(seq) != data:
                yield f"Event {seq} of {session} was shown as {data!r}, and is {known.get(seq)!r}."


def closed(found: Evidence) -> Iterator[str]:
    """Nothing is left open, and nothing is closed twice; a call that had begun is told as interrupted."""
    for session, log in found.after.logs.items():
        if items := open_items(log):
            yield f"Items {items} of {session} are open."
        ends = Counter(row.event["item"] for row in log if "item" in row.event)
        if twice := [item for item, times in ends.items() if times > 1]:
            yield f"Items {twice} of {session} are closed more than once."
        for opens, closes, key in (
            (("approval.wanted",), ("approval.decided",), "approval"),
            (("question.asked",), ("question.answered",), "question"),
        ):
            began = Counter(row.event[key] for row in log if row.type in opens)
            ended = Counter(row.event[key] for row in log if row.type in closes)
            if began != ended or any(times > 1 for times in began.values()):
                yield f"In {session} {began} were asked and {ended} answered."
        for number, row in enumerate(log):
            if row.type in ENDS and (left := open_items([r for r in log[: number + 1] if r.turn == row.turn])):
                yield f"Turn {row.turn} of {session} ended, and left {left} open."
        began = Counter(row.turn for row in log if row.type == "turn.started")
        ended = Counter(row.turn for row in log if row.type in ENDS)
        if began != ended or any(times > 1 for times in began.values()):
            yield f"In {session} the turns {began} began and {ended} ended."
        if log and log[0].type != "session.opened":
            yield f"The log of {session} begins with {log[0].type}."
        if not log:
            yield f"The log of {session} is empty."
    for session, log in found.before.logs.items():
        for item in open_items(log):
            (opened,) = (row for row in log if row.seq == item)
            word = opened.type.partition(".")[0]
            if len(found.after.find(session, type=f"{word}.interrupted", item=item)) != 1:
                yield f"Item {item} of {session}, {opened.type}, was open and is not told as interrupted."


def taken(found: Evidence) -> Iterator[str]:
    """Each accepted prompt was carried out, once."""
    resumed = {prompt: (session, "resume") for prompt, session in found.told.resumed.items()}
    for prompt, (session, text) in {**resumed, **found.told.prompts}.items():
        began = found.after.find(session, type="turn.started", prompt=prompt)
        joined = found.after.find(session, type="prompt.joined", prompt=prompt)
        dropped = found.after.find(session, type="prompt.dropped", prompt=prompt)
        if len(began) + len(joined) + len(dropped) != 1:
            yield f"Prompt {prompt} ({text}) was taken up {len(began)}, joined {len(joined)} times."


def watched(found: Evidence) -> Iterator[str]:
    """A watcher that came back saw each whole event once, in order, over both servers."""
    for session in found.told.sessions:
        for seen in found.seen.get(session, ()):
            yield from (f"{session}: {fault}" for fault in seen.faults)
            numbers = [seq for seq, _ in seen.whole]
            if numbers != list(range(1, len(numbers) + 1)):
                yield f"The watcher of {session} saw {numbers}."


def grown(found: Evidence) -> Iterator[str]:
    """Text that was seen to grow is the final text's beginning; what was lost was seen just before the crash."""
    for session, log in found.after.logs.items():
        ends = {row.event["item"]: row for row in log if "item" in row.event}
        items = [(item, growth) for seen in found.seen.get(session, ()) for item, growth in seen.grown.items()]
        for item, growth in items:
            if item not in ends or ends[item].type.endswith(".voided") or ends[item].type == "tool.finished":
                continue
            type, final = ends[item].type, ends[item].event.get("text", "")
            safe = growth.text if type.endswith(".finished") else growth.until(found.killed - LOST - MARGIN)
            if not final.startswith(safe):
                yield f"Item {item} of {session} ended as {final!r}; {safe!r} was seen in time."
            if type != "tool.interrupted" and not (final.startswith(growth.text) or growth.text.startswith(final)):
                yield f"Item {item} of {session} ended as {final!r}; {growth.text!r} was seen."


def ran(found: Evidence) -> Iterator[str]:
    """No tool ran twice, none before its call and its approval were durable, and each that has a result ran."""
    script, after = found.script, found.after
    lines = Counter(script.ledger.read_text().split()) if script.ledger.exists() else Counter[str]()
    if twice := [line for line, times in lines.items() if times > 1]:
        yield f"The commands {twice} ran more than once."
    calls: dict[str, tuple[str, str]] = {}
    for session, log in after.logs.items():
        for row in log:
            match = COMMAND.search(row.data.decode()) if row.type == "call.finished" else None
            if match and match[2] == str(script.ledger):
                calls[match[1]] = session, row.event["call"]
    for line in lines:
        if line not in calls:
            if any(id[:6] in script.commands[int(line)] for id in after.logs):  # else it was deleted
                yield f"Command {line} ran, and the log does not know it."
            continue
        session, call = calls[line]
        if not after.find(session, type="tool.started", call=call):
            yield f"Command {line} ran, and its call had not been written."
        approvals = [row.event["approval"] for row in after.find(session, type="approval.wanted", call=call)]
        if not any(after.find(session, approval=id, decision="allow") for id in approvals):
            yield f"Command {line} ran, and was not allowed."
    for number, (session, call) in calls.items():
        results = after.find(session, type="tool.finished", call=call)
        if results and not results[0].event.get("error") and lines[number] != 1:
            yield f"Command {number} has a result, and did not run."
