"""What goes wrong, as RFC 9457 `application/problem+json`. Details of unexpected errors stay in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pillion.errors import BadSchema, Busy, PillionError, ProviderBusy

from . import signin

MEDIA_TYPE = "application/problem+json"
CODES = {
    400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    406: "not_acceptable", 408: "body_timeout", 411: "length_required", 412: "precondition_failed", 413: "too_large",
    415: "not_json", 422: "invalid", 428: "precondition_required", 429: "busy", 431: "head_too_long", 500: "internal",
    501: "not_implemented", 503: "unavailable",
}  # fmt: skip


RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


class FieldError(Struct, frozen=True):
    """One wrong field of a request: its path (`limits.steps`, `images[0].data`) and what is wrong with it."""

    field: str
    message: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """The body of every answer from 400 on. `instance` is the request's path."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    retryable: bool
    errors: Sequence[FieldError] = ()


class Refused(Exception):
    """The request can't be served as it is; becomes a Problem. `code` defaults to the usual one of the status."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] = {},
        retryable: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, headers
        self.code = code or CODES.get(status, "error")
        self.retryable = retryable


def refusal(error: Exception) -> Refused:
    """Any exception as the Refused that a client may see. What is not meant for clients becomes a bare 500."""
    match error:
        case Refused():
            return error
        case Busy(retry_after=seconds) | ProviderBusy(retry_after=(int() | float()) as seconds):
            headers = {"retry-after": f"{max(1, round(seconds))}"}
            return Refused(error.status, str(error), code=error.code, headers=headers, retryable=True)
        case BadSchema():  # always of the field that has this name
            wrong = FieldError(f"schema{error.at}", error.said)
            return Refused(error.status, str(error), code=error.code, errors=[wrong])
        case PillionError():
            return Refused(error.status, str(error), code=error.code, retryable=error.retryable)
        case _:
            return Refused(500, "Something went wrong inside; the log tells more under this request's id.")


def encode(refused: Refused, *, path: str, request_id: str) -> bytes:
    """The Problem's JSON."""
    return msgspec.json.encode(
        Problem(
            type=f"urn:pillion:problem:{refused.code}",
            title=title(refused.status),
            status=refused.status,
            detail=refused.detail,
            instance=path,
            code=refused.code,
            request_id=request_id,
            retryable=refused.retryable,
            errors=tuple(refused.errors),
        )
    )


class Said(NamedTuple):
    """An answer's body, and the headers that go with it."""

    body: bytes
    headers: dict[str, str]


def said(refused: Refused, path: str, request_id: str, *, page: bool) -> Said:
    """The answer: a Problem, or for a person who is not signed in (`page`) one to look at."""
    if refused.status == 401 and page:
        detail = refused.detail if refused.code != CODES[401] else ""  # the usual one speaks of tokens
        return Said(signin.refused(detail), {**refused.headers, **signin.HEADERS})
    body = encode(refused, path=path, request_id=request_id)
    return Said(body, {**refused.headers, "content-type": MEDIA_TYPE})


def title(status: int) -> str:
    """The words of RFC 9110; Python's own differ from one version to the next."""
    if status in RENAMED:
        return RENAMED[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
