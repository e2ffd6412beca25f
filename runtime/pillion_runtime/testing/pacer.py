"""Writes the pieces of all streams in their time, from one task: benches need a server that hardly costs anything.

With a task asleep for each stream, 5,000 pieces cost 0.7 s of a core; so they cost a write each.
"""

from __future__ import annotations

import heapq
import itertools
import os

import trio

BREATH = 16
"""Pieces without a pause between them, after which others get their turn."""


class Paced:
    """One stream's pieces, `pause` seconds apart, written to the non-blocking socket `fd`.

    `rest` is what the socket would not take: whoever owns the stream sends that, and gives this back to the pacer.
    """

    def __init__(self, fd: int, pieces: tuple[bytes, ...], pause: float) -> None:
        self._fd, self._pieces, self._pause = fd, pieces, pause
        self._next = 0
        self._start = trio.current_time()
        self.rest = b""
        self.scope = trio.CancelScope()
        """Around the owner's waiting; cancelled when the pacer is through."""

    @property
    def over(self) -> bool:
        return self._next == len(self._pieces) and not self.rest

    @property
    def due(self) -> float:
        """When the next piece is to go, by trio's clock."""
        return self._start + self._next * self._pause

    def write(self, most: int) -> bool:
        """Writes up to `most` pieces; False when the owner has to act: at the end, and when the socket is full.

        A connection that is gone is the owner's to see; nothing more is written to it.
        """
        for piece in self._pieces[self._next : self._next + most]:
            self._next += 1
            try:
                written = os.write(self._fd, piece)
            except BlockingIOError:
                written = 0
            except OSError:
                self._next = len(self._pieces)
                return False
            if written < len(piece):
                self.rest = piece[written:]
                return False
        return self._next < len(self._pieces)


class Pacer:
    """The task that writes for all."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Paced]] = []
        self._order = itertools.count()
        self._earlier = trio.Event()

    def add(self, paced: Paced) -> None:
        """From now on `paced` is written. It is forgotten when its scope is cancelled."""
        heapq.heappush(self._heap, (paced.due, next(self._order), paced))
        if self._heap[0][2] is paced:
            self._earlier.set()

    async def run(self) -> None:
        while True:
            due = self._heap[0][0] if self._heap else float("inf")
            with trio.move_on_at(due):
                await self._earlier.wait()
            self._earlier = trio.Event()
            now = trio.current_time()
            while self._heap and self._heap[0][0] <= now:
                self._write(heapq.heappop(self._heap)[2])

    def _write(self, paced: Paced) -> None:
        if paced.scope.cancel_called:
            return
        if paced.write(1):
            heapq.heappush(self._heap, (paced.due, next(self._order), paced))
        else:
            paced.scope.cancel()
