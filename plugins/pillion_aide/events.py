"""What the log says of the editor's exchanges: which turn is which, and what became of it."""

from __future__ import annotations

from typing import Literal

from pillion import Event

Kind = Literal["chat", "tool", "edit"]
State = Literal["Accepted", "Rejected", "Cancelled"]


class AideAsked(Event, frozen=True, tag="aide.asked"):
    """A message of the person: the editor calls it `exchange`, and turn `began` answers it."""

    exchange: str
    began: str
    kind: Kind


class AideReplied(Event, frozen=True, tag="aide.replied"):
    """From its step `at` on, the answer of turn `began` is shown as the exchange `reply`."""

    began: str
    reply: str
    at: int = 1


class AideJudged(Event, frozen=True, tag="aide.judged"):
    """What became of an answer."""

    reply: str
    state: State


class AideMoved(Event, frozen=True, tag="aide.moved"):
    """The person went back to behind the exchange `exchange`, the later ones are hidden; or, with `dropped`, it and
    all later ones are gone. The conversation went along, by `session.rewound`."""

    exchange: str
    dropped: bool = False


class AideEditorLost(Event, frozen=True, tag="aide.editor_lost"):
    """The editor is gone, or does not answer: until a request names one again, files are read and written on the disk
    alone."""

    message: str
