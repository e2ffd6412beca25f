"""Opens the database: bound, brought to the newest tables, mapped. Runs in the database's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from pillion import ConfigError, MissingLibrary, PillionError, StoreFailed

from . import migrations
from .dialect import Dialect, PostgreSQL, SQLite
from .entities import Entities
from .faults import explained
from .hookspecs import Migration
from .ponytypes import Database, db_session
from .rows import Rows
from .search import Search, prepared

FILE = "pillion.sqlite"
"""In the data directory."""
PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 20_000, "keepalives_idle": 10, "keepalives_interval": 5}
"""So that the thread learns of a PostgreSQL server that is gone without a word; in seconds, but the second (ms)."""


class Place(Struct, frozen=True):
    """Where the database is: `url` of a PostgreSQL server, else `file`."""

    file: Path
    url: str = ""
    power_safe: bool = False
    busy_timeout: float = 10.0
    lease_seconds: float = 20.0

    @property
    def dialect(self) -> Dialect:
        return PostgreSQL() if self.url else SQLite()


class Opened(Struct, frozen=True):
    """A database that is ready."""

    database: Any
    dialect: Dialect
    entities: Entities
    place: Place
    rows: Rows
    search: Search


def bound(place: Place) -> Any:
    """A Pony database with its connection, without entities. Raises ConfigError, MissingLibrary, StoreFailed."""
    database = Database()
    if place.url:
        return _bound_to_postgres(database, place)

    @database.on_connect(provider="sqlite")  # type: ignore[untyped-decorator]
    def prepare(_: Any, connection: Any) -> None:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if place.power_safe else 'NORMAL'}")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()  # Pony would keep it, and its locks
            raise

    try:
        place.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.file.touch(mode=0o600)
        database.bind("sqlite", str(place.file), timeout=place.busy_timeout)
    except Exception as error:  # Pony wraps the driver's errors in its own
        raise StoreFailed(explained(error, place).said) from error
    return database


def opened(place: Place, steps: Mapping[str, Sequence[Migration]], define: Callable[[Any], None]) -> Opened:
    """The database with the newest tables. `define` adds the entities of other plugins, and to `steps` theirs.

    Raises ConfigError, MissingLibrary, StoreFailed.
    """
    database = bound(place)
    try:
        return _ready(database, place, steps, define)
    except BaseException:
        database.disconnect()  # else it holds its locks as long as anybody holds the error
        raise


def _ready(
    database: Any, place: Place, steps: Mapping[str, Sequence[Migration]], define: Callable[[Any], None]
) -> Opened:
    dialect = place.dialect
    entities = Entities(database)
    define(database)
    try:
        migrations.upgrade(database, dialect, steps, None if place.url else place.file)
        database.generate_mapping(create_tables=False)  # looks at each table: a missing column is told now
    except PillionError:
        raise
    except Exception as error:  # whatever the driver raises
        raise StoreFailed(explained(error, place).said) from error
    rows = Rows(database, dialect)
    with db_session:
        search = prepared(rows)
    return Opened(database, dialect, entities, place, rows, search)


def _bound_to_postgres(database: Any, place: Place) -> Any:
    try:
        import psycopg2  # noqa: F401 - Pony imports it later, and would say less
    except ModuleNotFoundError:
        raise MissingLibrary(
            "PostgreSQL needs psycopg2, which is not installed.", hint="pip install 'pillion[postgres]'"
        ) from None
    commit = "on" if place.power_safe else "local"
    options = f"-c synchronous_commit={commit} -c lock_timeout={int(place.busy_timeout * 1000)}"
    try:  # SET in on_connect would be discarded at release
        database.bind("postgres", dsn=place.url, options=options, **PATIENCE)
    except Exception as error:  # Pony wraps the driver's errors in its own
        fault = explained(error, place)
        if fault.passing:
            raise StoreFailed(fault.said) from error
        raise ConfigError(
            f"The database of plugins.storage.url can't be opened: {' '.join(str(error).split())}",
            plugin="storage",
            key="url",
            hint="Check the address, the user and that the server runs.",
        ) from error
    return database
