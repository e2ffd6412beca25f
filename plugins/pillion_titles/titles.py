"""Gives a session its title when its first turn has finished, beside everything else."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Literal

import trio

from pillion import Kernel, PillionError, Seen, Session
from pillion.contracts.provider import Request
from pillion.errors import Stale
from pillion.letters import Change
from pillion.roles import FALLS_TO, Roles, line_of, said
from pillion.sessionchange import version_of

from .wording import OUTPUT, SYSTEM, of_answer, of_prompt, request_of

Ask = Literal["named", "always", "never"]
ROLE = "title"
SECONDS = 20.0
"""In which the model gives one."""
AT_ONCE = 4
"""Sessions that are given one at the same time; others wait."""
_log = logging.getLogger("pillion.titles")


class Titles:
    """An observer: it sees turns finish. Ephemeral sessions and children get none."""

    kernel: Kernel
    """Given by the plugin's lifespan."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._room = trio.CapacityLimiter(AT_ONCE)
        self._at_work: set[str] = set()

    async def watch(self, feed: AsyncIterator[Seen], /) -> None:
        async with trio.open_nursery() as nursery:
            async for seen in feed:
                if seen.record.type == "turn.finished" and not seen.ephemeral and seen.session not in self._at_work:
                    self._at_work.add(seen.session)
                    nursery.start_soon(self._finished, seen.session)

    async def _finished(self, session: str) -> None:
        try:
            async with self._room:
                info = await self.kernel.store.info(session)
                if not info.title and not info.parent:
                    await self._name(await self.kernel.session(session))
        except PillionError as error:  # it is gone, or another process's
            _log.info("Session %s gets no title: %s", session, error)
        finally:
            self._at_work.discard(session)

    async def _name(self, session: Session) -> None:
        messages = await session.messages()
        asked = next((message.text for message in messages if message.role == "user" and message.text.strip()), "")
        answered = next((message.text for message in reversed(messages) if message.role == "assistant"), "")
        title = of_prompt(asked)
        model = self._model(session) if title else ""
        if model:
            request = Request(model, request_of(asked, answered), SYSTEM, max_output=OUTPUT)
            title = await self._asked(session, request) or title
        while title and not session.info.title:
            try:
                await session.change(Change(title=title, expected=frozenset({version_of(session.info)})))
            except Stale:
                continue  # something of it was changed at this moment: look again whether it has a title now

    def _model(self, session: Session) -> str:
        """Who is asked; "" for nobody: what has been named for the role, or where the settings say so, any model."""
        layers: tuple[Roles, ...] = said(session.info.model, session.info.roles), self.kernel.settings.roles
        named = any(layer.get(role) for layer in layers for role in (ROLE, *FALLS_TO[ROLE]) if role != "default")
        if self._ask == "never" or (self._ask == "named" and not named):
            return ""
        for name in line_of(ROLE, *layers):
            try:
                return self.kernel.catalog.model(name)[1].name
            except PillionError:
                continue  # the next one
        return ""

    async def _asked(self, session: Session, request: Request) -> str:
        """The model's title, or "". One call, which the session's log tells of."""
        try:
            call = self.kernel.completions.start(request, role=ROLE, seconds=SECONDS, session=session)
        except PillionError as error:
            _log.info("No model is asked for a title: %s", error)
            return ""
        try:
            async for _ in call:
                pass
            return of_answer(call.gathered.message.text)
        except PillionError as error:
            _log.info("%s gave no title: %s", request.model, error)
            return ""
        finally:
            call.cancel()  # where it is still at work, nobody waits for it any more
