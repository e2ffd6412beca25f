"""Warnings of the kernel, plugins and libraries, as plain lines on stderr."""

from __future__ import annotations

import logging
import sys

from pillion.secrets import Secrets

from .screen import one_line

WIDTH = 600
"""Characters of a line; the rest is for a server's log."""


class _Lines(logging.Handler):
    """Looks sys.stderr up at each line, since a live display may stand in its place."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"pillion: {record.levelname.lower()}: {record.getMessage()}"
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                line = f"{line} ({type(error).__name__}: {error})"
            print(one_line(self._secrets.redact(line), WIDTH), file=sys.stderr, flush=True)
        except Exception:  # logging must not end what it tells of
            self.handleError(record)


def to_stderr(secrets: Secrets, level: int) -> None:
    """Sends what is at least as grave as `level` to stderr, secrets masked."""
    root = logging.getLogger()
    root.handlers[:] = [_Lines(secrets)]
    root.setLevel(level)
