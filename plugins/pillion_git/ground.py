"""What a route works on: a session's workspace as its tools see it, and a way to start programs."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct
from quart import abort, request

from pillion import Kernel, Session, Workspace
from pillion.processes import Processes

T = TypeVar("T", bound=Struct)


class SessionGround:
    """That of `session`. Raises NotFound where its folder is gone."""

    def __init__(self, kernel: Kernel, session: Session) -> None:
        self.session = session
        self.processes: Processes = kernel.processes
        self.workspace: Workspace = kernel.catalog.workspace(session.info.workspace)


def asked(kind: type[T]) -> T:
    """The request's query as the Struct `kind`, numbers parsed; unknown parameters are ignored. Aborts with 422."""
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    given = {name: value for name, value in request.args.items() if name in known}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        abort(422, f"The query is wrong: {error}.")
