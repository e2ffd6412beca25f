"""What the routes hold: kernel, settings, open streams, signed-in browsers, and whether the server is about to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from .browsers import Browsers
from .door import AUTHORIZED
from .hostsettings import HostSettings
from .once import Once
from .problems import Refused
from .streams import Streams

if TYPE_CHECKING:
    from pillion.kernel import Kernel


class Host:
    """One server's life. `stopping`: no new work is taken, what runs may end."""

    def __init__(self, kernel: Kernel, settings: HostSettings, browsers: Browsers | None = None) -> None:
        self.kernel = kernel
        self.settings = settings
        self.browsers = browsers or Browsers()
        self.streams = Streams()
        self.once = Once(self._sender)
        self.stopping = False

    def expect_work(self) -> None:
        """For routes that begin something. Raises Refused 503 when the server is about to end."""
        if self.stopping:
            raise Refused(503, "The server is stopping.", code="stopping", retryable=True, headers={"retry-after": "5"})

    def _sender(self) -> str:
        """Who sends the current request: all that have the token are one, each browser is another."""
        return "" if "Authorization" in request.headers else self.browsers.which(request.headers.getlist("Cookie"))


def is_authorized() -> bool:
    """Does the current request carry the token, or a cookie that counts? Only the open routes need to ask."""
    return bool(request.scope["state"].get(AUTHORIZED))
