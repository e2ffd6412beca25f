"""A kernel in this process, as a Source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from pillion.eventlog import Reader
from pillion.kernel import Kernel, open_kernel
from pillion.secrets import hide_process
from pillion.session import Session
from pillion.settings import Settings
from pillion.values import ModelInfo

from ..hookspecs import HostHooks
from .source import Answer, Posted, Wish


@asynccontextmanager
async def open_inprocess(settings: Settings) -> AsyncIterator[InProcess]:
    """Opens the kernel, and closes it with all that runs in it."""
    hide_process()
    async with open_kernel(settings, hookspecs=(HostHooks,)) as kernel:
        yield InProcess(kernel)


class Pages:
    """A reader's frames as bytes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(self) -> Sequence[bytes]:
        return [frame.wire() for frame in await self._reader.page()]


class InProcess:
    """The Source of a kernel."""

    where = ""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._sessions: dict[str, Session] = {}

    async def create(self, wish: Wish) -> str:
        usual = self._kernel.settings.limits
        session = await self._kernel.create(
            wish.workspace,
            model=wish.model,
            strategy=wish.strategy,
            limits=msgspec.structs.replace(usual, steps=wish.max_steps) if wish.max_steps else None,
        )
        self._sessions[session.id] = session
        return session.id

    async def prompt(self, session: str, text: str) -> Posted:
        accepted = await self._sessions[session].prompt(text)
        return Posted(accepted.turn, accepted.after)

    @asynccontextmanager
    async def follow(self, session: str, after: str) -> AsyncIterator[Pages]:
        yield Pages(self._sessions[session].follow(after))

    async def cancel(self, session: str) -> None:
        await self._sessions[session].cancel(by="person")

    async def decide(self, session: str, approval: str, answer: Answer) -> None:
        await self._sessions[session].decide(
            approval, answer.decision, remember=answer.remember, reason=answer.reason, by=answer.by
        )

    async def delete(self, session: str) -> None:
        del self._sessions[session]
        await self._kernel.delete(session)

    async def models(self) -> list[ModelInfo]:
        return self._kernel.catalog.models()

    async def plugins(self) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(state) for state in self._kernel.host.states()]

    async def checks(self) -> dict[str, str]:
        return dict(await self._kernel.checks())
