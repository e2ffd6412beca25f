"""What a screen must be able to do, the plain one, and the one for programs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import IO, Protocol, TextIO, assert_never

from . import shown as s
from .asker import choices, preview, question
from .endings import Ending, decided_line, ending_lines, ran_line, replied_line
from .screen import clean, one_line


class View(Protocol):
    """Shows one run."""

    @property
    def asks(self) -> bool:
        """May somebody be asked here?"""
        ...

    def __enter__(self) -> View: ...

    def __exit__(self, *exc: object) -> None: ...

    async def beat(self) -> None:
        """Keeps what moves moving, where something does, until cancelled."""
        ...

    def frame(self, line: bytes) -> None:
        """A frame as it came."""
        ...

    def show(self, shown: s.Shown) -> None:
        """What the frame means for a person."""
        ...

    def say(self, line: str) -> None:
        """A line about the run itself, on stderr."""
        ...

    def close(self, ending: Ending) -> None:
        """The run is over: why, and the last line."""
        ...

    def asking(self, asked: s.Asked | s.Questioned) -> AbstractContextManager[IO[str]]:
        """Shows what is asked; the screen stands still, so that the answer can be typed on what this gives."""
        ...

    def overheard(self, keys: bytes) -> None:
        """Keys that came while something was asked, and that are no answer."""
        ...


class PlainView:
    """The answer alone on stdout, whole and exact; what else is to tell goes to stderr, line by line.

    A text is written when its message is whole: until then a retry may take it back.
    """

    def __init__(self, out: TextIO, err: TextIO, asks: bool) -> None:
        self._out, self._err = out, err
        self.asks = asks
        self._unsaid: dict[int, str] = {}

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *exc: object) -> None:
        self._out.flush()

    async def beat(self) -> None:
        """Nothing moves."""

    def frame(self, line: bytes) -> None:
        """Frames are for programs."""

    def say(self, line: str) -> None:
        print(clean(line), file=self._err, flush=True)

    def show(self, shown: s.Shown) -> None:
        match shown:
            case s.Written():
                self._unsaid[shown.item] = shown.text
            case s.Said():
                self._unsaid.clear()
                if shown.final:
                    self._answer(shown.text)
                else:
                    self.say(shown.text.strip())
            case s.CutOff():
                if shown.text.strip():
                    self.say(f"{shown.text.strip()}… (cut off here)")
            case s.Dropped():
                if shown.why:
                    self.say(f"Taken back: {one_line(shown.why)}")
            case s.Ran():
                self.say(ran_line(shown))
            case s.Changed():
                self.say(f"  {shown.kind} {shown.path} (+{shown.added} -{shown.removed})")
            case s.Asked():
                if not self.asks:
                    self.say(question(shown))
            case s.Questioned():
                if not self.asks:
                    self.say(f"The model asks: {shown.asked.text}")
            case s.Decided():
                self.say(f"  {decided_line(shown)}")
            case s.Replied():
                if not (self.asks and shown.by == "person"):
                    self.say(f"  {replied_line(shown)}")
            case s.Remark():
                self.say(shown.text)
            case s.Answers() | s.Growing() | s.Begun() | s.Over():
                pass
            case _:
                assert_never(shown)

    def close(self, ending: Ending) -> None:
        for text in self._unsaid.values():  # a strategy may speak without a model's message
            self._answer(text)
        self._unsaid.clear()
        for line in ending_lines(ending):
            self.say(line)

    def asking(self, asked: s.Asked | s.Questioned) -> AbstractContextManager[IO[str]]:
        match asked:
            case s.Asked():
                lines = [question(asked), *preview(asked.wanted)]
            case s.Questioned():
                lines = [f"The model asks: {asked.asked.text}", *choices(asked.asked)]
        for line in lines:
            self.say(line)
        return nullcontext(self._err)

    def overheard(self, keys: bytes) -> None:
        """They meant nothing here."""

    def _answer(self, text: str) -> None:
        self._out.write(text if text.endswith("\n") else text + "\n")
        self._out.flush()


class JsonView:
    """Each frame on a line of stdout; the rest on stderr. Nobody is asked: a program reads."""

    asks = False

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err

    def __enter__(self) -> JsonView:
        return self

    def __exit__(self, *exc: object) -> None:
        self._out.flush()

    async def beat(self) -> None:
        """Nothing moves."""

    def frame(self, line: bytes) -> None:
        self._out.write(line.decode() + "\n")
        self._out.flush()

    def show(self, shown: s.Shown) -> None:
        """All is in the frames."""

    def say(self, line: str) -> None:
        print(clean(line), file=self._err, flush=True)

    def close(self, ending: Ending) -> None:
        for line in ending_lines(ending):
            self.say(line)

    def asking(self, asked: s.Asked | s.Questioned) -> AbstractContextManager[IO[str]]:
        return nullcontext(self._err)

    def overheard(self, keys: bytes) -> None:
        """They meant nothing here."""
