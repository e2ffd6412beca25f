"""Frames as Server-Sent Events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pillion.frames import Frame

RETRY = 2000
"""Milliseconds after which an EventSource comes back."""
MEDIA_TYPE = "text/event-stream"


class Sse:
    """`ids`: may one come back with the last id? Not where the events of several logs are mixed."""

    def __init__(self, *, ids: bool = True) -> None:
        self._ids = ids

    def greeting(self, place: str) -> bytes:
        known = f"id: {place}\n\n" if place else ""
        return f": open\n\nretry: {RETRY}\n\n{known}".encode()

    def frame(self, frame: Frame) -> bytes:
        """An empty id is left out: it would reset the client's cursor."""
        place = f"id: {frame.id}\n" if frame.id and self._ids else ""
        return f"{place}event: {frame.type}\ndata: ".encode() + frame.wire() + b"\n\n"

    def beat(self, place: str) -> bytes:
        return f": ping\nid: {place}\n\n".encode() if place else b": ping\n\n"
