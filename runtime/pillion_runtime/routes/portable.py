"""Sessions as files: out of this server, and in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import trio
from msgspec import Struct
from quart import Blueprint, Response, request

from .. import ndjson
from ..bodies import answer, checked
from ..described import described
from ..host import Host
from ..longbody import body_of
from ..problems import Refused
from .sessions import SHOWN, SessionView, view_of


class Importing(Struct, frozen=True):
    """POST /api/sessions/import. With `new_ids` each session gets another id than it has in the file."""

    new_ids: bool = False


class Rest:
    """A file's chunks: the first, which is there, and those behind it."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        self._first, self._rest = first, rest

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, b""
        await trio.lowlevel.checkpoint()
        return first or await anext(self._rest)

    async def aclose(self) -> None:
        await self._rest.aclose()


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("files", __name__, url_prefix="/api/sessions")

    @routes.get("/<id>/export")
    @described(
        answers={200: {ndjson.MEDIA_TYPE: bytes}},
        sends={"content-disposition": "A name for the file."},
    )
    async def export_session(id: str) -> Response:
        """A session as a file: its events, what they name, and the sessions that its turns opened.

        Lines of JSON, as `POST /api/sessions/import` takes them; the last one says that all were there.
        """
        lines = host.kernel.export(id)
        body = Rest(await anext(lines), lines)
        headers = {
            "content-type": ndjson.MEDIA_TYPE,
            "content-disposition": f'attachment; filename="session-{id[:12]}.jsonl"',
        }
        response = Response(cast(AsyncIterator[bytes], body), 200, headers)
        response.timeout = None
        return response

    @routes.post("/import")
    @described(
        body={ndjson.MEDIA_TYPE: bytes},
        query=Importing,
        answers={201: SessionView},
        sends={"location": "The first session's own address."},
        errors=(503,),
        shows=SHOWN,
    )
    async def import_sessions() -> Response:
        """Takes a file of `GET …/export`, whole or not at all; answers with its first session.

        Each line is checked, secrets are masked, and whether a folder is trusted this server decides. 409: a session of
        one of its ids is here already; `new_ids` gives others. 422 `bad_export`: the file is damaged or none.
        """
        host.expect_work()
        asked = checked(request.args, Importing)
        if request.mimetype != ndjson.MEDIA_TYPE:
            said = f"The body must be a file of an export, sent with Content-Type: {ndjson.MEDIA_TYPE}."
            raise Refused(415, said, headers={"accept": ndjson.MEDIA_TYPE})
        async with body_of(request) as more:
            session = await host.kernel.import_(more, new_ids=asked.new_ids)
        return answer(view_of(session.info, session), 201, {"location": f"/api/sessions/{session.id}"})

    return routes
