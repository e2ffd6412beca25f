"""The text of a JSON object's only field, as far as it has come while somebody still writes it."""

from __future__ import annotations

import json
import re

_CHARACTERS = re.compile(
    r"""(?:[^"\\]++|\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4})*"""
)
"""Whole ones: of a pair of surrogates not the first alone."""
LONGEST = 100
"""Characters before the text begins."""


class GrowingField:
    """Of `{"name": "…"}`. What is no such object gives nothing: it will be read again when it is whole."""

    def __init__(self, name: str) -> None:
        self._opening = re.compile(rf'\s*\{{\s*"{re.escape(name)}"\s*:\s*"')
        self._rest = ""
        self._inside = self._over = False

    def feed(self, piece: str) -> str:
        """What the text has grown by."""
        self._rest += "" if self._over else piece
        if not self._inside and (found := self._opening.match(self._rest)):
            self._inside = True
            self._rest = self._rest[found.end() :]
        if not self._inside:
            self._over = len(self._rest) > LONGEST
            self._rest = "" if self._over else self._rest
            return ""
        found = _CHARACTERS.match(self._rest)
        sure = found[0] if found else ""
        self._rest = self._rest[len(sure) :]
        if self._rest.startswith('"') or len(self._rest) > LONGEST:  # its end, or no character at all
            self._rest, self._over = "", True
        try:
            text: str = json.loads(f'"{sure}"', strict=False)
        except ValueError:
            self._rest, self._over = "", True
            return ""
        return text
