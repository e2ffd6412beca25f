"""The last bytes of an output without end, each known by its place in the whole."""

from __future__ import annotations

import codecs

from pillion.escapes import Stripper


class Ring:
    """`end` is how many bytes there were in all; those before `start` are dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()
        self.end = 0

    @property
    def start(self) -> int:
        return self.end - len(self._bytes)

    def add(self, data: bytes) -> None:
        self.end += len(data)
        self._bytes += data
        if len(self._bytes) > self._limit:
            del self._bytes[: len(self._bytes) - self._limit]

    def forget(self) -> None:
        """Drops all that there is."""
        self._bytes.clear()

    def since(self, place: int, most: int | None = None) -> bytes:
        """What is still there from `place` on, `most` bytes of it."""
        at = max(place - self.start, 0)
        return bytes(self._bytes[at:] if most is None else self._bytes[at : at + most])


class Follower:
    """Reads a ring piece by piece as text, from a place on."""

    def __init__(self, ring: Ring, place: int) -> None:
        self._ring = ring
        self.place = place
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stripper = Stripper()

    def take(self, *, last: bool = False) -> str:
        """What came since, without escape sequences; `last`: also what might have become one."""
        dropped = max(self._ring.start - self.place, 0)
        text = self._decoder.decode(self._ring.since(self.place), final=last)
        self.place = self._ring.end
        note = f"\n[{dropped:,} bytes are dropped here]\n" if dropped else ""
        shown = self._stripper.take(text) + (self._stripper.rest() if last else "")
        return note + shown


def pieces(data: bytes, *, ended: bool) -> tuple[bytes, bytes]:
    """Bytes that are whole characters, and those of one that has only begun, which may come to its end yet."""
    if ended:
        return data, b""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return (data[:-back], data[-back:]) if length > back else (data, b"")
    return data, b""
