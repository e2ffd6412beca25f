"""terminal_read, terminal_write, terminal_wait, terminal_stop: what the model does with what goes on running."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import trio
from msgspec import Meta, Struct

from pillion import Call, Effect, Output, Session, ToolError
from pillion.escapes import plain

from .shell import Shell
from .telling import fresh, joined, state
from .terminal import Outcome, Terminal
from .terminals import Terminals

ANSWER = 2.0
"""Seconds in which a program answers what was typed, when the model does not say."""
QUIET = 0.3
"""Seconds without output after which it has answered."""
WAIT = 60.0
LONGEST_WORDS = 4096
Key = Literal[
    "ctrl-c", "ctrl-d", "ctrl-z", "ctrl-l", "escape", "tab", "enter", "backspace", "up", "down", "left", "right"
]
KEYS: dict[str, bytes] = {
    "ctrl-z": b"\x1a", "ctrl-l": b"\x0c", "escape": b"\x1b", "tab": b"\t", "enter": b"\r", "backspace": b"\x7f",
    "up": b"\x1b[A", "down": b"\x1b[B", "right": b"\x1b[C", "left": b"\x1b[D",
}  # fmt: skip
"""What a terminal sends for those that do not mean the same without one."""

_Number = Annotated[int, Meta(ge=0, description="Its number.")]


class ReadArguments(Struct, frozen=True, forbid_unknown_fields=True):
    terminal: Annotated[int, Meta(ge=0, description="Its number; 0 lists all.")] = 0


class WriteArguments(Struct, frozen=True, forbid_unknown_fields=True):
    terminal: _Number
    text: Annotated[str, Meta(description="What to type.")] = ""
    enter: Annotated[bool, Meta(description="Press Enter behind the text.")] = True
    key: Annotated[Key, Meta(description="Press this key instead; ctrl-c interrupts, ctrl-d ends input.")] | None = None
    seconds: Annotated[float, Meta(ge=0, le=60, description="To wait for what it answers.")] = ANSWER


class WaitArguments(Struct, frozen=True, forbid_unknown_fields=True):
    terminal: _Number
    seconds: Annotated[float, Meta(gt=0, description="To wait at most.")] = WAIT
    until: Annotated[
        str, Meta(max_length=LONGEST_WORDS, description="Also wait no longer than until it prints this text.")
    ] = ""


class StopArguments(Struct, frozen=True, forbid_unknown_fields=True):
    terminal: _Number


class _TerminalTool:
    def __init__(self, terminals: Terminals) -> None:
        self._terminals = terminals

    async def _session(self, call: Call) -> Session:
        return await self._terminals.kernel.session(call.session)

    async def _found(self, call: Call, number: int, *, own: bool) -> Terminal:
        """Raises NotFound; ToolError where it is a person's, `own`: also one that the model may read."""
        terminal = self._terminals.get(await self._session(call), number)
        if terminal.order.by == "person" and (own or not terminal.order.shared):
            raise ToolError(f"Terminal {number} is the person's own.")
        return terminal


class TerminalRead(_TerminalTool):
    """What a terminal printed since the last look, or which there are."""

    name = "terminal_read"
    description = (
        "Read what a terminal (a shell, or a command in the background or with `pty`) has printed since you read it "
        "last, and how it stands with it. Without a number: which there are."
    )
    effect: Effect = "read"
    alone = True
    Arguments = ReadArguments

    async def run(self, arguments: ReadArguments, call: Call) -> Output:
        if not arguments.terminal:
            return Output(await self._listed(call))
        terminal = await self._found(call, arguments.terminal, own=False)
        return Output(joined(await fresh(terminal), state(terminal, await _outcome(terminal))))

    async def _listed(self, call: Call) -> str:
        shown = [one for one in self._terminals.all(await self._session(call)) if one.order.shared]
        return (
            "\n".join(f"{state(one)}\n    {one.order.command or one.order.name}" for one in shown) or "There are none."
        )


class TerminalWrite(_TerminalTool):
    """Types into a terminal, and tells what comes."""

    name = "terminal_write"
    description = (
        "Type into a terminal: an answer to what it asks, or a key. Tells what it prints then. A command for a shell "
        "is not typed but run, with run_command and its `shell`."
    )
    effect: Effect = "execute"
    Arguments = WriteArguments

    def seconds(self, arguments: WriteArguments) -> float:
        return arguments.seconds + 30

    async def preview(self, arguments: WriteArguments, call: Call) -> str:
        """What would be typed, control characters shown, and into what."""
        terminal = await self._found(call, arguments.terminal, own=True)
        what = terminal.order.command or f"shell {terminal.order.name}"
        if isinstance(terminal, Shell) and terminal.running is not None:
            what = f"{what}: {terminal.running.command}"
        return f"{_typed(arguments)}\n[Typed into terminal {terminal.number}, {what}]"

    async def run(self, arguments: WriteArguments, call: Call) -> Output:
        terminal = await self._found(call, arguments.terminal, own=True)
        if isinstance(terminal, Shell) and not terminal.busy and not terminal.over.is_set():
            raise ToolError(
                f"Nothing runs in the shell {terminal.order.name} that would read it. Run a command there with "
                "run_command and its `shell`."
            )
        await _type(terminal, arguments)
        outcome = await _answered(terminal, arguments.seconds)
        return Output(joined(await fresh(terminal), state(terminal, outcome)))


