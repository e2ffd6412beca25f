"""Counts tokens before a model does: by its own tokenizer where one is here, else by an estimate that says so."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import msgspec
import trio
from msgspec import Struct

from .imagesize import size_of
from .values import Image, Message, Part, Text, Thinking, ToolCall, ToolResult, ToolSpec

ESTIMATE = "estimate"
"""The name of the counter that every model can have."""
MOST = 20_000
"""Messages whose counts a counter remembers; behind that the oldest are counted again."""
SEAL = 5
"""Characters of a seal for a token of the thinking in it: it is encrypted and written in base64, so that the four that
a token of plain words has are about five."""
UNREADABLE = (1568, 1568)
"""The size of a picture that does not say its own: the largest that most models see without shrinking it."""


class Framing(Struct, frozen=True):
    """What a vendor adds to the words, in tokens: for a request, for each message, call or result, and tool; and `kit`
    once where there are tools. `thinking`: is it sent back?

    By default 3 a request and 4 a message, as OpenAI's cookbook has it for chat completions ("How to count tokens with
    tiktoken": 3, and one for the role), and 8 for a call or a tool (there: 7 and 3 for its parameters).
    """

    request: int = 3
    message: int = 4
    call: int = 8
    tool: int = 8
    kit: int = 0
    thinking: bool = True


class Weights(Struct, frozen=True):
    """Tokens for a character of each kind. `two`, `three` and `four` are those of so many bytes in UTF-8; `run` is for
    runs of 40 and more letters and digits without a space: keys, hashes, base64.

    Fitted to what the tokenizers o200k_base and cl100k_base, and a public reconstruction of those of Claude 3 and 4,
    count on 22 kinds of text (docs/decisions/0028), the largest of them for each.
    """

    lower: float = 0.28
    upper: float = 0.34
    digit: float = 0.60
    sign: float = 0.50
    space: float = 0.13
    line: float = 0.90
    two: float = 0.65
    three: float = 1.20
    four: float = 3.40
    run: float = 0.85


_RUN = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
_LOWER, _UPPER, _DIGIT = (bytes(range(ord(a), ord(z) + 1)) for a, z in ("az", "AZ", "09"))
_LINE, _SPACE = b"\n", b" \t\r"
_SIGN = bytes(code for code in range(33, 127) if not chr(code).isalnum())
_TWO, _THREE, _FOUR = bytes(range(0xC2, 0xE0)), bytes(range(0xE0, 0xF0)), bytes(range(0xF0, 0xF5))


def estimate(text: str, weights: Weights = Weights()) -> int:  # noqa: B008 - frozen
    """About how many tokens `text` is; how far off it was where it was fitted, says docs/decisions/0028."""
    rest = _RUN.sub("", text) if len(text) >= 40 else text
    run, data = len(text) - len(rest), rest.encode("utf-8", "replace")
    size = len(data)
    kinds = (
        (_LOWER, weights.lower),
        (_SPACE, weights.space),
        (_SIGN, weights.sign),
        (_LINE, weights.line),
        (_UPPER, weights.upper),
        (_DIGIT, weights.digit),
        (_TWO, weights.two),
        (_THREE, weights.three),
        (_FOUR, weights.four),
    )
    last = 6 if rest.isascii() else len(kinds)
    tokens = sum((size - len(data.translate(None, kind))) * weight for kind, weight in kinds[:last])
    return math.ceil(tokens + run * weights.run)


def by_patches(side: int, most: int, factor: float = 1.0) -> Callable[[Image], int]:
    """The tokens of a picture that is seen as squares of `side` pixels, `most` of them, each of which is `factor`."""

    def tokens(image: Image) -> int:
        width, height = size_of(image) or UNREADABLE
        return math.ceil(min(most, math.ceil(width / side) * math.ceil(height / side)) * factor)

    return tokens


class Counter:
    """Counts as one model does; `by` says by what. What it has counted it remembers, by the hash of the message.

    `count` takes any text; `image` is the vendor's formula, by default squares of 28 pixels, which is the most that the
    big vendors take for one. `load` makes what the first count would make. One counter belongs to one model.
    """

    def __init__(
        self,
        by: str = ESTIMATE,
        count: Callable[[str], int] = estimate,
        *,
        image: Callable[[Image], int] = by_patches(28, 5_000),  # noqa: B008 - it holds no state
        framing: Framing = Framing(),  # noqa: B008 - frozen
        load: Callable[[], object] | None = None,
    ) -> None:
        self.by, self.count, self.image, self.framing = by, count, image, framing
        self._load = load
        self._known: dict[int, int] = {}

    async def ready(self) -> None:
        """Has `load` make what the first count would make, in a thread, so that it holds nobody up."""
        load, self._load = self._load, None
        if load is not None:
            await trio.to_thread.run_sync(load)

    def text(self, text: str) -> int:
        """The tokens of a text that is sent again and again, as a system prompt is."""
        return self._once(hash(text), lambda: self.count(text)) if text else 0

    def message(self, message: Message) -> int:
        """The tokens of one message, its framing included."""
        return self._once(hash(message), lambda: self.framing.message + sum(map(self._part, message.parts)))

    def tool(self, tool: ToolSpec) -> int:
        """The tokens of one tool, as a model is told of it."""
        data = msgspec.json.encode((tool.name, tool.description, tool.schema))
        return self._once(hash(data), lambda: self.framing.tool + self.count(data.decode()))

    def _part(self, part: Part) -> int:
        match part:
            case Text(text):
                return self.count(text)
            case Thinking(text, seal):
                return max(self.count(text), len(seal) // SEAL) if self.framing.thinking else 0
            case Image():
                return self.image(part)
            case ToolCall(_, name, arguments):
                return self.framing.call + self.count(name) + self.count(arguments)
            case ToolResult(_, text, _, images):
                return self.framing.call + self.count(text) + sum(map(self.image, images))

    def _once(self, key: int, count: Callable[[], int]) -> int:
        if (known := self._known.get(key)) is not None:
            return known
        if len(self._known) >= MOST:
            for old in list(self._known)[: MOST // 2]:
                del self._known[old]
        counted = self._known[key] = count()
        return counted


class Tokens(Struct, frozen=True):
    """What a request is, in tokens by part, and by what they were counted."""

    system: int
    tools: int
    messages: int
    by: str

    @property
    def total(self) -> int:
        return self.system + self.tools + self.messages


def sized(messages: Sequence[Message], system: str, tools: Sequence[ToolSpec], counter: Counter) -> Tokens:
    """What a request would be, by part. What the vendor adds counts with the part that it adds it for."""
    framing = counter.framing
    return Tokens(
        counter.text(system) + framing.message if system else 0,
        framing.kit + sum(map(counter.tool, tools)) if tools else 0,
        framing.request + sum(map(counter.message, messages)),
        counter.by,
    )


def tokens_of(messages: Sequence[Message], system: str, tools: Sequence[ToolSpec], counter: Counter) -> int:
    """How many tokens a request would be."""
    return sized(messages, system, tools, counter).total
