"""A new, empty place for a database, on both kinds; and a look into its tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store
from pillion_storage.store import DatabaseStore

BOTH = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


def place_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Place:
    return Place(folder / FILE, request.getfixturevalue("postgres").url() if kind == "postgres" else "")


@asynccontextmanager
async def store_at(place: Place) -> AsyncIterator[DatabaseStore]:
    """Open while the block runs, which may take a minute."""
    store = await open_store(place)
    try:
        with trio.fail_after(60):
            yield store
    finally:
        await store.aclose()


async def rows(store: DatabaseStore, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a SELECT finds."""
    return await store.reading(lambda rows: [tuple(row) for row in rows.all(statement, values)])
