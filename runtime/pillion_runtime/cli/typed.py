"""What is typed while an answer comes: shown below it, and said when the turn is over."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import trio

WAITING = 16
"""Entries that wait. When there are so many, Enter does nothing."""
LONGEST = 100_000
"""Characters of an entry."""
_KEYS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # keys without a letter, and the marks around what is pasted
    r"|\x1bO."
    r"|\x1b[\r\n]"  # Alt-Enter
    r"|\x1b."
    r"|\r\n?"
    r"|[\x00-\x1f\x7f]"
    r"|[^\x00-\x1f\x7f]+",
    re.DOTALL,
)
_HALF = re.compile(r"\x1b(?:O|\[[0-?]*[ -/]*)?\Z")
"""The beginning of a key: the rest comes with the next bytes."""
BEGIN_PASTE, END_PASTE = "\x1b[200~", "\x1b[201~"


class Typed:
    """The keyboard's while nobody else has it. `entries` end with Enter, `line` is what came behind the last one.

    `cancel` is called at once for an entry `/cancel`, which could do nothing later.
    """

    def __init__(self, cancel: Callable[[], None] = lambda: None) -> None:
        self.entries: list[str] = []
        self.line = ""
        self.cancel = cancel
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._half = ""
        self._pasting = False
        self._waiting = trio.CancelScope()
        self._ours = trio.Event()
        self._ours.set()

    def feed(self, data: bytes) -> None:
        """Bytes of the keyboard, of any length."""
        text = self._half + self._decode(data)
        half = _HALF.search(text)
        self._half = half[0] if half else ""
        for key in _KEYS.findall(text.removesuffix(self._half)):
            self._press(key)

    def _press(self, key: str) -> None:
        match key:
            case "\x1b[200~" | "\x1b[201~":
                self._pasting = key == BEGIN_PASTE
            case "\x1b\r" | "\x1b\n":
                self.line += "\n"
            case "\r" | "\n" | "\r\n" if self._pasting:
                self.line += "\n"
            case "\n":  # Ctrl-J
                self.line += "\n"
            case "\r" | "\r\n":
                self._enter()
            case "\x7f" | "\x08":
                self.line = self.line[:-1]
            case "\x15":  # Ctrl-U
                self.line = self.line[: self.line.rfind("\n") + 1]
            case "\x17":  # Ctrl-W
                self.line = re.sub(r"\S*\s*\Z", "", self.line)
            case "\t" if self._pasting:
                self.line += key
            case _ if key.isprintable():
                self.line = (self.line + key)[:LONGEST]

    def _enter(self) -> None:
        if self.line.strip() == "/cancel":
            self.line = ""
            self.cancel()
        elif self.line.strip() and len(self.entries) < WAITING:
            self.entries.append(self.line)
            self.line = ""

    def unsaid(self) -> None:
        """Nothing of it is said by itself: all is one draft from now on."""
        self.line = "\n".join(part for part in (*self.entries, self.line) if part)
        self.entries.clear()

    def draft(self) -> str:
        """What was begun, handed over."""
        line, self.line = self.line, ""
        return line

    async def listen(self) -> None:
        """Reads the keyboard, except while somebody else has it, until cancelled."""
        keyboard = sys.stdin.fileno()
        while True:
            await self._ours.wait()
            with trio.CancelScope() as self._waiting, marked_pastes():
                while data := await _read(keyboard):
                    self.feed(data)
                return

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Somebody else reads the keyboard meanwhile."""
        self._ours = trio.Event()
        self._waiting.cancel()
        try:
            yield
        finally:
            self._ours.set()


async def _read(keyboard: int) -> bytes:
    await trio.lowlevel.wait_readable(keyboard)
    return os.read(keyboard, 4096)


@contextlib.contextmanager
def marked_pastes() -> Iterator[None]:
    """The terminal puts marks around what is pasted."""
    sys.stdout.write("\x1b[?2004h")
    sys.stdout.flush()
    try:
        yield
    finally:
        no_marks()


def no_marks() -> None:
    """It does so no more."""
    sys.stdout.write("\x1b[?2004l")
    sys.stdout.flush()


def hush(before: Sequence[Any]) -> None:
    """Keys are neither shown nor gathered to lines; Ctrl-C stays a signal, and drops nothing that was typed.

    `before` are the attributes that the terminal came with.
    """
    mode = [*before[:6], list(before[6])]
    mode[0] &= ~termios.ICRNL
    mode[3] = mode[3] & ~(termios.ECHO | termios.ICANON) | termios.NOFLSH
    mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, mode)
