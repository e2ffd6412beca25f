"""A session that another process has open, as the store tells it: to be looked at, not to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .contextsize import Asked
from .contracts.store import SessionInfo, Store
from .frames import Cursor, Frame, Resync, notice
from .history import History, LastTurn
from .logreader import PAGE
from .prompts import WaitingPrompt
from .values import Message
from .view import cut_of, view


class Onlooker:
    """What the log had when it was asked for. Its reader comes to an end where the log did, and can be asked again."""

    state = "elsewhere"
    turn = None

    asked: Asked | None = None
    """No model was asked here."""

    def __init__(self, info: SessionInfo, store: Store, history: History, head: int) -> None:
        self.info, self.head = info, head
        self._store, self._history = store, history

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def waiting(self) -> int:
        """How many prompts wait."""
        return len(self._history.prompts)

    @property
    def last(self) -> LastTurn | None:
        """The last turn that ended."""
        return self._history.last

    def prompts(self) -> Sequence[WaitingPrompt]:
        """What waits, in the order in which it will run."""
        return list(self._history.prompts)

    async def messages(self) -> tuple[Message, ...]:
        """The conversation so far."""
        end = len(self._history.drafts)
        blobs = {hash: await self._store.blob(hash) for hash in self._history.blobs(0, end)}
        return tuple(self._history.resolved(blobs, 0, end))

    async def sent(self) -> tuple[Message, ...]:
        """What a model is sent of it."""
        return tuple(view(await self.messages(), cut_of(self._history.compacted)))

    async def output(self, call: str) -> str:
        """The whole result of a call that was too long for the model. Raises NotFound."""
        return (await self._store.blob(self._history.output(call).hash)).decode()

    @property
    def changed(self) -> Mapping[str, str | None]:
        """The files that it has changed, as `Session.changed`."""
        return self._history.changed

    async def kept(self, hash: str) -> bytes:
        """A blob that its log names. Raises NotFound."""
        return await self._store.blob(hash)

    def follow(self, after: str = "") -> PastReader:
        """A reader of the log: from the start, `latest`, or behind an event id. Raises BadCursor."""
        cursor = Cursor(self.head) if after == "latest" else Cursor.parse(after) if after else Cursor(0)
        return PastReader(self._store, self.id, self.head, cursor)


class PastReader:
    """A cursor on the whole events that there were, as a Reader is one on those that come."""

    def __init__(self, store: Store, session: str, head: int, cursor: Cursor) -> None:
        self._store, self._session, self._head = store, session, head
        self._lost = cursor.seq > head
        self.cursor = Cursor(0) if self._lost else Cursor(cursor.seq)

    async def page(self) -> list[Frame]:
        """The next frames. Empty: there are no more."""
        return await self.whole(PAGE)

    async def whole(self, limit: int) -> list[Frame]:
        """The next whole events, about `limit`."""
        left = self._head - self.cursor.seq
        frames = [notice(self._session, Resync(head=self._head))] if self._lost else []
        records = await self._store.read(self._session, self.cursor.seq, min(limit, left)) if left else ()
        self._lost = False
        for record in records:
            frames.append(Frame(str(record.seq), record.type, record.data, self._session, record.turn, record.time))
            self.cursor = Cursor(record.seq)
        return frames
