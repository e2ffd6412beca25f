"""What a server says of its limits in the headers of an answer.

Format: platform.openai.com/docs/guides/rate-limits, which Groq, Azure, LiteLLM and others took over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pillion.values import Rate

if TYPE_CHECKING:
    import httpx2

PREFIX = b"x-ratelimit-"
KINDS: tuple[Literal["requests", "tokens"], ...] = ("requests", "tokens")
SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
DAY = 86_400.0


def rates(headers: httpx2.Headers) -> tuple[Rate, ...]:
    """Of requests and of tokens; what is missing or makes no sense is left out."""
    said = {name: value for name, value in headers.raw if name[:12].lower() == PREFIX}
    if not said:
        return ()
    found = {name[12:].decode("latin-1").lower(): value.decode("latin-1") for name, value in said.items()}
    return tuple(rate for what in KINDS if (rate := _rate(found, what)) is not None)


def _rate(said: dict[str, str], what: Literal["requests", "tokens"]) -> Rate | None:
    limit, left = _number(said.get(f"limit-{what}")), _number(said.get(f"remaining-{what}"))
    if not limit:
        return None
    reset = _seconds(said.get(f"reset-{what}", ""))
    daily = what == "requests" and reset is not None and left is not None and _daily(limit, left, reset)
    return Rate(what, limit, left, reset, DAY if daily else 60.0)


def _daily(limit: int, left: int, reset: float) -> bool:
    """Nobody says whether it is requests a minute or a day, but how long it takes until those used are forgotten."""
    used = limit - left
    return used > 0 and 0.5 <= reset / used * limit / DAY <= 2


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _seconds(text: str) -> float | None:
    """`1s`, `6m0s`, `12ms`, `2m59.56s`; a bare number is seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    found = SPAN.fullmatch(text)
    if not text or found is None:
        return None
    try:
        days, hours, minutes, seconds, thousandths = (float(part or 0) for part in found.groups())
    except ValueError:
        return None
    return days * DAY + hours * 3600 + minutes * 60 + seconds + thousandths / 1000
