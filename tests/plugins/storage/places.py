"""A new, empty place for a database, on both kinds; and a look into its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pillion_storage.database import FILE, Place
from pillion_storage.store import DatabaseStore

BOTH = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


def place_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Place:
    return Place(folder / FILE, request.getfixturevalue("postgres").url() if kind == "postgres" else "")


async def rows(store: DatabaseStore, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a SELECT finds."""
    return await store.reading(lambda rows: [tuple(row) for row in rows.all(statement, values)])
