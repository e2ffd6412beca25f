"""What the model is told of a terminal: what it printed, and how it stands with it."""

from __future__ import annotations

import re

import trio

from pillion.escapes import plain_pieces
from pillion.processes import how_ended

from .ring import Ring, pieces
from .shell import Shell
from .terminal import Outcome, Terminal

_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]P^_X][^\x07\x1b]*)?\Z")
"""An escape sequence that has no end yet."""
_LONGEST = 4096


async def fresh(terminal: Terminal) -> str:
    """What it printed since the model read it last, without escape sequences; what is dropped is counted."""
    text, terminal.seen = await printed(terminal.ring, terminal.seen, ended=terminal.over.is_set())
    return text


async def printed(ring: Ring, place: int, *, ended: bool = True) -> tuple[str, int]:
    """What was printed from `place` on, and the place behind it: while more may come, not amid a character."""
    dropped = max(ring.start - place, 0)
    data, half = pieces(ring.since(place), ended=ended)
    if not ended and (begun := _BEGUN.search(data, max(0, len(data) - _LONGEST))):
        half = data[begun.start() :] + half
        data = data[: begun.start()]
    text = await made_plain(data.decode(errors="replace"))
    note = f"[{dropped:,} bytes are dropped: only the last {len(data) + len(half):,} are kept]\n" if dropped else ""
    return note + text, ring.end - len(half)


async def made_plain(output: str) -> str:
    """In pieces, so that a long output holds nobody up."""
    found = []
    for piece in plain_pieces(output):
        found.append(piece)
        await trio.lowlevel.checkpoint()
    return "".join(found)


def joined(output: str, state: str) -> str:
    """An output, and on the last line in brackets how it stands."""
    output = output.rstrip("\n")
    return f"{output}\n[{state}]" if output else f"[{state}, no output]"


def exit_of(code: int | None) -> str:
    """How something ended."""
    return "it never ran" if code is None else how_ended(code)


def state(terminal: Terminal, outcome: Outcome = "done") -> str:
    """How it stands with it, in a few words."""
    name = f"terminal {terminal.number}"
    if terminal.over.is_set():
        whys = {
            "exited": exit_of(terminal.code),
            "stopped": "it was stopped",
            "cancelled": "its turn was cancelled",
            "idle": "nobody used it",
            "stuck": "it could not be interrupted",
        }
        return f"{name} has ended: {whys.get(terminal.why or '', terminal.why)}"
    if outcome == "waits":
        return f"{name} waits for input: give it with terminal_write"
    if outcome == "may wait":
        return f"{name} prints nothing and may wait for input (terminal_write)"
    if isinstance(terminal, Shell):
        if terminal.running is not None:
            return f"{name} runs: {terminal.running.command}"
        last = f", last {exit_of(terminal.last.code)}" if terminal.last and terminal.last.command else ""
        return f"{name}, shell {terminal.order.name}, is ready{last}"
    return f"{name} runs"
