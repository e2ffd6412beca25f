"""Log lines: stdlib records through structlog's formatter to stderr, secrets masked, never waiting for the reader."""

from __future__ import annotations

import importlib
import logging
import os
import select
import stat
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TextIO

from pillion import tags
from pillion.secrets import Secrets

if TYPE_CHECKING:
    from types import ModuleType

    from structlog.typing import EventDict, Processor

REQUEST: ContextVar[str] = ContextVar("pillion_request", default="")
"""The id of the HTTP request that is being answered."""

PIPE_ROOM = 4096
"""Bytes that a pipe which polls as writable takes without waiting (PIPE_BUF on Linux)."""
BACKLOG = 1024 * 1024
"""Bytes kept for a reader of stderr that does not read; what comes on top is dropped and counted."""
FIELDS = "fields"
"""`log.info("request", extra={FIELDS: {...}})` puts these keys on the line."""


def configure(secrets: Secrets, *, form: str, level: str, stream: TextIO | None = None) -> Lines:
    """Sends every record of the process to `stream` (stderr). `form`: json, console, or auto by the terminal."""
    stream = stream or sys.stderr
    terminal = stream.isatty()
    handler = Lines(stream)
    handler.setFormatter(
        _formatter(secrets, plain=form == "console" or (form == "auto" and terminal), colours=terminal)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpx2", "httpcore", "hpack", "quart.serving"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.raiseExceptions = False  # a line that can't be written must not write lines of its own
    return handler


def ids() -> dict[str, str]:
    """Whom a line is about: the request, and the session, turn, step and tool that the kernel has set."""
    request = REQUEST.get()
    return {"request": request, **tags.current()} if request else tags.current()


def _formatter(secrets: Secrets, *, plain: bool, colours: bool) -> logging.Formatter:
    structlog = _structlog()
    last: list[Processor]
    if plain:
        console = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
        last = [console]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return structlog.stdlib.ProcessorFormatter(  # type: ignore[no-any-return]
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _add_fields,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *last,
            lambda _logger, _method, line: secrets.redact(str(line)),
        ],
    )


def _add_fields(_logger: Any, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    event.update(getattr(record, FIELDS, {}))
    event.update(ids())
    return event


def _structlog() -> ModuleType:
    """structlog without rich, which it would import (60 ms) for tracebacks that we print plainly anyway."""
    rich = sys.modules.get("rich")
    if rich is None:
        sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("structlog")
    finally:
        if rich is None:
            del sys.modules["rich"]


class Lines(logging.Handler):
    """Writes lines to a stream whose reader may have stopped reading: then they are kept, up to BACKLOG, or dropped.

    A server whose starter reads only stdout would else stand still as soon as the pipe is full.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._pending = bytearray()
        self._dropped = 0
        self._poll: select.poll | None = None
        try:
            self._fd = stream.fileno()
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):  # a file always takes more
                self._poll = select.poll()
                self._poll.register(self._fd, select.POLLOUT)
        except (OSError, ValueError):
            self._fd = -1  # no file behind it, e.g. a StringIO

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
        except Exception:  # logging must not end what it tells of
            line = f'{{"event": "a log line could not be formatted", "logger": "{record.name}"}}\n'
        if self._fd < 0:
            self._stream.write(line)
            return
        data = line.encode("utf-8", "backslashreplace")
        if len(self._pending) + len(data) > BACKLOG:
            self._dropped += 1
            return
        if self._dropped:
            self._pending += b'{"event": "log lines dropped, since nobody reads them", "lines": %d}\n' % self._dropped
            self._dropped = 0
        self._pending += data
        self.flush()

    def flush(self) -> None:
        """Writes what the stream takes without waiting."""
        self.acquire()
        try:
            while self._pending and self._is_writable():
                written = os.write(self._fd, self._pending[:PIPE_ROOM])
                del self._pending[:written]
        except BlockingIOError:
            return
        except OSError:
            self._pending.clear()  # the reader has gone
        finally:
            self.release()

    def _is_writable(self) -> bool:
        return self._poll is None or any(event & ~select.POLLNVAL for _, event in self._poll.poll(0))
