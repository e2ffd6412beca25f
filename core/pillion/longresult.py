"""A result that is longer than the model gets: its beginning and its end, and the whole as a blob of the session."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from msgspec import Struct

from .events import TextRef, mended

MOST = 16 * 1024 * 1024
"""Characters of one result that are kept; of a longer one the middle is lost."""
NEAR = 5
"""A piece ends at a line's end where there is one in its last fifth, else amid a line."""
READER = "read_output"
"""The tool that gives the model more of it."""


class Result(Struct, frozen=True):
    """What the model gets of a result, and where the whole is; None: this is the whole."""

    text: str
    whole: TextRef | None = None
    blob: bytes = b""


def fitted(text: str, room: int, call: str, *, readable: bool, redact: Callable[[str], str]) -> Result:
    """`text` for the model, about `room` characters at most. `call` names it to the reader, if one is there.

    Secrets are masked before it is cut, since half of one would not be found. A long text takes its time.
    """
    if len(text) <= room:
        return Result(text)
    text = redact(mended(text))
    if len(text) > MOST:
        text = _joined(
            text, MOST, lambda left_out, _: f"[{left_out:,} characters are lost: it was too long to be kept]"
        )
    blob = text.encode()
    whole = TextRef(hashlib.sha256(blob).hexdigest(), len(blob), len(text))

    def note(left_out: int, start: int) -> str:
        how = f" {READER} with call={call!r} and start={start} reads on." if readable else ""
        return f"[{left_out:,} of {len(text):,} characters are left out here.{how}]"

    return Result(_joined(text, room, note), whole, blob)


def shortened(text: str, room: int) -> str:
    """Its beginning and end, where the whole is not kept."""
    return (
        text
        if len(text) <= room
        else _joined(text, room, lambda left_out, _: f"[{left_out:,} characters are left out]")
    )


def beginning(text: str, room: int) -> str:
    """The first `room` characters, or up to a line's end before."""
    if len(text) <= room:
        return text
    line = text.rfind("\n", room - room // NEAR, room)
    return text[: room if line < 0 else line + 1]


def _joined(text: str, room: int, note: Callable[[int, int], str]) -> str:
    head, tail = beginning(text[: room // 2 + 1], room // 2), text[len(text) - room // 2 :]
    line = tail.find("\n", 0, len(tail) // NEAR)
    tail = tail[line + 1 :]
    said = note(len(text) - len(head) - len(tail), len(head))
    return f"{head}{'' if head.endswith(chr(10)) else chr(10)}{said}\n{tail}"
