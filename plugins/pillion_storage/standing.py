"""How a database stands: what is in it, which steps it has, who has it open, what retention would take. Looks only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pillion import ConfigError, MissingLibrary, StoreFailed

from . import migrations
from .dialect import Dialect, rows_of
from .faults import explained
from .leases import processes_of
from .retention import Keep, planned

if TYPE_CHECKING:
    from .database import Place
    from .hookspecs import Migration
    from .processes import Other

WAL = ("-wal", "-shm")


class Steps(Struct, frozen=True):
    """A plugin's tables: `applied` of `known` steps."""

    plugin: str
    applied: int
    known: int


class OpenBy(Struct, frozen=True):
    """A process that has it open, or had and did not say good-bye. `age` and `silent` are seconds."""

    pid: int
    host: str
    age: float
    silent: float
    lives: bool


class Faulty(Struct, frozen=True):
    """A projection that failed so often, last for `reason` at `time` (ms). `pillion db rebuild` makes it whole."""

    projection: str
    times: int
    reason: str
    time: int


class Standing(Struct, frozen=True):
    """`place` is a file or an address without its password; `used`: do the settings name it? `would_go`: sessions, with
    those that their turns opened, that retention takes next, and `would_free` about how many bytes of them."""

    kind: str
    place: str
    used: bool
    exists: bool
    bytes: int = 0
    sessions: int = 0
    events: int = 0
    steps: Sequence[Steps] = ()
    faults: Sequence[Faulty] = ()
    open_by: Sequence[OpenBy] = ()
    would_go: int = 0
    would_free: int = 0


def standing(place: Place, steps: Mapping[str, Sequence[Migration]], keep: Keep, *, used: bool) -> Standing:
    """Raises ConfigError (newer than the program, wrong address), MissingLibrary, StoreFailed."""
    dialect, shown = place.dialect, address(place)
    nothing = Standing(dialect.name, shown, used, False)
    if not place.url and not place.file.exists():
        return nothing
    with connected(place) as connection:
        known = migrations.status(connection, dialect, steps)
        if not any(state.applied for state in known):
            return nothing
        now = dialect.now(connection)
        plan = planned(connection, dialect, keep, place.lease_seconds)
        return Standing(
            kind=dialect.name,
            place=shown,
            used=used,
            exists=True,
            bytes=size(place, connection),
            sessions=_number(dialect, connection, "SELECT count(*) FROM session"),
            events=_number(dialect, connection, "SELECT count(*) FROM agent_event"),
            steps=[Steps(state.plugin, state.applied, state.known) for state in known],
            faults=_faults(dialect, connection),
            open_by=[_told(other, now, place) for other in processes_of(dialect, connection)],
            would_go=sum(len(tree.sessions) for tree in plan),
            would_free=sum(tree.bytes for tree in plan),
        )


@contextmanager
def connected(place: Place) -> Iterator[Any]:
    """A connection to what is there, each statement a transaction of its own. Raises as `standing` does."""
    try:
        connection = _connection(place)
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(explained(error, place).said) from error
    try:
        yield connection
    except sqlite3.Error as error:
        raise StoreFailed(explained(error, place).said) from error
    finally:
        connection.close()


def living(place: Place, connection: Any) -> list[Other]:
    """The processes that have it open at this moment."""
    dialect = place.dialect
    if not dialect.has_table(connection, "process"):
        return []
    now = dialect.now(connection)
    return [other for other in processes_of(dialect, connection) if other.lives(now, place.lease_seconds)]


def size(place: Place, connection: Any) -> int:
    """Bytes on disk."""
    if place.url:
        return _number(place.dialect, connection, "SELECT pg_database_size(current_database())")
    files = [place.file, *(place.file.with_name(place.file.name + end) for end in WAL)]
    return sum(file.stat().st_size for file in files if file.exists())


def address(place: Place) -> str:
    """Where it is, for people."""
    if not place.url:
        return str(place.file)
    psycopg2 = _psycopg2()
    try:
        parts = psycopg2.extensions.parse_dsn(place.url)
    except psycopg2.Error:
        raise ConfigError(
            "The address in plugins.storage.url can't be read.",
            plugin="storage",
            key="url",
            hint="It looks like postgresql://user@host/database.",
        ) from None
    return f"postgresql://{parts.get('host', '')}/{parts.get('dbname', '')}"


def _connection(place: Place) -> Any:
    if not place.url:
        return sqlite3.connect(place.file, timeout=place.busy_timeout, isolation_level=None)
    psycopg2 = _psycopg2()
    try:
        connection = psycopg2.connect(place.url, connect_timeout=5)
    except psycopg2.Error as error:
        said = " ".join(str(error).replace(place.url, "the address").split())
        raise ConfigError(
            f"The database of plugins.storage.url can't be opened: {said}",
            plugin="storage",
            key="url",
            hint="Check the address, the user and that the server runs.",
        ) from error
    connection.autocommit = True
    return connection


def _psycopg2() -> Any:
    try:
        import psycopg2
        import psycopg2.extensions
    except ModuleNotFoundError:
        raise MissingLibrary(
            "PostgreSQL needs psycopg2, which is not installed.", hint="pip install 'pillion[postgres]'"
        ) from None
    return psycopg2


def _told(other: Other, now: int, place: Place) -> OpenBy:
    lives = other.lives(now, place.lease_seconds)
    return OpenBy(other.pid, other.host, max(0, now - other.started) / 1000, other.silent(now), lives)


def _faults(dialect: Dialect, connection: Any) -> list[Faulty]:
    counted = """SELECT projection, count(*), max(id) FROM projection_fault GROUP BY projection ORDER BY projection"""
    found = []
    for projection, times, last in rows_of(dialect.run(connection, counted)):
        wanted = "SELECT reason, time FROM projection_fault WHERE id = ?"
        ((reason, time),) = rows_of(dialect.run(connection, wanted, (last,)))
        found.append(Faulty(projection, times, reason, time))
    return found


def _number(dialect: Dialect, connection: Any, statement: str) -> int:
    return int(dialect.run(connection, statement).fetchone()[0])
