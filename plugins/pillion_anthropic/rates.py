"""What Anthropic says of its limits in the headers of an answer.

Format: platform.claude.com/docs/en/api/rate-limits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

from pillion.values import Rate

if TYPE_CHECKING:
    import httpx2

PREFIX = b"anthropic-ratelimit-"
Kind = Literal["requests", "tokens", "input", "output"]
KINDS: dict[str, Kind] = {"requests": "requests", "input-tokens": "input", "output-tokens": "output"}
TOGETHER: dict[str, Kind] = {"requests": "requests", "tokens": "tokens"}
"""Of a workspace that has one limit for tokens in and out. Beside the others it says nothing more than they."""


def rates(headers: httpx2.Headers) -> tuple[Rate, ...]:
    """Of requests, and of tokens in and out; what is missing or makes no sense is left out."""
    said = {name: value for name, value in headers.raw if name[:20].lower() == PREFIX}
    if not said:
        return ()
    found = {name[20:].decode("latin-1").lower(): value.decode("latin-1") for name, value in said.items()}
    now = _date(headers.get("date", ""))
    kinds = KINDS if "input-tokens-limit" in found else TOGETHER
    return tuple(rate for name, what in kinds.items() if (rate := _rate(found, name, what, now)) is not None)


def _rate(said: dict[str, str], name: str, what: Kind, now: datetime) -> Rate | None:
    limit, left = _number(said.get(f"{name}-limit")), _number(said.get(f"{name}-remaining"))
    return Rate(what, limit, left, _seconds(said.get(f"{name}-reset", ""), now)) if limit else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _seconds(text: str, now: datetime) -> float | None:
    """From the vendor's own time on: this machine's clock may be another."""
    try:
        return max(0.0, (datetime.fromisoformat(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _date(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return datetime.now(UTC)
