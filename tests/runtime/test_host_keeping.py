"""Sessions are kept, over HTTP: forked, put aside, found."""

from __future__ import annotations

from typing import Any

import pytest

from pillion.testing.scripted import says


async def asked(server: Any, session: str, text: str, answer: str) -> None:
    """A prompt, answered and over."""
    server.provider.script(says(answer))
    accepted = (await server.prompt(session, text)).json()
    async with server.watch(session, accepted["after"]) as watch:
        await watch.until("turn.finished")


async def words(server: Any, session: str) -> list[str]:
    messages = (await server.client.get(f"/api/sessions/{session}/messages")).json()["data"]
    return [part["text"] for message in messages for part in message["parts"]]


@pytest.mark.promise("sessions.forked")
async def test_a_session_is_forked_where_one_says(server: Any) -> None:
    id = await server.session(labels={"team": "a"})
    await asked(server, id, "1", "one")
    head = (await server.client.get(f"/api/sessions/{id}/events", headers={"accept": "application/json"})).json()[
        "head"
    ]
    await asked(server, id, "2", "two")
    made = await server.client.post(f"/api/sessions/{id}/fork", json={"at": head})
    fork = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"/api/sessions/{fork['id']}")
    assert (fork["origin"], fork["branched"], fork["labels"], fork["parent"]) == (id, head, {"team": "a"}, None)
    whole = (await server.client.post(f"/api/sessions/{id}/fork")).json()
    assert (await server.client.delete(f"/api/sessions/{id}")).status_code == 204
    assert await words(server, fork["id"]) == ["1", "one"]
    assert await words(server, whole["id"]) == ["1", "one", "2", "two"]
    await asked(server, fork["id"], "3", "three")
    assert await words(server, fork["id"]) == ["1", "one", "3", "three"]


async def test_a_fork_at_no_event_is_refused(server: Any) -> None:
    id = await server.session()
    for body, status, code in (
        ({"at": 99}, 400, "bad_cursor"),
        ({"at": 0}, 422, "invalid"),
        ({"to": 1}, 422, "invalid"),
    ):
        refused = await server.client.post(f"/api/sessions/{id}/fork", json=body)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await server.client.post("/api/sessions/none/fork")).status_code == 404
    assert len((await server.client.get("/api/sessions")).json()["data"]) == 1


@pytest.mark.promise("sessions.archived")
async def test_an_archived_session_is_listed_apart_and_works_on(server: Any) -> None:
    id, other = await server.session(), await server.session()
    before = (await server.client.get(f"/api/sessions/{id}")).headers["etag"]
    put = await server.client.patch(f"/api/sessions/{id}", json={"archived": True}, headers={"if-match": before})
    assert put.json()["archived"] is True and put.headers["etag"] != before
    stale = await server.client.patch(f"/api/sessions/{id}", json={"archived": False}, headers={"if-match": before})
    assert stale.status_code == 412
    for query, ids in (({}, [other]), ({"archived": "true"}, [id]), ({"archived": "false"}, [other])):
        listed = (await server.client.get("/api/sessions", params=query)).json()["data"]
        assert [session["id"] for session in listed] == ids
    await asked(server, id, "1", "one")
    await server.client.patch(f"/api/sessions/{id}", json={"archived": False})
    assert len((await server.client.get("/api/sessions")).json()["data"]) == 2


@pytest.mark.promise("sessions.found")
async def test_sessions_are_found_by_the_words_of_their_title(server: Any) -> None:
    lamp, _ = await server.session(), await server.session()
    await server.client.patch(f"/api/sessions/{lamp}", json={"title": "The Lamp flickers"})
    for q, count in (("lamp", 1), ("FLICKERS lamp", 1), ("lamp shines", 0), ("", 2)):
        listed = (await server.client.get("/api/sessions", params={"q": q})).json()["data"]
        assert len(listed) == count, q
    assert (await server.client.get("/api/sessions", params={"q": "x" * 501})).status_code == 422
