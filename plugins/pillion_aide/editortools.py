"""Tools that run and ask in the editor: its terminal, what was edited lately, its picture of the page."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from pillion import Image
from pillion.contracts.tool import Call, Effect, Output
from pillion.errors import ToolError

from .bridge import Bridge
from .callbacks import Edited, Ran, RecentEdits, Screenshot
from .editorfaults import EditorLacks

RUNNING = 600.0
"""Seconds for a command that is waited for."""
LINES = 3000
"""Last lines of a command's output."""
EDITS = 20
LARGEST = 5 * 1024 * 1024
"""Bytes of a picture; what vendors take."""


class NoArguments(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class TerminalArguments(Struct, frozen=True, forbid_unknown_fields=True):
    command: Annotated[str, Meta(min_length=1, description="The command line.")]
    wait: Annotated[bool, Meta(description="Wait for its end; false for a program that goes on running.")] = True


class EditorTerminal:
    """A command in the person's own terminal."""

    name = "editor_terminal"
    description = (
        "Run a command in the terminal of the person's editor, with the person's own environment. For all that does "
        "not need that, use another tool."
    )
    effect: Effect = "execute"
    Arguments = TerminalArguments

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def seconds(self, arguments: TerminalArguments) -> float:
        return RUNNING + 5

    async def preview(self, arguments: TerminalArguments, call: Call) -> str:
        return arguments.command

    async def run(self, arguments: TerminalArguments, call: Call) -> str:
        body = {"command": arguments.command, "wait_for_exit": arguments.wait}
        try:
            ran = await self._bridge.ask("/execute_terminal_command", Ran, body, seconds=RUNNING, once=True)
        except EditorLacks as error:
            raise EditorLacks(f"{error} Run the command with another tool.") from None
        lines = ran.output.splitlines()
        left = len(lines) - LINES
        return "\n".join([f"[{left} lines before]", *lines[-LINES:]] if left > 0 else lines) or "[no output]"


class RecentEditsTool:
    """What the person edited last, newest first."""

    name = "recent_edits"
    description = "What was changed in the editor lately, newest first, as diffs: what the person works on."
    effect: Effect = "read"
    Arguments = NoArguments

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def run(self, arguments: NoArguments, call: Call) -> str:
        edits = await recent(self._bridge, call.workspace.root)
        return "\n\n".join(f"{one.fs_file_path}\n{one.diff}" for one in edits) or "Nothing was changed lately."


async def recent(bridge: Bridge, root: Path) -> list[Edited]:
    """Changes of files in `root`, newest first. Raises EditorFailed."""
    found = (await bridge.ask("/recent_edits", RecentEdits, {"diff_file_content": []})).changed_files
    mine = [one for one in found if Path(one.fs_file_path).is_relative_to(root) and one.diff.strip()]
    return sorted(mine, key=lambda one: -one.updated_timestamp_ms)[:EDITS]


class RequestScreenshot:
    """The page that the editor's browser shows."""

    name = "request_screenshot"
    description = "A picture of the page that is shown in the editor's browser, as it is now."
    effect: Effect = "read"
    Arguments = NoArguments

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def run(self, arguments: NoArguments, call: Call) -> Output:
        shot = await self._bridge.ask("/devtools_screenshot", Screenshot, {}, method="GET")
        kind = "image/jpeg" if shot.media_type == "image/jpg" else shot.media_type
        if kind not in ("image/png", "image/jpeg", "image/gif", "image/webp"):
            raise ToolError(f"The editor's picture is of a kind that is not known: {kind}.")
        try:
            data = base64.b64decode(shot.data, validate=True)
        except binascii.Error:
            raise ToolError("The editor's picture is broken.") from None
        if len(data) > LARGEST:
            raise ToolError(f"The editor's picture has {len(data)} bytes; at most {LARGEST} can be shown.")
        return Output("[the page, as it is now]", (Image(kind, data),))  # type: ignore[arg-type]  # one of those above