class TerminalWait(_TerminalTool):
    """Waits for a terminal."""

    name = "terminal_wait"
    description = (
        "Wait until what runs in a terminal has ended, waits for input or (`until`) has printed a text, for `seconds` "
        "at most; then tells what it printed since you read it last. It goes on when the time is over."
    )
    effect: Effect = "read"
    alone = True
    Arguments = WaitArguments

    def __init__(self, terminals: Terminals, longest: float) -> None:
        super().__init__(terminals)
        self._longest = longest

    def seconds(self, arguments: WaitArguments) -> float:
        return self._allowed(arguments) + 15

    def _allowed(self, arguments: WaitArguments) -> float:
        return min(arguments.seconds if math.isfinite(arguments.seconds) else WAIT, self._longest)

    async def run(self, arguments: WaitArguments, call: Call) -> Output:
        terminal = await self._found(call, arguments.terminal, own=False)
        words = _Words(terminal, arguments.until)
        outcome = await terminal.watch(self._allowed(arguments), lambda: not terminal.busy or words.came())
        if isinstance(terminal, Shell) and terminal.last is not None:
            await terminal.settle(terminal.last)
        late = f"; waited {self._allowed(arguments):g} s" if outcome == "late" else ""
        return Output(joined(await fresh(terminal), state(terminal, outcome) + late))


class TerminalStop(_TerminalTool):
    """Ends a terminal."""

    name = "terminal_stop"
    description = "End a terminal with all that it started. ctrl-c with terminal_write ends only what a shell runs."
    effect: Effect = "execute"
    Arguments = StopArguments

    async def preview(self, arguments: StopArguments, call: Call) -> str:
        """What would end."""
        terminal = await self._found(call, arguments.terminal, own=True)
        return f"End terminal {terminal.number}: {terminal.order.command or f'shell {terminal.order.name}'}"

    async def run(self, arguments: StopArguments, call: Call) -> Output:
        terminal = await self._found(call, arguments.terminal, own=True)
        await terminal.stop()
        return Output(joined(await fresh(terminal), state(terminal)))


class _Words:
    """Looks for a text in what comes, each byte about once."""

    def __init__(self, terminal: Terminal, words: str) -> None:
        self._terminal, self._words, self._place = terminal, words, terminal.seen

    def came(self) -> bool:
        ring = self._terminal.ring
        if not self._words or ring.end == self._place:
            return False
        found = self._words in plain(ring.since(self._place - 2 * LONGEST_WORDS).decode(errors="replace"))
        self._place = ring.end
        return found


async def _outcome(terminal: Terminal) -> Outcome:
    """Whether it waits for input right now."""
    waiting = await terminal.waits() if terminal.busy else None
    return "done" if waiting is None else "waits" if waiting == "yes" else "may wait"


async def _answered(terminal: Terminal, seconds: float) -> Outcome:
    """Waits until it has ended, printed something and gone quiet, or asks for more."""
    start, quiet = terminal.ring.end, False
    with trio.move_on_after(seconds):
        while terminal.busy and not quiet:
            with trio.move_on_after(QUIET) as silence:
                await terminal.changed()
            quiet = silence.cancelled_caught and terminal.ring.end > start
    return await _outcome(terminal)


async def _type(terminal: Terminal, arguments: WriteArguments) -> None:
    match arguments.key:
        case None:
            end = ("\r" if terminal.size else "\n") if arguments.enter else ""
            await terminal.write((arguments.text + end).encode(errors="replace"))
        case "ctrl-c":
            await terminal.interrupt()
        case "ctrl-d":
            await terminal.close_input()
        case key if terminal.size is not None:
            await terminal.write(KEYS[key])
        case key:
            raise ToolError(f"Terminal {terminal.number} was started without `pty`, so it knows no key {key}.")


def _typed(arguments: WriteArguments) -> str:
    if arguments.key:
        return f"<{arguments.key}>"
    text = "".join(
        letter if letter.isprintable() or letter == "\n" else f"\\x{ord(letter):02x}" for letter in arguments.text
    )
    return f"{text}<enter>" if arguments.enter else text
