"""Which command runs a folder's tests: what the settings say, else what a person once answered."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pillion import Home


class Answer(Struct, frozen=True):
    """What a person said of a folder, its real path."""

    folder: str
    command: str


class Commands:
    """`settings` are commands by folder; the nearest folder that a workspace is in counts."""

    def __init__(self, home: Home, settings: Mapping[str, str] = {}) -> None:
        self._values = home.values
        self._settings = {os.path.realpath(Path(folder).expanduser()): said for folder, said in settings.items()}

    def set_for(self, folder: Path) -> str | None:
        """What the settings say."""
        real = Path(_real(folder))
        return next((self._settings[str(at)] for at in (real, *real.parents) if str(at) in self._settings), None)

    async def get(self, folder: Path) -> str | None:
        """What was answered. Raises StoreFailed."""
        answer = await self._values.get(_key(folder), Answer)
        return answer.command if answer else None

    async def put(self, folder: Path, command: str) -> None:
        await self._values.put(_key(folder), Answer(_real(folder), command))

    async def forget(self, folder: Path) -> bool:
        """Was there one?"""
        return await self._values.delete(_key(folder))

    async def all(self) -> list[Answer]:
        """All that is remembered, by folder."""
        found = [await self._values.get(key, Answer) for key in await self._values.keys(PREFIX)]
        return sorted((answer for answer in found if answer), key=lambda answer: answer.folder)


PREFIX = "command "


def _real(folder: Path) -> str:
    return os.path.realpath(folder)


def _key(folder: Path) -> str:
    return PREFIX + hashlib.sha256(os.fsencode(_real(folder))).hexdigest()
