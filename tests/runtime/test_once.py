"""Idempotency-Key: what is sent again is answered again, and done once."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from quart import Blueprint, Response, request
from quart_trio import QuartTrio

from pillion import hookimpl
from pillion_runtime import once
from pillion_runtime.once import Once

BOUND = 20


class Work:
    """A plugin with routes that count: one waits for the gate, one fails first, one answers at length."""

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self.gate, self.begun = trio.Event(), trio.Event()

    @hookimpl
    def register_routes(self) -> Any:
        routes = Blueprint("work", __name__)

        @routes.post("/api/work")
        async def work() -> Response:
            self.begun.set()
            await self.gate.wait()
            self.done.append(await request.get_data())
            return Response(b"%d" % len(self.done), 201, {"location": f"/api/work/{len(self.done)}"})

        @routes.post("/api/shaky")
        def shaky() -> tuple[str, int]:
            self.done.append(b"")
            return ("", 503) if len(self.done) == 1 else ("done", 200)

        @routes.post("/api/long")
        async def long() -> Response:
            async def pieces() -> Any:
                yield b"x"

            self.done.append(b"")
            return Response(pieces() if request.args else b"x" * (once.LARGEST + 1))

        return [routes]


def key(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.promise("once.replayed")
async def test_the_same_again_gets_the_same_answer_and_begins_nothing(server: Any) -> None:
    body = {"workspace": str(server.settings.data_dir)}
    first = await server.client.post("/api/sessions", json=body, headers=key("a"))
    again = await server.client.post("/api/sessions", json=body, headers=key("a"))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    other = await server.client.post("/api/sessions", json=body, headers=key("b"))
    assert other.json()["id"] != first.json()["id"]
    assert len((await server.client.get("/api/sessions")).json()["data"]) == 2


@pytest.mark.promise("once.mismatch")
async def test_the_key_of_something_else_is_refused(server: Any) -> None:
    session = await server.session()
    path = f"/api/sessions/{session}/cancel"
    assert (await server.client.post(path, json={"by": "me"}, headers=key("a"))).status_code == 202
    assert code(await server.client.post(path, json={"by": "you"}, headers=key("a"))) == (422, "idempotency_mismatch")
    elsewhere = f"/api/sessions/{session}/prompts"
    assert code(await server.client.post(elsewhere, json={"by": "me"}, headers=key("a")))[1] == "idempotency_mismatch"
    assert (await server.client.get(f"/api/sessions/{session}", headers=key("a"))).status_code == 200


@pytest.mark.promise("once.in_flight")
async def test_one_that_is_still_carried_out_is_told_to_wait(open_server: Any) -> None:
    work = Work()
    async with open_server(plugins={"work": work}) as server, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: server.client.post("/api/work", content=b"x", headers=key("a")))
        with trio.fail_after(BOUND):
            await work.begun.wait()
        busy = await server.client.post("/api/work", content=b"x", headers=key("a"))
        assert (*code(busy), busy.headers["retry-after"]) == (409, "idempotency_in_flight", "1")
        assert busy.json()["retryable"]
        assert code(await server.client.post("/api/work", content=b"y", headers=key("a")))[0] == 422
        work.gate.set()


@pytest.mark.promise("once.client_leaves")
async def test_a_client_that_leaves_before_the_answer_comes_back_for_it(open_server: Any) -> None:
    work = Work()
    async with open_server(plugins={"work": work}) as server:
        head = (
            f"POST /api/work HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 1\r\nIdempotency-Key: a\r\n"
        )
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            await stream.send_all(f"{head}Authorization: Bearer {server.found.token}\r\n\r\nx".encode())
            with trio.fail_after(BOUND):
                await work.begun.wait()
        await server.client.get("/livez")  # by then the server has heard that the other one left
        work.gate.set()
        status = 409
        with trio.fail_after(BOUND):
            while status == 409:  # it is still at work
                answer = await server.client.post("/api/work", content=b"x", headers=key("a"))
                status = answer.status_code
        assert (answer.status_code, answer.content, answer.headers["location"]) == (201, b"1", "/api/work/1")
        assert work.done == [b"x"] and answer.headers["idempotency-replayed"] == "true"


@pytest.mark.promise("once.errors")
async def test_errors_are_not_kept(open_server: Any) -> None:
    async with open_server(plugins={"work": Work()}) as server:
        assert [(await server.client.post("/api/shaky", headers=key("a"))).status_code for _ in "12"] == [503, 200]
        assert (await server.client.post("/api/shaky", headers=key("a"))).headers["idempotency-replayed"] == "true"
        assert (await server.client.post("/api/sessions", json={}, headers=key("b"))).status_code == 422
        body = {"workspace": str(server.settings.data_dir)}
        assert (await server.client.post("/api/sessions", json=body, headers=key("b"))).status_code == 201


@pytest.mark.promise("once.errors")
@pytest.mark.parametrize("path", ["/api/long", "/api/long?stream=1"])
async def test_what_is_too_long_to_keep_is_not_done_again(open_server: Any, path: str) -> None:
    work = Work()
    async with open_server(plugins={"work": work}) as server:
        assert (await server.client.post(path, headers=key("a"))).status_code == 200
        assert code(await server.client.post(path, headers=key("a"))) == (409, "idempotency_not_kept")
    assert len(work.done) == 1


@pytest.mark.parametrize("given", ["", "a b", "ä", "x" * 256])
async def test_what_is_no_key_is_refused(server: Any, given: str) -> None:
    answer = await server.client.post("/api/sessions", json={}, headers={"idempotency-key": given.encode()})
    assert code(answer) == (400, "bad_idempotency_key")
    twice = [("idempotency-key", "a"), ("idempotency-key", "b")]
    assert code(await server.client.post("/api/sessions", json={}, headers=twice)) == (400, "bad_idempotency_key")


@pytest.mark.promise("once.per_caller")
async def test_each_browser_has_its_own_keys(server: Any) -> None:
    cookies = []
    for _ in range(2):
        link = (await server.client.post("/api/browser-codes")).json()["url"]
        cookies.append((await server.anyone.get(link)).headers["set-cookie"].partition(";")[0])
        server.anyone.cookies.clear()
    body = {"workspace": str(server.settings.data_dir)}
    ids = set()
    for cookie in [*cookies, cookies[0] + "; more=1"]:
        headers = {"cookie": cookie, "origin": server.url, **key("a")}
        ids.add((await server.anyone.post("/api/sessions", json=body, headers=headers)).json()["id"])
    assert len(ids) == 2


async def test_what_runs_for_nobody_does_not_hold_the_end(open_server: Any) -> None:
    work = Work()
    async with open_server(plugins={"work": work}) as server, trio.open_nursery() as nursery:
        await server.learn()

        async def ask() -> None:
            answer = await server.client.post("/api/work", content=b"x", headers=key("a"))
            assert code(answer) == (503, "stopping")

        nursery.start_soon(ask)
        with trio.fail_after(BOUND):
            await work.begun.wait()
            server.stop.ask()
            await server.ended.wait()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.promise("once.bounded")
async def test_what_is_kept_is_bounded_in_number_size_and_age(autojump_clock: Any) -> None:
    app, clock = QuartTrio("test"), Clock()
    table = Once(lambda: "", clock=clock)
    calls = []

    async def view() -> Response:
        calls.append(1)
        return Response(b"x" * int(request.args.get("size", "1")))

    async def replayed(name: str, size: int = 1) -> bool:
        async with app.test_request_context(f"/?size={size}", method="POST", headers=key(name)):
            return once.REPLAYED in (await table.wrapped(view)()).headers

    assert not await replayed("first")
    assert await replayed("first")
    clock.now = once.KEEPS
    assert not await replayed("first")
    for number in range(once.MOST):
        assert not await replayed(f"{number}")
    assert await replayed("0") and not await replayed("first")
    size = once.LARGEST - 10
    for number in range(once.ROOM // size + 1):
        assert not await replayed(f"large{number}", size)
    assert not await replayed("large0", size)
    assert not await replayed("0")
