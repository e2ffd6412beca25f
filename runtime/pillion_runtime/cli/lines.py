"""Where the entries of a chat come from: a line editor at the keyboard, or the lines of stdin."""

from __future__ import annotations

import contextlib
import sys
import termios
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import trio

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

HISTORY = "chat_history"
"""In the data directory, for the owner alone."""


class Lines(Protocol):
    """Where prompts come from. `spoken`: a person enters them here and now."""

    spoken: bool

    def __enter__(self) -> Lines: ...

    def __exit__(self, *exc: object) -> None: ...

    async def next(self) -> str | None:
        """The next entry; None at the end."""
        ...

    def silent(self) -> contextlib.AbstractContextManager[None]:
        """What is typed meanwhile is kept for later, and not seen."""
        ...


def lines(data_dir: Path, words: Sequence[str], json_: bool) -> Lines:
    """The keyboard with an editor where there is one, else the lines of stdin. `words` are completed at the start."""
    if sys.stdin.isatty() and sys.stdout.isatty() and not json_:
        return Edited(data_dir / HISTORY, words)
    return Piped()


class Piped:
    """Each line of stdin is one entry."""

    spoken = False

    def __enter__(self) -> Piped:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    async def next(self) -> str | None:
        line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        return line.rstrip("\n") if line else None

    def silent(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


class Edited:
    """A line editor (prompt_toolkit) with history. It has an event loop of its own, so it runs in a thread."""

    spoken = True

    def __init__(self, history: Path, words: Sequence[str]) -> None:
        self._history, self._words = history, words
        self._editor: PromptSession[str]
        self._before: list[Any] = []

    def __enter__(self) -> Edited:
        from .editor import editor

        self._before = termios.tcgetattr(sys.stdin)
        self._editor = editor(self._history, self._words)
        return self

    def __exit__(self, *exc: object) -> None:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    async def next(self) -> str | None:
        while True:
            try:
                return await trio.to_thread.run_sync(self._read, abandon_on_cancel=True)
            except EOFError:
                return None
            except KeyboardInterrupt:
                print("Ctrl-D leaves.", file=sys.stderr)

    def _read(self) -> str:
        return self._editor.prompt("› ", handle_sigint=False, set_exception_handler=False)

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        quiet = termios.tcgetattr(sys.stdin)
        quiet[3] = quiet[3] & ~termios.ECHO | termios.NOFLSH  # Ctrl-C stops the turn, and drops no entry
        termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSANOW, self._before)
