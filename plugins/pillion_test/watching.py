"""How far a run is, by the lines as they come: for people who watch. The report does not stand on it."""

from __future__ import annotations

import re
from collections.abc import Callable

_PASSED = (
    r"PASSED\b|^ *ok\b(?!.*# (?i:skip|todo))|^ *✔ |^ *--- PASS|^test .* \.\.\. ok$|\"Action\":\"pass\".*\"Test\":|^ *✓ "
)
_FAILED = r"\bFAILED\b|\bERROR\b +\[|^ *not ok\b|^ *✖ |^ *--- FAIL|\"Action\":\"fail\".*\"Test\":|^ *[✕×] "
_LINE = re.compile(f"(?P<passed>{_PASSED})|(?P<failed>{_FAILED})")
_DOTS = re.compile(r"^(?:\S+ )?([.FEsxX]+)(?: +\[ *(\d+)%\])?$")
_SHARE = re.compile(r"\[ *(\d+)%\]$")
LONGEST = 4_000
"""Characters of a line that are looked at."""
EVERY = 0.2
"""Seconds between two notes."""


class Watch:
    """Counts tests, and says so to `tell(note, share)`, not too often. `now` gives seconds."""

    def __init__(self, tell: Callable[[str, float | None], None], now: Callable[[], float]) -> None:
        self._tell, self._now = tell, now
        self._passed = self._failed = 0
        self._share: float | None = None
        self._told, self._next = "", 0.0
        self._held = ""

    def take(self, text: str) -> None:
        *lines, held = (self._held + text).split("\n")
        self._held = held[:LONGEST]
        for line in lines:
            self._count(line[:LONGEST])
        note = f"{self._passed} passed" + (f", {self._failed} failed" if self._failed else "")
        if self._passed + self._failed and note != self._told and self._now() >= self._next:
            self._told, self._next = note, self._now() + EVERY
            self._tell(note, self._share)

    def _count(self, line: str) -> None:
        if share := _SHARE.search(line):
            self._share = int(share[1]) / 100
        if dots := _DOTS.match(line):
            self._passed += dots[1].count(".") + dots[1].count("X")
            self._failed += dots[1].count("F") + dots[1].count("E")
        elif found := _LINE.search(line):
            self._passed += found["passed"] is not None
            self._failed += found["failed"] is not None
