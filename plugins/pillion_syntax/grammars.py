"""Which language a file is in: its name says it, or its first line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

from .language import Language, read_languages

_PROGRAM = re.compile(r"#!.*?([\w+-]+?)[\d.]*\s*(?:\s-.*)?$", re.MULTILINE)


class Languages:
    """Those of some data files, by name, extension, file name, program and an editor's id."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self.all = {one.name: one for one in languages}
        self._suffixes = {f".{suffix}": one for one in languages for suffix in one.extensions}
        self._names = {name: one for one in languages for name in one.names}
        self._programs = {name: one for one in languages for name in one.programs}
        self._ids = {id.lower(): one for one in languages for id in (one.name, *one.ids)}

    @cached_property
    def readable(self) -> frozenset[str]:
        """The names of those whose grammars are installed, as it was when somebody asked first."""
        return frozenset(name for name, one in self.all.items() if one.installed)

    def of(self, path: str, text: str = "") -> Language | None:
        name = PurePosixPath(path)
        if known := self._suffixes.get(name.suffix.lower()) or self._names.get(name.name):
            return known
        program = None if name.suffix else _PROGRAM.match(text[:200])
        return self._programs.get(program[1]) if program else None

    def by_id(self, id: str) -> Language | None:
        """`id` as editors say it, in upper or lower case."""
        return self._ids.get(id.lower())


@lru_cache(maxsize=4)
def languages(files: tuple[Path, ...]) -> Languages:
    """Raises ConfigError."""
    return Languages(read_languages(files))
