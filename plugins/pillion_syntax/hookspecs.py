"""What other plugins may bring: further languages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pillion import hookspec


class SyntaxHooks:
    """Asked when a file is looked at."""

    @hookspec
    def register_languages(self) -> Sequence[Path]:
        """Data files of further languages, or of ones that take a shipped one's place by its name: TOML, with the keys
        of docs/howto/code.md. The grammar is a Python package of your own dependencies.

        A plugin that also works without this one marks its answer with `@hookimpl(optionalhook=True)`.
        """
