"""What the vendor, its client or the network raise, as Pillion's ProviderErrors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from pillion.errors import (
    BadRequest,
    ContextOverflow,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
)

TOO_LONG = re.compile(r"prompt is too long|context (limit|window)|too many (input )?tokens", re.IGNORECASE)


@contextmanager
def translated(hint: str) -> Iterator[None]:
    """Errors of the anthropic client, of httpx2 and of decoding become ProviderErrors; `hint` helps with a bad key."""
    import anthropic
    import httpx2

    try:
        yield
    except anthropic.APIStatusError as error:
        kind, message = said(error.body, error.message)
        wait = retry_after(error.response.headers)
        raise failure(kind, message, status=error.status_code, wait=wait, hint=hint) from error
    except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
        cause = error.__cause__ or error
        raise ProviderDown(f"anthropic: the connection failed ({type(cause).__name__}: {cause}).") from error
    except msgspec.DecodeError as error:
        raise ProviderDown(f"anthropic sent a piece that can't be read: {error}.") from error


def failure(kind: str, message: str, *, status: int = 0, wait: float | None = None, hint: str = "") -> ProviderError:
    """The error for what the vendor reported. `status` is 0 when it came in a stream, `wait` is in seconds."""
    words = f"anthropic answered{f' {status}' if status else ''}: {message or kind}"
    if TOO_LONG.search(message) and kind in ("", "invalid_request_error"):
        return ContextOverflow(words)
    match kind, status:
        case ("rate_limit_error" | "overloaded_error", _) | (_, 429 | 503 | 529):
            return ProviderBusy(words, wait)
        case ("authentication_error" | "permission_error" | "billing_error", _) | (_, 401 | 402 | 403):
            return ProviderRefused(f"{words} {hint}".strip())
        case ("request_too_large", _) | (_, 413):
            return ContextOverflow(words)
        case "invalid_request_error" | "not_found_error", _:
            # the vendor says an empty account with this kind, too
            return ProviderRefused(words) if "credit balance" in message else BadRequest(words)
        case _, 400 | 404 | 422:
            return BadRequest(words)
        case _:
            return ProviderDown(words)


def said(body: object, otherwise: str = "") -> tuple[str, str]:
    """Kind and message of an error's JSON."""
    inner: Any = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(inner, Mapping):
        return "", otherwise
    return str(inner.get("type") or ""), str(inner.get("message") or otherwise)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the vendor asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        if "retry-after" not in headers:
            return None
        value = headers["retry-after"]
        if re.fullmatch(r"[\d.]+", value):
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
