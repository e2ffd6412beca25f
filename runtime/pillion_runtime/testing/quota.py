"""A program that answers only so much in a while, as the vendors do, and says so in their headers."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

import trio
from msgspec import structs

from .asked import Asked, Format
from .rules import Program
from .script import Reply, Status

Shape = Literal["sliding", "window", "bucket"]


class Quota:
    """Round `program`: `requests` and `tokens` in `seconds`, of trio's clock; what is more gets 429 with `retry-after`.

    `shape`: in any such time, in times of that length one after the other, or a bucket that fills steadily. Tokens are
    those of the replies' usage, which count when the request comes. `tells`: the headers of the wire format say what is
    left. `refused` counts the 429s.
    """

    def __init__(
        self,
        program: Program,
        *,
        requests: int = 60,
        tokens: int | None = None,
        seconds: float = 60.0,
        shape: Shape = "sliding",
        tells: bool = True,
    ) -> None:
        self._program, self._tells = program, tells
        self._requests = _Count(requests, seconds, shape)
        self._tokens = _Count(tokens, seconds, shape) if tokens is not None else None
        self.refused = 0

    def __call__(self, asked: Asked) -> Reply:
        now = trio.current_time()
        reply = self._program(asked)
        wanted = [(self._requests, 1)] + ([(self._tokens, reply.usage.tokens)] if self._tokens else [])
        wait = max(count.wait(amount, now) for count, amount in wanted)
        if wait > 0:
            self.refused += 1
            reply = Reply(fault=Status(429, retry_after=wait))
        else:
            for count, amount in wanted:
                count.take(amount, now)
        return structs.replace(reply, headers=(*reply.headers, *self._headers(asked.format, now)))

    def _headers(self, format: Format, now: float) -> list[tuple[str, str]]:
        if not self._tells:
            return []
        found = {"requests": self._requests} | ({"tokens": self._tokens} if self._tokens else {})
        told = []
        today = datetime.now(UTC)
        for what, count in found.items():
            left, reset = count.left(now), count.reset(now)
            if format == "messages":
                at = (today + timedelta(seconds=reset)).isoformat().replace("+00:00", "Z")
                said = {"limit": str(count.limit), "remaining": str(left), "reset": at}
                told += [(f"anthropic-ratelimit-{what}-{name}", value) for name, value in said.items()]
            else:
                said = {"limit": str(count.limit), "remaining": str(left), "reset": f"{reset:.3f}s"}
                told += [(f"x-ratelimit-{name}-{what}", value) for name, value in said.items()]
        return [*told, ("date", format_datetime(today, usegmt=True))]


class _Count:
    """What was used of one thing."""

    def __init__(self, limit: int, seconds: float, shape: Shape) -> None:
        self.limit, self._seconds, self._shape = limit, seconds, shape
        self._used: deque[tuple[float, float]] = deque()
        """When, and how much; of a bucket one entry, which is how empty it was then."""

    def take(self, amount: float, now: float) -> None:
        if self._shape == "bucket":
            amount += self._now(now)
            self._used.clear()
        self._used.append((now, amount))

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much may be used; 0: now."""
        need = self._now(now) + min(amount, self.limit) - self.limit
        if need <= 0:
            return 0.0
        if self._shape == "bucket":
            return need * self._seconds / self.limit
        for at, used in self._used:
            need -= used
            if need <= 0:
                return self._end(at) - now
        return self._seconds

    def left(self, now: float) -> int:
        return max(0, int(self.limit - self._now(now)))

    def reset(self, now: float) -> float:
        """Seconds until all may be used."""
        if self._shape == "bucket":
            return self._now(now) * self._seconds / self.limit
        self._now(now)
        return self._end(self._used[-1][0]) - now if self._used else 0.0

    def _now(self, now: float) -> float:
        """What of it counts."""
        if self._shape == "bucket":
            return max(0.0, sum(used - (now - at) * self.limit / self._seconds for at, used in self._used))
        while self._used and self._end(self._used[0][0]) <= now:
            self._used.popleft()
        return sum(used for _, used in self._used)

    def _end(self, at: float) -> float:
        """When what was used then is forgotten."""
        return at + self._seconds if self._shape == "sliding" else (at // self._seconds + 1) * self._seconds
