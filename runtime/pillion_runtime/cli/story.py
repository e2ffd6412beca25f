"""Frames of a session, turn after turn, on a screen; and those of many sessions, each line with its session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any, TextIO, cast

import msgspec
from msgspec import Struct

from . import shown as s
from .endings import ending
from .screen import one_line
from .terminals import remark
from .transcript import Transcript
from .view import PlainView, View


class _Prompt(Struct, frozen=True):
    """What the fold over turns needs of a frame."""

    type: str
    turn: str = ""
    prompt: str = ""
    text: str = ""
    tool: str = ""
    session: str = ""


_prompt = msgspec.json.Decoder(_Prompt)


class Story:
    """Hands each frame to the transcript of its turn, and shows what comes of it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._turns: dict[str, Transcript] = {}
        self._prompts: dict[str, str] = {}

    def take(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            self._view.frame(frame)
            head = _prompt.decode(frame)
            if head.type == "prompt.queued":
                self._prompts[head.prompt] = head.text or head.tool or "(resumed)"
            elif head.type == "turn.started":
                self._view.show(s.Remark(f"› {one_line(self._prompts.pop(head.prompt, head.prompt), 200)}"))
            if head.turn:
                self._tell(self._turns.setdefault(head.turn, Transcript(head.turn)), head.turn, frame)
            elif said := remark(head.type, frame):
                self._view.show(s.Remark(said))

    def say(self, line: str) -> None:
        """A line about the watching itself."""
        self._view.say(line)

    def _tell(self, transcript: Transcript, turn: str, frame: bytes) -> None:
        for shown in transcript.take(frame):
            self._view.show(shown)
            if isinstance(shown, s.Asked):
                self._view.say(f"{shown.title} waits for approval.")
            if isinstance(shown, s.Over):
                self._turns.pop(turn, None)
                if why := ending(shown):
                    self._view.say(why)


class Stories:
    """One Story for each session. Every line begins with the first characters of the session's id."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err
        self._told: dict[str, Story] = {}

    def strangers(self, frames: Sequence[bytes]) -> set[str]:
        """The sessions of `frames` that nothing was told of yet."""
        return {_prompt.decode(frame).session for frame in frames} - self._told.keys()

    def introduce(self, session: str, about: str) -> None:
        """Says first of all what a session is."""
        out, err = (cast(Any, _Marked(stream, f"{session[:8]}  ")) for stream in (self._out, self._err))
        self._told[session] = Story(PlainView(out, err, asks=False))
        self._told[session].say(about)

    def take(self, frames: Sequence[bytes]) -> None:
        """Frames of sessions that are introduced."""
        for frame in frames:
            self._told[_prompt.decode(frame).session].take([frame])


class _Marked:
    """Writes `mark` before each line."""

    def __init__(self, stream: IO[str], mark: str) -> None:
        self._stream, self._mark = stream, mark
        self._fresh = True

    def write(self, text: str) -> None:
        for line in text.splitlines(keepends=True):
            self._stream.write(self._mark + line if self._fresh else line)
            self._fresh = line.endswith("\n")

    def flush(self) -> None:
        self._stream.flush()
