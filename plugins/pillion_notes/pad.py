"""The scratch pad of a session: a text that is folded from the session's log, and changed by writing it there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import trio
from msgspec import Struct

from pillion import Event, Kernel, NotFound, Session, TooLarge

LARGEST = 64 * 1024
"""Bytes of a pad, in UTF-8."""
KEPT = 256
"""Pads that are remembered; another one is folded from its log again."""
READ = 1000
"""Events that are read at once."""
By = Literal["model", "person"]


class ScratchpadWritten(Event, frozen=True, tag="scratchpad.written"):
    """The session's scratch pad is `text` from now on, all of it; `by`: model, person."""

    text: str
    by: By


class Pad(Struct, frozen=True):
    """`number` is that of the event that wrote it, `time` when that was, in ms since 1970 UTC; 0: nobody did yet."""

    text: str = ""
    by: By | None = None
    number: int = 0
    time: int = 0


class _Fold:
    """How far a log is read, and what came of it. `begun`: what a fork begins with is in it. `seen`: the number of the
    pad that the model knows whole."""

    __slots__ = ("begun", "cursor", "lock", "pad", "seen")

    def __init__(self) -> None:
        self.pad, self.cursor, self.seen, self.begun = Pad(), 0, 0, False
        self.lock = trio.Lock()


class Pads:
    """The pads of all sessions. Who changes one holds its lock, so that no change of somebody else gets lost."""

    kernel: Kernel
    """Given by the plugin's lifespan."""

    def __init__(self) -> None:
        self._folds: dict[str, _Fold] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._folds)

    async def read(self, session: Session) -> Pad:
        """The pad as it is now. Raises StoreFailed."""
        fold = self._fold(session.id)
        async with fold.lock:
            await self._catch_up(fold, session)
            return fold.pad

    async def change(
        self,
        session: Session,
        by: By,
        work: Callable[[Pad], str],
        tell: Callable[[Event], Awaitable[None]] | None = None,
    ) -> Pad:
        """Makes the pad what `work` makes of its text; returns it when that is durable. The same text is no change.

        `tell` writes the event, by default as a note of the session. Raises TooLarge, StoreFailed, Gone, and what
        `work` does.
        """
        fold = self._fold(session.id)
        async with fold.lock:
            await self._catch_up(fold, session)
            text = work(fold.pad)
            if (size := len(text.encode("utf-8", "replace"))) > LARGEST:
                raise TooLarge(f"The notes may have {LARGEST:,} bytes (64 KiB) in UTF-8; these would have {size:,}.")
            if text != fold.pad.text:
                known = fold.seen == fold.pad.number
                await (tell or session.note)(ScratchpadWritten(text=text, by=by))
                await self._catch_up(fold, session)
                if by == "model" and known:
                    fold.seen = fold.pad.number
            return fold.pad

    def knows(self, session: str) -> bool:
        """Does the model know all that the pad says? False also behind a restart, until it has read it again."""
        fold = self._fold(session)
        return fold.seen == fold.pad.number

    def told(self, session: str, pad: Pad) -> None:
        """The model was given all of that pad."""
        self._fold(session).seen = pad.number

    def _fold(self, session: str) -> _Fold:
        """The one used last stands last. None that somebody holds is let go."""
        fold = self._folds.pop(session, None) or _Fold()
        idle = [id for id, other in self._folds.items() if not other.lock.locked()] if len(self._folds) >= KEPT else []
        for id in idle[: len(self._folds) - KEPT + 1]:
            del self._folds[id]
        self._folds[session] = fold
        return fold

    async def _catch_up(self, fold: _Fold, session: Session) -> None:
        """Takes in what has been written since. A fork's own log begins without the pad, so it is written there first,
        as it was where the session was forked."""
        await _read_on(fold, session)
        if not fold.begun and fold.pad.number == 0 and (before := await self._forked(session)) is not None:
            await session.note(before)
            await _read_on(fold, session)
        fold.begun = True

    async def _forked(self, session: Session) -> ScratchpadWritten | None:
        """What was written last before the place of the fork: by its origin or, where that is a fork too, by its own.

        None also where that session is gone.
        """
        info = session.info
        while info.origin:
            store = self.kernel.ephemeral if info.origin in self.kernel.ephemeral else self.kernel.store
            written, end = None, info.branched
            try:
                info = await store.info(info.origin)
                after = 0
                while after < end and (records := await store.read(info.id, after, min(READ, end - after))):
                    for record in records:
                        written = _decoder.decode(record.data) if record.type == _TAG else written
                    after = records[-1].seq
            except NotFound:
                return None
            if written is not None:
                return ScratchpadWritten(text=written.text, by=written.by)
        return None


async def _read_on(fold: _Fold, session: Session) -> None:
    reader = session.follow(str(fold.cursor))
    while frames := await reader.whole(READ):
        for frame in frames:
            if frame.type == _TAG:
                written = _decoder.decode(frame.data)
                fold.pad = Pad(written.text, written.by, int(frame.id), frame.time)
        fold.cursor = reader.cursor.seq


_TAG = ScratchpadWritten.__struct_config__.tag
_decoder = msgspec.json.Decoder(ScratchpadWritten)
