"""What a session's log tells of its terminals."""

from __future__ import annotations

from typing import Literal

from pillion import Event

from .starting import By

Why = Literal["exited", "stopped", "cancelled", "idle", "stuck", "session", "plugin", "failed"]
"""`stopped`: somebody wanted it; `cancelled`: the turn that started it was; `idle`: a shell that nobody used; `stuck`:
a shell that could not be interrupted; `session`: its session or the server ended; `plugin`: that was switched off or
read anew; `failed`: it did not start."""


class TerminalStarted(Event, frozen=True, tag="terminal.started"):
    """Something runs on from here; the number of this event names it. `command` is "" for a shell; `name` is a shell's.
    `by`: model, person. `folder` is relative to the workspace; `pty`: it has a terminal of its own."""

    command: str = ""
    name: str = ""
    by: By = "model"
    folder: str = ""
    pty: bool = False


class TerminalTyped(Event, frozen=True, tag="terminal.typed"):
    """A person typed into a terminal. `text` is empty where it was not to be seen, as passwords are not; `size` counts
    the bytes."""

    terminal: int
    text: str = ""
    size: int = 0


class TerminalEnded(Event, frozen=True, tag="terminal.ended"):
    """It and all that it started have ended. `code` is the exit status, negative for a signal, None where it never ran;
    `output` counts the bytes that it wrote."""

    terminal: int
    why: Why
    code: int | None = None
    output: int = 0
    seconds: float = 0.0
