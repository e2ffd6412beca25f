"""One session on its way in: its records are checked one by one, and gathered until a batch is full."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from . import events as e
from .contracts.store import Batch, Record, SessionInfo, Store
from .errors import Conflict
from .frames import Resync, SessionCursor
from .portable import Entry, Piece
from .references import blobs, needs_blobs, readdressed
from .secrets import Secrets
from .values import Image, Message

RECORDS = 500
BYTES = 8 * 1024 * 1024
"""A batch is as long as this, or a record longer."""
UNFINISHED = "An import that was not finished"
"""The title of a session whose import ended with the process; it is archived, too."""
MEDIA_TYPES = get_args(get_type_hints(Image)["media_type"])
TAKEN = (
    "There is a session {} here already. To import it beside that one, ask for new ids (`?new_ids=true`, `--new-ids`)."
)
NEVER_KEPT = {
    *(e.type_of(kind) for kind in e.PASSING),
    *(kind.opens for kind in e.LASTING if kind.opens),
    *(str(notice.__struct_config__.tag) for notice in (Resync, SessionCursor)),
}
"""What streams say, and no log: a client would take it for its own."""


class Wrong(Exception):
    """The record or blob can't be: one sentence."""


class Arrival:
    """`info` is the session as it will be; nobody is to see it before it is whole."""

    def __init__(self, info: SessionInfo, store: Store, secrets: Secrets, ids: Callable[[str], str]) -> None:
        self.info, self._store, self._secrets, self._ids = info, store, secrets, ids
        self.last = 0
        self._generation = self._committed = 0
        self._records: list[Record] = []
        self._blobs: dict[str, bytes] = {}
        self._size = 0
        self._there: set[str] = set()
        """The hashes of the blobs that came, as the file names them."""
        self._renamed: dict[str, str] = {}
        """Hashes of blobs in which secrets are masked now."""
        self._waiting: dict[str, None] = {}
        """Prompts that no turn has taken up."""

    async def begin(self) -> None:
        """Raises Conflict: there is one of this id."""
        hidden = msgspec.structs.replace(self.info, title=UNFINISHED, archived=True)
        try:
            self._generation = (await self._store.create(hidden)).generation
        except Conflict:
            raise Conflict(TAKEN.format(self.info.id)) from None

    def blob(self, piece: Piece) -> None:
        """Raises Wrong."""
        if hashlib.sha256(piece.data).hexdigest() != piece.hash:
            raise Wrong(f"The blob is not the one that its hash {piece.hash[:12]}… names.")
        data = piece.data
        if _is_text(data):
            data = self._secrets.redact_bytes(data)
        hash = piece.hash if data is piece.data else hashlib.sha256(data).hexdigest()
        if hash != piece.hash:
            self._renamed[piece.hash] = hash
        self._there.add(piece.hash)
        self._blobs[hash] = data
        self._size += len(data)

    async def record(self, entry: Entry) -> None:
        """Raises Wrong."""
        if entry.seq != self.last + 1:
            raise Wrong(f"Event {self.last + 1} is missing: this is event {entry.seq}.")
        if (entry.type == e.type_of(e.SessionOpened)) != (entry.seq == 1):
            raise Wrong("A log begins with the event session.opened, and has no other one.")
        if entry.type in NEVER_KEPT:
            raise Wrong(f"No log has events of the type {entry.type}.")
        data = self._secrets.redact_bytes(_plain(entry))
        event = _decoded(entry.type, data)
        await self._check_blobs(event)
        if event is not None:
            new = readdressed(event, self._ids, self._renamed)
            if isinstance(new, e.SessionOpened):
                new = msgspec.structs.replace(new, trusted=self.info.trusted)
            data = data if new == event else e.encode(new)
            self._follow(new)
        self._add(Record(entry.seq, entry.type, entry.turn, entry.time, data))

    def is_full(self) -> bool:
        return len(self._records) >= RECORDS or self._size >= BYTES

    async def commit(self) -> None:
        """Makes durable what is gathered."""
        await self._commit(None)

    async def finish(self) -> None:
        """From now on the session is what it will be. A prompt that waited would run with the next one, and nobody here
        has asked for it: it is dropped."""
        for prompt in self._waiting:
            dropped = e.PromptDropped(prompt=prompt, why="imported")
            now = time.time_ns() // 1_000_000
            self._add(Record(self.last + 1, e.type_of(dropped), "", now, e.encode(dropped)))
        await self._commit(self.info)
        await self._store.release(self.info.id, self._generation)

    async def _commit(self, info: SessionInfo | None) -> None:
        batch = Batch(self.info.id, self._generation, self._committed, self._records, blobs=self._blobs, info=info)
        await self._store.commit(batch)
        self._committed = self.last
        self._records, self._blobs, self._size = [], {}, 0

    def _add(self, record: Record) -> None:
        self._records.append(record)
        self._size += len(record.data)
        self.last = record.seq

    def _follow(self, event: e.Event) -> None:
        match event:
            case e.PromptQueued():
                self._waiting[event.prompt] = None
            case e.TurnStarted() | e.PromptJoined() | e.PromptDropped():
                self._waiting.pop(event.prompt, None)
            case _:
                pass

    async def _check_blobs(self, event: e.Event | None) -> None:
        if needs_blobs(event) and (missing := set(blobs(event)) - self._there):
            raise Wrong(f"The blob {min(missing)[:12]}… must come before the event that names it.")
        for image in _images(event):
            if image.media_type not in MEDIA_TYPES:
                raise Wrong(f"{image.media_type!r} is no kind of picture.")
        if isinstance(event, e.SessionForked):
            for hash in event.messages:
                try:
                    msgspec.json.decode(await self._blob(hash), type=Message)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    raise Wrong(f"The blob {hash[:12]}… is no message: {error}.") from None

    async def _blob(self, hash: str) -> bytes:
        hash = self._renamed.get(hash, hash)
        return self._blobs[hash] if hash in self._blobs else await self._store.blob(hash)


def _is_text(data: bytes) -> bool:
    """Is it a message, or what a tool said? Pictures are left as they are."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _images(event: e.Event | None) -> Iterator[e.ImageRef]:
    if isinstance(event, (e.PromptQueued, e.ToolFinished)):
        yield from event.images


def _plain(entry: Entry) -> bytes:
    """The event's JSON as readers expect it: `type` first, nothing between. Raises Wrong."""
    data = bytes(entry.data)
    try:
        value: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong(f"The event's data is no JSON: {error}.") from None
    if not isinstance(value, dict) or value.get("type") != entry.type:
        raise Wrong(f"The event's data must be an object of the type {entry.type}.")
    head = b'{"type":"%s"' % entry.type.encode()
    if data.startswith((head + b",", head + b"}")) and b"\r" not in data:
        return data
    return msgspec.json.encode({"type": entry.type} | value)


def _decoded(type: str, data: bytes) -> e.Event | None:
    try:
        return e.decode(type, data)
    except msgspec.ValidationError as error:
        raise Wrong(f"This is no event {type}: {error}.") from None
