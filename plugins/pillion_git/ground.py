"""What a route works on: a session's workspace as its tools see it, and a way to start programs."""

from __future__ import annotations

from pillion import Kernel, Session, Workspace
from pillion.processes import Processes


class SessionGround:
    """That of `session`. Raises NotFound where its folder is gone."""

    def __init__(self, kernel: Kernel, session: Session) -> None:
        self.session = session
        self.processes: Processes = kernel.processes
        self.workspace: Workspace = kernel.catalog.workspace(session.info.workspace)
