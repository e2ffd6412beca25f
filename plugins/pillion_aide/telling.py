"""A turn's events, told as the sidecar's UI events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import starmap
from pathlib import Path
from typing import Any, assert_never

import msgspec

from pillion import Event
from pillion import events as e
from pillion.frames import Delta, Frame

from . import uievents
from .anchored import NotEdited
from .block import Block
from .events import Kind
from .framing import UIEvent
from .growingcall import GrowingCall
from .toolinputs import tool_input, type_of

WAITING = "\n\nThis waits for an approval: {what}\nAnswer it on Pillion's page (`pillion open`) or in `pillion watch`."
LOST = "\n\n{why} Files are read and written on the disk alone from here on.\n\n"
AGAIN = "\n\nThe answer begins again.\n\n"
ASKING = ("ask_person",)
"""Tools whose calls are told as the question that they ask."""
TASK = "architect.task"
DENIED = {"provider_refused": uievents.UNAUTHORIZED, "provider_busy": uievents.RATE_LIMIT}


class Teller:
    """Of one turn. `tell` its frames in order; `over` when nothing more is told. `reply` is the exchange that is told
    of now, and is changed from outside."""

    def __init__(self, session: str, turn: str, kind: Kind, root: Path, reply: str) -> None:
        self._session, self._turn, self._kind, self._root = session, turn, kind, root
        self.reply = reply
        self.over = False
        self.waits = frozenset[str]()
        """Effects whose approvals are left to the person."""
        self._texts: dict[int, str] = {}
        self._said = ""
        """All of the answer, or of the step's thoughts, so far."""
        self._last = ""
        """The words of the last message."""
        self.edit: uievents.Edit | None = None
        """Of an anchored edit: what is told of it."""
        self._block = Block()
        self._files: list[str] = []
        self._unknown: set[str] = set()
        """Calls of tools that there are not."""
        self._growing: dict[int, GrowingCall] = {}
        """Calls that a model still writes, by item."""

    def open_with(self, words: str) -> UIEvent:
        """Of a chat: what is said before its first answer."""
        self._said = words
        return uievents.chat(self.reply, words, words)

    def new_step(self) -> None:
        self._texts, self._said, self._last, self._growing = {}, "", "", {}

    def tell(self, frame: Frame) -> Iterator[UIEvent]:
        """What the editor is told of a frame. Frames of other turns say nothing."""
        if frame.turn != self._turn or self.over:
            return
        if frame.type == "call.delta" and self._growing:
            delta = msgspec.json.decode(frame.data, type=Delta)
            if delta.item in self._growing:
                yield from starmap(uievents.parameter, self._growing[delta.item].feed(delta.text))
        elif frame.type in ("text.delta", "thinking.delta"):
            yield from self._grow(msgspec.json.decode(frame.data, type=Delta), frame.type == "text.delta")
        elif frame.type == TASK and self._kind == "tool":
            yield from self._task(msgspec.json.decode(frame.data))
        elif "." not in frame.id and (event := e.decode(frame.type, frame.data)) is not None:
            if isinstance(event, e.CallStarted) and self._kind == "tool" and event.tool not in ASKING:
                self._growing[int(frame.id)] = GrowingCall(event.tool, self._root)
                yield uievents.tool_type(type_of(tool_input(event.tool, "", self._root)))
            yield from self._whole(event)

    def dropped(self) -> Iterator[UIEvent]:
        """Its prompt was taken back before it began."""
        if not self.over:
            yield from self._end(e.TurnCancelled())
            self.over = True

    def lost(self, why: str) -> Iterator[UIEvent]:
        """The editor's files are not asked for any more; of a chat nobody is told, since it changes none."""
        if self._kind != "chat" and not self.over:
            yield self._thought(LOST.format(why=why))

    def _whole(self, event: Event) -> Iterator[UIEvent]:
        match event:
            case e.TextFinished(item=item, text=text):
                self._last += text
                yield from self._grow(Delta("text.delta", item, 0, text), True)
                if self.edit is not None:
                    yield from self._written(self.edit, "", last=True)
            case e.ThinkingFinished(item=item, text=text):
                yield from self._grow(Delta("thinking.delta", item, 0, text), False)
            case e.TextVoided(item=item) if self._texts.pop(item, "") and self._kind == "chat":
                self._said = ""
                yield uievents.chat(self.reply, "", AGAIN)
            case e.TextVoided() | e.ThinkingVoided() | e.CallVoided():
                self._said, self._block = "", Block()
            case e.CallFinished(tool=tool) if self._kind == "tool" and tool not in ASKING:
                yield from self._call(event)
            case e.ToolStarted(effect=""):
                self._unknown.add(event.call)
            case e.ToolFinished(call=call, text=text) if self._kind == "tool" and call in self._unknown:
                yield uievents.tool_not_found(text)
            case e.ToolFinished(text=text) | e.ToolInterrupted(text=text) if self._kind == "tool":
                yield uievents.tool_output(text)
            case e.ApprovalWanted() if event.effect in self.waits and self._kind != "chat":
                yield self._thought(WAITING.format(what=event.preview or event.tool))
            case e.FileChanged(path=path) if (changed := str(self._root / path)) not in self._files:
                self._files.append(changed)
                if self.edit is not None and self._block.code is not None:
                    yield self.edit.code(self._block.code)
            case e.QuestionAsked() if self._kind == "tool":
                yield from self._asks(event.text)
                self.over = True
            case e.TurnFinished() | e.TurnFailed() | e.TurnCancelled() | e.TurnInterrupted():
                yield from self._end(event)
                self.over = True
            case _:
                return

    def _grow(self, delta: Delta, words: bool) -> Iterator[UIEvent]:
        if self._kind == "chat" and not words:
            return
        old = self._texts.get(delta.item)
        new = (old or "")[: delta.at] + delta.text
        if new == old or (old is not None and not new.startswith(old)):
            return  # nothing new, or it was shown otherwise: what the editor has stays
        self._texts[delta.item] = new
        piece = new[len(old or "") :]
        if old is None and self._said and piece:
            piece = "\n\n" + piece
        if not piece:
            return
        if self._kind == "chat":
            self._said += piece
            yield uievents.chat(self.reply, self._said, piece)
        elif self.edit is not None and words:
            yield from self._written(self.edit, piece)
        else:
            yield self._thought(piece)

    def _thought(self, piece: str) -> UIEvent:
        self._said += piece
        if self.edit is not None:
            return self.edit.thinking(self._said, piece)
        return uievents.thinking(self._said)

    def _written(self, edit: uievents.Edit, piece: str, *, last: bool = False) -> Iterator[UIEvent]:
        """The words before the new code, and the code, as they come."""
        block = self._block
        words, code, closed = len(block.words), block.code, block.closed
        block.feed(piece)
        if last:
            block.finish()
        if len(block.words) > words:
            yield self._thought(block.words[words:])
        if block.code is None:
            return
        ids = self._session, self.reply
        if code is None:
            yield edit.streaming("Start", *ids)
        if new := block.code[len(code or "") :]:
            yield edit.streaming({"Delta": new}, *ids)
        if block.closed and not closed:
            yield edit.streaming("End", *ids)

    def _call(self, call: e.CallFinished) -> Iterator[UIEvent]:
        given = tool_input(call.tool, call.text, self._root)
        growing = self._growing.pop(call.item, None)
        if growing is None:
            growing = GrowingCall(call.tool, self._root)
            yield uievents.tool_type(type_of(given))
        yield from starmap(uievents.parameter, growing.finish(given))
        yield uievents.tool_use(given, self._said)

    def _task(self, decided: Mapping[str, str]) -> Iterator[UIEvent]:
        """The architect has planned, and gives a task."""
        said = "\n\n".join(filter(None, (decided.get("plan"), decided.get("task"))))
        yield self._thought("\n\n" + said if self._said else said)
        if task := decided.get("task"):
            yield uievents.tool_type("Reasoning")
            yield uievents.tool_use({"Reasoning": {"user_instruction": task, "action_nodes": [], "params": None}}, said)

    def _asks(self, question: str) -> Iterator[UIEvent]:
        yield uievents.tool_type("AskFollowupQuestions")
        yield uievents.parameter("question", question, question)
        yield uievents.tool_use({"AskFollowupQuestions": {"question": question}}, "")

    def _end(self, event: e.TurnFinished | e.TurnFailed | e.TurnCancelled | e.TurnInterrupted) -> Iterator[UIEvent]:
        if self._kind == "edit":
            done = isinstance(event, e.TurnFinished)
            yield uievents.edits("MarkedComplete" if done else "Cancelled", self._files)
        match event:
            case e.TurnFinished(reason="question") if self._kind == "tool":
                yield from self._asks(self._last)
            case e.TurnFinished(reason=reason) if reason.startswith("limit:"):
                yield uievents.error(f"It was ended at its limit: {reason.partition(':')[2]}.")
            case e.TurnFinished() if self._kind == "tool":
                result: dict[str, Any] = {"result": self._last, "command": None}
                yield uievents.tool_type("AttemptCompletion")
                if self._last:
                    yield uievents.parameter("result", self._last, self._last)
                yield uievents.tool_use({"AttemptCompletion": result}, "")
            case e.TurnFinished() if self._kind == "edit":
                yield uievents.execution("InReview")
                return
            case e.TurnFinished():
                pass
            case e.TurnFailed(code=NotEdited.code, message=message):
                yield uievents.error(message)
                return
            case e.TurnFailed(code=code, message=message):
                yield uievents.error(DENIED.get(code) or f"Internal server error: {message}")
                return
            case e.TurnInterrupted():
                yield uievents.error("Internal server error: the server ended in mid-turn.")
                return
            case e.TurnCancelled():
                yield uievents.execution("Cancelled")
                return
            case _:
                assert_never(event)
        yield uievents.finished(self._session, self.reply)
