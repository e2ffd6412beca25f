"""Stands beside one turn: a snapshot as each step begins, a checkpoint before the step changes anything."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import trio

from pillion import Effect, LocalWorkspace, Session, Turn

from .events import CheckpointMissed, CheckpointTaken
from .shelf import Book, Ready, Shelf
from .state import Snapshot, State

Why = Literal["step", "done", "restore"]
LULL = 0.05
"""Seconds from a step's beginning to its look: a model takes longer, and a few quick words pay nothing."""


class Watch:
    """One turn's. It looks at the workspace beside the model's call, and keeps what it finds before anybody needs it:
    a step's first write waits for a line in the log alone.

    A program that runs is preceded by a look of its own: what somebody saved while the model thought is then told apart
    from what the program does. A child's turn on the same workspace writes its checkpoints to the log of the session
    that was opened first there, as work of the turn that runs in it.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = trio.Lock()
        self._ready: Ready | None = None
        """What was found by the last look, until a checkpoint names it."""
        self._looked = self._kept = self._ran = self._acted = -1
        """The last step at whose beginning it looked; that has a checkpoint; that has one for programs; and that
        changed something."""
        self._open = False
        """Has something been changed since the last checkpoint?"""

    async def step(self, turn: Turn) -> None:
        if not self._open:  # else the step before ends here, and what a person saves from now on is theirs
            await trio.sleep(LULL)
        await self._guarded(turn, lambda book: self._step(turn, book))

    async def before(self, turn: Turn, effect: Effect) -> None:
        await self._guarded(turn, lambda book: self._before(turn, book, effect))

    async def leave(self, turn: Turn) -> None:
        if self._open:
            await self._guarded(turn, lambda book: self._leave(turn, book))
        if self._ready is not None and (book := book_of(self._shelf, turn)) is not None:
            book.drop(self._ready)

    async def _guarded(self, turn: Turn, work: Callable[[Book], Awaitable[None]]) -> None:
        book = book_of(self._shelf, turn)
        if book is None:
            return
        async with self._lock:
            try:
                await work(book)
            except (OSError, KeyError) as error:
                said = error.strerror if isinstance(error, OSError) else "what it refers to is gone"
                await turn.emit(CheckpointMissed(step=turn.steps, message=f"No checkpoint could be taken: {said}."))

    async def _step(self, turn: Turn, book: Book) -> None:
        if self._looked == turn.steps:
            return
        await self._look(turn, book)
        if self._open:  # the step before did something: here that ends
            await self._keep(turn, book, runs=False)

    async def _before(self, turn: Turn, book: Book, effect: Effect) -> None:
        runs = effect == "execute" or turn.session is not home_of(turn)
        if runs and self._ran != turn.steps:
            await self._look(turn, book)
            await self._keep(turn, book, runs=True)
            self._ran = turn.steps
        elif not runs and self._kept != turn.steps:
            if self._looked != turn.steps:
                await self._look(turn, book)
            await self._keep(turn, book, runs=False)
        self._open, self._acted = True, turn.steps

    async def _leave(self, turn: Turn, book: Book) -> None:
        """A step that came later and did nothing has looked already."""
        if self._looked <= self._acted:
            await self._look(turn, book)
        await self._keep(turn, book, runs=False, why="done")

    async def _look(self, turn: Turn, book: Book) -> None:
        spare, self._ready = self._ready, None  # who is cut off does not know what became of it
        self._ready = await book.ready(*_named(turn), spare)
        self._looked = turn.steps

    async def _keep(self, turn: Turn, book: Book, *, runs: bool, why: Why = "step") -> None:
        if self._ready is None:  # it was cut off when it had just named it
            await self._look(turn, book)
        assert self._ready is not None
        snapshot, self._ready = self._ready.snapshot, None
        await _tell(turn, snapshot, runs=runs, why=why)
        self._kept, self._open = turn.steps, False


async def take(turn: Turn, book: Book, state: State, *, runs: bool, why: Why) -> str:
    """Keeps the state, and says so in the log. Returns the checkpoint's name."""
    snapshot = await book.keep(state, *_named(turn))
    await _tell(turn, snapshot, runs=runs, why=why)
    return snapshot.commit


def _named(turn: Turn) -> tuple[str, Mapping[str, str]]:
    """The ref of a snapshot of this turn, and what is told with it."""
    home, mark = home_of(turn), secrets.token_hex(8)
    said = {"session": home.id, "turn": turn.id, "step": str(turn.steps), "mark": mark}
    return f"{home.id}/{mark}", said


async def _tell(turn: Turn, snapshot: Snapshot, *, runs: bool, why: Why) -> None:
    event = CheckpointTaken(
        step=turn.steps, checkpoint=snapshot.commit, why=why, runs=runs, skipped=snapshot.state.skipped
    )
    await home_of(turn).write(turn, event)


def home_of(turn: Turn) -> Session:
    """The session in whose log the checkpoints stand: the first one on this workspace."""
    session = turn.session
    while session.parent is not None and session.parent.info.workspace == session.info.workspace:
        session = session.parent
    return session


def book_of(shelf: Shelf, turn: Turn) -> Book | None:
    """That of the turn's workspace; None where it is no folder of this machine."""
    workspace = turn.kernel.catalog.workspace(turn.session.info.workspace)
    return shelf.book(workspace) if isinstance(workspace, LocalWorkspace) else None
