"""A kernel in this process, as a Source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec
import trio

from pillion.contracts.store import SessionQuery
from pillion.kernel import Kernel, open_kernel
from pillion.letters import Change
from pillion.logreader import Reader
from pillion.onlooker import PastReader
from pillion.portable import More
from pillion.secrets import hide_process
from pillion.session import Session
from pillion.settings import Settings
from pillion.values import Message, ModelInfo
from pillion.verifying import Verified, verify

from ..hookspecs import HostHooks
from ..modellist import ModelList, model_list
from .source import Answer, Listing, Posted, Search, Wish


@asynccontextmanager
async def open_inprocess(settings: Settings) -> AsyncIterator[InProcess]:
    """Opens the kernel, and closes it with all that runs in it."""
    hide_process()
    async with open_kernel(settings, hookspecs=(HostHooks,)) as kernel, trio.open_nursery() as nursery:
        nursery.start_soon(kernel.processes.end_leftovers)
        yield InProcess(kernel)
        nursery.cancel_scope.cancel()


class Pages:
    """A reader's frames as bytes."""

    def __init__(self, reader: Reader | PastReader) -> None:
        self._reader = reader

    async def page(self) -> Sequence[bytes]:
        return [frame.wire() for frame in await self._reader.page()]


class InProcess:
    """The Source of a kernel."""

    where = ""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def create(self, wish: Wish) -> str:
        usual = self._kernel.settings.limits
        session = await self._kernel.create(
            wish.workspace,
            model=wish.model,
            strategy=wish.strategy,
            limits=msgspec.structs.replace(usual, steps=wish.max_steps) if wish.max_steps else None,
            ephemeral=wish.ephemeral,
        )
        return session.id

    async def rename(self, session: str, title: str) -> None:
        await (await self._kernel.session(session)).change(Change(title=title))

    async def prompt(self, session: str, text: str, *, model: str = "", strategy: str = "") -> Posted:
        accepted = await (await self._kernel.session(session)).prompt(text, model=model, strategy=strategy)
        return Posted(accepted.turn, accepted.after)

    async def resume(self, session: str) -> Posted:
        accepted = await (await self._kernel.session(session)).resume()
        return Posted(accepted.turn, accepted.after)

    async def compact(self, session: str) -> Posted:
        accepted = await (await self._kernel.session(session)).prompt("", strategy="compact", when="reject")
        return Posted(accepted.turn, accepted.after)

    async def waiting(self, session: str) -> list[str]:
        return [waiting.id for waiting in (await self._kernel.session(session)).prompts()]

    @asynccontextmanager
    async def follow(self, session: str, after: str) -> AsyncIterator[Pages]:
        yield Pages((await self._kernel.look(session)).follow(after))

    async def cancel(self, session: str) -> None:
        await (await self._kernel.session(session)).cancel(by="person")

    async def decide(self, session: str, approval: str, answer: Answer) -> None:
        await (await self._kernel.session(session)).decide(
            approval, answer.decision, remember=answer.remember, reason=answer.reason, by=answer.by
        )

    async def answer(self, session: str, question: str, answer: str | None, by: str) -> None:
        await (await self._kernel.session(session)).answer(question, answer, by=by)

    async def delete(self, session: str) -> None:
        await self._kernel.delete(session)

    async def archive(self, session: str, archived: bool) -> None:
        await (await self._kernel.session(session)).change(Change(archived=archived))

    async def fork(self, session: str, at: int | None = None) -> dict[str, Any]:
        return _told(await self._kernel.fork(session, at))

    async def export(self, session: str, write: Callable[[bytes], None]) -> None:
        async with aclosing(self._kernel.export(session)) as lines:
            async for some in lines:
                write(some)

    async def import_(self, more: More, *, new_ids: bool) -> dict[str, Any]:
        return _told(await self._kernel.import_(more, new_ids=new_ids))

    async def sessions(self, search: Search = Search(), cursor: str = "", limit: int = 50) -> Listing:  # noqa: B008
        from ..routes.sessions import view_of  # only here: it brings the web framework in

        query = SessionQuery(search.workspace, "", cursor, limit, search.text, search.archived)
        page = await self._kernel.sessions(query)
        data = [msgspec.to_builtins(view_of(info, None, page.matches.get(info.id))) for info in page.data]
        return Listing(data, page.next or None)

    async def session(self, id: str) -> dict[str, Any]:
        from ..routes.sessions import shown_of

        return dict(msgspec.to_builtins(shown_of(await self._kernel.look(id))))

    async def messages(self, session: str) -> list[Message]:
        return list(await (await self._kernel.look(session)).messages())

    async def tools(self) -> list[dict[str, Any]]:
        return [
            {"name": spec.name, "description": spec.description, "effect": tool.effect, "schema": spec.schema}
            for tool, spec in self._kernel.tools()
        ]

    async def models(self) -> list[ModelInfo]:
        return self._kernel.catalog.models()

    async def model_list(self) -> ModelList:
        return model_list(self._kernel)

    async def verify(self, model: str, seconds: float) -> Verified:
        return await verify(self._kernel, model, seconds)

    async def plugins(self) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(state) for state in self._kernel.host.states()]

    async def checks(self) -> dict[str, str]:
        return dict(await self._kernel.checks())


def _told(session: Session) -> dict[str, Any]:
    """What the API tells of it."""
    from ..routes.sessions import view_of

    return dict(msgspec.to_builtins(view_of(session.info, session)))
