"""What a screen can be told to show: a closed union."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pillion.events import ApprovalWanted, QuestionAsked


class Answers(Struct, frozen=True):
    """The model that answers from here on, and the strategy that asks it."""

    model: str
    strategy: str


class Growing(Struct, frozen=True):
    """An item as far as it has come: `text` is all of it; `title` names the tool for `call` and `output`."""

    item: int
    kind: Literal["text", "thinking", "call", "output"]
    text: str
    title: str = ""


class Written(Struct, frozen=True):
    """A text is whole. Whether it is the answer or a remark on the way, Said tells."""

    item: int
    text: str


class Said(Struct, frozen=True):
    """The model's message is whole; `final`: it is an answer, no tool call follows from it."""

    text: str
    final: bool


class CutOff(Struct, frozen=True):
    """A text ended before it was whole."""

    item: int
    text: str


class Dropped(Struct, frozen=True):
    """An item is gone without a trace: thinking that is done, or what a retry takes back (`why` says so)."""

    item: int
    why: str = ""


class Begun(Struct, frozen=True):
    """A tool runs, or waits for approval."""

    item: int
    title: str


class Ran(Struct, frozen=True):
    """A tool call has its result; `text` is what the model reads. What it changed is shown right behind it."""

    item: int
    title: str
    effect: str
    text: str
    error: bool
    code: str
    seconds: float


class Changed(Struct, frozen=True):
    """A file is new, other or gone; `diff` is unified."""

    path: str
    kind: str
    diff: str
    added: int
    removed: int


class Asked(Struct, frozen=True):
    """Somebody must allow a call, or not; `title` is the call on one line."""

    wanted: ApprovalWanted
    title: str


class Decided(Struct, frozen=True):
    """An approval is answered."""

    approval: str
    decision: str
    by: str


class Questioned(Struct, frozen=True):
    """The model asks the person something."""

    asked: QuestionAsked


class Replied(Struct, frozen=True):
    """A question is answered; `answer` is None where nobody did."""

    question: str
    answer: str | None
    by: str


class Remark(Struct, frozen=True):
    """One line about what goes on."""

    text: str


class Over(Struct, frozen=True):
    """The turn has ended. `how` is the event's name behind `turn.`; `dropped` for a prompt that never ran."""

    how: Literal["finished", "failed", "cancelled", "interrupted", "dropped"]
    reason: str = ""
    code: str = ""


Shown = (
    Answers | Growing | Written | Said | CutOff | Dropped | Begun | Ran | Changed
    | Asked | Decided | Questioned | Replied | Remark | Over
)  # fmt: skip
