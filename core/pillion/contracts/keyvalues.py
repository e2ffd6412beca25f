"""Where a plugin's values last: bytes by key, each old or new and never half."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class KeyValues(Protocol):
    """The values of one plugin. Every write returns when it is durable. Raises TooLarge, StoreFailed."""

    async def read(self, key: str) -> bytes | None: ...

    async def write(self, key: str, value: bytes | None) -> bool:
        """None takes the key away. Was there a value before?"""
        ...

    async def swap(self, key: str, old: bytes | None, new: bytes | None) -> bool:
        """Writes `new` if the value is still `old`, where None is no value. Was it?"""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """Those that begin so, in order."""
        ...
