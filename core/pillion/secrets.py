"""Known secret values, and the redaction that every line, event, row and error passes through."""

from __future__ import annotations

import ctypes
import json
import logging
import re
import sys
from typing import Any

import msgspec

_PR_SET_DUMPABLE = 4  # linux/prctl.h
MASK = "[secret]"
SHORTEST = 8
"""Shorter values are not registered: they would blank out ordinary words."""
NAME = re.compile(r"[a-z][a-z_.]*")
"""Keys of JSON objects, and values of their key `type`, that look so are left: masking them makes it unreadable."""


class Secrets:
    """The secrets of one process. Values are found as they are and as JSON writes them, also JSON inside JSON."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._text: re.Pattern[str] | None = None
        self._every: re.Pattern[str] | None = None
        self._bytes: re.Pattern[bytes] | None = None
        self.longest = 0

    def register(self, value: str) -> str:
        """From now on `value` is masked wherever it would be shown or kept. Returns it."""
        if len(value) >= SHORTEST and value not in self._values:
            once = {value} | _as_json(value)
            self._values |= once.union(*map(_as_json, once))
            ordered = sorted(self._values, key=len, reverse=True)
            alternatives = "|".join(map(re.escape, ordered))
            self._text = re.compile(alternatives)
            self._every = re.compile(f"(?=({alternatives}))")  # also the ones that overlap
            # bytes that are no UTF-8 come out of the environment as lone surrogates
            self._bytes = re.compile(b"|".join(re.escape(v.encode("utf-8", "surrogateescape")) for v in ordered))
            self.longest = len(ordered[0])
        return value

    def redact(self, text: str) -> str:
        """`text` with each secret as MASK; secrets that overlap are masked as one."""
        if self._text is None or not self._text.search(text):
            return text
        shown, at = [], 0
        for start, end in self._spans(text):
            shown += [text[at:start], MASK]
            at = end
        return "".join(shown) + text[at:]

    def redact_bytes(self, data: bytes) -> bytes:
        """The same for bytes. JSON stays JSON: its strings are masked one by one, its keys and kinds are left."""
        if self._bytes is None or not self._bytes.search(data):
            return data
        try:
            return msgspec.json.encode(self.redact_value(msgspec.json.decode(data)))
        except msgspec.DecodeError:
            return self.redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def redact_value(self, value: Any) -> Any:
        """The same for each string in a value made of dicts and lists."""
        match value:
            case str():
                return self.redact(value)
            case dict():
                return {self._key(key): self._entry(key, inner) for key, inner in value.items()}
            case list() | tuple():
                return [self.redact_value(inner) for inner in value]
            case _:
                return value

    def held_back(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret that is still growing."""
        tail = text[-(self.longest - 1) :] if self.longest > 1 else ""
        best = 0
        for value in self._values:
            at = tail.find(value[0])
            while at >= 0:
                if len(value) > len(tail) - at and value.startswith(tail[at:]):
                    best = max(best, len(tail) - at)
                    break
                at = tail.find(value[0], at + 1)
        return best

    def settled(self, text: str) -> tuple[str, str]:
        """Of a text that grows: what can be shown now, masked, and the raw rest, to be put before the next piece.

        However the text is cut into pieces, what is shown and the rest's `redact` at the end join to `redact` of it.
        """
        cut = len(text) - self.held_back(text)
        for start, end in self._spans(text):
            if start < cut < end:  # a secret that a longer one may still swallow
                cut = start
        return self.redact(text[:cut]), text[cut:]

    def __contains__(self, value: object) -> bool:
        return value in self._values

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand, in order; those that overlap are one."""
        spans: list[tuple[int, int]] = []
        for match in self._every.finditer(text) if self._every else ():
            start, end = match.span(1)
            if spans and start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans

    def _key(self, key: Any) -> Any:
        return self.redact(key) if isinstance(key, str) and not NAME.fullmatch(key) else key

    def _entry(self, key: Any, value: Any) -> Any:
        kind = key == "type" and isinstance(value, str) and NAME.fullmatch(value)
        return value if kind else self.redact_value(value)


def hide_process() -> None:
    """From now on the programs that this user runs can't read this process's environment and memory.

    Linux only; root still can. Without it a command that was allowed reads keys from `/proc/PID/environ`.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class RedactingFilter(logging.Filter):
    """Masks secrets in stdlib log records: message, arguments, traceback and stack."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception as error:  # arguments that don't fit: logging would print them unmasked
            record.msg, record.args = f"a line of {record.name} can't be formatted: {type(error).__name__}", None
            return True
        masked = self._secrets.redact(message)
        if masked is not message:
            record.msg, record.args = masked, None
        if record.exc_info:
            record.exc_text = self._secrets.redact(logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = self._secrets.redact(record.stack_info)
        return True


def _as_json(value: str) -> set[str]:
    return {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
