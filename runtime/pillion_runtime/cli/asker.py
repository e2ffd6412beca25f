"""Asks a person at the terminal: whether a call may run, by one key, and what the model wants to know, by a line."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, TextIO

import trio

from pillion.events import ApprovalWanted, QuestionAsked
from pillion.settingsfile import literal

from .screen import clean, one_line
from .shown import Asked
from .source import Answer

KEYS = {
    "y": Answer("allow"),
    "n": Answer("deny"),
    "s": Answer("allow", "session"),
    "a": Answer("allow", "always"),
}
LINE = 4096
"""Bytes of a line that a terminal gives."""
PAUSE = 0.3
"""Seconds without a key, after which the one before stood alone."""
LINES = 60
"""Lines of a preview that are shown."""


def can_ask(shows: TextIO) -> bool:
    """Is there a person who sees what `shows` gets, and has a keyboard?"""
    return shows.isatty() and (sys.stdin.isatty() or _has_keyboard())


async def ask(screen: IO[str], wanted: ApprovalWanted, overheard: Callable[[bytes], object]) -> Answer:
    """Waits for y, n, s, or a where that would write a rule.

    Only a key that stands alone counts: a word that was being typed when the question came allows nothing. What does
    not count goes to `overheard`. Can be cancelled; the terminal is as before in any case.
    """
    keys = KEYS if wanted.rule else {key: answer for key, answer in KEYS.items() if key != "a"}
    with _keyboard() as keyboard:
        if wanted.rule:
            screen.write(f"[a]lways adds to your settings: {clean(literal(wanted.rule))}\n")
        screen.write(f"Allow? [y]es, [n]o, [s]: yes for this session{', [a]lways' if wanted.rule else ''} ")
        screen.flush()
        while True:
            try:
                typed = await _burst(keyboard)
            except trio.Cancelled:
                screen.write("\n")
                raise
            key = typed.decode("utf-8", "replace").lower()
            if key in keys:
                screen.write(f"{key}\n")
                screen.flush()
                return keys[key]
            overheard(typed)
            screen.write(f"\nOne key by itself, please: {', '.join(keys)} ")
            screen.flush()


async def _burst(keyboard: int) -> bytes:
    """The next keys, up to a pause."""
    await trio.lowlevel.wait_readable(keyboard)
    typed = os.read(keyboard, LINE)
    while True:
        with trio.move_on_after(PAUSE) as silence:
            await trio.lowlevel.wait_readable(keyboard)
        if silence.cancelled_caught:
            return typed
        more = os.read(keyboard, LINE)
        if not more:
            return typed  # the terminal is gone
        typed += more


async def ask_line(screen: IO[str], asked: QuestionAsked) -> str | None:
    """Waits for an answer that counts: an option by its number or its words, or other words where they may be.

    None for an empty line. Can be cancelled.
    """
    ways = [*(["a number"] if asked.options else []), *(["your own words"] if asked.free else []), "Enter: no answer"]
    with _keyboard(lines=True) as keyboard:
        while True:
            screen.write(f"Your answer ({', '.join(ways)}): ")
            screen.flush()
            try:
                await trio.lowlevel.wait_readable(keyboard)
            except trio.Cancelled:
                screen.write("\n")
                raise
            said = os.read(keyboard, LINE).decode("utf-8", "replace").strip()
            if not said:
                return None
            option = _option(said, asked.options)
            if option or asked.free:
                return option or said


def _option(said: str, options: Sequence[str]) -> str:
    if said.isascii() and said.isdigit() and 1 <= int(said) <= len(options):
        return options[int(said) - 1]
    return next((option for option in options if option.casefold() == said.casefold()), "")


def question(asked: Asked) -> str:
    """What wants to run, what it may do, and why somebody is asked."""
    reason = f": {one_line(asked.wanted.reason)}" if asked.wanted.reason else ""
    verb = VERBS.get(asked.wanted.effect, asked.wanted.effect)
    return f"{asked.title} wants to {verb}{reason}"


def choices(asked: QuestionAsked) -> list[str]:
    """The options, numbered, and what counts without an answer."""
    lines = [f"{number}. {one_line(option, 400)}" for number, option in enumerate(asked.options, 1)]
    return [*lines, f"Without an answer: {one_line(asked.default, 400)}"] if asked.default is not None else lines


def preview(wanted: ApprovalWanted) -> list[str]:
    """The diff or command, line by line, harmless for a terminal and bounded."""
    lines = clean(wanted.preview).splitlines()
    more = len(lines) - LINES
    return [*lines[:LINES], f"… {more} more lines"] if more > 0 else lines


VERBS = {"write": "change files", "execute": "run a program", "network": "use the network", "read": "read"}


@contextlib.contextmanager
def _keyboard(*, lines: bool = False) -> Iterator[int]:
    """A descriptor that gives keys one by one, or whole lines; what was typed before the question does not count."""
    own = None if sys.stdin.isatty() else os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    keyboard = sys.stdin.fileno() if own is None else own
    before = termios.tcgetattr(keyboard)
    try:
        if lines:
            termios.tcsetattr(keyboard, termios.TCSAFLUSH, _with_lines(before))
        else:
            tty.setcbreak(keyboard, termios.TCSAFLUSH)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
        if own is not None:
            os.close(own)


def _with_lines(mode: list[Any]) -> list[Any]:
    """The terminal's own mode: it shows what is typed, and gives whole lines."""
    return [mode[0] | termios.ICRNL, *mode[1:3], mode[3] | termios.ICANON | termios.ECHO, *mode[4:]]


def _has_keyboard() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
