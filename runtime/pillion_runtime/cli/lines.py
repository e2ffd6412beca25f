"""Where the entries of a chat come from: a line editor at the keyboard, or the lines of stdin."""

from __future__ import annotations

import sys
import termios
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import trio

from .typed import Typed, hush, no_marks

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from pillion.settings import Settings

HISTORY = "chat_history"
"""In the data directory, for the owner alone."""
MARK = "› "


class Lines(Protocol):
    """Where prompts come from. `spoken`: a person enters them here and now."""

    spoken: bool

    @property
    def typed(self) -> Typed | None:
        """What comes amid a turn, where it is ours to read."""
        ...

    def __enter__(self) -> Lines: ...

    def __exit__(self, *exc: object) -> None: ...

    async def next(self) -> str | None:
        """The next entry; None at the end."""
        ...

    def aside(self) -> AbstractAsyncContextManager[object]:
        """A turn runs meanwhile."""
        ...


def lines(settings: Settings, words: Sequence[str], json_: bool) -> Lines:
    """The keyboard with an editor where there is one, else the lines of stdin. `words` are completed at the start."""
    smart = settings.environment.get("TERM") not in ("", "dumb")
    if smart and sys.stdin.isatty() and sys.stdout.isatty() and not json_:
        return Edited(settings.data_dir / HISTORY, words)
    return Plain(spoken=sys.stdin.isatty())


class Plain:
    """Each line of stdin is one entry. What is typed amid a turn the terminal shows, and keeps."""

    typed = None

    def __init__(self, spoken: bool) -> None:
        self.spoken = spoken

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    async def next(self) -> str | None:
        if self.spoken:
            print(MARK, end="", file=sys.stderr, flush=True)
        line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        return line.rstrip("\n") if line else None

    def aside(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()


class Edited:
    """A line editor (prompt_toolkit) with history. It has an event loop of its own, so it runs in a thread."""

    spoken = True

    def __init__(self, history: Path, words: Sequence[str]) -> None:
        self._history, self._words = history, words
        self._editor: PromptSession[str]
        self._before: list[Any] = []
        self.typed: Typed = Typed()

    def __enter__(self) -> Edited:
        from .editor import editor

        self._before = termios.tcgetattr(sys.stdin)
        self._editor = editor(self._history, self._words, MARK)
        hush(self._before)
        return self

    def __exit__(self, *exc: object) -> None:
        no_marks()  # an editor that was cut off has left them on
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    async def next(self) -> str | None:
        print()
        if self.typed.entries:
            entry = self.typed.entries.pop(0)
            print(f"{MARK}{entry}".replace("\n", "\n  "))
            self._editor.history.append_string(entry)
            return entry
        leaving = False
        while True:
            try:
                return await trio.to_thread.run_sync(self._read, abandon_on_cancel=True)
            except EOFError:
                return None
            except KeyboardInterrupt:
                empty = not self._editor.default_buffer.text
                if leaving and empty:
                    return None
                leaving = empty
                if empty:
                    print("Ctrl-C once more leaves, as Ctrl-D does.")

    def _read(self) -> str:
        draft = self.typed.draft()
        return self._editor.prompt(default=draft, handle_sigint=False, set_exception_handler=False)

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        hush(self._before)  # again: after Ctrl-Z the terminal may be as the shell wants it
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.typed.listen)
            yield
            nursery.cancel_scope.cancel()
