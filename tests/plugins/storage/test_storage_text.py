"""What neither database may choke on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion import Batch, Draft, SessionInfo
from pillion_storage.opening import open_store

from .places import BOTH, place_of


@BOTH
async def test_a_text_may_hold_any_character(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """PostgreSQL's texts have no NUL; it is kept as the sign for what can't be shown."""
    store = await open_store(place_of(kind, tmp_path, request))
    made = await store.create(SessionInfo("a", "/w", 1, title="a\0b", labels={"k": "v\0"}))
    await store.commit(Batch("a", made.generation, 0, drafts=[Draft(1, 0, "x\0y")]))
    named = SessionInfo("a", "/w", 1, title="c\0d", labels={"k": "w\0"})
    await store.commit(Batch("a", made.generation, 0, info=named))
    again = await store.open("a")
    assert (again.info.title, again.info.labels) == ("c\ufffdd", {"k": "w\ufffd"})
    assert list(again.drafts) == [Draft(1, 0, "x\ufffdy")]
    await store.aclose()
