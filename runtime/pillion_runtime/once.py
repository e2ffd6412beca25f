"""`Idempotency-Key`: a POST that is sent again gets the answer that it got, and nothing is done twice."""

from __future__ import annotations

import functools
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

import trio
from quart import Response, current_app, request
from quart.wrappers.response import DataBody

from .problems import Refused

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEEPS = 24 * 3600.0
"""Seconds for which an answer is kept; a restart forgets it, too."""
MOST = 1000
"""Answers that are kept; one more, and the oldest goes."""
ROOM = 16 * 1024 * 1024
"""Bytes of all kept bodies together; where they are more, the oldest go."""
LARGEST = 1024 * 1024
"""Bytes of a body that is kept."""
LONGEST = 3600.0
"""Seconds that work whose client has left may take; its own deadlines are shorter."""
_key = re.compile(r"[!-~]{1,255}")

View = Callable[..., Any]
Place = tuple[str, str]
"""Who sent it, and the key."""


class Kept(NamedTuple):
    """What was answered. `body` is None where it was a stream, or too long."""

    fingerprint: bytes
    until: float
    status: int
    headers: list[tuple[str, str]]
    body: bytes | None

    def again(self) -> Response:
        """The same answer. Raises Refused when it was not kept."""
        if self.body is None:
            said = "This was done before, and its answer was too long to be kept. Look at what became of it."
            raise Refused(409, said, code="idempotency_not_kept")
        response = Response(self.body, self.status)
        response.headers.clear()
        response.headers.extend([*self.headers, (REPLAYED, "true")])
        return response


class Once:
    """One server's keyed requests. `who` names the sender of the current request."""

    def __init__(self, who: Callable[[], str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._who, self._clock = who, clock
        self._kept: OrderedDict[Place, Kept] = OrderedDict()
        self._size = 0
        self._running: dict[Place, tuple[bytes, trio.CancelScope]] = {}

    def wrapped(self, view: View) -> View:
        """The view, so that a POST with a key is carried out once."""

        @functools.wraps(view)
        async def answered(*args: Any, **kwargs: Any) -> Any:
            keys = request.headers.getlist(HEADER)
            if not keys or request.method != "POST":
                return await current_app.ensure_async(view)(*args, **kwargs)
            if len(keys) > 1 or not _key.fullmatch(keys[0]):
                said = f"The header {HEADER} must be one word of at most 255 visible ASCII characters."
                raise Refused(400, said, code="bad_idempotency_key")
            place = self._who(), keys[0]
            fingerprint = _fingerprint(await request.get_data(cache=True, as_text=False, parse_form_data=False))
            if (known := self._known(place, fingerprint)) is not None:
                return known
            return await self._carried_out(place, fingerprint, current_app.ensure_async(view)(*args, **kwargs))

        return answered

    def end(self) -> None:
        """The server ends: what still runs for clients that may have left is cancelled."""
        for _, scope in self._running.values():
            scope.cancel()

    def _known(self, place: Place, fingerprint: bytes) -> Response | None:
        """The answer that was kept. Raises Refused: another request had the key, or it is still at work."""
        kept = self._kept.get(place)
        if kept is not None and kept.until <= self._clock():
            kept = None
        running = self._running.get(place)
        earlier = kept.fingerprint if kept else running[0] if running else fingerprint
        if earlier != fingerprint:
            said = f"This {HEADER} was sent with another path or body: use a new one for each thing you want done."
            raise Refused(422, said, code="idempotency_mismatch")
        if running:
            said = "The request with this key is being carried out; come back for its answer."
            raise Refused(409, said, code="idempotency_in_flight", retryable=True, headers={"retry-after": "1"})
        return kept.again() if kept else None

    async def _carried_out(self, place: Place, fingerprint: bytes, work: Awaitable[Any]) -> Response:
        """Goes on when the client leaves: whoever sends a key comes back for the answer. Errors are not kept."""
        with trio.CancelScope(shield=True, relative_deadline=LONGEST) as scope:
            self._running[place] = fingerprint, scope
            try:
                response = cast(Response, await current_app.make_response(await work))
                if response.status_code < 400:
                    self._keep(place, fingerprint, response)
                return response
            finally:
                del self._running[place]
        raise Refused(503, "The server is stopping.", code="stopping", retryable=True, headers={"retry-after": "5"})

    def _keep(self, place: Place, fingerprint: bytes, response: Response) -> None:
        body = response.response.data if isinstance(response.response, DataBody) else None
        if body is not None and len(body) > LARGEST:
            body = None
        self._drop(place)
        headers = list(response.headers.items())
        self._kept[place] = Kept(fingerprint, self._clock() + KEEPS, response.status_code, headers, body)
        self._size += len(body or b"")
        while len(self._kept) > MOST or self._size > ROOM or next(iter(self._kept.values())).until <= self._clock():
            self._drop(next(iter(self._kept)))

    def _drop(self, place: Place) -> None:
        kept = self._kept.pop(place, None)
        self._size -= len(kept.body or b"") if kept else 0


def _fingerprint(body: bytes) -> bytes:
    """Of what was asked: the same words to the letter."""
    return hashlib.sha256(f"{request.method} {request.full_path}\n".encode() + body).digest()
