"""Scratch pads: a text in each session where model and person keep what must not be forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pillion import ContextProvider, Event, Kernel, Tool, TurnInfo, hookimpl

from .context import NotesContext
from .pad import Pads, ScratchpadWritten
from .tools import AddNote, ReadNotes, WriteNotes

if TYPE_CHECKING:
    import click
    from quart import Blueprint


class Plugin:
    """Notes that model and person keep in a session: tools, context, a route and a command."""

    def __init__(self) -> None:
        self._pads = Pads()
        self._tools: Sequence[Tool] = [ReadNotes(self._pads), WriteNotes(self._pads), AddNote(self._pads)]
        self._contexts: Sequence[ContextProvider] = [NotesContext(self._pads)]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._pads.kernel = kernel
        yield

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [ScratchpadWritten]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools

    @hookimpl
    def register_contexts(self, turn: TurnInfo) -> Sequence[ContextProvider]:
        return self._contexts

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self._pads)]

    @hookimpl(optionalhook=True)
    def register_commands(self) -> Sequence[click.Command]:
        from .command import notes

        return [notes]
