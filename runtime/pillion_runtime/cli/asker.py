"""Asks a person at the terminal whether a call may run: one key, y, n or s."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import tty
from collections.abc import Iterator
from typing import IO, TextIO

import trio

from pillion.events import ApprovalWanted

from .screen import clean, one_line
from .shown import Asked
from .source import Answer

KEYS = {
    "y": Answer("allow"),
    "n": Answer("deny"),
    "s": Answer("allow", "session"),
}
LINES = 60
"""Lines of a preview that are shown."""


def can_ask(shows: TextIO) -> bool:
    """Is there a person who sees what `shows` gets, and has a keyboard?"""
    return shows.isatty() and (sys.stdin.isatty() or _has_keyboard())


async def ask(screen: IO[str]) -> Answer:
    """Waits for y, n or s; any other key is overheard. Can be cancelled; the terminal is as before in any case."""
    with _keyboard() as keyboard:
        screen.write("Allow? [y]es, [n]o, [s]: yes for this session ")
        screen.flush()
        while True:
            try:
                await trio.lowlevel.wait_readable(keyboard)
            except trio.Cancelled:
                screen.write("\n")
                raise
            for key in os.read(keyboard, 64).decode("utf-8", "replace").lower():
                if key in KEYS:
                    screen.write(f"{key}\n")
                    screen.flush()
                    return KEYS[key]


def question(asked: Asked) -> str:
    """What wants to run, what it may do, and why somebody is asked."""
    reason = f": {one_line(asked.wanted.reason)}" if asked.wanted.reason else ""
    verb = VERBS.get(asked.wanted.effect, asked.wanted.effect)
    return f"{asked.title} wants to {verb}{reason}"


def preview(wanted: ApprovalWanted) -> list[str]:
    """The diff or command, line by line, harmless for a terminal and bounded."""
    lines = clean(wanted.preview).splitlines()
    more = len(lines) - LINES
    return [*lines[:LINES], f"… {more} more lines"] if more > 0 else lines


VERBS = {"write": "change files", "execute": "run a program", "network": "use the network", "read": "read"}


@contextlib.contextmanager
def _keyboard() -> Iterator[int]:
    """A descriptor that gives keys one by one; what was typed before the question does not count."""
    own = None if sys.stdin.isatty() else os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    keyboard = sys.stdin.fileno() if own is None else own
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard, termios.TCSAFLUSH)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
        if own is not None:
            os.close(own)


def _has_keyboard() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
