"""The files of sessions that a sidecar left behind: found, read within bounds, and sent to the server."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from pillion_http.liveserver import LiveServer

from . import oldlog
from .oldsession import Unreadable, read

FOLDER = "session"
OTHERS = ("plans", "scratch_pad")
MEDIA_TYPE = "application/x-ndjson"
LARGEST = 256 * 1024 * 1024
"""Bytes of a session's file."""


class Brought(Struct, frozen=True, omit_defaults=True):
    """A file, and what became of it: the `session` that it is now, or why not (`error`). `nodes` of attempts are left
    in the file."""

    file: str
    session: str = ""
    exchanges: int = 0
    nodes: int = 0
    error: str = ""


def files(folder: Path) -> list[Path]:
    """In the sidecar's own folder, or in its `session`. Raises ClickException where there is none."""
    inner = folder / FOLDER
    place = inner if inner.is_dir() else folder
    try:
        return sorted(one for one in place.iterdir() if not one.is_dir() and one.suffix != ".tmp")
    except OSError as error:
        raise click.ClickException(f"{place}: {error.strerror}.") from None


def left(folder: Path) -> dict[str, int]:
    """What else the sidecar kept, which is not brought in: files by folder."""
    place = folder if (folder / FOLDER).is_dir() else folder.parent
    return {name: count for name in OTHERS if (count := sum(1 for _ in (place / name).glob("*")))}


def brought(folder: Path, server: LiveServer) -> Iterator[Brought]:
    """Each file as it is done. The files stay as they are."""
    for file in files(folder):
        try:
            session = read(_data(file))
            moment = int(file.stat().st_mtime * 1000)
            data = b"".join(oldlog.lines(session, moment))
            view = server.send("/api/sessions/import", data, MEDIA_TYPE)
            yield Brought(str(file), str(view["id"]), len(session.exchanges), session.nodes)
        except (Unreadable, click.ClickException) as error:
            yield Brought(str(file), error=error.message if isinstance(error, click.ClickException) else str(error))
        except OSError as error:
            yield Brought(str(file), error=f"It can't be read: {error.strerror}.")


def _data(file: Path) -> bytes:
    """Of a plain file, which no link leads to."""
    with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
        kind = os.fstat(stream.fileno())
        if not stat.S_ISREG(kind.st_mode):
            raise Unreadable("It is no plain file.")
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(f"It is larger than {LARGEST // 1024**2} MiB.")
    return data
