"""Files with sessions, at the program's own end: written whole or not at all, read piece by piece, with progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from pillion.errors import ConfigError
from pillion.portable import More

PIECE = 256 * 1024
STEP = 1024 * 1024
"""Bytes between two words about how far it is."""


class Progress:
    """Tells on stderr how much has gone by, where a person looks."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._size = self._told = 0

    def add(self, size: int) -> None:
        self._size += size
        if self._shown and self._size - self._told >= STEP:
            self._told = self._size
            sys.stderr.write(f"\r{self._size // STEP:,} MiB")
            sys.stderr.flush()

    def end(self) -> None:
        if self._told:
            sys.stderr.write("\r\x1b[K")


@contextmanager
def written(output: Path | None) -> Iterator[Callable[[bytes], None]]:
    """A function that writes on; None: to stdout. A file is for its owner alone, and there when all is in it."""
    progress = Progress()
    part = output.with_name(f".{output.name}.{os.getpid()}.part") if output else None
    try:
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if part else sys.stdout.fileno()
    except OSError as error:
        raise _told(output, error) from None
    try:
        with open(file, "wb", closefd=part is not None) as stream:

            def write(data: bytes) -> None:
                stream.write(data)
                progress.add(len(data))

            yield write
        if part is not None and output is not None:
            part.replace(output)
    except BrokenPipeError:
        raise  # whoever read our output has gone
    except OSError as error:
        raise _told(output, error) from None
    finally:
        progress.end()
        if part is not None:
            part.unlink(missing_ok=True)


@contextmanager
def read(file: Path) -> Iterator[More]:
    """A function that gives the file's next bytes; `-` is stdin."""
    progress, piped = Progress(), str(file) == "-"
    try:
        stream = open(sys.stdin.fileno() if piped else file, "rb", buffering=0, closefd=not piped)  # noqa: SIM115 - below
    except OSError as error:
        raise _told(file, error) from None
    with stream:

        async def more() -> bytes:
            try:
                piece = await trio.to_thread.run_sync(stream.read, PIECE, abandon_on_cancel=True)
            except OSError as error:
                raise _told(file, error) from None
            progress.add(len(piece or b""))
            return piece or b""

        try:
            yield more
        finally:
            progress.end()


def _told(file: Path | None, error: OSError) -> ConfigError:
    return ConfigError(f"{file or 'stdout'}: {error.strerror}.")
