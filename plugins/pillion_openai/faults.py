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

TOO_LONG = re.compile(
    r"context_length|context.{0,10}(length|window|size)|too many (input )?tokens|(prompt|input) is too long",
    re.IGNORECASE,
)
REFUSED = re.compile(r"insufficient_quota|billing|invalid_api_key|authentication|permission|credit", re.IGNORECASE)
BUSY = re.compile(r"rate_limit|overloaded|too_many_requests|slow_down", re.IGNORECASE)


@contextmanager
def translated(vendor: str, hint: str) -> Iterator[None]:
    """Errors of the openai client, of httpx2 and of decoding become ProviderErrors; `hint` helps with a refused key."""
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        code, message = said(error.body, error.message)
        wait = retry_after(error.response.headers)
        raise failure(vendor, code, message, status=error.status_code, wait=wait, hint=hint) from error
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        cause = error.__cause__ or error
        raise ProviderDown(f"{vendor}: the connection failed ({type(cause).__name__}: {cause}).") from error
    except msgspec.DecodeError as error:
        raise ProviderDown(f"{vendor} sent a piece that can't be read: {error}.") from error


def failure(
    vendor: str, code: str, message: str, *, status: int = 0, wait: float | None = None, hint: str = ""
) -> ProviderError:
    """The error for what the vendor reported. `status` is 0 when it came in a stream, `wait` is in seconds."""
    words = f"{vendor} answered{f' {status}' if status else ''}: {message or code}"
    if status in (401, 402, 403) or REFUSED.search(code):
        return ProviderRefused(f"{words} {hint}".strip())
    if status == 413 or TOO_LONG.search(code) or (status in (0, 400, 422) and TOO_LONG.search(message)):
        return ContextOverflow(words)
    if status in (429, 503, 529) or BUSY.search(code):
        return ProviderBusy(words, wait)
    if status >= 500 or status in (408, 409) or (not status and not code.startswith("invalid")):
        return ProviderDown(words)
    return BadRequest(words)


def said(body: object, otherwise: str = "") -> tuple[str, str]:
    """Code and message of an error's JSON, whichever of the usual shapes it has."""
    if not isinstance(body, Mapping):
        return "", str(body or otherwise)
    inner: Any = body.get("error", body)
    if not isinstance(inner, Mapping):
        return "", str(inner)
    code = " ".join(str(inner[key]) for key in ("code", "type") if inner.get(key))
    return code, str(inner.get("message") or inner.get("detail") or otherwise)


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
