"""A language is one data file: which files it has, its grammar, and the queries that say what is what in its trees."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pillion import ConfigError, MissingLibrary

SHIPPED = Path(__file__).parent / "languages"


class Language(Struct, frozen=True, forbid_unknown_fields=True):
    """What a data file says; docs/reference/languages.md has each key. Without `module` the grammar comes from
    `tree_sitter_NAME`, by its function `function`; `package` is what pip calls it."""

    name: str
    package: str = ""
    module: str = ""
    function: str = "language"
    like: str = ""
    extensions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    checked: bool = True
    line_comment: str = ""
    block_comment: tuple[str, ...] = ()
    block_start: str = ""
    comments: tuple[str, ...] = ()
    docs: str = ""
    docstrings: bool = False
    decorators: tuple[str, ...] = ()
    wrappers: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    outline: str = ""
    references: str = ""
    scopes: str = ""

    @property
    def grammar(self) -> str:
        """The module that brings it."""
        return self.module or f"tree_sitter_{self.name}"

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.grammar) is not None

    def needed(self) -> None:
        """Raises MissingLibrary."""
        if not self.installed:
            package = self.package or f"tree-sitter-{self.name}"
            raise MissingLibrary(
                f"The grammar of {self.name} is not installed.", hint=f"pip install 'pillion[languages]', or {package}"
            )


def shipped() -> list[Path]:
    return sorted(SHIPPED.glob("*.toml"))


def read_languages(files: Sequence[Path]) -> list[Language]:
    """What these files say; one that is `like` another takes from that one what it leaves out. Raises ConfigError."""
    said: dict[str, dict[str, Any]] = {}
    for file in files:
        try:
            one = tomllib.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"The language file {file} can't be read: {error}.") from error
        said[str(one.get("name", ""))] = one
    found = []
    for name, one in said.items():
        like = said.get(str(one.get("like", "")), {})
        try:
            found.append(msgspec.convert({**like, "names": (), "programs": (), **one}, Language))
        except msgspec.ValidationError as error:
            raise ConfigError(f"The language file of {name or 'a language without name'} is wrong: {error}.") from error
    return found
