"""Events -> messages: an incremental, pure fold, and what recovery needs to know of an unfinished turn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple, assert_never

import msgspec

from . import events as e
from .errors import NotFound
from .longresult import shortened
from .prompts import Prompts
from .roles import Roles
from .shown import Shown
from .values import Image, Message, Part, Text, Thinking, ToolCall, ToolResult

Piece = Part | e.ImageRef
INTERRUPTED = 30_000
"""Characters that the model gets of what an interrupted call had said."""


class Draft(msgspec.Struct, frozen=True):
    """A message whose images are still references; `turn` says where it belongs."""

    role: str
    parts: tuple[Piece, ...]
    turn: str = ""


class Stored(msgspec.Struct, frozen=True):
    """A message that is kept as JSON in the blob `hash`."""

    hash: str


class _Mark(NamedTuple):
    """What the conversation was behind event `behind`: the first `length` of `drafts`."""

    behind: int
    drafts: list[Draft | Stored]
    length: int
    compacted: e.HistoryCompacted | None
    task: tuple[int, ...]


class LastTurn(msgspec.Struct, frozen=True):
    """The last turn that ended, the prompt that it was for, and the event that ended it."""

    turn: str
    prompt: e.PromptQueued
    end: e.Event

    @property
    def resumable(self) -> bool:
        """May it be gone on with? Never the single call of a tool, or what a strategy was told to do: that would be
        run again."""
        return isinstance(self.end, e.TurnInterrupted | e.TurnFailed) and not self.is_order

    @property
    def is_order(self) -> bool:
        """Was it told what to do by arguments, not by words?"""
        return bool(self.prompt.tool or self.prompt.arguments)


class History:
    """`apply` each event of the log once, in order; `drafts` is the conversation so far."""

    def __init__(self) -> None:
        self.drafts: list[Draft | Stored] = []
        self.prompts = Prompts()
        self.compacted: e.HistoryCompacted | None = None
        """What a model is sent instead of the beginning; None: it is sent all."""
        self.task: list[int] = []
        """The numbers, from 0, of the messages in which the last turn with words of a person was asked for it."""
        self._task_of = ""
        self.turn = ""
        """The turn that has begun and not ended."""
        self.ended = ""
        """The turn that ended last."""
        self.last: LastTurn | None = None
        self.open_children: dict[str, None] = {}
        self.open_items: dict[int, e.Event] = {}
        self.open_approvals: dict[str, e.ApprovalWanted] = {}
        self.open_questions: dict[str, e.QuestionAsked] = {}
        self._prompt: e.PromptQueued | None = None  # of the turn
        self.roles: Roles = {}
        """The session's own models by role."""
        self.outputs: dict[str, e.TextRef] = {}
        """The whole results, by call, of which the conversation holds beginning and end."""
        self.changed: dict[str, str | None] = {}
        """The files that the session has changed, and the blob with what each was before; "": it was not there, None:
        nobody has kept it."""
        self.rewinds = 0
        """How often the conversation was taken back, or forward again: `drafts` is another list since."""
        self._marks: list[_Mark] = []
        self._parts: dict[int, Piece] = {}  # closed items of the running step
        self._wanted: list[str] = []  # calls of the last message that lack a result, in order
        self._results: dict[str, tuple[Piece, ...]] = {}

    def apply(self, seq: int, event: e.Event, turn: str, time: int = 0) -> None:
        """Takes in event number `seq`, of `time`. Types that say nothing about the conversation pass by."""
        if event.opens:
            self.open_items[seq] = event
        if isinstance(event, e.Closing):
            self.open_items.pop(event.item, None)
        match event:
            case e.PromptQueued():
                self.prompts.queued(event, time)
            case e.PromptDropped():
                self.prompts.taken(event.prompt, "")
            case e.SessionOpened(roles=roles) | e.SessionChanged(roles=roles):
                self.roles = self.roles if roles is None else roles
            case e.SessionSeeded():
                for message in event.messages:
                    self._seed(message)
            case e.SessionForked():
                self.drafts += map(Stored, event.messages)
                self.outputs |= event.outputs
            case e.TurnStarted():
                self._settle(self.turn)
                self._mark(seq - 1)
                self.turn = turn
                self._prompt = self._asked(event.prompt, turn)
            case e.StepStarted():
                self._mark(seq - 1)
            case e.SessionRewound():
                self._rewind(event.to)
            case e.FileChanged():
                self.changed.setdefault(event.path, "" if event.kind == "created" else event.before or None)
            case e.PromptJoined():
                self._asked(event.prompt, turn)
            case e.HistoryCompacted() if self._fits(event):
                self.compacted = event
            case e.ModelTold():
                self.drafts.append(Draft("user", (Text(event.text),), turn))
            case e.TextFinished() | e.TextInterrupted():
                self._parts[event.item] = Text(event.text)
            case e.ThinkingFinished():
                self._parts[event.item] = Thinking(event.text, event.signature)
            case e.CallFinished():
                self._parts[event.item] = ToolCall(event.call, event.tool, event.text)
            case e.MessageFinished():
                self._message(tuple(self._parts[item] for item in event.items if item in self._parts), turn)
            case e.ToolFinished() | e.ToolInterrupted():
                self._result(event, turn)
            case e.ApprovalWanted():
                self.open_approvals[event.approval] = event
            case e.ApprovalDecided():
                self.open_approvals.pop(event.approval, None)
            case e.QuestionAsked():
                self.open_questions[event.question] = event
            case e.QuestionAnswered():
                self.open_questions.pop(event.question, None)
            case e.ChildStarted():
                self.open_children[event.child] = None
            case e.ChildFinished() | e.ChildInterrupted():
                self.open_children.pop(event.child, None)
            case e.TurnCancelled() | e.TurnFailed() | e.TurnFinished() | e.TurnInterrupted():
                self.last = LastTurn(turn, self._prompt, event) if self._prompt else None
                self._end(turn)
            case _:
                pass

    def output(self, call: str) -> e.TextRef:
        """Where the whole result of that call is. Raises NotFound."""
        if call not in self.outputs:
            raise NotFound(f"No result of a call {call!r} is kept apart: one that was short stands whole in the log.")
        return self.outputs[call]

    def settle(self) -> None:
        """Nothing more will come: what is unfinished is left as at a turn's end."""
        self._end(self.turn)

    def blobs(self, start: int = 0, end: int | None = None) -> set[str]:
        """The hashes that `resolved` needs."""
        return {hash for draft in self.drafts[start:end] for hash in _hashes(draft)}

    def resolved(self, blobs: Mapping[str, bytes], start: int = 0, end: int | None = None) -> list[Message]:
        """The messages from number `start` on, and before `end`, with what `blobs` holds by hash."""
        return [_message(draft, blobs) for draft in self.drafts[start:end]]

    def _asked(self, prompt: str, turn: str) -> e.PromptQueued | None:
        event = self.prompts.taken(prompt, turn)
        if event is not None and not (event.tool or event.arguments or event.resumes):
            shown = Shown(event.open_files, event.selected_code, event.context)
            text = (Text(shown.before(event.text)),) if event.text else ()
            self._ask((*event.images, *text), turn)
        return event

    def _mark(self, behind: int) -> None:
        """Here the conversation may be taken back to. The list only grows, so its length says what it was."""
        self._marks.append(_Mark(behind, self.drafts, len(self.drafts), self.compacted, tuple(self.task)))

    def _rewind(self, to: int) -> None:
        """A new list, so that what marks hold of the old one stays."""
        place = bisect_right(self._marks, to, key=lambda mark: mark.behind)
        mark = self._marks[max(place - 1, 0)] if self._marks else _Mark(0, [], 0, None, ())
        self.drafts, self.compacted, self.task = mark.drafts[: mark.length], mark.compacted, list(mark.task)
        self._wanted, self._results = [], {}
        self._parts.clear()
        self.rewinds += 1

    def _fits(self, event: e.HistoryCompacted) -> bool:
        """Does it speak of messages that are there? A file from elsewhere may say anything."""
        end = len(self.drafts)
        return (
            0 <= event.messages <= end
            and 0 <= event.shortened <= end
            and event.characters >= 0
            and all(0 <= number < event.messages for number in event.kept)
        )

    def _ask(self, parts: tuple[Piece, ...], turn: str) -> None:
        """A prompt without words is one for a strategy that needs none: no part of the conversation."""
        if not parts:
            return
        if turn != self._task_of:
            self.task, self._task_of = [], turn
        self.task.append(len(self.drafts))
        self.drafts.append(Draft("user", parts, turn))

    def _seed(self, message: Message) -> None:
        """A seed may be cut anywhere, e.g. behind the call that asked for the child: that one gets its result too."""
        given = {part.call: (part,) for part in message.parts if isinstance(part, ToolResult)}
        if self._wanted and not given.keys() >= set(self._wanted):
            self._results |= {call: given[call] for call in self._wanted if call in given}
            self._settle("")
            rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
            message = msgspec.structs.replace(message, parts=rest)
        if message.parts:
            self.drafts.append(Draft(message.role, message.parts))
        self._wanted = [part.id for part in message.parts if isinstance(part, ToolCall)]

    def _message(self, parts: tuple[Piece, ...], turn: str) -> None:
        self._settle(turn)
        self._parts.clear()
        if parts:
            self.drafts.append(Draft("assistant", parts, turn))
        self._wanted = [part.id for part in parts if isinstance(part, ToolCall)]

    def _result(self, event: e.ToolFinished | e.ToolInterrupted, turn: str) -> None:
        if isinstance(event, e.ToolFinished) and event.whole is not None:
            self.outputs[event.call] = event.whole
        if event.call not in self._wanted:
            return
        if isinstance(event, e.ToolFinished):
            result = ToolResult(event.call, event.text, event.error)
            self._results[event.call] = (result, *event.images)
        else:
            self._results[event.call] = (ToolResult(event.call, shortened(event.text, INTERRUPTED), error=True),)
        if len(self._results) == len(self._wanted):
            self._settle(turn)

    def _settle(self, turn: str) -> None:
        """Each call of the last message gets its one result, in order; one that is missing was never run."""
        if self._wanted:
            none = (ToolResult("", "The call was not run.", error=True),)
            found = {call: self._results.get(call, none) for call in self._wanted}
            parts = (
                msgspec.structs.replace(part, call=call) if isinstance(part, ToolResult) else part
                for call, parts in found.items()
                for part in parts
            )
            self.drafts.append(Draft("user", tuple(parts), turn))
        self._wanted, self._results = [], {}

    def _end(self, turn: str) -> None:
        """What an unfinished step leaves: its words stay, its thinking and calls can't be sent again."""
        words = tuple(part for _, part in sorted(self._parts.items()) if isinstance(part, Text) and part.text)
        self._message(words, turn)
        self.turn, self.ended, self._prompt = "", turn, None


