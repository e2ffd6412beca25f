"""A tool is what a model may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from ..asking import Answered
from ..events import Event
from ..known import Known
from ..processes import Processes
from ..values import Image, Limits, Message, ModelInfo
from .workspace import Workspace

if TYPE_CHECKING:
    from ..modelcall import Answer

Effect = Literal["read", "write", "execute", "network"]


class Output(Struct, frozen=True):
    """What a tool answers when plain text is not enough. `text` is what the model reads; `error` marks a failure."""

    text: str
    images: tuple[Image, ...] = ()
    error: bool = False


class Heard(Protocol):
    """What a tool holds of a call that a model is still writing; `id` will be the call's."""

    @property
    def id(self) -> str: ...
    @property
    def session(self) -> str: ...
    @property
    def turn(self) -> str: ...
    @property
    def workspace(self) -> Workspace: ...

    def progress(self, note: str, done: float | None = None, /) -> None:
        """Tells watchers how far it is; `done` is a share, 0 to 1. Not kept."""
        ...


class Call(Heard, Protocol):
    """What a tool holds while it runs."""

    @property
    def processes(self) -> Processes:
        """Starts processes that end with this call."""
        ...

    @property
    def known(self) -> Known:
        """What the session's model knows of files: a tool that shows one notes its hash, and one that writes a whole
        file refuses where another is there by now."""
        ...

    @property
    def max_output(self) -> int:
        """How many characters of a result the model gets. Of a longer one it gets beginning and end, and the whole is
        kept for it to read on; a tool that can be asked for less, or for the next piece, had better say so, in a line
        that may come on top."""
        ...

    def output(self, text: str, /) -> None:
        """Grows the call's shown output, for people who watch. Bounded; what the model reads is the result."""
        ...

    async def ask(
        self, question: str, options: Sequence[str] = (), *, free: bool = True, default: str | None = None
    ) -> Answered:
        """Asks the person who watches, and waits; what the tool may take does not run on meanwhile.

        `free`: any text is an answer, else one of `options`. `default` is the answer where nobody gives one in time.
        """
        ...

    async def emit(self, *events: Event, blobs: Mapping[str, bytes] = {}) -> None:
        """Writes facts to the session's log, e.g. `file.changed`, and what they name by its hash; returns when they are
        durable."""
        ...

    @property
    def left(self) -> Limits:
        """What is left of the turn's budget, for a tool that asks models more than once."""
        ...

    def model_of(self, role: str) -> ModelInfo:
        """The model that is asked first for that role. Raises NotFound, ConfigError."""
        ...

    async def complete(
        self, messages: Sequence[Message], *, role: str = "default", system: str = "", max_output: int | None = None
    ) -> Answer:
        """A model call of that role that is not history; accounted to the turn. Raises BudgetSpent, ProviderError."""
        ...


@runtime_checkable
class Tool(Protocol):
    """`Arguments` is a msgspec Struct; the JSON schema that the model sees is made of it.

    `run` returns text or an Output. A ToolError becomes a result that the model reads; so does any other exception,
    without its details. A tool that also has `async def preview(arguments, call) -> str` shows a person that text (a
    diff, a command) when a policy asks for approval; one that has `seconds(arguments) -> float` sets its own deadline;
    one that has `effect_of(arguments) -> Effect` says which of its calls only read, and are judged so; one that has
    `confined(arguments) -> bool` says which can change the workspace alone and use no network, for policies to know.
    Calls of one message whose effect is `read` run side by side; not those of a tool with `alone = True`.

    One that also has `async def hear(pieces: AsyncIterator[str], call: Heard) -> None` gets the text of its arguments,
    JSON, while the model writes it: what has come since it last asked. Nobody has allowed the call yet, so it only
    looks and works out. It is cancelled when the text is taken back or breaks off; when it is whole, `pieces` ends, and
    the message is not finished before `hear` is, or its time is over.
    """

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def effect(self) -> Effect: ...
    @property
    def Arguments(self) -> type[Struct]: ...

    async def run(self, arguments: Any, call: Call, /) -> str | Output: ...
