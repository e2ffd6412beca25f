"""Sessions as a file: each line is JSON and says a session, a blob, a record or the end. How they look and are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from .contracts.store import SessionInfo
from .errors import BadExport, TooLarge

FORMAT = "pillion.sessions"
VERSION = 1
LINE = 64 * 1024 * 1024
"""Bytes of a line."""
WHOLE = 1024 * 1024 * 1024
"""Bytes of a file."""
LAST_MOMENT = 253_402_300_799_999
"""Milliseconds since 1970 at the end of the year 9999, the last that RFC 3339 can say."""

Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
IdOrNone = Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?\Z")]
Word = Annotated[str, Meta(max_length=1000)]
Moment = Annotated[int, Meta(ge=0, le=LAST_MOMENT)]
More = Callable[[], Awaitable[bytes]]
"""Gives the next bytes of a file; none at its end."""


class Kept(Struct, frozen=True, omit_defaults=True):
    """What a file says of a session besides its records. Whether it is trusted, each server decides by itself."""

    id: Id
    workspace: Annotated[str, Meta(max_length=4096)]
    created: Moment
    title: Annotated[str, Meta(max_length=10_000)] = ""
    model: Word = ""
    strategy: Word = ""
    labels: Annotated[dict[Word, Annotated[str, Meta(max_length=10_000)]], Meta(max_length=64)] = {}
    parent: IdOrNone = ""
    archived: bool = False
    origin: IdOrNone = ""
    branched: Annotated[int, Meta(ge=0, le=2**53)] = 0

    @classmethod
    def of(cls, info: SessionInfo) -> Kept:
        """Of a session; its labels in order."""
        told = {name: getattr(info, name) for name in cls.__struct_fields__}
        return cls(**told | {"labels": dict(sorted(info.labels.items()))})

    def info(self, *, trusted: bool) -> SessionInfo:
        """The session as a store keeps it."""
        return SessionInfo(**msgspec.structs.asdict(self), updated=self.created, trusted=trusted)


class Start(Struct, frozen=True, tag_field="line", tag="session"):
    """A session begins: all lines up to the next of this kind are its own. The first one has no parent."""

    format: str
    version: int
    session: Kept


class Piece(Struct, frozen=True, tag_field="line", tag="blob"):
    """What a later record of this session names by its SHA-256 (hex); `data` is base64."""

    hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    data: bytes


class Entry(Struct, frozen=True, tag_field="line", tag="record"):
    """A whole event; `data` is its JSON object without the envelope, `time` milliseconds since 1970 UTC."""

    seq: Annotated[int, Meta(ge=1, le=2**53)]
    type: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,200}\Z")]
    turn: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,100}\Z")]
    time: Moment
    data: msgspec.Raw


class End(Struct, frozen=True, tag_field="line", tag="end"):
    """The last line, so that a file which was cut off is known; `lines` is how many come before it."""

    lines: int


Line = Start | Piece | Entry | End


class _Preface(Struct):
    format: str = ""
    version: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def encode(line: Line) -> bytes:
    """The line with its end."""
    return _encoder.encode(line) + b"\n"


class Lines:
    """Reads a file line by line; `number` is that of the last one, from 1."""

    def __init__(self, more: More) -> None:
        self._more = more
        self._rest = bytearray()
        self._size = 0
        self.number = 0

    async def next(self) -> Line:
        """The next line. Raises BadExport, also where there is none; TooLarge, and what the source raises."""
        data = await self._line()
        if data is None:
            raise self.wrong("The file ends here, without the line that says so: it was cut off.")
        self.number += 1
        if self.number == 1:
            self._check_preface(data)
        return self._decoded(data)

    async def end(self) -> None:
        """There is no more. Raises BadExport."""
        if await self._line() is not None:
            raise self.wrong("There is more behind the end.")

    def wrong(self, said: str) -> BadExport:
        """To be raised: what is wrong with the last line."""
        return BadExport(self.number, said)

    async def _line(self) -> bytes | None:
        looked = 0
        while (end := self._rest.find(b"\n", looked)) < 0:
            looked = len(self._rest)
            if looked > LINE:
                raise TooLarge(f"Line {self.number + 1} is longer than {LINE // 1024**2} MiB.")
            piece = await self._more()
            if not piece:
                last, self._rest = bytes(self._rest), bytearray()
                return last or None
            self._rest += piece
            self._size += len(piece)
            if self._size > WHOLE:
                raise TooLarge(f"The file is larger than {WHOLE // 1024**3} GiB.")
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line

    def _decoded(self, data: bytes) -> Line:
        try:
            line: Line = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.wrong(f"{error}.") from None
        return line

    def _check_preface(self, data: bytes) -> None:
        try:
            preface = msgspec.json.decode(data, type=_Preface)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            preface = _Preface()
        if preface.format != FORMAT:
            raise self.wrong("This is no export of sessions.")
        if preface.version != VERSION:
            raise self.wrong(f"The file has version {preface.version} of the format, and this program reads {VERSION}.")
