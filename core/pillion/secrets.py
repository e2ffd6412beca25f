"""Known secret values, and the redaction that every line, event, row and error passes through."""

from __future__ import annotations

import json
import logging
import re

MASK = "[secret]"
SHORTEST = 8
"""Shorter values are not registered: they would blank out ordinary words."""


class Secrets:
    """The secrets of one process. Values are found as they are and as JSON writes them."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._text: re.Pattern[str] | None = None
        self._bytes: re.Pattern[bytes] | None = None
        self.longest = 0

    def register(self, value: str) -> str:
        """From now on `value` is masked wherever it would be shown or kept. Returns it."""
        if len(value) >= SHORTEST and value not in self._values:
            self._values |= {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
            ordered = sorted(self._values, key=len, reverse=True)
            self._text = re.compile("|".join(map(re.escape, ordered)))
            self._bytes = re.compile(b"|".join(re.escape(value.encode()) for value in ordered))
            self.longest = len(ordered[0])
        return value

    def redact(self, text: str) -> str:
        return self._text.sub(MASK, text) if self._text else text

    def redact_bytes(self, data: bytes) -> bytes:
        return self._bytes.sub(MASK.encode(), data) if self._bytes else data

    def held_back(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret that is still growing."""
        tail = text[-(self.longest - 1) :] if self.longest > 1 else ""
        best = 0
        for value in self._values:
            at = tail.find(value[0])
            while at >= 0:
                if value.startswith(tail[at:]):
                    best = max(best, len(tail) - at)
                    break
                at = tail.find(value[0], at + 1)
        return best

    def __contains__(self, value: object) -> bool:
        return value in self._values


class RedactingFilter(logging.Filter):
    """Masks secrets in stdlib log records: message, arguments and traceback."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = self._secrets.redact(message)
        if masked is not message:
            record.msg, record.args = masked, None
        if record.exc_info:
            record.exc_text = self._secrets.redact(logging.Formatter().formatException(record.exc_info))
        return True
