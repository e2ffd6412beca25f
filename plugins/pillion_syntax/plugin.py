"""What is known of code by its syntax: outlines, pieces, and the errors that edits bring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import trio

from pillion import ConfigError, Kernel, Tool, TurnInfo, hookimpl
from pillion.contracts.code import CodeIndex

from .hookspecs import SyntaxHooks
from .indexing import Indexes
from .keeping import Keeping
from .language import Language
from .reading import Reader
from .searching import FindSymbol, References
from .tools import OutlineFile

if TYPE_CHECKING:
    from quart import Blueprint

    from pillion_storage.filecache import FileCacheDoor


class Plugin:
    """Outlines of source files, pieces of them, and a syntax check of edited ones."""

    hookspecs = SyntaxHooks

    def __init__(self) -> None:
        self._reader = Reader()
        self._indexes = Indexes(self._reader)
        self._tools: Sequence[Tool] = [
            OutlineFile(self._reader), FindSymbol(self._indexes), References(self._indexes)
        ]  # fmt: skip

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._reader.host = kernel.host
        self._indexes.begin(kernel.processes, Keeping(_door(kernel)))
        yield

    @hookimpl
    def register_code(self) -> Sequence[CodeIndex]:
        return [self._indexes]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools

    @hookimpl(optionalhook=True)
    def register_checkers(self) -> Sequence[Any]:
        return [SyntaxCheck(self._reader)]

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from . import aroundroutes, editorroutes, symbolroutes  # quart; a run without a server does not need it
        from .routes import blueprint

        return [
            blueprint(kernel, self._reader),
            symbolroutes.blueprint(kernel, self._indexes),
            aroundroutes.blueprint(kernel, self._reader),
            editorroutes.blueprint(self._reader),
        ]


class SyntaxCheck:
    """Errors that a text has, and had not before."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def check(self, path: str, before: str | None, after: str, /) -> Sequence[tuple[int, int, str]]:
        language = self._reader.languages.of(path, after)
        if language is None or not language.checked or not language.installed:
            return ()
        return await trio.to_thread.run_sync(_new_errors, language, before, after)


def _door(kernel: Kernel) -> FileCacheDoor | None:
    """The store's file cache; None where it has none."""
    if kernel.host.state("storage") != "on":
        return None
    from pillion_storage.filecache import (
        FileCacheDoor,
    )  # the database's library; who has another store does not need it

    try:
        return FileCacheDoor(kernel.store)
    except ConfigError:
        return None


def _new_errors(language: Language, before: str | None, after: str) -> Sequence[tuple[int, int, str]]:
    found: Sequence[tuple[int, int, str]] = import_module(f"{__package__}.parsing").new_errors(language, before, after)
    return found
