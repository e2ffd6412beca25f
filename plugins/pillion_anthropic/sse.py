"""Bytes of an event stream -> the data of its events."""

from __future__ import annotations


class DataLines:
    """Takes bytes as they come, gives the data of each whole line. Vendors write an event's data on one line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]
