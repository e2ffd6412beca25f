"""`If-Match` and `If-None-Match`: nobody replaces what he has not seen, and nobody is sent what he has."""

from __future__ import annotations

import hashlib

from quart import Response, request
from quart.wrappers.response import DataBody

from pillion.errors import Stale

from .bodies import nothing
from .problems import Refused

ANY = "*"
METHODS = ("GET", "HEAD")


def expected() -> frozenset[str]:
    """What the request's If-Match names, without quotes; empty: it names nothing."""
    tags = request.headers.get("If-Match", "").split(",")
    return frozenset(tag.strip().removeprefix("W/").strip('"') for tag in tags if tag.strip())


def check(now: str | None, *, required: str = "") -> None:
    """The thing has the tag `now`; None: it is not there.

    Raises Stale (412) when If-Match names another one, and Refused 428 when it names none and there is a reason why it
    must: `required`, a sentence.
    """
    named = expected()
    if not named and required:
        raise Refused(428, f"{required} Name with If-Match the one that you have seen.")
    if named and (now is None or not named & {now, ANY}):
        said = f'it is "{now}"' if now else "there is none"
        raise Stale(f"What is to be replaced is another one than If-Match names: {said}.")


async def unchanged(response: Response) -> Response:
    """Gives each whole answer to a GET a tag, and 304 to who has it already. A route's own tag stays as it is."""
    whole = response.response
    if request.method not in METHODS or response.status_code != 200 or not isinstance(whole, DataBody):
        return response
    if "etag" in response.headers or "set-cookie" in response.headers:
        return response
    tag = hashlib.blake2b(whole.data, digest_size=12).hexdigest()
    response.headers["etag"] = f'"{tag}"'
    if request.if_none_match.contains_weak(tag):
        return nothing(304, {"etag": f'"{tag}"'})
    return response
