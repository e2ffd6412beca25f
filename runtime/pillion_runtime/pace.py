"""How many requests a minute each client may send, and what it is told of that.

Headers: draft-ietf-httpapi-ratelimit-headers-10, `RateLimit-Policy` and `RateLimit`.
"""

from __future__ import annotations

import math

import trio

from .problems import Refused

SECONDS = 60.0
CLIENTS = 1_000
"""That are told apart at a time; more of them are one together."""
UNCOUNTED = frozenset({"/livez", "/readyz"})
"""What watches over a server is never told that it may not look."""
POLICY, STATE = "RateLimit-Policy", "RateLimit"

Headers = list[tuple[bytes, bytes]]


class Pace:
    """`requests` a minute for each client, all of them at once if it likes (GCRA: one number a client). 0: no limit."""

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._each = SECONDS / requests if requests else 0.0
        self._policy = f'"client";q={requests};w={SECONDS:g}'
        self._told = (POLICY.lower().encode(), self._policy.encode())
        self._full: dict[str, float] = {}
        """When all that a client has sent will be forgotten."""

    def take(self, client: str) -> Headers:
        """One request of that client; the headers of its answer. Raises Refused 429."""
        if not self._requests:
            return []
        now = trio.current_time()
        if client not in self._full and len(self._full) >= CLIENTS:
            client = self._place(client, now)
        full = max(self._full.get(client, now), now) + self._each
        wait = full - now - SECONDS
        if wait > 1e-6:
            raise self._refused(math.ceil(wait))
        self._full[client] = full
        left = int((SECONDS - full + now) / self._each + 1e-6)
        state = b'"client";r=%d;t=%d' % (left, math.ceil(full - now))
        return [self._told, (STATE.lower().encode(), state)]

    def _place(self, client: str, now: float) -> str:
        """Forgets those who have all their requests again."""
        self._full = {client: full for client, full in self._full.items() if full > now}
        return client if len(self._full) < CLIENTS else ""

    def _refused(self, seconds: int) -> Refused:
        detail = f"A client may send {self._requests} requests a minute. Come back in {seconds} s."
        headers = {"retry-after": str(seconds), POLICY.lower(): self._policy}
        headers[STATE.lower()] = f'"client";r=0;t={seconds}'
        return Refused(429, detail, code="rate_limited", headers=headers, retryable=True)
