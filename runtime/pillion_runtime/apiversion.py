"""The API's version: raised by a change that breaks clients, and by no other (docs/reference/versioning.md)."""

from __future__ import annotations

from collections.abc import Iterable

from .problems import Refused

VERSION = "1"
HEADER = "Pillion-API-Version"
"""On each answer the version that answered; on a request the one that the client was made for."""

_NAME = HEADER.lower().encode()


def check(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises Refused 400 when the request names a version that this server does not have."""
    for name, value in headers:
        if name.lower() == _NAME and value.decode("latin-1").strip() != VERSION:
            said = f"This server speaks version {VERSION} of the API, and the header {HEADER} asks for another."
            raise Refused(400, said, code="version_unsupported")
