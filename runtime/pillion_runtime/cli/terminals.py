"""What a log tells of terminals, each on a line. They are events of a plugin, so they are read as any client would."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from .screen import one_line


class _Event(Struct, frozen=True):
    id: str = ""
    terminal: int = 0
    command: str = ""
    name: str = ""
    by: str = "model"
    why: str = ""
    code: int | None = None


_event = msgspec.json.Decoder(_Event)


def remark(type: str, frame: bytes) -> str:
    """Of a terminal that began or ended; "" for every other event."""
    if type == "terminal.started":
        event = _event.decode(frame)
        what = one_line(event.command, 200) or (f"shell {event.name}" if event.name else "a shell")
        return f"Terminal {event.id} of the {event.by}: {what}"
    if type == "terminal.ended":
        event = _event.decode(frame)
        code = "" if event.code is None else f", exit code {event.code}"
        return f"Terminal {event.terminal} has ended: {event.why}{code}"
    return ""
