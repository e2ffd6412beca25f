"""What a session's log says of its checkpoints: where they stand, what was done, what was undone. A pure fold."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from pillion import Event, NotFound, Session
from pillion.events import FileChanged, PromptQueued, TurnStarted, type_of

from .events import CheckpointTaken, WorkspaceRestored

READ = 1000
"""Events that are read at once."""
KEPT = 64
"""Timelines that are remembered; another one is folded from its log again."""
OWN = frozenset({"undo", "redo", "restore"})
"""Strategies that go back and forth; they are no work to be undone, but for `restore`."""
SHORTEST = 4
"""Characters by which a checkpoint may be named."""


class Mark(Struct, frozen=True):
    """A checkpoint in the log: event `seq` of `turn`, at `time`, ms since 1970 UTC."""

    seq: int
    turn: str
    time: int
    event: CheckpointTaken

    @property
    def id(self) -> str:
        return self.event.checkpoint


class Work(Struct, frozen=True):
    """A turn: what it was asked, and the event `behind` which it began."""

    turn: str
    text: str
    behind: int
    strategy: str


class Undone(Struct, frozen=True):
    """A turn that was taken back: the checkpoint `before` that, "" where no file was, and the event behind which."""

    work: Work
    before: str
    behind: int


class Timeline:
    """Of one session. `apply` its events once, in order."""

    def __init__(self) -> None:
        self.cursor = 0
        self.marks: list[Mark] = []
        self.done: list[Work] = []
        self.undone: list[Undone] = []
        self.changes: list[tuple[int, str, str]] = []
        """Number of the event, path and new hash of each file that a turn's tool changed."""
        self.earlier: set[str] = set()
        """Files that were changed before the first checkpoint."""
        self._turns: dict[str, Work] = {}
        self._prompts: dict[str, PromptQueued] = {}

    def apply(self, seq: int, event: Event, turn: str, time: int) -> None:
        match event:
            case PromptQueued():
                self._prompts[event.prompt] = event
            case TurnStarted():
                self._begin(seq, event, turn)
            case FileChanged():
                if not self.marks:
                    self.earlier.add(event.path)
                if turn:
                    self.changes.append((seq, event.path, event.hash))
            case CheckpointTaken():
                self.marks.append(Mark(seq, turn, time, event))
                work = self._turns.get(turn)
                if work is not None and work.strategy not in OWN:
                    self._did(work)
            case WorkspaceRestored():
                self._restored(event, turn)
            case _:
                pass

    def mark(self, named: str) -> Mark:
        """The last checkpoint whose name begins so. Raises NotFound."""
        found = {mark.id: mark for mark in self.marks if len(named) >= SHORTEST and mark.id.startswith(named)}
        if len(found) != 1:
            many = f"{len(found)} checkpoints begin with" if found else "This session has no checkpoint"
            raise NotFound(f"{many} {named!r}.")
        return next(iter(found.values()))

    def first(self, turn: str) -> Mark | None:
        """The turn's first checkpoint: what there was before it changed anything."""
        return next((mark for mark in self.marks if mark.turn == turn), None)

    def since(self, mark: Mark) -> list[Mark]:
        """It and those that came later."""
        return [other for other in self.marks if other.seq >= mark.seq]

    def text(self, turn: str) -> str:
        """What the turn was asked."""
        return self._turns[turn].text if turn in self._turns else ""

    def _begin(self, seq: int, event: TurnStarted, turn: str) -> None:
        prompt = self._prompts.pop(event.prompt, None)
        text = "" if prompt is None else prompt.text or prompt.tool
        work = self._turns[turn] = Work(turn, text, seq - 1, event.strategy)
        if prompt is not None and event.strategy not in OWN and (prompt.text or prompt.images or prompt.resumes):
            self._did(work)

    def _did(self, work: Work) -> None:
        if all(other.turn != work.turn for other in self.done):
            self.done.append(work)
            self.undone.clear()

    def _restored(self, event: WorkspaceRestored, turn: str) -> None:
        mine = self._turns.get(turn)
        if mine is None:
            return
        if event.by == "undo":
            gone = [work for work in self.done if work.turn == event.undone]
            self.done = [work for work in self.done if work.turn != event.undone]
            self.undone += [Undone(work, event.before, mine.behind) for work in gone]
        elif event.by == "redo":
            self.done += [one.work for one in self.undone if one.work.turn == event.undone]
            self.undone = [one for one in self.undone if one.work.turn != event.undone]
        else:
            self._did(mine)


class Timelines:
    """Of all sessions; each is read on when somebody asks."""

    def __init__(self) -> None:
        self._known: dict[str, Timeline] = {}

    async def of(self, session: Session) -> Timeline:
        """As the log is now. Raises StoreFailed."""
        timeline = self._known.pop(session.id, None) or Timeline()
        while len(self._known) >= KEPT:
            del self._known[next(iter(self._known))]
        self._known[session.id] = timeline
        reader = session.follow(str(timeline.cursor))
        while frames := await reader.whole(READ):
            for frame in frames:
                if not frame.id.isdigit() or int(frame.id) <= timeline.cursor:
                    continue  # another call has read it meanwhile
                if frame.type in _DECODERS:
                    event = _DECODERS[frame.type].decode(frame.data)
                    timeline.apply(int(frame.id), event, frame.turn, frame.time)
                timeline.cursor = int(frame.id)
        return timeline


def _decoders(kinds: Iterable[type[Event]]) -> dict[str, msgspec.json.Decoder[Event]]:
    return {type_of(kind): msgspec.json.Decoder(kind) for kind in kinds}


_DECODERS = _decoders([PromptQueued, TurnStarted, FileChanged, CheckpointTaken, WorkspaceRestored])
