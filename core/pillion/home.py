"""What a plugin has of its own: a logger, a directory, and values that last."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from .contracts.keyvalues import KeyValues
from .errors import Conflict, TooLarge
from .keyvalues import FileValues
from .secrets import Secrets

T = TypeVar("T")
LONGEST_KEY = 200
"""Characters."""
LARGEST_VALUE = 1024 * 1024
"""Bytes."""
TRIES = 100
"""How often a change begins anew because another one came between."""


class Home:
    """Given to a plugin whose constructor has a parameter named `home`.

    `log` is the logger `pillion.plugin.NAME`, whose lines carry the session, turn and tool at work. Tests make one by
    themselves: `Home("name", tmp_path)`.
    """

    def __init__(self, name: str, data_dir: Path, secrets: Secrets | None = None) -> None:
        self.name = name
        self.log = logging.getLogger(f"pillion.plugin.{name}")
        self._path = data_dir / "plugins" / _safe(name)
        self.values = Values(FileValues(self._path / "values.sqlite3", self.folder), secrets or Secrets())

    def folder(self) -> Path:
        """The plugin's own directory, for its owner alone (0700); made when it is first asked for."""
        for path in (*reversed(self._path.parents[:2]), self._path):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._path


class Values:
    """Values by key. They last, several processes may use them, and each is old or new, never half.

    `bytes` are kept as they are, all else as JSON; known secrets are masked. A key has 200 characters at most, a value
    1 MiB, all of a plugin's together 64 MiB. Raises TooLarge, StoreFailed.
    """

    def __init__(self, kept: KeyValues, secrets: Secrets) -> None:
        self._kept, self._secrets = kept, secrets

    async def get(self, key: str, kind: type[T]) -> T | None:
        """The value as `kind`, None where there is none. Raises msgspec.ValidationError when it does not fit."""
        return _decoded(await self._kept.read(_checked(key)), kind)

    async def put(self, key: str, value: Any) -> None:
        """Returns when the value is durable."""
        await self._kept.write(_checked(key), self._encoded(value))

    async def delete(self, key: str) -> bool:
        """Takes the value away. Was there one?"""
        return await self._kept.write(_checked(key), None)

    async def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin so, in order."""
        return await self._kept.keys(prefix)

    async def change(self, key: str, kind: type[T], work: Callable[[T | None], T | None]) -> T | None:
        """Puts what `work` makes of the value, and returns it; no change of somebody else gets lost meanwhile.

        `work` may be called more than once. It gets None where there is no value; its None takes the key away.
        """
        for _ in range(TRIES):
            old = await self._kept.read(_checked(key))
            made = work(_decoded(old, kind))
            if await self._kept.swap(key, old, None if made is None else self._encoded(made)):
                return made
        raise Conflict(f"The value of {key!r} changes all the time.")

    def _encoded(self, value: Any) -> bytes:
        data = bytes(value) if isinstance(value, (bytes, bytearray)) else msgspec.json.encode(value)
        if len(data) > LARGEST_VALUE:
            raise TooLarge(f"A value has {len(data)} bytes, and may have {LARGEST_VALUE}.")
        return self._secrets.redact_bytes(data)


def _decoded(data: bytes | None, kind: type[T]) -> T | None:
    if data is None or kind is bytes:
        return data  # type: ignore[return-value]
    return msgspec.json.decode(data, type=kind)


def _checked(key: str) -> str:
    if not 0 < len(key) <= LONGEST_KEY:
        raise TooLarge(f"A key has 1 to {LONGEST_KEY} characters: {key[:50]!r} has {len(key)}.")
    return key


def _safe(name: str) -> str:
    """The name of a plugin, which may be any text, as that of a directory."""
    return name.replace(".", "%2E") if set(name) <= {"."} else quote(name, safe=" ")
