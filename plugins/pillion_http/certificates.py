"""The machine's certificates, read once for all clients: that takes a fifth of a second of the processor."""

from __future__ import annotations

import importlib
import ssl

import trio


class Certificates:
    """One for all providers of the plugin."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None

    async def context(self) -> ssl.SSLContext:
        """As the client's library makes it by itself, in a thread."""
        if self._context is None:
            library = await trio.to_thread.run_sync(importlib.import_module, "httpx2")
            made: ssl.SSLContext = await trio.to_thread.run_sync(library.create_ssl_context)
            self._context = made
        return self._context
