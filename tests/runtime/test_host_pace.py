"""How many requests a client may send, and what it is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from trio.testing import MockClock

from pillion_runtime.pace import CLIENTS, Pace
from pillion_runtime.problems import Refused

from .test_host_door import problem


async def test_more_than_a_clients_requests_are_refused_until_some_are_forgotten(open_server: Any) -> None:
    async with open_server(host__requests=3) as server:
        left = [(await server.client.get("/api/models")).headers["ratelimit"] for _ in range(3)]
        assert [re.sub("t=.*", "", state) for state in left] == ['"client";r=2;', '"client";r=1;', '"client";r=0;']
        answer = await server.client.get("/api/models")
        assert problem(answer, 429, "rate_limited")["retryable"]
        wait = answer.headers["retry-after"]
        assert 1 <= int(wait) <= 20
        assert answer.headers["ratelimit-policy"] == '"client";q=3;w=60'
        assert answer.headers["ratelimit"] == f'"client";r=0;t={wait}'


async def test_who_has_no_token_counts_by_his_address_and_takes_nothing_from_others(open_server: Any) -> None:
    async with open_server(host__requests=5) as server:
        await server.learn()  # two requests without a token
        wrong = {"authorization": "Bearer wrong"}
        for _ in range(3):
            problem(await server.anyone.get("/api/models", headers=wrong), 401, "unauthorized")
        problem(await server.anyone.get("/api/models", headers=wrong), 429, "rate_limited")
        problem(await server.anyone.get("/api/version"), 429, "rate_limited")
        assert (await server.client.get("/api/models")).status_code == 200
        assert {(await server.anyone.get(path)).status_code for path in ("/livez", "/readyz") * 3} == {200}


async def test_a_stream_counts_once(open_server: Any) -> None:
    async with open_server(host__requests=4) as server:
        session = await server.session()
        async with server.watch(session) as watcher:
            await server.prompt(session)
            events = await watcher.until("turn.finished", "turn.failed")
            assert len(events) > 4
            assert (await server.client.get("/api/models")).headers["ratelimit"].startswith('"client";r=0')


async def test_without_a_limit_nothing_is_said(open_server: Any) -> None:
    async with open_server(host__requests=0) as server:
        answer = await server.client.get("/api/models")
        assert not [name for name in answer.headers if name.startswith("ratelimit")]


async def test_by_default_there_is_more_than_an_ide_asks_for(server: Any) -> None:
    policy = (await server.client.get("/api/models")).headers["ratelimit-policy"]
    assert re.fullmatch(r'"client";q=12000;w=60', policy)


async def test_all_come_at_once_and_then_evenly(autojump_clock: MockClock) -> None:
    pace = Pace(60)
    for _ in range(60):
        pace.take("a")
    with pytest.raises(Refused):
        pace.take("a")
    autojump_clock.jump(2.5)
    pace.take("a")
    pace.take("a")
    with pytest.raises(Refused) as caught:
        pace.take("a")
    assert caught.value.headers["retry-after"] == "1"


async def test_clients_without_number_are_one_together_and_are_forgotten(autojump_clock: MockClock) -> None:
    pace = Pace(2)
    for number in range(CLIENTS):
        pace.take(str(number))
    pace.take("x")
    pace.take("y")
    with pytest.raises(Refused):
        pace.take("z")
    autojump_clock.jump(60)
    pace.take("z")
    assert len(pace._full) == 1
