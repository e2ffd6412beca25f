"""How much is kept, and what was given up."""

from __future__ import annotations

from msgspec import Struct


class Bounds(Struct, frozen=True):
    """What is kept of one workspace at most: the newest `count` checkpoints, for `days` days, in about `bytes`."""

    count: int
    days: float
    bytes: int


class Collected(Struct, frozen=True):
    """`checkpoints` that were given up, `broken` ones among them; `objects` that were taken away."""

    checkpoints: int = 0
    broken: int = 0
    objects: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(self.checkpoints + other.checkpoints, self.broken + other.broken, self.objects + other.objects)
