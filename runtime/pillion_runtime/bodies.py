"""JSON bodies: requests in, checked field by field; answers out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from quart import Response, request

from .problems import FieldError, Refused

LIMIT = 20 * 1024 * 1024
"""Bytes of a request's body."""

T = TypeVar("T", bound=Struct)
Row = TypeVar("Row")


class Listed(Struct, Generic[Row], frozen=True):
    """A list that is whole."""

    data: Sequence[Row]


_encoder = msgspec.json.Encoder()


async def read(kind: type[T]) -> T:
    """The request's body as the Struct `kind`. Raises Refused: 415, 400 malformed, 422 with each wrong field."""
    media_type = request.mimetype
    if media_type != "application/json":
        said = f"The body must be JSON, sent with Content-Type: application/json, not {media_type or 'without a type'}."
        raise Refused(415, said, headers={"accept": "application/json"})
    return decode(await request.get_data(cache=False, as_text=False, parse_form_data=False), kind)


async def read_optional(kind: type[T]) -> T:
    """Like read; no body at all stands for `{}`."""
    if not await request.get_data():
        return decode(b"{}", kind)
    return await read(kind)


def decode(body: bytes, kind: type[T]) -> T:
    """Raises Refused: 400 when it is no JSON, 422 with each wrong field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        errors = _wrong_fields(body, kind)
        names = ", ".join(error.field or "the body" for error in errors)
        raise Refused(422, f"Wrong: {names}.", errors=errors) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"The body is no JSON: {error}.", code="malformed_json") from None


def fitting(value: Any, kind: type[Struct], at: str) -> None:
    """Is a part of a body, below the field `at`, what `kind` says, as leniently as a model's arguments are read?

    Raises Refused 422 with each wrong field.
    """
    body = _encoder.encode(value)
    try:
        msgspec.json.decode(body, type=kind, strict=False)
    except msgspec.ValidationError:
        errors = [
            FieldError(f"{at}.{error.field}".rstrip("."), error.message)
            for error in _wrong_fields(body, kind, strict=False)
        ]
        raise Refused(422, f"Wrong: {', '.join(error.field for error in errors)}.", errors=errors) from None


def checked(values: Mapping[str, str], kind: type[T]) -> T:
    """Query parameters as the Struct `kind`, numbers parsed; unknown ones are ignored. Raises Refused 422."""
    known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    picked = {name: value for name, value in values.items() if name in known}
    errors = []
    for name, value in picked.items():
        try:
            msgspec.convert(value, known[name], strict=False)
        except msgspec.ValidationError as error:
            errors.append(FieldError(name, _sentence(error)[0]))
    if errors:
        raise Refused(422, f"Wrong: {', '.join(error.field for error in errors)}.", errors=errors)
    return msgspec.convert(picked, kind, strict=False)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`value` (Structs, mappings, sequences) as JSON."""
    return Response(_encoder.encode(value), status, headers, content_type="application/json")


def nothing(status: int = 204, headers: Mapping[str, str] = {}) -> Response:
    """An answer without a body, and so without a content type."""
    response = Response(b"", status, dict(headers))
    del response.headers["content-type"]
    return response


def _wrong_fields(body: bytes, kind: type[Struct], strict: bool = True) -> list[FieldError]:
    try:
        given = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return [FieldError("", "An object is expected.")]
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    errors = []
    for name in given:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(fields) or 'none'}."
            errors.append(FieldError(name, f"Unknown field. {hint}"))
    for name, field in fields.items():
        if name not in given:
            if field.required:
                errors.append(FieldError(name, "Missing."))
            continue
        try:
            msgspec.json.decode(given[name], type=field.type, strict=strict)
        except msgspec.ValidationError as error:
            said, below = _sentence(error)
            errors.append(FieldError(f"{name}{below}", said))
    return errors or [FieldError("", "The body does not fit.")]


def _sentence(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong, and the path below the field: msgspec says "Expected `int`, got `str` - at `$.steps`"."""
    said, _, path = str(error).partition(" - at `$")
    return f"{said.replace('`', '')}.", path.rstrip("`")
