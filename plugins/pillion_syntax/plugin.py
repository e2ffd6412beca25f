"""Tells the model of syntax errors that its edits bring."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import trio

from pillion import hookimpl

from .grammars import grammar_of


class Plugin:
    """A syntax check of edited files: Python and Bash."""

    @hookimpl(optionalhook=True)
    def register_checkers(self) -> Sequence[Any]:
        return [SyntaxCheck()]


class SyntaxCheck:
    """Errors that a text has, and had not before."""

    async def check(self, path: str, before: str | None, after: str, /) -> Sequence[tuple[int, int, str]]:
        grammar = grammar_of(path, after)
        return await trio.to_thread.run_sync(_new_errors, grammar, before, after) if grammar else ()


def _new_errors(grammar: str, before: str | None, after: str) -> Sequence[tuple[int, int, str]]:
    found: Sequence[tuple[int, int, str]] = import_module(f"{__package__}.parsing").new_errors(grammar, before, after)
    return found
