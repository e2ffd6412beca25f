"""read_notes, write_notes, add_note: what the model does with its scratch pad.

Their effect is `read`: that word speaks of what lies outside a session (files, programs, the network), and these touch
nothing there. What they write is an event of the session's own log, as the model's words are.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion import Call, Effect, ToolError

from .pad import LARGEST, Pad, Pads


class ReadArguments(Struct, frozen=True, forbid_unknown_fields=True):
    start: Annotated[int, Meta(ge=0, description="The character to begin at, where they are long.")] = 0


class WriteArguments(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(description="The new text, Markdown. Empty: nothing is left.")]
    instead_of: Annotated[
        str,
        Meta(description="Replace only this passage, exactly as it stands there once. Left out: `text` is all notes."),
    ] = ""


class AddArguments(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, description="What to add at the end, as lines of their own.")]


class ReadNotes:
    """All of the pad, in pieces where the model can't take it at once."""

    name = "read_notes"
    description = (
        "Read this session's notes, which you and the person keep. You were shown them when the turn began; read them "
        "again where they were long, or may have changed since."
    )
    effect: Effect = "read"
    Arguments = ReadArguments

    def __init__(self, pads: Pads) -> None:
        self._pads = pads

    async def run(self, arguments: ReadArguments, call: Call) -> str:
        pad = await self._pads.read(await self._pads.kernel.session(call.session))
        if not pad.text:
            self._pads.told(call.session, pad)
            return "There are no notes yet."
        start, end = arguments.start, arguments.start + call.max_output
        if start >= len(pad.text):
            raise ToolError(f"The notes have {len(pad.text)} characters; there is nothing from {start} on.")
        if end < len(pad.text):
            return f"{pad.text[start:end]}\n[The notes go on: read_notes with start={end}.]"
        self._pads.told(call.session, pad)
        return pad.text[start:]


class WriteNotes:
    """Replaces all of the pad, or one passage. What the model has not seen it can't replace."""

    name = "write_notes"
    description = (
        "Write this session's notes: what must not be forgotten when the conversation gets long, e.g. the plan and "
        "what of it is done, decisions and their reasons, facts that took long to find. `text` becomes all notes; with "
        "`instead_of` it replaces that passage alone. The person sees them and may change them."
    )
    effect: Effect = "read"
    alone = True
    Arguments = WriteArguments

    def __init__(self, pads: Pads) -> None:
        self._pads = pads

    async def run(self, arguments: WriteArguments, call: Call) -> str:
        def written(pad: Pad) -> str:
            if arguments.instead_of:
                return replaced(pad.text, arguments.instead_of, arguments.text)
            if not self._pads.knows(call.session):
                raise ToolError("The notes are not what you saw last. See them with read_notes, then write them.")
            return arguments.text

        session = await self._pads.kernel.session(call.session)
        return said(await self._pads.change(session, "model", written, call.emit))


class AddNote:
    """Adds to the end of the pad."""

    name = "add_note"
    description = (
        "Add to the end of this session's notes, and keep what stands there: for what must not be forgotten when the "
        "conversation gets long."
    )
    effect: Effect = "read"
    alone = True
    Arguments = AddArguments

    def __init__(self, pads: Pads) -> None:
        self._pads = pads

    async def run(self, arguments: AddArguments, call: Call) -> str:
        def longer(pad: Pad) -> str:
            gap = "" if not pad.text or pad.text.endswith("\n") else "\n"
            return f"{pad.text}{gap}{arguments.text}"

        session = await self._pads.kernel.session(call.session)
        return said(await self._pads.change(session, "model", longer, call.emit))


def replaced(text: str, old: str, new: str) -> str:
    """Raises ToolError where `old` does not stand in it exactly once."""
    count = text.count(old)
    if count != 1:
        found = "does not stand in the notes" if count == 0 else f"stands {count} times in the notes"
        raise ToolError(f"That passage {found}. See them with read_notes, and name it exactly, with what is round it.")
    return text.replace(old, new)


def said(pad: Pad) -> str:
    """What the model reads: whether it is kept, and how much room is left."""
    return f"Kept: {len(pad.text.encode()):,} of {LARGEST:,} bytes."