def interruption(item: int, opened: e.Event, text: str, *, ran: bool = True) -> e.Event:
    """The event that closes an item which will not grow any more; `text` is what it grew to.

    `ran`: may the call have done something already?
    """
    match opened:
        case e.TextStarted():
            return e.TextInterrupted(item=item, text=text, step=opened.step)
        case e.ThinkingStarted():
            return e.ThinkingInterrupted(item=item, text=text, step=opened.step)
        case e.CallStarted():
            return e.CallInterrupted(item=item, text=text, step=opened.step)
        case e.ToolStarted():
            note = "The call was interrupted; whether it took effect is unknown." if ran else "The call was not run."
            said = f"{text}\n{note}" if text else note
            return e.ToolInterrupted(item=item, call=opened.call, tool=opened.tool, text=said, step=opened.step)
        case _:
            raise TypeError(f"{e.type_of(opened)} opens no item.")


def voiding(item: int, opened: e.Event, why: str) -> e.Event:
    """The event that takes back an item of a model's message."""
    match opened:
        case e.TextStarted():
            return e.TextVoided(item=item, why=why, step=opened.step)
        case e.ThinkingStarted():
            return e.ThinkingVoided(item=item, why=why, step=opened.step)
        case e.CallStarted():
            return e.CallVoided(item=item, why=why, step=opened.step)
        case _:
            raise TypeError(f"{e.type_of(opened)} can't be voided.")


def _hashes(draft: Draft | Stored) -> list[str]:
    if isinstance(draft, Stored):
        return [draft.hash]
    return [part.hash for part in draft.parts if isinstance(part, e.ImageRef)]


def _message(draft: Draft | Stored, blobs: Mapping[str, bytes]) -> Message:
    if isinstance(draft, Stored):
        return msgspec.json.decode(blobs[draft.hash], type=Message)
    parts: list[Part] = []
    for part in draft.parts:
        match part:
            case e.ImageRef() if parts and isinstance(parts[-1], ToolResult):
                result = parts[-1]
                parts[-1] = msgspec.structs.replace(result, images=(*result.images, _image(part, blobs)))
            case e.ImageRef():
                parts.append(_image(part, blobs))
            case Text() | Thinking() | Image() | ToolCall() | ToolResult():
                parts.append(part)
            case _:
                assert_never(part)
    return Message("user" if draft.role == "user" else "assistant", tuple(parts))


def _image(ref: e.ImageRef, blobs: Mapping[str, bytes]) -> Image:
    return Image(ref.media_type, blobs[ref.hash])  # type: ignore[arg-type]  # checked when it came in
