"""What is known of one model behind one key: its limits, how long the vendor wants peace, and what its calls cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pillion.contracts.provider import Request
from pillion.errors import ProviderBusy
from pillion.values import Rate, Text, Thinking, ToolCall, ToolResult, Usage

from .meter import Meter

Kind = Literal["requests", "tokens", "input", "output"]
FIRST_SECONDS = 5.0
"""For how long the others wait for the answer to the first call of a model: it tells what the key may, if anything."""
PROBE_SECONDS = 60.0
"""A vendor that wants peace for longer than anybody waits is asked again after so long: somebody may have paid."""
PEACE = 1.0
"""Seconds, where a vendor is busy and does not say for how long."""
TOKENS = 0.3
"""Of one character, until answers of the model have told."""
OF_IMAGE, OF_TOOL = 5_000, 500
"""Characters that take as many tokens."""
OUTPUT = 2_000
"""Tokens of a usual answer, until answers of the model have told."""
NEWEST = 0.2
"""How much the newest answer counts in what is usual."""


class Lane:
    """One model. Its calls overtake each other only by the turns of their sessions."""

    def __init__(self, model: str, longest: float, *, known: bool) -> None:
        self.model, self.known = model, known
        """`known`: the vendor has answered once, or has nothing to tell."""
        self.meters: dict[Kind, Meter] = {}
        self.peace = 0.0
        """Until then nothing is sent."""
        self._probe = 0.0
        self._longest = longest
        self._per_character, self._usual = TOKENS, float(OUTPUT)

    def may_probe(self, now: float) -> None:
        """A call came: where nobody waits for the end of the peace, it may be broken once in a while."""
        if self.peace - now > self._longest and now >= self._probe:
            self.peace = now

    def began(self, now: float) -> None:
        """A call is sent. The first one goes alone."""
        if not self.known:
            self.peace = max(self.peace, now + FIRST_SECONDS)

    def known_now(self, now: float) -> None:
        """The vendor has told what it has to tell."""
        if not self.known:
            self.known, self.peace = True, now

    def busy(self, error: ProviderBusy, now: float) -> None:
        """The vendor refused a call, for a while: it gets peace from all."""
        self.known_now(now)
        seconds = PEACE if error.retry_after is None else error.retry_after
        self.peace = max(self.peace, now + seconds)
        if seconds > self._longest:
            self._probe = now + PROBE_SECONDS

    def learn(self, rates: Iterable[Rate], now: float) -> None:
        for rate in rates:
            meter = self.meters.get(rate.what)
            if meter is None:
                meter = self.meters[rate.what] = Meter(rate.limit, rate.seconds)
            meter.learn(rate, now)

    def guess(self, characters: int, request: Request, most: int | None) -> Usage:
        """What a call will use. An answer may be as long as the request says, else twice the usual."""
        output = request.max_output or min(most or OUTPUT * 2, round(self._usual * 2))
        return Usage(round(characters * self._per_character), output)

    def settle(self, characters: int, usage: Usage) -> None:
        """What an answer used in truth makes the next guess better."""
        self._usual += NEWEST * (usage.output - self._usual)
        if characters and usage.input:
            self._per_character += NEWEST * (usage.input / characters - self._per_character)


def characters(request: Request) -> int:
    """Of all texts in the request, and for its tools and images."""
    size = len(request.system) + OF_TOOL * len(request.tools)
    for message in request.messages:
        for part in message.parts:  # all of them at each step: the commonest first
            if isinstance(part, Text):
                size += len(part.text)
            elif isinstance(part, ToolCall):
                size += len(part.arguments)
            elif isinstance(part, ToolResult):
                size += len(part.text) + OF_IMAGE * len(part.images)
            elif isinstance(part, Thinking):
                size += len(part.text)
            else:
                size += OF_IMAGE
    return size


def amounts(usage: Usage) -> dict[Kind, float]:
    """What a call takes of each kind of meter."""
    return {
        "requests": 1,
        "tokens": usage.input + usage.output,
        "input": usage.input - usage.cached,
        "output": usage.output,
    }
