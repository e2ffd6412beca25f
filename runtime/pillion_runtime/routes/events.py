"""Events as they come, of a session or of all, and a session's log by pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct
from quart import Blueprint, Response, request

from pillion.frames import Cursor
from pillion.logreader import Reader
from pillion.onlooker import PastReader

from .. import accept, ndjson, sse
from ..bodies import answer, checked
from ..described import described
from ..host import Host
from ..ndjson import Ndjson
from ..openapi import JSON
from ..sse import Sse
from ..streams import Stream
from ..timings import timed
from ..wanted import Wanted

LONGEST_PAGE = 4 * 1024 * 1024
"""Bytes of events after which a page ends, also below its limit."""
LOOKED_THROUGH = 20_000
"""Events after which a page ends, also when few of them were wanted."""
CHUNK = 64
"""Events that are read at a time."""


class Selection(Struct, frozen=True):
    """GET /api/events."""

    types: Annotated[str, Meta(max_length=2000)] = ""
    """Only events of these types: `turn.*,text.finished`."""


class Following(Selection, frozen=True):
    """GET …/events."""

    after: str = ""
    """An event's id, or `latest` for from now on."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    """How many events a page of `application/json` may have."""


class EventPage(Struct, frozen=True):
    """Whole events in their order. `after` is the place behind them, to ask on with; the log ends at `head`."""

    data: Sequence[Annotated[dict[str, Any], Meta(extra_json_schema={"x-event": True})]]
    after: str
    head: int


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("events", __name__, url_prefix="/api")

    @routes.get("/sessions/<id>/events")
    @described(
        query=Following,
        headers={"Last-Event-ID": "Go on behind this event; beats `after`."},
        answers={200: {sse.MEDIA_TYPE: str, ndjson.MEDIA_TYPE: str, JSON: EventPage}},
        errors=(400, 406),
    )
    async def follow_events(id: str) -> Response:
        """Follows a session's log, or reads a page of it.

        From the start, or from behind `Last-Event-ID` or `after`. As `text/event-stream` or `application/x-ndjson` it
        goes on until you leave, the session is deleted or the server ends; as `application/json` it is the whole events
        that there are, up to `limit`. Each event fits `GET /api/events/schema`. Of a session that another process has
        open a stream gives what there is and ends; come back for more.
        """
        form = accept.preferred(sse.MEDIA_TYPE, ndjson.MEDIA_TYPE, JSON)
        asked = checked(request.args, Following)
        wanted = Wanted.parse(asked.types)
        session = await host.kernel.look(id)
        reader = session.follow(request.headers.get("Last-Event-ID") or asked.after)
        if form == JSON:
            with timed("store"):
                data = await _page(reader, wanted, asked.limit)
            return answer(EventPage(cast(Any, data), str(reader.cursor), session.head), headers={"vary": "Accept"})
        return _following(form, host.streams.open(reader, Sse() if form == sse.MEDIA_TYPE else Ndjson(id), wanted))

    @routes.get("/events")
    @described(query=Selection, answers={200: {sse.MEDIA_TYPE: str, ndjson.MEDIA_TYPE: str}}, errors=(406,))
    async def follow_all_events() -> Response:
        """Follows the logs of all sessions that are in memory, from now on, and of those that are opened later.

        Each session begins with a `session.cursor`: what comes is behind that place. There are no ids to come back
        with; what was missed in between has each session's own stream, behind its last `id`.
        """
        form = accept.preferred(sse.MEDIA_TYPE, ndjson.MEDIA_TYPE)
        wanted = Wanted.parse(checked(request.args, Selection).types)
        reader = host.kernel.follow()
        look = Sse(ids=False) if form == sse.MEDIA_TYPE else Ndjson()
        return _following(form, host.streams.open(reader, look, wanted, on_close=reader.close))

    return routes


async def _page(reader: Reader | PastReader, wanted: Wanted, limit: int) -> list[msgspec.Raw]:
    """The next wanted events: at most `limit`, and as many as are not too much for one answer."""
    data: list[msgspec.Raw] = []
    size = seen = 0
    while seen < LOOKED_THROUGH and (frames := await reader.whole(CHUNK)):
        seen += len(frames)
        for frame in frames:
            if wanted(frame.type):
                data.append(msgspec.Raw(frame.wire()))
                size += len(data[-1])
                if len(data) == limit or size > LONGEST_PAGE:
                    reader.cursor = Cursor.parse(frame.id or "0")
                    return data
    return data


def _following(media_type: str, stream: Stream) -> Response:
    headers = {
        "content-type": f"{media_type}; charset=utf-8",
        "cache-control": "no-store",
        "vary": "Accept",
        "x-accel-buffering": "no",
    }
    response = Response(cast(Any, stream), 200, headers)
    response.timeout = None
    return response
