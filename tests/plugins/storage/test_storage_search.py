"""Sessions are found by the words of titles, prompts and answers, whatever somebody types."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion import Batch, SessionInfo, SessionQuery
from pillion import events as e
from pillion_storage import search
from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store
from pillion_storage.search import Search, passage, wanted, words
from pillion_storage.store import DatabaseStore

from .places import place_of
from .test_storage_projections import records, turn

TALKS = {
    "a": ("Größe der Tabelle", "Why is pillion_storage/store.py so long?", "It holds the whole contract."),
    "b": ("", "Rename snake_case in 'quoted' text", "Done: 100% of NEAR and OR are words, too; 東京都に行く"),
    "c": ("Greetings", "hello", "Hello! How can I help? " + "x " * 500 + "needle " + "y " * 500),
}


@pytest.fixture(params=["fts", "fts common", "like", "postgres", "postgres common"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DatabaseStore]:
    """`common`: each word counts as one that most sessions have."""
    kind, _, common = request.param.partition(" ")
    if common:
        monkeypatch.setattr(search, "COMMON", 1)
    place = place_of("postgres" if kind == "postgres" else "sqlite", tmp_path, request)
    store = await open_store(place)
    if kind == "like":
        store._listing._search = Search(store.opened.rows, fts=False)
    for n, (id, (title, query, answer)) in enumerate(TALKS.items()):
        await talk(store, SessionInfo(id, "/w", n, title=title), query, answer)
    yield store
    await store.aclose()


async def talk(store: DatabaseStore, info: SessionInfo, query: str, answer: str) -> None:
    made = await store.create(info)
    said = records(
        [
            ("", e.PromptQueued(prompt="t", text=query)),
            *turn(
                "t",
                e.TurnStarted(prompt="t", strategy="agent", model="p/m"),
                e.TextFinished(item=2, text=answer, step=1),
                e.TurnFinished(steps=1),
            ),
        ]
    )
    await store.commit(Batch(info.id, made.generation, 0, said))


async def found(store: DatabaseStore, text: str, **query: object) -> list[str]:
    return [info.id for info in (await store.sessions(SessionQuery(text=text, **query))).data]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("GRÖSSE tabelle", ["a"]),
        ("Größe contract", ["a"]),  # one in the title, one in the answer
        ("store.py", ["a"]),
        ("pillion_stor", ["a"]),  # the last word goes on
        ("stor contract", []),  # another one does not
        ("contract stor", ["a"]),
        ("py.store", []),  # side by side, and in this order
        ("case", ["b"]),
        ("'quoted'", ["b"]),
        ("100%", ["b"]),
        ("NEAR OR", ["b"]),
        ("東京", ["b"]),
        ("京東", []),
        ("hel", ["c"]),
        ("he", ["c"]),
        ("h", ["c", "a"]),
        ("nothing here", []),
        ("%", []),
        ("  ", ["c", "b", "a"]),
    ],
)
async def test_all_words_must_stand_in_a_session(store: DatabaseStore, text: str, ids: list[str]) -> None:
    assert await found(store, text) == ids


async def test_a_passage_shows_where(store: DatabaseStore) -> None:
    page = await store.sessions(SessionQuery(text="needle"))
    assert set(page.matches) == {"c"}
    shown = page.matches["c"]
    assert "needle" in shown and shown.startswith("… x") and shown.endswith("y …") and len(shown) < 170
    page = await store.sessions(SessionQuery(text="whole contract"))
    assert page.matches == {"a": "It holds the whole contract."}
    assert (await store.sessions(SessionQuery(text="greet"))).matches == {"c": "Greetings"}
    assert (await store.sessions(SessionQuery())).matches == {}


async def test_what_is_found_comes_page_by_page_of_one_workspace_put_aside_or_not(store: DatabaseStore) -> None:
    for n in range(5):
        info = SessionInfo(f"n{n}", "/other" if n % 2 else "/w", 10 + n, archived=n == 4)
        await talk(store, info, f"hello {n}", "yes")
    first = await store.sessions(SessionQuery(text="hello", limit=2))
    second = await store.sessions(SessionQuery(text="hello", limit=2, cursor=first.next))
    third = await store.sessions(SessionQuery(text="hello", limit=2, cursor=second.next))
    ids = [[info.id for info in page.data] for page in (first, second, third)]
    assert (ids, third.next) == ([["n3", "n2"], ["n1", "n0"], ["c"]], "")
    assert await found(store, "hello", archived=True) == ["n4"]
    assert await found(store, "hello", workspace="/other") == ["n3", "n1"]


async def test_a_new_title_is_found_and_the_old_one_is_not(store: DatabaseStore) -> None:
    opened = await store.open("c")
    change = records([("", e.SessionChanged(title="Farewell"))], opened.last + 1)
    info = SessionInfo("c", "/w", 2, title="Farewell")
    await store.commit(Batch("c", opened.generation, opened.last, change, info=info))
    assert await found(store, "greetings") == []
    assert await found(store, "fare") == ["c"]


async def test_nothing_that_is_typed_breaks_the_search(store: DatabaseStore) -> None:
    typed = st.text(max_size=40) | st.text(alphabet="\"'*:^(){}-+ AND OR NOT NEAR \\%_&|!<>\0ab東", max_size=40)
    tried: list[str] = []

    @settings(
        max_examples=150 if os.environ.get("PILLION_LONG") else 50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(typed)
    def collect(text: str) -> None:
        tried.append(text)

    collect()
    for text in tried:
        assert set(await found(store, text)) <= set(TALKS)


@settings(max_examples=200, deadline=None, database=None)
@given(st.text(max_size=200))
def test_a_text_is_found_by_each_of_its_words(text: str) -> None:
    for word in words(text):
        assert wanted(word) and passage(text, wanted(word))[0] >= 0


async def test_without_fts_the_index_is_left_and_made_again_with_it(tmp_path: Path) -> None:
    place = Place(tmp_path / FILE)
    store = await open_store(place)
    await talk(store, SessionInfo("a", "/w", 1), "first", "one")
    await store.aclose()
    with sqlite3.connect(place.file) as other:  # what a SQLite without FTS5 leaves
        other.execute("DROP TRIGGER search_text_new")
        other.execute("DROP TRIGGER search_text_gone")
        other.execute("UPDATE search_text SET words = 'second'")
    store = await open_store(place)
    assert (await found(store, "first"), await found(store, "second")) == ([], ["a"])
    await talk(store, SessionInfo("b", "/w", 1), "third", "two")
    assert await found(store, "third") == ["b"]
    await store.delete("b")
    check = "INSERT INTO search_words (search_words, rank) VALUES ('integrity-check', 1)"
    await store.writing(lambda rows: rows.run(check) and None)
    await store.aclose()
