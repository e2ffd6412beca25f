"""Numbered steps, each applied once, all that wait in one transaction; several processes may start at once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from pillion import ConfigError

from . import copies
from .dialect import Dialect, rows_of
from .hookspecs import Migration
from .ponytypes import db_session

VERSIONS = """CREATE TABLE IF NOT EXISTS schema_version (
    plugin TEXT NOT NULL, number {integer} NOT NULL, checksum TEXT NOT NULL, applied {integer} NOT NULL,
    PRIMARY KEY (plugin, number))"""


class Status(Struct, frozen=True):
    """How a plugin's tables stand: `applied` of `known` steps."""

    plugin: str
    applied: int
    known: int


def status(connection: Any, dialect: Dialect, steps: Mapping[str, Sequence[Migration]]) -> list[Status]:
    """Looks, and changes nothing. Raises ConfigError for a database that is newer, or of other steps."""
    applied = _applied(connection, dialect)
    _check(applied, steps)
    return [Status(plugin, len(applied.get(plugin, {})), len(known)) for plugin, known in steps.items()]


def upgrade(database: Any, dialect: Dialect, steps: Mapping[str, Sequence[Migration]], file: Path | None) -> list[str]:
    """Applies what waits; the names of the steps, `storage 2`. A SQLite file is copied first, beside itself.

    Raises ConfigError for a database that is newer than the program, or whose steps were other ones.
    """
    with db_session:
        states = status(database.get_connection(), dialect, steps)
    if all(state.applied == state.known for state in states):
        return []
    if file is not None and any(state.applied for state in states):
        back_up(file)
    done = []
    with db_session:
        connection = database.get_connection()
        dialect.lock_schema(connection)
        dialect.run(connection, VERSIONS.format(**dialect.types))
        applied = _applied(connection, dialect)
        _check(applied, steps)
        for plugin, known in steps.items():
            for step in known[len(applied.get(plugin, {})) :]:
                for statement in step.on(dialect.name):
                    dialect.run(connection, statement.format(**dialect.types))
                row = (plugin, step.number, checksum(step), time.time_ns() // 1_000_000)
                dialect.run(connection, "INSERT INTO schema_version VALUES (?, ?, ?, ?)", row)
                done.append(f"{plugin} {step.number}")
        if dialect.has_table(connection, "rebuild_wanted"):  # new tables know nothing of old logs
            dialect.run(connection, "INSERT INTO rebuild_wanted VALUES (?)", (time.time_ns() // 1_000_000,))
    return done


def back_up(file: Path) -> Path:
    """A copy of a SQLite database that others may be writing to, beside it. What can't be copied whole leaves none."""
    while True:
        copy = copies.beside(file)
        try:
            copies.of_file(file, copy)
        except copies.Taken:
            continue  # another process has taken the name meanwhile
        return copy


def checksum(step: Migration) -> str:
    """Of a step's statements on all databases, whatever their layout."""
    statements = (*step.statements, *step.sqlite, *step.postgres)
    text = "\n".join(" ".join(statement.split()) for statement in statements)
    return hashlib.sha256(text.encode()).hexdigest()


def _applied(connection: Any, dialect: Dialect) -> dict[str, dict[int, str]]:
    """By plugin, the checksum of each step."""
    if not dialect.has_table(connection, "schema_version"):
        return {}
    found: dict[str, dict[int, str]] = {}
    for plugin, number, sum in rows_of(dialect.run(connection, "SELECT plugin, number, checksum FROM schema_version")):
        found.setdefault(plugin, {})[number] = sum
    return found


def _check(applied: Mapping[str, Mapping[int, str]], steps: Mapping[str, Sequence[Migration]]) -> None:
    for plugin, known in steps.items():
        assert [step.number for step in known] == list(range(1, len(known) + 1)), f"{plugin}: steps are 1, 2, 3, …"
        there = applied.get(plugin, {})
        if len(there) > len(known):
            raise ConfigError(
                f"The database has step {max(there)} of {plugin!r}, and this program knows {len(known)}.",
                plugin="storage",
                hint="It was written by a newer Pillion: use that one, or a copy from before (*.backup.sqlite).",
            )
        for step in known[: len(there)]:
            if there.get(step.number) != checksum(step):
                raise ConfigError(
                    f"Step {step.number} of {plugin!r} in the database is not the one that this program knows.",
                    plugin="storage",
                    hint="Use the program that wrote the database, or another data directory.",
                )
