"""What crosses to who follows a log: events, growth and facts as frames, each with its place."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Struct

from .errors import BadCursor

encoder = msgspec.json.Encoder()


class Cursor(NamedTuple):
    """A reader's place: event `seq`, and the `n`-th delta or fact since."""

    seq: int
    n: int = 0

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """From `41` or `41.7`. Raises BadCursor."""
        seq, dot, n = text.partition(".")
        if not (seq.isascii() and seq.isdigit() and len(seq) < 19) or (
            dot and not (n.isascii() and n.isdigit() and len(n) < 19)
        ):
            raise BadCursor(f"{text[:40]!r} is no event id; they look like 41 or 41.7.")
        return cls(int(seq), int(n or 0))

    def __str__(self) -> str:
        return f"{self.seq}.{self.n}" if self.n else str(self.seq)


class Frame(Struct, frozen=True):
    """What a reader gets: a whole event, a delta, a fact or a resync. `data` is the JSON object without envelope."""

    id: str
    type: str
    data: bytes
    session: str
    turn: str
    time: int

    def wire(self) -> bytes:
        """The JSON object that crosses the border, on one line."""
        head = len(self.type) + 10  # {"type":"…"
        turn = f'"turn":"{self.turn}",' if self.turn else ""
        id = f'"id":"{self.id}",' if self.id else ""
        envelope = (
            f',{id}"time":"{_second(self.time // 1000)}.{self.time % 1000:03d}Z","session":"{self.session}",{turn}'
        )
        rest = self.data[head + 1 :] if self.data[head : head + 1] == b"," else self.data[head:]
        return self.data[:head] + (envelope.encode() + rest if rest != b"}" else envelope[:-1].encode() + b"}")


@lru_cache(64)
def _second(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Delta(Struct, frozen=True, omit_defaults=True):
    """Growth of an item: `text = text[:at] + delta`. `at` counts characters (code points)."""

    type: str
    item: int
    at: int
    text: str
    step: int = 0


class Resync(Struct, frozen=True, tag_field="type", tag="resync"):
    """The log never had the event that was asked for; it comes from its start. `head` is its last event now."""

    head: int


class SessionCursor(Struct, frozen=True, tag_field="type", tag="session.cursor"):
    """What follows is behind this place of this session's log: go on there with `after`."""

    cursor: str


def notice(session: str, said: Resync | SessionCursor) -> Frame:
    """What a stream says of itself: a frame without a place."""
    tag = said.__struct_config__.tag
    assert isinstance(tag, str)
    return Frame("", tag, encoder.encode(said), session, "", time.time_ns() // 1_000_000)
