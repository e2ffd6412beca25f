"""What the context providers say for a turn, the weightiest first, within a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio

from .contracts.context import ContextPart, ContextProvider

if TYPE_CHECKING:
    from .turn import Turn

CONTEXT_SECONDS = 10.0
"""What one context provider gets."""


async def gathered(turn: Turn, providers: Sequence[ContextProvider], tokens: int) -> str:
    """As text with a heading for each part. A provider that fails or is late says nothing."""
    parts: list[ContextPart] = []
    for provider in providers:
        with trio.move_on_after(CONTEXT_SECONDS):
            try:
                parts += await provider.contribute(turn, tokens)
            except Exception as error:  # a plugin's fault is its own
                turn.kernel.log.error("The context provider %s failed", provider, exc_info=error)
    return _trimmed(parts, tokens, turn.count)


def _trimmed(parts: Sequence[ContextPart], tokens: int, count: Callable[[str], int]) -> str:
    """The weightiest parts that fit; one that does not fit is left out."""
    left, kept = tokens, []
    for part in sorted(parts, key=lambda part: -part.weight):
        text = f"# {part.title}\n\n{part.text.strip()}\n"
        if (size := count(text)) <= left:
            kept.append(text)
            left -= size
    return "\n".join(kept)
