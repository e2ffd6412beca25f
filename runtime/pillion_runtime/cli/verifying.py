"""Several models asked side by side, told in the order of their names."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from pillion.verifying import Verified

from .source import Source


async def verified(source: Source, names: Sequence[str], seconds: float) -> list[Verified]:
    """What is the matter with each. Raises PillionError, e.g. for a name that no provider has."""
    told: dict[str, Verified] = {}

    async def one(name: str) -> None:
        told[name] = await source.verify(name, seconds)

    async with trio.open_nursery() as nursery:
        for name in dict.fromkeys(names):
            nursery.start_soon(one, name)
    return [told[name] for name in dict.fromkeys(names)]
