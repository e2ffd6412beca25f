"""The prompt of a run: the argument, and what is piped in."""

from __future__ import annotations

import os
import select
import stat
from typing import TextIO

import click

LARGEST = 8 * 1024 * 1024
"""Bytes that are taken from stdin."""
TELL = 2.0
"""Seconds of waiting after which a person is told what is waited for."""
PATIENCE = 30.0
"""Seconds to wait for the first byte when there is a prompt already: some programs start us on a pipe that they
never write to nor close."""


def whole_prompt(prompt: str | None, stdin: TextIO, stderr: TextIO, patience: float = PATIENCE) -> str:
    """Argument and piped text, one below the other. Raises UsageError when there is neither.

    `patience` is in seconds: how long to wait for the first piped byte, where there is an argument.
    """
    piped = "" if stdin.isatty() else _read(stdin.fileno(), stderr, wait=patience if prompt else None)
    parts = [part for part in (prompt or "", piped) if part.strip()]
    if not parts:
        raise click.UsageError('There is no prompt: pillion run "What does this project do?", or pipe one in.')
    return "\n\n".join(parts)


def _read(descriptor: int, stderr: TextIO, wait: float | None) -> str:
    """All of stdin; `""` where nothing begins to come within `wait` seconds (None: wait on)."""
    if not _first_byte(descriptor, stderr, wait):
        print(f"pillion: nothing came on stdin for {wait:g} s; going on without it.", file=stderr, flush=True)
        return ""
    data = bytearray()
    while piece := os.read(descriptor, 65536):
        data += piece
        if len(data) > LARGEST:
            raise click.UsageError(f"More than {LARGEST // 1024**2} MiB came on stdin; give a file's name instead.")
    return data.decode("utf-8", "replace")


def _first_byte(descriptor: int, stderr: TextIO, wait: float | None) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return True  # closed: reading says so
    soon = TELL if wait is None else min(TELL, wait)
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) or _readable(descriptor, soon):
        return True
    print("pillion: waiting for what is piped in (</dev/null says that there is nothing).", file=stderr, flush=True)
    return _readable(descriptor, None if wait is None else wait - soon)


def _readable(descriptor: int, seconds: float | None) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])
