"""What the errors of a database mean for a person: a sentence with the way out."""

from __future__ import annotations

import errno
import getpass
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from .database import Place

SCARCE = 256 * 1024
"""Bytes: with less than that free, an error of input or output is for want of room."""
LOW = 1024 * 1024
"""Bytes: with less than that free, the next long text may not fit."""
WAYS = {
    "full": "Make room there; nothing has to be started again.",
    "busy": "End the process that writes to it, or raise plugins.storage.busy_timeout.",
    "closed": "Give the folder and the files beside it back to this user, or choose another --data-dir.",
    "torn": "Put a copy in its place while no Pillion runs, or choose another --data-dir.",
    "broken": "Look at that disk, and at the system's log.",
    "away": "It is asked again and again; see that it runs.",
    "remote_full": "Make room on its disk; nothing has to be started again.",
}
PASSING = ("the database system is", "terminating connection", "too many clients", "remaining connection slots")
"""Words of a PostgreSQL server that lets nobody in for the moment; with others it never will."""
LOST = ("OperationalError", "InterfaceError", "DatabaseError")
"""The classes of psycopg2's errors without a code when the connection breaks off, or is used after that."""


class Fault(Struct, frozen=True):
    """`said` is whole sentences. `common`: every other write would meet it now, too. `passing`: nothing but time may be
    needed, so that it is worth another try."""

    said: str
    common: bool = False
    passing: bool = False


def explained(error: BaseException, place: Place) -> Fault:
    """What has happened to the database at `place`."""
    for cause in _causes(error):
        if isinstance(cause, sqlite3.Error | OSError) and not place.url:
            return _of_file(cause, place)
        if hasattr(cause, "pgcode"):
            return _of_server(str(cause.pgcode or ""), cause)
        if place.url and type(cause).__name__ == "InterfaceError":  # Pony's or psycopg2's: used after it was lost
            return _of_server("", cause)
    return Fault(f"The database can't keep or give this at the moment: {_line(error) or type(error).__name__}.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The errors that Pony has wrapped, the innermost last but one that says nothing."""
    yield error
    for inner in (getattr(error, "original_exc", None), error.__context__):
        if isinstance(inner, BaseException):
            yield from _causes(inner)
    for _, inner, _ in getattr(error, "exceptions", ()):
        yield from _causes(inner)


def _of_file(error: BaseException, place: Place) -> Fault:
    code = getattr(error, "sqlite_errorname", "") or errno.errorcode.get(getattr(error, "errno", None) or 0, "")
    file, kind = place.file, _kind(code, place.file)
    match kind:
        case "full":  # a smaller write may find room
            return Fault(f"The disk is full: the database {file} can't grow. {WAYS[kind]}")
        case "busy":
            held = f"Another process has had the database {file} locked for more than {place.busy_timeout:g} s."
            return Fault(f"{held} {WAYS[kind]}", common=True)
        case "closed":
            said = f"The database {file} can't be written by {_user()} ({_line(error)}). {WAYS[kind]}"
            return Fault(said, common=True)
        case "torn":
            copy = newest_copy(file)
            known = f"The newest copy is {copy}." if copy else "There is no copy of it beside it."
            said = f"The database {file} is damaged ({_line(error)}); it is left as it is. {known} {WAYS[kind]}"
            return Fault(said, common=True)
        case "broken":
            return Fault(f"The disk of the database {file} fails ({code}). {WAYS[kind]}", common=True)
        case _:
            return Fault(f"The database can't keep or give this at the moment: {_line(error)}.")


def _kind(code: str, file: Path) -> str:
    if code in ("SQLITE_FULL", "ENOSPC", "EDQUOT"):
        return "full"
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "busy"
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return "torn"
    if code.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and _free(file) < SCARCE:
        return "full"
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")) or code in ("EACCES", "EPERM", "EROFS"):
        return "closed"
    return "broken" if code.startswith("SQLITE_IOERR") or code == "EIO" else ""


def _of_server(code: str, error: BaseException) -> Fault:
    """By the classes of PostgreSQL's error codes; none at all is a connection that was lost or refused."""
    said, kind = _line(error), type(error).__name__
    if code == "53100":
        return Fault(f"The PostgreSQL server's disk is full. {WAYS['remote_full']}")
    if code == "55P03":
        return Fault(f"Another process has locked what is to be written on the PostgreSQL server. {WAYS['busy']}")
    refused = "FATAL:" in said and not any(words in said for words in PASSING)
    if code.startswith(("08", "57P")) or (not code and not refused and kind in LOST):
        return Fault(f"The PostgreSQL server does not answer ({said}). {WAYS['away']}", common=True, passing=True)
    said = f"The database can't keep or give this at the moment: {said}."
    return Fault(said, common=refused, passing=code == "40001")


def newest_copy(file: Path) -> Path | None:
    """The newest of those that upgrades have made beside it."""
    return max(file.parent.glob(f"{file.stem}.*.backup{file.suffix}"), default=None)


def low(place: Place) -> str:
    """ "", or a sentence when there is next to no room left for the database."""
    left = LOW if place.url else _free(place.file)
    if left >= LOW:
        return ""
    return f"The disk is nearly full: {left // 1024} KiB are left for the database {place.file}. {WAYS['full']}"


def _free(file: Path) -> int:
    try:
        return shutil.disk_usage(file.parent).free
    except OSError:
        return LOW


def _user() -> str:
    try:
        return f"the user {getpass.getuser()}"
    except (KeyError, OSError):
        return "this user"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
