"""read_output."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion import Call, Effect, Kernel, NotFound, ToolError
from pillion.longresult import READER, beginning


class ReadArguments(Struct, frozen=True, forbid_unknown_fields=True):
    call: Annotated[str, Meta(min_length=1, description="The call, as the line in its result names it.")]
    start: Annotated[int, Meta(ge=0, description="The first character wanted, from 0.")] = 0
    limit: Annotated[int, Meta(ge=1, description="How many characters; by default as many as fit.")] | None = None


class ReadOutput:
    """A piece of a result of this session that the model got only the beginning and end of."""

    name = READER
    description = (
        "Read more of an earlier result that was too long and is shown with its middle left out: "
        "from character `start` on, as much as fits. Search a file or narrow a command down instead where you can."
    )
    effect: Effect = "read"
    Arguments = ReadArguments
    kernel: Kernel

    async def run(self, arguments: ReadArguments, call: Call) -> str:
        session = await self.kernel.session(call.session)
        try:
            text = await session.output(arguments.call)
        except NotFound as error:
            raise ToolError(str(error)) from None
        if arguments.start >= len(text):
            raise ToolError(f"It has only {len(text):,} characters.")
        room = min(arguments.limit or len(text), call.max_output)
        piece = beginning(text[arguments.start : arguments.start + room + 1], room)
        end = arguments.start + len(piece)
        more = f"; read on with start={end}" if end < len(text) else ""
        return f"{piece}\n[characters {arguments.start:,} to {end:,} of {len(text):,}{more}]"
