"""After an accepted edit: what the language servers find now, and up to two places to edit next."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from . import wording
from .asked import Chat, Feedback, UserContext
from .editorfaults import EditorFailed
from .languageserver import diagnostics, told
from .riding import Ride
from .streaming import Source, Told
from .widening import Ground

if TYPE_CHECKING:
    from .rider import Rider

MOST = 50
"""Findings that the model is told."""


class Judged(Source):
    """A feedback: what became of the exchange, then, where an edit was accepted, the streak."""

    def __init__(self, rider: Rider, asked: Feedback) -> None:
        self._rider, self._asked = rider, asked
        self._told = False
        self._ride: Ride | None = None

    async def more(self) -> list[Told]:
        if not self._told:
            self._told = True
            return await self._rider.judge(self._asked)
        if self._ride is None:
            self._ride = await self._streak()
        return await self._ride.more() if self._ride is not None else []

    def left(self) -> None:
        if self._ride is not None:
            self._ride.left()

    async def _streak(self) -> Ride | None:
        """None: it was no edit, nobody can be asked, or the editor has no language servers to ask."""
        rider, asked = self._rider, self._asked
        session = await rider.sessions.find(asked.session_id)
        book = await rider.books.of(session)
        one = book.find(asked.exchange_id)
        files = book.files.get(one.turn, ())
        usable = asked.model_configuration.slow_model or rider.config.model
        if not (rider.config.hot_streak and asked.accepted and one.kind == "edit" and files and usable):
            return None
        try:
            bridge = rider.bridge(asked.session_id, asked.editor_url)
            ground = Ground(rider.kernel, session)
            found = [told(one, ground.workspace.root) for one in await diagnostics(bridge, ground)]
        except EditorFailed:
            return None
        folder = session.info.workspace
        chat = Chat(
            session_id=asked.session_id,
            exchange_id=f"streak-{secrets.token_hex(8)}",
            editor_url=asked.editor_url,
            query=wording.next_edits(files, found[:MOST]),
            user_context=UserContext(),
            repo_ref=f"local/{folder}",
            root_directory=folder,
            model_configuration=asked.model_configuration,
        )
        return Ride(rider, chat, "chat", folder, opening=wording.OPENING)
