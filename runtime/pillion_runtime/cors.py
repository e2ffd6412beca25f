"""What a page of one of host.origins may send and read: answers for that exact origin, never `*`, never `null`."""

from __future__ import annotations

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
SENT = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
    "Pillion-API-Version, X-Request-ID"
)
SEEN = (
    "Allow, ETag, Idempotency-Replayed, Location, Pillion-API-Version, RateLimit, RateLimit-Policy, "
    "Retry-After, Server-Timing, WWW-Authenticate, X-Request-ID"
)
REMEMBERED = 600
"""Seconds for which a browser need not ask again."""

Headers = list[tuple[bytes, bytes]]


def headers(origin: str) -> Headers:
    """For each answer to a page of that origin, errors too. With credentials: an EventSource can send only cookies."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", SEEN.encode()),
    ]


def leave() -> Headers:
    """The further headers of the answer to a preflight."""
    return [
        (b"access-control-allow-methods", METHODS.encode()),
        (b"access-control-allow-headers", SENT.encode()),
        (b"access-control-max-age", str(REMEMBERED).encode()),
    ]
