"""What a route works on: a session's workspace as its tools see it, and a way to start programs."""

from __future__ import annotations

from collections.abc import Mapping

from pillion import Event, Kernel, Session, Workspace
from pillion.overlay import OverlaidWorkspace
from pillion.processes import Processes


class SessionGround:
    """That of `session`. Raises NotFound where its folder is gone."""

    def __init__(self, kernel: Kernel, session: Session) -> None:
        self.session = session
        self.processes: Processes = kernel.processes
        self.workspace: Workspace = OverlaidWorkspace(
            kernel.catalog.workspace(session.info.workspace), session.overlays, session.note
        )

    async def emit(self, *events: Event, blobs: Mapping[str, bytes] = {}) -> None:
        """In the session's log, in no turn."""
        await self.session.note(*events, blobs=blobs)
