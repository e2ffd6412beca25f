"""The shipped contract suite, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion import Store
from pillion.testing.contracts.store import StoreContract
from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store

from .privatepostgres import Postgres


class TestSQLite(StoreContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.place = Place(tmp_path / FILE)

    async def store(self) -> Store:
        return await open_store(self.place)

    async def again(self, store: Store) -> Store:
        await store.aclose()
        return await open_store(self.place)


class TestPostgreSQL(TestSQLite):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path, postgres: Postgres) -> None:
        self.place = Place(tmp_path / FILE, postgres.url())
