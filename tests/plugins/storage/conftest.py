"""The tests' own PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .privatepostgres import Postgres, private_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with private_postgres() as server:
        if server is None:
            pytest.skip("PostgreSQL's programs are not installed")
        yield server
