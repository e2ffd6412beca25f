"""One server for the tests that can share it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .shared import Home, open_home


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with open_home(tmp_path_factory.mktemp("aide")) as home:
        yield home
