"""Frames as lines of JSON: one event a line, a blank line for the heartbeat."""

from __future__ import annotations

from pillion.frames import Frame, SessionCursor, notice

MEDIA_TYPE = "application/x-ndjson"


class Ndjson:
    """Of one session's log, or of all (`session` is ""). A place that no event tells comes as `session.cursor`."""

    def __init__(self, session: str = "") -> None:
        self._session = session

    def greeting(self, place: str) -> bytes:
        return self.beat(place)

    def frame(self, frame: Frame) -> bytes:
        return frame.wire() + b"\n"

    def beat(self, place: str) -> bytes:
        return self.frame(notice(self._session, SessionCursor(place))) if place else b"\n"
