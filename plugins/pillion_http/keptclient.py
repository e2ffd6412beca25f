"""An HTTP client that outlives the keys which its requests carry: of several providers, which come and go."""

from __future__ import annotations

from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2


class KeptClient:
    """Its connections serve the next provider, too. It keeps no cookie: that would tell one key's requests from what
    another's were answered."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None

    def opened(self, make: Callable[[], httpx2.AsyncClient]) -> httpx2.AsyncClient:
        """The client, which `make` makes where there is none yet."""
        if self._client is None:
            self._client = make()
            self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self._client

    async def aclose(self) -> None:
        """Closes its connections; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
