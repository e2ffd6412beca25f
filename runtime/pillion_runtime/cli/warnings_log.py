"""Warnings of the kernel, plugins and libraries, as plain lines on stderr."""

from __future__ import annotations

import logging
import sys

from pillion.secrets import RedactingFilter, Secrets

from .screen import clean


class _Lines(logging.Handler):
    """Looks sys.stderr up at each line, since a live display may stand in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = clean(f"pillion: {record.levelname.lower()}: {record.getMessage()}")
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                line = f"{line} ({type(error).__name__}: {clean(str(error))})"
            print(line, file=sys.stderr, flush=True)
        except Exception:  # logging must not end what it tells of
            self.handleError(record)


def to_stderr(secrets: Secrets, level: int = logging.WARNING) -> None:
    """Sends what is at least as grave as `level` to stderr, secrets masked."""
    handler = _Lines()
    handler.addFilter(RedactingFilter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.raiseExceptions = False
