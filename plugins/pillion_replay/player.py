"""Providers that answer with what was recorded, and nothing else."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import trio

from pillion.contracts.provider import Chunk, Request
from pillion.errors import PillionError
from pillion.secrets import Secrets
from pillion.values import ModelInfo

from .differing import difference, nearness
from .recording import Call, Recording
from .sameness import WORKSPACE, Folders, Plain, changed, plain, spelled

_log = logging.getLogger("pillion.plugin.replay")
WAYS_OUT = "Undo what has changed, or record the run anew."


class ReplayDiffers(PillionError):
    """The run asks its model for something else than the recorded one did."""

    code = "replay_differs"
    status = 409


class Player:
    """Gives each recorded call to the request that is like it, once; of those that are alike, in order.

    `lenient`: a request that differs gets the nearest call that is left, or one once more.
    """

    def __init__(self, recording: Recording, folders: Folders, *, lenient: bool) -> None:
        self._file, self._folders, self._lenient = recording.path, folders, lenient
        self.secrets = Secrets()
        self._calls = [(plain(call.asked), call) for call in recording.calls]
        self._left: dict[bytes, deque[Call]] = defaultdict(deque)
        for asked, call in self._calls:
            self._left[asked.key].append(call)
        self._asked = 0

    def take(self, request: Request) -> tuple[Call, str]:
        """The call that answers, and the folder that it is about. Raises ReplayDiffers."""
        self._asked += 1
        asked = spelled(request)
        root = self._folders.named_in((asked.system, *(str(message) for message in asked.messages)))
        now = plain(changed(asked, lambda text: self._folders.out_of(self.secrets.redact(text))))
        if left := self._left.get(now.key):
            return left.popleft(), root
        found, said = self._nearest(now)
        if not self._lenient:
            raise ReplayDiffers(f"{said}\n{WAYS_OUT}")
        _log.warning("%s\nIt gets that call's answer, since plugins.replay.lenient is on", said)
        if found in (line := self._left[self._key(found)]):
            line.remove(found)
        return found, root

    def unused(self) -> list[int]:
        """The numbers of the calls that nobody asked for so far."""
        return sorted(call.number for left in self._left.values() for call in left)

    def _key(self, call: Call) -> bytes:
        return next(asked.key for asked, one in self._calls if one is call)

    def _nearest(self, now: Plain) -> tuple[Call, str]:
        """The call to compare with, one that is left if there is one, and what is to be said of it."""
        said = f"Call {self._asked} of this run is not in the recording {self._file}."
        times = sum(asked.key == now.key for asked, _ in self._calls)
        left = {call.number for line in self._left.values() for call in line}
        usable = [one for one in self._calls if one[1].number in left and not times] or self._calls
        then, call = max(usable, key=lambda one: nearness(now, one[0]))
        if times:
            return call, f"{said} It is there {times} times, and was asked for once more, last as call {call.number}."
        return call, f"{said} The nearest is its call {call.number}; {difference(now, then)}"


class ReplayedProvider:
    """A provider of a recording. `pace`: pieces come when they came, else at once."""

    def __init__(self, name: str, models: Sequence[ModelInfo], player: Player, *, pace: bool) -> None:
        self.name = name
        self._models, self._player, self._pace = models, player, pace

    def models(self) -> Sequence[ModelInfo]:
        return self._models

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Raises ReplayDiffers, and what the recorded call raised."""
        call, root = self._player.take(request)
        async with aclosing(self._chunks(call, root)) as chunks:
            yield chunks

    async def _chunks(self, call: Call, root: str) -> AsyncGenerator[Chunk]:
        begun = trio.current_time()
        await trio.lowlevel.checkpoint()
        for at, chunk in call.chunks():
            if self._pace:
                await trio.sleep_until(begun + at)
            yield changed(chunk, lambda text: text.replace(WORKSPACE, root))
        if call.answer is None:
            raise ReplayDiffers(f"The recorded run ended amid its call {call.number}: there is no answer of it.")
        if call.answer.error is not None:
            raise call.answer.error.error()
        if call.answer.cancelled:
            raise ReplayDiffers(f"Call {call.number} was cancelled here when it was recorded: there is no more of it.")
