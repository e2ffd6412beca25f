"""Tags of answers: who has one already is not sent it again, and nobody replaces what he has not seen."""

from __future__ import annotations

from typing import Any

import pytest

from pillion.testing.kit import FunctionTool

TAGGED = ["/api/models", "/api/tools", "/api/plugins", "/api/sessions", "/openapi.json", "/docs", "/api/events/schema"]


@pytest.mark.promise("tags.unchanged")
@pytest.mark.parametrize("path", TAGGED)
async def test_who_has_an_answer_is_told_that_it_is_the_same(server: Any, path: str) -> None:
    first = await server.client.get(path)
    tag = first.headers["etag"]
    for named in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await server.client.get(path, headers={"if-none-match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await server.client.get(path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.promise("tags.unchanged")
async def test_what_is_done_has_no_tag(open_server: Any) -> None:
    async def look(arguments: Any, call: Any) -> str:
        return "seen"

    async with open_server(FunctionTool("look", look)) as server:
        path = f"/api/sessions/{await server.session()}/tools/look"
        for _ in range(2):
            answer = await server.client.post(path, json={}, headers={"if-none-match": "*"})
            assert (answer.status_code, answer.headers.get("etag")) == (200, None)


@pytest.mark.promise("tags.unchanged")
async def test_another_answer_has_another_tag_and_only_answers_have_one(server: Any) -> None:
    empty = (await server.client.get("/api/sessions")).headers["etag"]
    session = await server.session()
    assert (await server.client.get("/api/sessions", headers={"if-none-match": empty})).status_code == 200
    assert "etag" not in (await server.client.get("/api/sessions/none")).headers
    assert "etag" not in (await server.prompt(session)).headers
    tag = (await server.client.get(f"/api/sessions/{session}")).headers["etag"]  # says what PATCH may change
    again = await server.client.get(f"/api/sessions/{session}", headers={"if-none-match": tag})
    assert (again.status_code, again.json()["id"]) == (200, session)


@pytest.mark.promise("tags.unchanged")
async def test_a_sign_in_is_never_taken_for_known(server: Any) -> None:
    link = (await server.client.post("/api/browser-codes")).json()["url"]
    answer = await server.anyone.get(link, headers={"if-none-match": "*", "sec-fetch-site": "cross-site"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, True)


@pytest.mark.promise("door.server_timing")
async def test_every_answer_says_what_it_took(server: Any) -> None:
    session = await server.session()
    prompted = await server.prompt(session)
    named = [entry.partition(";dur=") for entry in prompted.headers["server-timing"].split(", ")]
    assert [name for name, _, _ in named] == ["app", "store"]
    app, store = (float(milliseconds) for _, _, milliseconds in named)
    assert app >= store >= 0
    for answer in (await server.anyone.get("/livez"), await server.anyone.get("/api/models")):
        assert answer.headers["server-timing"].startswith("app;dur="), answer.status_code
    async with server.watch(session) as watcher:
        assert watcher.response.headers["server-timing"].startswith("app;dur=")
