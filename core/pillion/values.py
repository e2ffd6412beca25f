"""Values that cross every border: messages, their parts, models, usage. Frozen; JSON by msgspec."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct


class Text(Struct, frozen=True, tag="text"):
    """Words of a person or a model. In a provider's stream: the next piece of them."""

    text: str


class Thinking(Struct, frozen=True, tag="thinking", omit_defaults=True):
    """A model's reasoning. `signature` is the vendor's opaque seal, sent back with it unchanged."""

    text: str
    signature: str = ""


class Image(Struct, frozen=True, tag="image"):
    """A picture; `data` is bytes here and base64 in JSON. `media_type` is e.g. `image/png`."""

    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: Annotated[bytes, Meta(max_length=20 * 1024 * 1024)]


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """A model asks for a tool. `arguments` is the JSON text as the model wrote it, which may be malformed."""

    id: str
    name: str
    arguments: str


class ToolResult(Struct, frozen=True, tag="tool_result", omit_defaults=True):
    """The one result of the call with id `call`."""

    call: str
    text: str
    error: bool = False
    images: tuple[Image, ...] = ()


Part = Text | Thinking | Image | ToolCall | ToolResult


class Message(Struct, frozen=True):
    """One entry of a conversation. Tool results stand in a message of the user."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The message's words, without thinking and tools."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class Usage(Struct, frozen=True, omit_defaults=True):
    """What was used: tokens (`cached` and `written` are the parts of `input` that were read from the vendor's cache and
    put into it) and cost in US dollars."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float = 0.0
    written: int = 0

    @property
    def tokens(self) -> int:
        return self.input + self.output

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.cost + other.cost,
            self.written + other.written,
        )


class Rate(Struct, frozen=True):
    """What a vendor takes of one key in `seconds`: at most `limit`, of which `left` are left now (None: it does not
    say). After `reset` seconds nothing that was taken until now counts any more.

    `tokens` are those in and out together; `input` leaves out what is read from the vendor's cache.
    """

    what: Literal["requests", "tokens", "input", "output"]
    limit: int
    left: int | None = None
    reset: float | None = None
    seconds: float = 60.0


class Price(Struct, frozen=True):
    """US dollars for a million tokens. `cached` are those of the input that the vendor's cache had, `written` those put
    into it; 0: as any of the input."""

    input: float = 0.0
    output: float = 0.0
    cached: float = 0.0
    written: float = 0.0

    def cost(self, usage: Usage) -> float:
        """US dollars for `usage`."""
        cached, written = self.cached or self.input, self.written or self.input
        fresh = usage.input - usage.cached - usage.written
        dollars = fresh * self.input + usage.cached * cached + usage.written * written + usage.output * self.output
        return dollars / 1_000_000


class ModelInfo(Struct, frozen=True, omit_defaults=True):
    """A model as a provider offers it. `name` is `provider/model`; `context` and `output` are tokens."""

    name: str
    context: int
    output: int
    tools: Literal["native", "constrained", "tags", "none"] = "native"
    images: bool = False
    thinking: bool = False
    price: Price = Price()
    note: str = ""
    """What a person should know before relying on it, shown once a run."""
    temperature: float | None = None
    """Of calls that say none; None: the vendor's."""
    effort: str = ""
    """How hard it thinks, in its vendor's words; "" leaves it to the vendor."""
    tokenizer: str = ""
    """The counter of its tokens; "" is what suits its provider."""

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]


class ToolSpec(Struct, frozen=True):
    """A tool as a model is told of it; `schema` is JSON Schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What a turn may use before it ends with `limit:<name>`. None: no limit."""

    steps: Annotated[int, Meta(ge=1)] | None = 50
    seconds: Annotated[float, Meta(gt=0)] | None = 3600.0
    tokens: Annotated[int, Meta(ge=1)] | None = 5_000_000
    cost: Annotated[float, Meta(gt=0)] | None = None


def priced(usage: Usage, model: ModelInfo) -> Usage:
    """`usage` with its cost by the model's price, unless the vendor said one."""
    if usage.cost:
        return usage
    return Usage(usage.input, usage.output, usage.cached, model.price.cost(usage), usage.written)
