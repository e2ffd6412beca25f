"""What a plugin's routes read and say: a query, a JSON body, an answer."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from quart import Response, abort, request

JSON = "application/json"
T = TypeVar("T", bound=Struct)


def read_query(kind: type[T]) -> T:
    """The request's query as the Struct `kind`, numbers parsed; unknown parameters are ignored. Aborts with 422."""
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    given: dict[str, Any] = {name: value for name, value in request.args.items() if name in known}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        abort(422, f"The query is wrong: {error}.")


async def read_body(kind: type[T], *, empty: T | None = None) -> T:
    """The request's JSON as the Struct `kind`; where there is no body, `empty`. Aborts with 415, 400, 422."""
    if empty is not None and not await request.get_data(as_text=False, parse_form_data=False):
        return empty
    if request.mimetype != JSON:
        abort(415, f"The body must be JSON, sent with Content-Type: {JSON}.")
    return decoded(await request.get_data(cache=False, as_text=False, parse_form_data=False), kind)


def decoded(data: bytes, kind: type[T]) -> T:
    """Of a body's bytes. Aborts with 422 for a wrong value, 400 for what is no JSON."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        abort(422, f"{error}.")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        abort(400, f"The body is no JSON: {error}.")


def preferred(*offered: str) -> str:
    """The media type that the client likes best; of equals the first. Aborts with 406."""
    if not request.headers.get("Accept"):
        return offered[0]
    best = max(offered, key=request.accept_mimetypes.quality)
    if request.accept_mimetypes.quality(best) <= 0:
        abort(406, f"This is answered as {', '.join(offered)}, and the header Accept wants none of them.")
    return best


def answer(said: Struct, status: int = 200) -> Response:
    """As JSON."""
    return Response(msgspec.json.encode(said), status, content_type=JSON)
