"""Where a run's events come from: one Protocol, whichever door it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from msgspec import Struct

from pillion.asking import Remember
from pillion.portable import More
from pillion.values import Message, ModelInfo
from pillion.verifying import Verified

from ..modellist import ModelList


class Posted(Struct, frozen=True):
    """A prompt is accepted: `turn` runs it, and its events come behind the cursor `after`."""

    turn: str
    after: str


class Answer(Struct, frozen=True):
    """An answer to an approval. `by` is `person` or `flag`."""

    decision: Literal["allow", "deny"]
    remember: Remember = "once"
    reason: str = ""
    by: str = "person"


class Wish(Struct, frozen=True):
    """The session that a run wants; `""` is the settings' default. `workspace` is an absolute path."""

    workspace: str
    model: str = ""
    strategy: str = ""
    max_steps: int | None = None
    ephemeral: bool = False


class Search(Struct, frozen=True):
    """Which sessions: of a workspace, with words in title or conversation, those put aside or the others."""

    workspace: str = ""
    text: str = ""
    archived: bool = False


class Listing(Struct, frozen=True):
    """A page of sessions as the API tells them; `next_cursor` leads to the page behind."""

    data: list[dict[str, Any]]
    next_cursor: str | None = None


class Frames(Protocol):
    """A place in a session's events."""

    async def page(self) -> Sequence[bytes]:
        """The next frames, each one JSON object; waits for them. Empty: there will be no more."""
        ...


class Source(Protocol):
    """Sessions, wherever they run. Errors are PillionErrors; every wait but `page` is bounded."""

    @property
    def where(self) -> str:
        """The live server's address; `""` for a kernel in this process."""
        ...

    async def create(self, wish: Wish) -> str:
        """Opens a session; its id."""
        ...

    async def rename(self, session: str, title: str) -> None: ...

    async def prompt(self, session: str, text: str, *, model: str = "", strategy: str = "") -> Posted: ...

    async def resume(self, session: str) -> Posted:
        """Goes on with the turn that did not come to its end. Raises Conflict or ServerSaid 409."""
        ...

    async def compact(self, session: str) -> Posted:
        """Makes what models are sent of the conversation shorter. Raises what `resume` does."""
        ...

    async def waiting(self, session: str) -> list[str]:
        """The turns that the prompts which wait will be, in their order."""
        ...

    def follow(self, session: str, after: str) -> AbstractAsyncContextManager[Frames]: ...

    async def cancel(self, session: str) -> None: ...

    async def decide(self, session: str, approval: str, answer: Answer) -> None: ...

    async def answer(self, session: str, question: str, answer: str | None, by: str) -> None:
        """None: nobody will answer."""
        ...

    async def delete(self, session: str) -> None: ...

    async def archive(self, session: str, archived: bool) -> None:
        """Puts it aside, or takes it up again."""
        ...

    async def fork(self, session: str, at: int | None = None) -> dict[str, Any]:
        """A new session from that event on, by default the last one; what the API tells of it."""
        ...

    async def export(self, session: str, write: Callable[[bytes], None]) -> None:
        """Gives `write` a file with the session, piece by piece."""
        ...

    async def import_(self, more: More, *, new_ids: bool) -> dict[str, Any]:
        """Takes a file; what the API tells of its first session."""
        ...

    async def sessions(self, search: Search = Search(), cursor: str = "", limit: int = 50) -> Listing:  # noqa: B008
        """A page of the sessions, the newest first."""
        ...

    async def session(self, id: str) -> dict[str, Any]:
        """What the API tells of one session. Raises NotFound or ServerSaid 404."""
        ...

    async def messages(self, session: str) -> list[Message]:
        """The conversation so far."""
        ...

    async def models(self) -> list[ModelInfo]: ...

    async def model_list(self) -> ModelList:
        """The models, with what their tokens are counted by, and who is asked for each role."""
        ...

    async def verify(self, model: str, seconds: float) -> Verified:
        """Really asks a model; `""` is the default one."""
        ...

    async def tools(self) -> list[dict[str, Any]]:
        """Each tool's name, description, effect and schema."""
        ...

    async def plugins(self) -> list[dict[str, Any]]:
        """Each plugin's name, version, source, state, hooks, settings schema and reason."""
        ...

    async def checks(self) -> dict[str, str]:
        """Health checks by name: `""` when well, else a sentence."""
        ...
