"""What plugins make of files is kept across restarts, by content and by the maker's version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pillion import ConfigError
from pillion.memorystore import MemoryStore
from pillion_storage.filecache import DAY, Artefact, FileCacheDoor, FileFacts
from pillion_storage.opening import open_store
from pillion_storage.store import DatabaseStore

from .places import place_of, rows

TAGS = "syntax.tags"


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    store = await open_store(place_of(request.param, tmp_path, request))
    yield store
    await store.aclose()


def file(n: int, hash: str = "h") -> FileFacts:
    return FileFacts(f"ö{n}.py", f"{hash}{n}", n, 1_700_000_000_000_000_000 + n, "python")


async def test_many_files_are_put_and_got_at_once(store: DatabaseStore) -> None:
    door = FileCacheDoor(store)
    files = [file(n) for n in range(1200)]
    await door.put("/w", [(each, [Artefact(TAGS, "1", each.path.encode())]) for each in files])
    asked = [(each.path, each.hash) for each in (*files, file(5000))]
    assert await door.artefacts("/w", asked, TAGS, "1") == {each.path: each.path.encode() for each in files}
    assert await door.facts("/w", [path for path, _ in asked]) == {each.path: each for each in files}
    assert await door.artefacts("/other", asked, TAGS, "1") == {}
    assert await door.facts("/other", ["ö1.py"]) == {}


async def test_another_content_or_version_is_another_thing(store: DatabaseStore) -> None:
    door = FileCacheDoor(store)
    old, new = file(1), file(1, "new")
    await door.put("/w", [(old, [Artefact(TAGS, "1", b"old"), Artefact("other", "1", b"")])])
    await door.put("/w", [(new, [Artefact(TAGS, "1", b"new")])])
    assert await door.facts("/w", [old.path]) == {old.path: new}
    assert await door.artefacts("/w", [(old.path, old.hash)], TAGS, "1") == {old.path: b"old"}
    assert await door.artefacts("/w", [(new.path, new.hash)], TAGS, "1") == {new.path: b"new"}
    assert await door.artefacts("/w", [(old.path, old.hash)], "other", "1") == {old.path: b""}
    await door.put("/w", [(new, [Artefact(TAGS, "2", b"newer")])])
    assert await door.artefacts("/w", [(new.path, new.hash)], TAGS, "1") == {}
    assert await door.artefacts("/w", [(new.path, new.hash)], TAGS, "2") == {new.path: b"newer"}


async def test_what_nobody_used_for_long_is_forgotten(store: DatabaseStore) -> None:
    door = FileCacheDoor(store)
    await door.put("/w", [(file(n), [Artefact(TAGS, "1", b"x")]) for n in (1, 2)])
    age = f"UPDATE file_cache SET seen = seen - {10 * DAY}"
    await store.writing(lambda rows: rows.run(age).rowcount)
    assert await door.artefacts("/w", [(file(1).path, file(1).hash)], TAGS, "1") != {}
    assert await door.evict(5 * DAY / 1000) == 1
    assert set(await door.facts("/w", [file(1).path, file(2).path])) == {file(1).path}
    assert await rows(store, "SELECT count(*) FROM file_artefact") == [(1,)]


async def test_nothing_at_all_is_nothing(store: DatabaseStore) -> None:
    door = FileCacheDoor(store)
    await door.put("/w", [])
    assert (await door.facts("/w", []), await door.artefacts("/w", [], TAGS, "1")) == ({}, {})


def test_a_store_that_is_no_database_is_told() -> None:
    with pytest.raises(ConfigError, match='Set store = "storage"'):
        FileCacheDoor(MemoryStore())
