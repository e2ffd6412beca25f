"""What is known of code by its syntax: outlines, pieces, and the errors that edits bring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import trio

from pillion import Kernel, Tool, TurnInfo, hookimpl

from .hookspecs import SyntaxHooks
from .language import Language
from .reading import Reader
from .tools import OutlineFile

if TYPE_CHECKING:
    from quart import Blueprint


class Plugin:
    """Outlines of source files, pieces of them, and a syntax check of edited ones."""

    hookspecs = SyntaxHooks

    def __init__(self) -> None:
        self._reader = Reader()
        self._tools: Sequence[Tool] = [OutlineFile(self._reader)]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._reader.host = kernel.host
        yield

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools

    @hookimpl(optionalhook=True)
    def register_checkers(self) -> Sequence[Any]:
        return [SyntaxCheck(self._reader)]

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self._reader)]


class SyntaxCheck:
    """Errors that a text has, and had not before."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def check(self, path: str, before: str | None, after: str, /) -> Sequence[tuple[int, int, str]]:
        language = self._reader.languages.of(path, after)
        if language is None or not language.checked or not language.installed:
            return ()
        return await trio.to_thread.run_sync(_new_errors, language, before, after)


def _new_errors(language: Language, before: str | None, after: str) -> Sequence[tuple[int, int, str]]:
    found: Sequence[tuple[int, int, str]] = import_module(f"{__package__}.parsing").new_errors(language, before, after)
    return found
