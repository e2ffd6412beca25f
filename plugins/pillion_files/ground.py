"""What a route works on: a session's workspace as its tools see it, and a way to start programs."""

from __future__ import annotations

from pillion import Kernel, Session
from pillion.events import FileEditWanted
from pillion.overlay import OverlaidWorkspace, place_of
from pillion.processes import Processes


class SessionGround:
    """`session`, with its editor's unsaved texts over the disk. Raises NotFound where its folder is gone."""

    def __init__(self, kernel: Kernel, session: Session) -> None:
        self.session = session
        self.processes: Processes = kernel.processes
        self.disk = kernel.catalog.workspace(session.info.workspace)
        self.workspace = OverlaidWorkspace(self.disk, session.overlays, self._wanted)

    async def place(self, path: str) -> str:
        """The real place of a file that may not be there. Raises OutsideWorkspace."""
        return await place_of(self.disk, path)

    def is_unsaved(self, place: str) -> bool:
        """Is it the text of an editor that is read there?"""
        return self.session.overlays.get(place) is not None

    async def _wanted(self, event: FileEditWanted) -> None:
        """In the log of the session that holds the texts: the editor watches that one."""
        session = self.session
        while session.parent is not None and session.parent.overlays is session.overlays:
            session = session.parent
        await session.note(event)
