"""One key at one vendor: who waits to use it, and who may now. Sessions take turns, each with one call."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import trio

from pillion.contracts.provider import Request

from .call import Call
from .lane import Kind, Lane
from .meter import Meter


class Outlook(NamedTuple):
    """When a call that waits will be made, as far as one can tell, and why not now."""

    at: float
    why: str


class Account:
    """The calls of all providers and sessions that use one key at one vendor.

    Limits of the settings hold for all models together; what the vendor tells holds for each model.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._limits: dict[Kind, Meter] = {}
        self._lanes: dict[str, Lane] = {}
        self._ring: dict[str, dict[Lane, deque[Call]]] = {}
        """Who waits, by session; the one whose turn it is stands first."""

    def limit(self, limits: Mapping[Kind, int | None]) -> None:
        """The settings say so. Where two providers have one key, the smaller limit holds."""
        for kind, limit in limits.items():
            if limit is not None:
                meter = self._limits.setdefault(kind, Meter(limit))
                meter.limit = min(meter.limit, limit)

    def call(self, request: Request, most: int | None, *, learns: bool) -> Call:
        """A call that wants to be made, and has its place in the row now. `most` are the tokens that its model can put
        out; `learns`: its vendor tells what it takes. To be `ended`."""
        lane = self._lanes.get(request.model)
        if lane is None:
            lane = self._lanes[request.model] = Lane(request.model, self._longest, known=not learns)
        now = trio.current_time()
        lane.may_probe(now)
        call = Call(self, lane, request, most)
        self._ring.setdefault(call.session, {}).setdefault(lane, deque()).append(call)
        self.go_on(now)
        return call

    def meters(self, lane: Lane) -> Iterator[tuple[Kind, Meter]]:
        """All that a call of that model must fit into."""
        yield from self._limits.items()
        yield from lane.meters.items()

    def go_on(self, now: float) -> None:
        """Lets all go who may. Of the others, the one who may first is told when to look again."""
        while self._ring:
            call, at = self._next(now)
            if at > now:
                call.look_again(at)
                return
            self.leave(call)
            if (rest := self._ring.pop(call.session, None)) is not None:
                self._ring[call.session] = rest  # behind all others
            call.go(now)

    def leave(self, call: Call) -> None:
        """It waits no longer, wherever in the row it stood."""
        lanes = self._ring[call.session]
        lanes[call.lane].remove(call)
        if not lanes[call.lane]:
            del lanes[call.lane]
        if not lanes:
            del self._ring[call.session]

    def outlook(self, call: Call, now: float) -> Outlook:
        """Other calls are taken to be like this one."""
        before = self._before(call)
        found = Outlook(now, f"{before} calls are before this one.")
        if call.lane.peace > now:
            asked = "wants a pause" if call.lane.known else "is asked what it takes, by one call"
            found = Outlook(call.lane.peace, f"{call.lane.model} {asked}.")
        for kind, meter in self.meters(call.lane):
            at = meter.about(call.takes[kind], before, now)
            if at > found.at:
                whose = call.lane.model if meter is call.lane.meters.get(kind) else "The settings' key"
                found = Outlook(at, f"{whose} takes {_words(kind, meter)}; {before} calls are before this one.")
        return found

    def told(self, lane: Lane) -> None:
        """Something is otherwise now than those who wait were told."""
        for lanes in self._ring.values():
            for call in lanes.get(lane, ()):
                call.look_again(0.0)

    def _next(self, now: float) -> tuple[Call, float]:
        """The first in the ring who may go now; else who may go first, and when."""
        blocked: dict[Lane, tuple[float, Call]] = {}
        for lanes in self._ring.values():
            for lane, calls in lanes.items():
                if lane in blocked:
                    continue  # a large call would never be made if small ones went before it
                call = calls[0]
                at = max((meter.when(call.takes[kind], now) for kind, meter in self._limits.items()), default=now)
                if at > now:
                    return min([*blocked.values(), (at, call)], key=lambda one: one[0])[::-1]
                at = max(lane.peace, *(meter.when(call.takes[kind], now) for kind, meter in lane.meters.items()), now)
                if at <= now:
                    return call, now
                blocked[lane] = at, call
        at, call = min(blocked.values(), key=lambda one: one[0])
        return call, at

    def _before(self, call: Call) -> int:
        """How many go before it, when each session has one of each turn."""
        count, mine, passed = 0, 0, False
        for session, lanes in self._ring.items():
            if session == call.session:
                mine = lanes[call.lane].index(call)
        for session, lanes in self._ring.items():
            if session == call.session:
                passed, waiting = True, mine
            else:
                calls = len(lanes.get(call.lane, ())) if not self._limits else sum(map(len, lanes.values()))
                waiting = min(calls, mine if passed else mine + 1)
            count += waiting
        return count


def _words(kind: Kind, meter: Meter) -> str:
    things = {"requests": "requests", "tokens": "tokens", "input": "tokens in", "output": "tokens out"}[kind]
    span = {60: "a minute", 86_400: "a day"}.get(round(meter.seconds), f"in {meter.seconds:g} s")
    return f"{meter.limit:g} {things} {span}"
