"""A session's frames, turn after turn, on a screen."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from . import shown as s
from .endings import ending
from .screen import one_line
from .transcript import Transcript
from .view import View


class _Prompt(Struct, frozen=True):
    """What the fold over turns needs of a frame."""

    type: str
    turn: str = ""
    prompt: str = ""
    text: str = ""
    model: str = ""


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
                self._prompts[head.prompt] = head.text
            elif head.type == "turn.started":
                self._view.show(s.Remark(f"› {one_line(self._prompts.pop(head.prompt, head.prompt), 200)}"))
            if head.turn:
                self._tell(self._turns.setdefault(head.turn, Transcript(head.turn)), head.turn, frame)

    def _tell(self, transcript: Transcript, turn: str, frame: bytes) -> None:
        for shown in transcript.take(frame):
            self._view.show(shown)
            if isinstance(shown, s.Asked):
                self._view.say(f"{shown.title} waits for approval.")
            if isinstance(shown, s.Over):
                self._turns.pop(turn, None)
                if why := ending(shown):
                    self._view.say(why)
