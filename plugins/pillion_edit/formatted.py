"""Tools that take an edit of several files as one text, in a format that the model is good at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect, Tool

from .formats.blocks import read_blocks
from .formats.patch import read_patch
from .formats.unified import read_unified
from .formats.whole import read_whole
from .hunk import FileEdit
from .making import Maker


class PatchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    patch: Annotated[str, Meta(min_length=1, description="The whole patch, from *** Begin Patch to *** End Patch.")]


class TextArguments(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, description="All edits, in the format described.")]


class Formatted:
    """All files or none."""

    effect: Effect = "write"

    def __init__(
        self, name: str, description: str, arguments: type[Struct], read: Callable[[str], list[FileEdit]], maker: Maker
    ) -> None:
        self.name, self.description, self.Arguments = name, description, arguments
        self._read, self._maker = read, maker

    async def preview(self, arguments: PatchArguments | TextArguments, call: Call) -> str:
        return await self._maker.preview(self._edits(arguments), call)

    async def run(self, arguments: PatchArguments | TextArguments, call: Call) -> str:
        return await self._maker.make(self._edits(arguments), call)

    def _edits(self, arguments: PatchArguments | TextArguments) -> Sequence[FileEdit]:
        return self._read(arguments.patch if isinstance(arguments, PatchArguments) else arguments.text)


PATCH = """\
Change files of the workspace by a patch; all of it is done, or nothing. The patch:
*** Begin Patch
*** Update File: path/of/file.py
@@ class Lamp:
 a line that stays (it begins with a space)
-a line that goes
+a line that comes
*** Add File: path/of/new.py
+each line of it
*** Delete File: path/of/old.py
*** End Patch
Give about three lines that stay before and behind each change, and where they are not unique, a line @@ with the class
or function it is in. `*** Move to: new/path.py` below `*** Update File` moves a file. Line numbers are not used."""
BLOCKS = """\
Change files of the workspace by search/replace blocks; all are done, or none. Each block:
path/of/file.py
<<<<<<< SEARCH
lines that are there now, exactly, and nowhere else in the file
=======
lines to put in their place
>>>>>>> REPLACE
Nothing between SEARCH and ======= makes a new file."""
UNIFIED = """\
Change files of the workspace by a unified diff with --- a/path and +++ b/path lines; all of it is done, or nothing.
Give three lines of context; line numbers are not used, so the context must be unique. /dev/null stands for a file that
is not there."""
WHOLE = """\
Write whole files of the workspace; all are written, or none. For each: its path on a line of its own, then its whole
new content in a fence of ```."""


def patch(maker: Maker) -> Tool:
    return Formatted("apply_patch", PATCH, PatchArguments, read_patch, maker)


def blocks(maker: Maker) -> Tool:
    return Formatted("edit_files", BLOCKS, TextArguments, read_blocks, maker)


def unified(maker: Maker) -> Tool:
    return Formatted("apply_diff", UNIFIED, TextArguments, read_unified, maker)


def whole(maker: Maker) -> Tool:
    return Formatted("write_files", WHOLE, TextArguments, read_whole, maker)
