"""Server-Sent Events -> frames. Fed with pieces of any length; an event that is cut off is not one."""

from __future__ import annotations

import re

_END = re.compile(rb"\r\n|\n|\r(?!\Z)")  # a \r at the very end may be half of \r\n


class EventStream:
    """Collects the data of whole events. `last` is the id to come back with."""

    def __init__(self, last: str = "") -> None:
        self.last = last
        self._rest = b""
        self._id = last
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that `piece` completes, in order."""
        lines = _END.split(self._rest + piece)
        self._rest = lines.pop()
        return [data for line in lines if (data := self._line(line)) is not None]

    def cut(self) -> None:
        """The connection ended: what was not whole is void, and a new one begins behind `last`."""
        self._rest, self._data, self._id = b"", [], self.last

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            self.last = self._id
            data, self._data = b"\n".join(self._data), []
            return data or None
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode("ascii", "replace")
        return None
