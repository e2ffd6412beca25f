"""What is no HTTP request never comes to the door: hypercorn refuses it without a word. Here it gets a problem, too."""

from __future__ import annotations

import logging
import secrets

from . import apiversion, problems
from .logs import FIELDS, REQUEST

SAID = {
    400: "This is no request that HTTP knows; it has one Host header, and a body has one length.",
    431: "The request's line and headers are too long.",
    501: "Bodies come with a Content-Length or chunked, in no other transfer encoding.",
}

log = logging.getLogger("pillion.http")


def is_bare(head: bytes) -> bool:
    """Is it hypercorn's own refusal? Ours have a body."""
    return head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) and b"\r\ncontent-length: 0\r\nconnection: close" in head


def told(head: bytes) -> bytes:
    """The same refusal, as a Problem. A request that never was has no path; its id is ours, and stands in the log."""
    status = int(head.split(maxsplit=2)[1])
    request_id = f"req_{secrets.token_hex(8)}"
    refused = problems.Refused(status, SAID.get(status, "This can't be served as HTTP."))
    body = problems.encode(refused, path="", request_id=request_id)
    named = f"x-request-id: {request_id}\r\n{apiversion.HEADER.lower()}: {apiversion.VERSION}\r\n"
    typed = f"content-type: {problems.MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n{named}"
    token = REQUEST.set(request_id)
    log.info("request", extra={FIELDS: {"method": "", "path": "", "status": status, "ms": 0.0}})
    REQUEST.reset(token)
    return head.replace(b"content-length: 0\r\n", typed.encode(), 1) + body
