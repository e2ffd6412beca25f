"""How long ago something was, for people."""

from __future__ import annotations

from datetime import UTC, datetime

STEPS = (("s", 60), ("min", 60), ("h", 24), ("d", 365))


def age(stamp: str, now: datetime | None = None) -> str:
    """`just now`, `5 min ago`, `3 d ago`; `stamp` is RFC 3339."""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(stamp)).total_seconds()
    if seconds < 10:
        return "just now"
    number = seconds
    for unit, size in STEPS:
        if number < size:
            return f"{int(number)} {unit} ago"
        number /= size
    return f"{int(number)} a ago"
