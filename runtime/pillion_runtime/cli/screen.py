"""Text that comes from models, tools and files, made harmless for a terminal."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, clipboard, links
    r"|\x1b[P^_X][^\x1b]*(?:\x1b\\)?"  # DCS, PM, APC, SOS
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[@-_]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TURNERS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of writing: a command could look like another one."""


def clean(text: str) -> str:
    """`text` without escape sequences and control characters; tabs and line ends stay."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    text = re.sub(r"[^\n]*\r(?!\n)", "", text)  # a progress bar: what came last on its line
    return _TURNERS.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", text))


def one_line(text: str, width: int = 100) -> str:
    """`text` on one line of at most `width` characters."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `1,200 tokens`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def money(dollars: float) -> str:
    """`$0`, `$0.0042`, `$1.25`."""
    if dollars == 0:
        return "$0"
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"
