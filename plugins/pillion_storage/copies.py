"""Copies of a database that others may be writing to: complete, checked, readable by their owner alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import trio

from pillion import ConfigError, MissingLibrary, StoreFailed
from pillion.processes import Processes

PAGES = 1024
"""Of a SQLite file, between two reports of how far it is."""
FILE, DUMP = ".sqlite", ".dump"
"""How the names of copies end."""
HOURS = 12 * 3600.0
"""Seconds that a dump may take."""
Progress = Callable[[int, int], object]
"""Gets how much is done, and of how much."""


class Taken(ConfigError):
    """There is a file of that name already."""


def beside(file: Path, kind: str = FILE) -> Path:
    """A name for a copy in the same folder, with the time in it."""
    stem = f"{file.stem}.{time.strftime('%Y%m%d-%H%M%S')}"
    names = (file.with_name(f"{stem}{number}.backup{kind}") for number in ("", *(f".{n}" for n in range(1, 1000))))
    return next(name for name in names if not name.exists())


def of_file(file: Path, copy: Path, progress: Progress | None = None) -> None:
    """Copies a SQLite database as it is at this moment; who writes meanwhile is not held up.

    Raises ConfigError where there is a file already, StoreFailed where the copy is not what it should be, sqlite3.Error
    where it can't be made; then there is none.
    """
    _new(copy)
    source, target = sqlite3.connect(file), sqlite3.connect(copy)
    try:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it is the same for us
        source.backup(target, pages=PAGES, progress=_left(progress), sleep=0)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without others beside it
        (said,) = target.execute("PRAGMA integrity_check(1)").fetchone()
        _sound(said, file)
    except BaseException:
        target.close()
        copy.unlink(missing_ok=True)
        raise
    finally:
        source.close()
        target.close()


async def of_server(url: str, copy: Path, processes: Processes) -> None:
    """Dumps a PostgreSQL database by its own programs.

    Raises MissingLibrary where those are not installed, ConfigError where there is a file already, StoreFailed.
    """
    programs = [shutil.which(name) for name in ("pg_dump", "pg_restore")]
    if not all(programs):
        raise MissingLibrary(
            "A copy of a PostgreSQL database needs pg_dump and pg_restore, which are not installed here.",
            hint="Install your system's PostgreSQL client (Debian: apt install postgresql-client), or dump it there.",
        )
    dump, restore = map(str, programs)
    _new(copy)
    words, secret = _connection(url)
    for argv in ([dump, "--format=custom", f"--file={copy}", *words], [restore, "--list", str(copy)]):
        ended = await processes.run(argv, cwd=copy.parent, seconds=HOURS, extra=secret)
        if ended.code != 0:
            await trio.Path(copy).unlink(missing_ok=True)
            raise StoreFailed(f"The copy could not be made: {' '.join(ended.output.split())}")


def _sound(said: str, file: Path) -> None:
    if said != "ok":
        raise StoreFailed(f"No copy is made, since it would be damaged, and so may be {file}: {said}.")


def _new(copy: Path) -> None:
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise Taken(f"There is a file {copy} already.", hint="Name another one.") from None
    except OSError as error:
        raise ConfigError(f"{copy} can't be written: {error.strerror}.", hint="Name another place.") from None


def _left(progress: Progress | None) -> Callable[[int, int, int], object] | None:
    return None if progress is None else lambda _, left, whole: progress(whole - left, whole)


def _connection(url: str) -> tuple[list[str], Mapping[str, str]]:
    """What pg_dump gets as words, and what only its environment may hold."""
    from psycopg2.extensions import make_dsn, parse_dsn

    parts: dict[str, Any] = dict(parse_dsn(url))
    password = parts.pop("password", "")
    return [f"--dbname={make_dsn(**parts)}"], {"PGPASSWORD": password} if password else {}
