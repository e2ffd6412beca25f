"""What a route works on: a session's workspace as its tools see it, and a way to start programs."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct
from quart import abort, request

from pillion import Kernel, Session
from pillion.events import FileEditWanted
from pillion.overlay import OverlaidWorkspace, place_of
from pillion.processes import Processes

T = TypeVar("T", bound=Struct)


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


def asked(kind: type[T]) -> T:
    """The request's query as the Struct `kind`, numbers parsed; unknown parameters are ignored. Aborts with 422."""
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    given = {name: value for name, value in request.args.items() if name in known}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        abort(422, f"The query is wrong: {error}.")


def preferred(*offered: str) -> str:
    """The form that the client likes best; of equals the first. Aborts with 406."""
    if not request.headers.get("Accept"):
        return offered[0]
    best = max(offered, key=request.accept_mimetypes.quality)
    if request.accept_mimetypes.quality(best) <= 0:
        abort(406, f"This is answered as {', '.join(offered)}, and the header Accept wants none of them.")
    return best
