"""Wire events -> what a person sees. One fold for both doors and for every kind of screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from pillion import events as e
from pillion.values import Usage

from . import shown as s
from .screen import clean, one_line
from .terminals import remark


class _Envelope(Struct, frozen=True):
    """What the fold needs of any frame, deltas included."""

    type: str
    id: str = ""
    turn: str = ""
    item: int = 0
    at: int = 0
    text: str = ""
    head: int = 0


class Change(Struct, frozen=True):
    """What a turn did to one file, in lines."""

    added: int = 0
    removed: int = 0


PLAIN_KEYS = ("path", "command", "pattern", "query")
"""Arguments that say by themselves what a call is about: shown first, and without their names."""
BRIEF = 24
"""Characters of any other argument that is shown."""
_DELTAS = ("text.delta", "thinking.delta", "call.delta", "tool.output")
_envelope = msgspec.json.Decoder(_Envelope)


class Transcript:
    """Folds the frames of one turn. `usage` and `files` are its totals so far."""

    def __init__(self, turn: str) -> None:
        self.turn = turn
        self.usage = Usage()
        self.files: dict[str, Change] = {}
        self._growing: dict[int, s.Growing] = {}
        self._titles: dict[str, str] = {}
        self._effects: dict[str, str] = {}
        self._changes: dict[str, list[s.Changed]] = {}
        self._texts: dict[int, str] = {}
        self._seen = 0
        self._skip = 0

    def take(self, frame: bytes) -> Iterator[s.Shown]:
        """What `frame` (one JSON object) brings to the screen. Types that it does not know bring nothing."""
        head = _envelope.decode(frame)
        if head.type == "resync":
            self._skip = min(self._seen, head.head)
            return
        seq = int(head.id.partition(".")[0] or 0)
        if seq <= self._skip:
            return  # told again from the start: seen before
        self._seen = seq
        if head.type in _DELTAS:
            yield from self._grow(head)
        elif head.type == "prompt.dropped" or head.turn in ("", self.turn):
            event = e.decode(head.type, frame)
            if event is not None:
                yield from self._apply(seq, event)
            elif said := remark(head.type, frame):
                yield s.Remark(said)

    def _grow(self, delta: _Envelope) -> Iterator[s.Shown]:
        item = self._growing.get(delta.item)
        if item is not None:
            yield self._open(delta.item, item.kind, item.title, item.text[: delta.at] + delta.text)

    def _open(
        self, item: int, kind: Literal["text", "thinking", "call", "output"], title: str = "", text: str = ""
    ) -> s.Growing:
        self._growing[item] = s.Growing(item, kind, text, title)
        return self._growing[item]

    def _close(self, item: int) -> str:
        grown = self._growing.pop(item, None)
        return grown.text if grown else ""

    def _apply(self, seq: int, event: e.Event) -> Iterator[s.Shown]:
        match event:
            case e.TurnStarted():
                yield s.Answers(event.model, event.strategy)
            case e.TextStarted():
                yield self._open(seq, "text")
            case e.ThinkingStarted():
                yield self._open(seq, "thinking")
            case e.CallStarted():
                yield self._open(seq, "call", event.tool)
            case e.TextFinished():
                self._close(event.item)
                self._texts[event.item] = event.text
                yield s.Written(event.item, event.text)
            case e.TextInterrupted():
                self._close(event.item)
                yield s.CutOff(event.item, event.text)
            case e.CallFinished():
                self._close(event.item)
                self._titles[event.call] = call_title(event.tool, event.text)
                yield s.Dropped(event.item)
            case e.ThinkingFinished() | e.ThinkingInterrupted() | e.CallInterrupted():
                self._close(event.item)
                yield s.Dropped(event.item)
            case e.TextVoided() | e.ThinkingVoided() | e.CallVoided():
                self._close(event.item)
                yield s.Dropped(event.item, event.why or "it begins again")
            case e.MessageFinished():
                text = "\n\n".join(self._texts.pop(item) for item in event.items if item in self._texts)
                if text:
                    yield s.Said(text, event.finish != "tool_calls")
            case e.HistoryCompacted():
                yield s.Remark(f"The conversation was made shorter: {event.before:,} tokens are {event.after:,} now.")
            case e.HistoryCompactionFailed():
                yield s.Remark(f"The conversation could not be made shorter: {one_line(event.message)}")
            case _:
                yield from self._apply_tools(seq, event)

    def _apply_tools(self, seq: int, event: e.Event) -> Iterator[s.Shown]:
        match event:
            case e.ToolStarted():
                title = self._titles.get(event.call, event.tool)
                self._open(seq, "output", title)
                self._effects[event.call] = event.effect
                yield s.Begun(seq, title)
            case e.ToolFinished():
                yield from self._ran(event, event.error, event.code, event.seconds)
            case e.ToolInterrupted():
                yield from self._ran(event, True, "interrupted", 0.0)
            case e.FileChanged():
                yield from self._changed(event)
            case e.ApprovalWanted():
                yield s.Asked(event, self._titles.get(event.call, event.tool))
            case e.ApprovalDecided():
                yield s.Decided(event.approval, event.decision, event.by)
            case e.QuestionAsked():
                yield s.Questioned(event)
            case e.QuestionAnswered():
                yield s.Replied(event.question, event.answer, event.by)
            case e.UsageRecorded():
                self.usage = self.usage + event.usage
            case _:
                yield from self._remark(event)

    def _ran(
        self, event: e.ToolFinished | e.ToolInterrupted, error: bool, code: str, seconds: float
    ) -> Iterator[s.Shown]:
        self._close(event.item)
        title, effect = self._titles.pop(event.call, event.tool), self._effects.pop(event.call, "")
        yield s.Ran(event.item, title, effect, event.text, error, code, seconds)
        yield from self._changes.pop(event.call, ())

    def _changed(self, event: e.FileChanged) -> Iterator[s.Shown]:
        before = self.files.get(event.path, Change())
        self.files[event.path] = Change(before.added + event.added, before.removed + event.removed)
        changed = s.Changed(event.path, event.kind, event.diff, event.added, event.removed)
        if event.call in self._effects:
            self._changes.setdefault(event.call, []).append(changed)
        else:
            yield changed

    def _remark(self, event: e.Event) -> Iterator[s.Shown]:
        match event:
            case e.ModelWaiting():
                yield s.Remark(f"Waiting about {max(event.seconds, 0.1):.1f} s: {one_line(event.why)}")
            case e.LogStalled():
                yield s.Remark(f"Nothing can be kept now: {one_line(event.message, 400)}")
            case e.ModelPassedOver():
                yield s.Remark(f"{event.model} could not answer, {event.next} is asked: {one_line(event.why)}")
            case e.ChildStarted():
                yield s.Remark(f"Started a session of its own: {one_line(event.title or event.child)}")
            case e.PromptQueued(joins=self.turn):
                yield s.Remark(f"Said meanwhile: {one_line(event.text)}")
            case e.ModelTold(why="restart"):
                yield s.Remark("The model goes on where it was interrupted.")
            case e.TurnStopping():
                yield s.Remark("Stopping…")
            case _:
                yield from self._end(event)

    def _end(self, event: e.Event) -> Iterator[s.Shown]:
        match event:
            case e.TurnFinished():
                over = s.Over("finished", event.reason)
            case e.TurnFailed():
                over = s.Over("failed", event.message, event.code)
            case e.TurnCancelled():
                over = s.Over("cancelled")
            case e.TurnInterrupted():
                over = s.Over("interrupted", "The server ended in the middle of the turn.")
            case e.PromptDropped(prompt=self.turn):
                over = s.Over("dropped", event.why)
            case _:
                return
        if isinstance(event, e.TurnFinished | e.TurnFailed | e.TurnCancelled) and event.usage != Usage():
            self.usage = event.usage
        yield over


def call_title(tool: str, arguments: str) -> str:
    """A call on one line: `read_file src/a.py`, `search x glob=*.py`. Malformed arguments stand as they are."""
    try:
        values = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        values = arguments
    if not isinstance(values, dict):
        return one_line(f"{tool} {arguments}")
    first = [one_line(str(values[key]), 80) for key in PLAIN_KEYS if key in values]
    rest = [f"{key}={text}" for key, value in values.items() if key not in PLAIN_KEYS and (text := _brief(value))]
    return one_line(" ".join([tool, *first, *rest]), 120)


def _brief(value: object) -> str:
    """The value, where it is short: a file's whole text is no part of a line."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return clean(text) if len(text) <= BRIEF and "\n" not in text else ""
