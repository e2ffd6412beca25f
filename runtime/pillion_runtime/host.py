"""What the routes hold: the kernel, the host's settings, the open streams, and whether the server is about to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from .door import AUTHORIZED
from .hostsettings import HostSettings
from .problems import Refused
from .sse import Streams

if TYPE_CHECKING:
    from pillion.kernel import Kernel


class Host:
    """One server's life. `stopping`: no new work is taken, what runs may end."""

    def __init__(self, kernel: Kernel, settings: HostSettings) -> None:
        self.kernel = kernel
        self.settings = settings
        self.streams = Streams()
        self.stopping = False

    def expect_work(self) -> None:
        """For routes that begin something. Raises Refused 503 when the server is about to end."""
        if self.stopping:
            raise Refused(503, "The server is stopping.", code="stopping", retryable=True, headers={"retry-after": "5"})


def is_authorized() -> bool:
    """Does the current request carry the token? Only the open routes need to ask."""
    return bool(request.scope["state"].get(AUTHORIZED))
