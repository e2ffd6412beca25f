"""A tool call while a model still writes it: its parameters as the editor knows them, as far as they have come."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .toolinputs import SHAPES, shown

KEY = re.compile(r'\s*[{,]\s*"([^"\\]*)"\s*:\s*(?=[^\s])')
PLAIN = re.compile(r"(true|false|null|-?[\d.eE+-]+)\s*(?=[,}])")
CHARACTERS = re.compile(
    r"""(?:[^"\\]++|\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4})*"""
)
"""Whole ones: of a pair of surrogates not the first alone."""


class GrowingCall:
    """Reads texts, numbers and the like; at a list or an object it gives up, and the rest is told when it is whole."""

    def __init__(self, tool: str, root: Path) -> None:
        self._shape, self._root = SHAPES.get(tool), root
        self._without = dict(shown(self._shape({}, root))) if self._shape else {}
        """What is shown of a call that says nothing."""
        self._rest = ""
        self._given: dict[str, Any] = {}
        self._key: str | None = None
        """Of the text that grows."""
        self._over = self._shape is None
        self._told: dict[str, str] = {}

    def feed(self, piece: str) -> Iterator[tuple[str, str, str]]:
        """The parameters that have grown: name, all of it so far, what is new."""
        if self._over:
            return
        self._rest += piece
        changed = False
        while self._read():
            changed = True
        if changed and self._shape is not None:
            for name, value in shown(self._shape(self._given, self._root)):
                if value != self._without.get(name):
                    yield from self._grown(name, value)

    def finish(self, given: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        """The same for what was not told yet of the whole call."""
        for name, value in shown(given):
            yield from self._grown(name, value)

    def _grown(self, name: str, value: str) -> Iterator[tuple[str, str, str]]:
        old = self._told.get(name, "")
        if value != old:
            self._told[name] = value
            yield name, value, value[len(old) :] if value.startswith(old) else value

    def _read(self) -> bool:
        """One step further. Returns whether there was one."""
        if self._key is not None:
            return self._text(self._key)
        found = KEY.match(self._rest)
        if found is None:
            return False
        if self._rest[found.end()] == '"':
            self._rest, self._key = self._rest[found.end() + 1 :], found[1]
            self._given[self._key] = ""
            return True
        plain = PLAIN.match(self._rest, found.end())
        if plain is None:
            self._over = self._rest[found.end()] in "[{"
            return False
        self._rest = self._rest[plain.end() :]
        try:
            self._given[found[1]] = json.loads(plain[1])
        except ValueError:
            self._over = True
        return not self._over

    def _text(self, key: str) -> bool:
        found = CHARACTERS.match(self._rest)
        sure = found[0] if found else ""
        self._rest = self._rest[len(sure) :]
        ended = self._rest.startswith('"')
        if ended:
            self._rest, self._key = self._rest[1:], None
        try:
            self._given[key] += json.loads(f'"{sure}"', strict=False)
        except ValueError:
            self._over = True
            return False
        return ended or bool(sure)
