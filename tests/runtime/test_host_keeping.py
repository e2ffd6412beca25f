"""Sessions are kept, over HTTP: forked, put aside, found, exported and imported."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import trio

from pillion.testing.scripted import says


async def asked(server: Any, session: str, text: str, answer: str, **fields: Any) -> None:
    """A prompt, answered and over."""
    server.provider.script(says(answer))
    accepted = (await server.prompt(session, text, **fields)).json()
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


NDJSON = {"content-type": "application/x-ndjson"}
PNG = base64.b64encode(b"\x89PNG").decode()


@pytest.mark.promise("sessions.exported")
async def test_a_session_goes_out_as_a_file_and_in_again(server: Any) -> None:
    id = await server.session()
    await asked(server, id, "1", "one", images=[{"media_type": "image/png", "data": PNG}])
    file = await server.client.get(f"/api/sessions/{id}/export")
    assert (file.status_code, file.headers["content-type"]) == (200, "application/x-ndjson")
    assert file.headers["content-disposition"] == f'attachment; filename="session-{id[:12]}.jsonl"'
    refused = await server.client.post("/api/sessions/import", content=file.content, headers=NDJSON)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "new_ids" in refused.json()["detail"]
    await server.client.delete(f"/api/sessions/{id}")
    made = await server.client.post("/api/sessions/import", content=file.content, headers=NDJSON)
    assert (made.status_code, made.headers["location"], made.json()["id"]) == (201, f"/api/sessions/{id}", id)
    assert (await server.client.get(f"/api/sessions/{id}/export")).content == file.content
    twin = await server.client.post("/api/sessions/import?new_ids=true", content=file.content, headers=NDJSON)
    assert twin.status_code == 201 and twin.json()["id"] != id
    await asked(server, twin.json()["id"], "2", "two")
    assert server.provider.requests[-1].messages[0].parts[0].data == b"\x89PNG"


@pytest.mark.promise("sessions.import_whole", "door.only_json")
async def test_a_body_that_is_no_export_is_refused(server: Any) -> None:
    for content, headers, status, code in (
        (b"{}", {"content-type": "application/json"}, 415, "not_json"),
        (b"{}\n", NDJSON, 422, "bad_export"),
        (b"", NDJSON, 422, "bad_export"),
    ):
        refused = await server.client.post("/api/sessions/import", content=content, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await server.anyone.post("/api/sessions/import", content=b"{}\n", headers=NDJSON)).status_code == 401
    assert (await server.client.get("/api/sessions/none/export")).status_code == 404
    assert (await server.client.get("/api/sessions")).json()["data"] == []


async def long(server: Any, megabytes: int) -> AsyncIterator[bytes]:
    """A file of about that size, made of a short one."""
    id = await server.session()
    begin, first, _ = (await server.client.get(f"/api/sessions/{id}/export")).content.splitlines(keepends=True)
    await server.client.delete(f"/api/sessions/{id}")
    yield begin + first
    text = "x" * 1_000_000
    for n in range(megabytes):
        data = {"type": "x.y", "text": text}
        line = {"line": "record", "seq": n + 2, "type": "x.y", "turn": "", "time": 1, "data": data}
        yield msgspec.json.encode(line) + b"\n"
    yield msgspec.json.encode({"line": "end", "lines": megabytes + 2})


@pytest.mark.promise("sessions.exported")
async def test_a_file_that_is_longer_than_a_body_is_read_as_it_comes(server: Any) -> None:
    made = await server.client.post("/api/sessions/import", content=long(server, 25), headers=NDJSON)
    assert made.status_code == 201, made.text
    page = f"/api/sessions/{made.json()['id']}/events?after=25&types=turn.*"
    head = (await server.client.get(page, headers={"accept": "application/json"})).json()["head"]
    assert head == 26
    async with server.client.stream("GET", f"/api/sessions/{made.json()['id']}/export") as file:
        sizes = [len(piece) async for piece in file.aiter_raw()]
    assert sum(sizes) > 25_000_000


async def test_a_long_body_with_a_key_is_held_to_what_is_held(server: Any) -> None:
    file = b"".join([piece async for piece in long(server, 21)])
    for headers, status in (({"idempotency-key": "k"}, 413), ({}, 201)):
        answer = await server.client.post("/api/sessions/import", content=file, headers=NDJSON | headers)
        assert answer.status_code == status, answer.text
    short = b"".join([piece async for piece in long(server, 1)])
    for replayed in (None, "true"):
        made = await server.client.post(
            "/api/sessions/import", content=short, headers=NDJSON | {"idempotency-key": "s"}
        )
        assert (made.status_code, made.headers.get("idempotency-replayed")) == (201, replayed)


async def test_a_length_beyond_the_limit_is_refused_at_once(server: Any) -> None:
    head = f"POST /api/sessions/import HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {server.found.token}\r\nContent-Type: application/x-ndjson\r\n"
    answer = await server.raw(head + f"Content-Length: {2 * 1024**3}\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413") and b"1024 MiB" in answer


@pytest.mark.promise("sessions.import_whole")
async def test_a_client_that_leaves_midway_leaves_nothing(server: Any) -> None:
    pieces = [piece async for piece in long(server, 3)]
    id = msgspec.json.decode(pieces[0].splitlines()[0])["session"]["id"]
    head = f"POST /api/sessions/import HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    head += f"Authorization: Bearer {server.found.token}\r\nContent-Type: application/x-ndjson\r\n"
    head += f"Content-Length: {sum(map(len, pieces))}\r\n\r\n"
    with trio.fail_after(20):
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            await stream.send_all(head.encode() + pieces[0] + pieces[1])
        while (await server.client.post("/api/sessions/import", content=b"".join(pieces), headers=NDJSON)).is_error:
            pass
    assert [session["id"] for session in (await server.client.get("/api/sessions")).json()["data"]] == [id]
