"""A context provider adds what the model should know before it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..turn import Turn


class ContextPart(Struct, frozen=True):
    """`text` under the heading `title`; of all parts the heaviest stay when the token budget is short."""

    title: str
    text: str
    weight: float = 1.0


@runtime_checkable
class ContextProvider(Protocol):
    """`budget` is in tokens, for all parts of this provider together."""

    async def contribute(self, turn: Turn, budget: int, /) -> Sequence[ContextPart]: ...
