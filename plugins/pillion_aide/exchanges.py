"""The exchanges of one session, as its log tells them. A pure fold, and how it is kept up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pillion import Event, NotFound, Session
from pillion.events import TURN_ENDS, FileChanged, StepStarted, TurnStarted, type_of

from .events import AideAsked, AideEditorLost, AideJudged, AideMoved, AideReplied, Kind

READ = 1000
"""Events that are read at once."""
KEPT = 64
"""Books that are remembered; another one is folded from its log again."""
RUNNING, PERSON = "Running", "UserMessage"


class Exchange:
    """One: the person's message, or (`reply`) an answer to it. `state` is one of the sidecar's five."""

    def __init__(self, id: str, turn: str, kind: Kind, *, reply: bool, at: int = 1) -> None:
        self.id, self.turn, self.kind, self.reply, self.at = id, turn, kind, reply, at
        self.state = RUNNING if reply else PERSON
        self.hidden = False


class Book:
    """`all` are in order, hidden ones among them. `apply` its events once, in order."""

    def __init__(self) -> None:
        self.cursor = 0
        self.all: list[Exchange] = []
        self.ended = 0
        """The event that ended the last turn."""
        self.over: set[str] = set()
        """The turns that have ended."""
        self.files: dict[str, list[str]] = {}
        """By turn, the files that it has changed."""
        self._behind: dict[tuple[str, int], int] = {}
        """By turn and step the event behind which it began; step 0 is the turn."""

    def apply(self, seq: int, event: Event, turn: str) -> None:
        match event:
            case TurnStarted():
                self._behind[turn, 0] = seq - 1
            case StepStarted():
                self._behind[turn, event.step] = seq - 1
            case FileChanged(path=path):
                files = self.files.setdefault(turn, [])
                if path not in files:
                    files.append(path)
            case AideAsked():
                self.all = [one for one in self.all if not one.hidden and one.id != event.exchange]
                self.all.append(Exchange(event.exchange, event.began, event.kind, reply=False))
            case AideReplied():
                kind: Kind = next((one.kind for one in self.all if one.turn == event.began), "chat")
                self.all.append(Exchange(event.reply, event.began, kind, reply=True, at=event.at))
            case AideJudged():
                for one in self.all:
                    if one.id == event.reply:
                        one.state = event.state
            case AideMoved():
                self._move(event)
            case _ if isinstance(event, TURN_ENDS):
                self.ended = seq
                self.over.add(turn)

    def find(self, id: str) -> Exchange:
        """Raises NotFound."""
        for one in self.all:
            if one.id == id:
                return one
        raise NotFound(f"This session has no exchange {id!r}.")

    def open(self) -> list[Exchange]:
        """The answers that nobody has judged."""
        return [one for one in self.all if one.reply and one.state == RUNNING and not one.hidden]

    def before(self, id: str) -> int:
        """The event behind which the conversation is as it was before that exchange. Raises NotFound."""
        one = self.find(id)
        step = one.at if one.reply and one.at > 1 else 0
        return self._behind.get((one.turn, step), self._behind.get((one.turn, 0), self.ended))

    def behind(self, id: str) -> int:
        """The event behind which it is as it was after that exchange; for the very first one, as before it."""
        at = self.all.index(self.find(id))
        if at == 0:
            return self.before(id)
        later = next((one for one in self.all[at + 1 :]), None)
        if later is None or (later.reply and later.at <= 1):
            later = next((one for one in self.all[at + 1 :] if not (one.reply and one.at <= 1)), None)
        return self.before(later.id) if later else self.ended

    def _move(self, event: AideMoved) -> None:
        at = next((n for n, one in enumerate(self.all) if one.id == event.exchange), None)
        if at is None:
            return
        if event.dropped:
            del self.all[at:]
            return
        for n, one in enumerate(self.all):
            one.hidden = n > at or at == 0


class Books:
    """Of all sessions; each is read on when somebody asks."""

    def __init__(self) -> None:
        self._known: dict[str, Book] = {}

    async def of(self, session: Session) -> Book:
        """As the log is now. Raises StoreFailed."""
        book = self._known.pop(session.id, None) or Book()
        while len(self._known) >= KEPT:
            del self._known[next(iter(self._known))]
        self._known[session.id] = book
        reader = session.follow(str(book.cursor))
        while frames := await reader.whole(READ):
            for frame in frames:
                if not frame.id.isdigit() or int(frame.id) <= book.cursor:
                    continue  # another call has read it meanwhile
                if frame.type in _DECODERS:
                    book.apply(int(frame.id), _DECODERS[frame.type].decode(frame.data), frame.turn)
                book.cursor = int(frame.id)
        return book


def _decoders(kinds: Iterable[type[Event]]) -> dict[str, msgspec.json.Decoder[Event]]:
    return {type_of(kind): msgspec.json.Decoder(kind) for kind in kinds}


OWN: Sequence[type[Event]] = (AideAsked, AideReplied, AideJudged, AideMoved, AideEditorLost)
_DECODERS = _decoders([TurnStarted, StepStarted, FileChanged, *OWN, *TURN_ENDS])
