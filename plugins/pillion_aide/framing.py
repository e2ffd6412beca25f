"""How the sidecar's stream looks: `data:` and compact JSON, one event a chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

UIEvent = Mapping[str, Any]
SPLIT = b"data:{"
"""Where the editor cuts the stream. Inside a text it would cut an event in two, so its brace is written as JSON can."""


def frame(value: Mapping[str, Any]) -> bytes:
    """No space behind the colon: the editor looks for `data:{`."""
    return b"data:" + msgspec.json.encode(value).replace(SPLIT, b"data:\\u007b") + b"\n\n"


def started(session: str) -> bytes:
    return frame({"session_id": session, "started": True})


def done(session: str) -> bytes:
    return frame({"done": "[CODESTORY_DONE]", "session_id": session})


def told(session: str, exchange: str, event: UIEvent) -> bytes:
    return frame({"request_id": session, "exchange_id": exchange, "event": event})
