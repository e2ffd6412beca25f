"""A call as tools hold it, on a real folder with real processes."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pillion.asking import Answered
from pillion.events import Event
from pillion.known import Known
from pillion.localworkspace import LocalWorkspace
from pillion.processes import Processes


@dataclass
class RealCall:
    """What it was told is kept: `shown` by output, `events` by emit, `asked` by ask, which `answers` answer."""

    workspace: LocalWorkspace
    processes: Processes
    id: str = "call"
    session: str = "session"
    turn: str = "turn"
    max_output: int = 20_000
    shown: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    known: Known = field(default_factory=Known)

    def output(self, text: str, /) -> None:
        self.shown.append(text)

    def progress(self, note: str, done: float | None = None, /) -> None:
        self.shown.append(note)

    async def ask(
        self, question: str, options: Sequence[str] = (), *, free: bool = True, default: str | None = None
    ) -> Answered:
        self.asked.append((question, tuple(options)))
        if self.answers:
            return Answered(self.answers.pop(0), "person")
        return Answered(default, "deadline", given=False)

    async def emit(self, *events: Event, blobs: Mapping[str, bytes] = {}) -> None:
        self.events += events


def looked_at() -> int:
    """How many objects a full search for cycles looks at, while which all threads stand still."""
    for _ in range(4):  # one level of tuples in tuples each time
        gc.collect()
    return len(gc.get_objects())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace"


@pytest.fixture
def call(folder: Path) -> RealCall:
    return RealCall(LocalWorkspace(folder), Processes({"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}))
