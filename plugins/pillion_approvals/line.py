"""What a line of the shell runs, reads and writes: the values that a parse gives and rules are held against."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from .words import Word


class Risk(Struct, frozen=True):
    """What a program does because of its word number `at`: `runs` those commands, `writes` that file, or `why`
    nobody can tell. With neither, it is just more than its name says, and a rule has to name that word."""

    at: int
    runs: tuple[Command, ...] = ()
    writes: Word | None = None
    why: str = ""


class Command(Struct, frozen=True):
    """One command, its words beginning with the variables that are set for it. `harmless`: by itself it does nothing
    that a rule would have to allow; what it `risks` is judged all the same."""

    words: tuple[Word, ...]
    risks: tuple[Risk, ...] = ()
    harmless: bool = False

    def inside(self) -> Iterator[Command]:
        """It, and all that it is known to run."""
        yield self
        for risk in self.risks:
            for command in risk.runs:
                yield from command.inside()


class Line(Struct, frozen=True):
    """A line as a whole. `folders`: those it changes to; `values`: what its variables and loops get; `opaque`: why
    something in it can't be known."""

    commands: tuple[Command, ...] = ()
    writes: tuple[Word, ...] = ()
    reads: tuple[Word, ...] = ()
    folders: tuple[Word, ...] = ()
    values: tuple[Word, ...] = ()
    opaque: str = ""

    def every(self) -> Iterator[Command]:
        """All commands, also those that others run."""
        for command in self.commands:
            yield from command.inside()
