"""Browsers that are signed in: links that work once, and the cookies they are exchanged for. All of it in memory."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from itertools import islice

LASTS = 60.0
"""Seconds in which a code can be exchanged."""
CODES = 16
"""Codes at a time; one more, and the oldest no longer works."""
BROWSERS = 64
"""Browsers that are signed in at a time; one more, and the one that came first is out."""
LOOKED_AT = 8
"""Cookies of our name in one request; a server on another port of the same host can add some."""


class Browsers:
    """One server's. `cookie` names the port, since a browser sends a host's cookies to all of its ports."""

    def __init__(self, port: int = 0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.cookie = f"pillion_{port}"
        self._clock = clock
        self._codes: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._values: deque[str] = deque(maxlen=BROWSERS)

    def new_code(self, path: str) -> str:
        """256 random bits, good for one exchange. `path` is the page that whoever brings it gets to see."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = (self._clock() + LASTS, path)
        if len(self._codes) > CODES:
            self._codes.popitem(last=False)
        return code

    def exchange(self, code: str) -> str | None:
        """The page's path, once. None: it is unknown, used or too old."""
        (known,) = _same(code, self._codes) or (None,)
        if known is None:
            return None
        until, path = self._codes.pop(known)
        return path if self._clock() <= until else None

    def sign_in(self) -> str:
        """A new cookie's value: 256 random bits that count as long as this object lives."""
        value = secrets.token_urlsafe(32)
        self._values.append(value)
        return value

    def know(self, cookies: Iterable[str]) -> bool:
        """Is a browser signed in that sends these Cookie headers?"""
        return bool(self._brought(cookies))

    def which(self, cookies: Iterable[str]) -> str:
        """What tells the browser that sends these Cookie headers from others; "" when none is signed in."""
        return next(iter(self._brought(cookies)), "")

    def sign_out(self, cookies: Iterable[str]) -> None:
        for value in self._brought(cookies):
            self._values.remove(value)

    def _brought(self, cookies: Iterable[str]) -> list[str]:
        """The values among them that we gave."""
        pairs = (pair.strip().partition("=") for header in cookies for pair in header.split(";"))
        given = dict.fromkeys(value for name, _, value in pairs if name == self.cookie)
        return [known for value in islice(given, LOOKED_AT) for known in _same(value, self._values)]


def _same(given: str, known: Iterable[str]) -> list[str]:
    """Those of `known` that equal `given`: at most one, compared in a time that tells nothing."""
    return [one for one in known if hmac.compare_digest(one.encode(), given.encode("utf-8", "replace"))]
