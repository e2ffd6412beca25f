"""What a vendor said of a call that failed, and which ProviderError that is: by status, headers and body, once for all.

Sources: platform.claude.com/docs/en/api/errors, platform.openai.com/docs/guides/error-codes, and what llama.cpp, vLLM,
Ollama, LM Studio, Groq, OpenRouter and Azure answer. A wording that nobody knows is a BadRequest and keeps its text.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from .errors import (
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    ModelNotFound,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    QuotaSpent,
    RequestTooLarge,
    WrongBaseUrl,
)

LONGEST = 2_000
"""Characters kept of a vendor's words."""
LARGEST = 64 * 1024
"""Bytes read of an answer that is no stream."""


class Report(Struct, frozen=True):
    """`status` is HTTP's, 0 for an error amid a stream; `code` is all that the body has for one; `wait` is in seconds.

    `shaped`: the body is an error as the vendors write them; a page of HTML is not.
    """

    status: int = 0
    code: str = ""
    message: str = ""
    wait: float | None = None
    shaped: bool = True


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)


OVERFLOW = _words(
    r"context_length_exceeded|exceed_context_size|context_exceeded",
    r"maximum context length|maximum model length|maximum number of tokens allowed",
    r"(exceed\w*|longer than|larger than|greater than) .{0,40}context (length|window|size|limit)",
    r"context (length|window|size|limit) (has been |was |is )?(exceeded|full)",
    r"(prompt|input|message|messages) (is |are )?too long",
    r"context (the )?overflows",  # LM Studio's words, and its order of them
    r"n_keep.{0,20}n_ctx",
    r"too many (input )?tokens|input tokens exceed",
    r"max_tokens must be at least 1, got -",  # what is left beside the prompt
)
FILTERED = _words(
    r"content_filter|content_policy|invalid_prompt|moderation_blocked|responsibleaipolicy",
    r"content (filtering|management) policy|flagged as potentially violating|input was flagged|for safety reasons",
)
QUOTA = _words(
    r"insufficient_quota|insufficient_balance|credit_balance|spend_limit|billing|quota_exceeded",
    r"credit balance|exceeded your current quota|insufficient (balance|credits|funds|quota)|api usage limits",
)
TOO_LARGE = _words(
    r"request_too_large|payload_too_large|string_above_max_length",
    r"(request|payload|request entity) (is )?too large|maximum allowed number of bytes|exceeds the maximum size",
)
NO_MODEL = _words(
    r"model_not_found|model_decommissioned|deploymentnotfound",
    r"\bmodel\b.{0,120}(does not exist|not found|decommissioned)|not a valid model|unknown model",
)
NO_ROUTE = _words(r"invalid url|no such (route|endpoint)|cannot post|^(404 )?(page )?not found\W*$|method not allowed")
REFUSED = _words(r"invalid_api_key|authentication|permission|unauthorized|access_denied")
BUSY = _words(r"rate_limit|overloaded|too_many_requests|slow_down|resource_exhausted")
DOWN = _words(r"server_error|api_error|internal|timeout|unavailable")
AGAIN = re.compile(r"try again in (?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?", re.IGNORECASE)


def failure(vendor: str, report: Report, hint: str = "") -> ProviderError:
    """The error for what the vendor reported. `hint` helps where it refuses the key."""
    status, code = report.status, report.code
    text = f"{code} {report.message}"
    words = f"{vendor} answered{f' {status}' if status else ''}: {report.message or code or 'nothing more'}"
    if (status == 402 or QUOTA.search(text)) and status < 500:
        return QuotaSpent(words)
    if FILTERED.search(text) and status < 500:
        return ContentFiltered(words)
    if status not in (401, 403, 429) and OVERFLOW.search(text):
        return ContextOverflow(words)
    if status == 413 or (status < 500 and TOO_LARGE.search(text)):
        return RequestTooLarge(words)
    if status in (0, 400, 403, 404) and _no_model(report, text):
        return ModelNotFound(words)
    if status in (404, 405) and (not report.shaped or NO_ROUTE.search(report.message)):
        return WrongBaseUrl(f"{words} Check base_url: there is no such API.")
    if status in (401, 403) or REFUSED.search(code):
        return ProviderRefused(f"{words} {hint}".strip())
    if status in (429, 503, 529) or BUSY.search(code):
        return ProviderBusy(words, _again(report.message) if report.wait is None else report.wait)
    if status >= 500 or status in (408, 409) or (not status and DOWN.search(code)):
        return ProviderDown(words)
    return BadRequest(words)


def _no_model(report: Report, text: str) -> bool:
    named = report.status == 404 and report.shaped and re.search(r"\bmodel", report.message, re.IGNORECASE)
    return bool(named or NO_MODEL.search(text))


async def check_stream(vendor: str, content_type: str, pieces: AsyncIterable[bytes], hint: str = "") -> None:
    """Raises where an answer of status 200 is no stream of events: it is an error after all, or of another server."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("text/html", "application/json"):
        return
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) > LARGEST:
            break
    report = reported(0, body)
    if report.shaped:
        raise failure(vendor, report, hint)
    raise WrongBaseUrl(f"{vendor} answered with {kind} where a stream of events belongs. Check base_url.")


def reported(status: int, body: object, headers: Mapping[str, str] | None = None) -> Report:
    """The report in an answer. `body` is its bytes, text or JSON's value, in whichever of the usual shapes."""
    wait = retry_after(headers or {})
    if isinstance(body, (bytes, str)):
        try:
            body = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
            text = "a page of HTML" if re.search(r"<(!doctype|html)", text[:500], re.IGNORECASE) else text.strip()
            return Report(status, "", text[:LONGEST], wait, shaped=False)
    if not isinstance(body, Mapping):
        return Report(status, "", str(body or "")[:LONGEST], wait, shaped=False)
    inner: Any = body.get("error") or body
    if not isinstance(inner, Mapping):
        return Report(status, "", str(inner)[:LONGEST], wait)
    inside = inner.get("innererror")
    codes = [inner.get("code"), inner.get("type"), inside.get("code") if isinstance(inside, Mapping) else None]
    message = str(inner.get("message") or inner.get("detail") or "")[:LONGEST]
    numbers = [code for code in codes if isinstance(code, int) and 400 <= code < 600]
    shaped = inner is not body or "message" in body
    code = " ".join(str(code) for code in codes if code)
    return Report(status or (numbers[0] if numbers else 0), code, message, wait, shaped)


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


def _again(message: str) -> float | None:
    """Seconds by the words, where no header says them: amid a stream there is none."""
    found = AGAIN.search(message)
    if found is None or not (found[1] or found[2]):
        return None
    try:
        seconds = float(found[2] or 0) / (1000 if found[3] and found[3].lower() == "ms" else 1)
    except ValueError:
        return None
    return int(found[1] or 0) * 60 + seconds
