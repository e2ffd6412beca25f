"""What was used over HTTP and at the command line, from a server process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion import Usage
from pillion_runtime.cli.exits import LIMIT, ServerSaid
from pillion_runtime.testing import Reply, Vendor, replies, vendor_server
from pillion_usage.budgets import BudgetReached
from pillion_usage.view import Asked, UsagePage, Used, UsedBy

from ...meta import pages
from ...scenarios.serverprocess import BOUND, COMMAND, MODELS, ServerProcess, bare_environment, server_process

PRICED = "models = { scripted = { price = { input = 1000.0, output = 2000.0 } } }"


def settings(url: str, store: str = "storage", more: str = "") -> str:
    """As MODELS; the models of both servers have a price, and no title comes between."""
    given = MODELS.format(url=url).replace("[defaults]\n", f'[defaults]\nstore = "{store}"\n')
    return given.replace('models = ["scripted"]', PRICED) + "[plugins.titles]\nenabled = false\n" + more


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with vendor_server(replies(Reply(text="Yes.", usage=Usage(10, 5)))) as vendor:
        yield vendor


async def asked(server: ServerProcess, query: str = "") -> Any:
    return await server.client.call("GET", f"/api/usage{query}")


async def pillion(server: ServerProcess, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command on the server's data directory."""
    places = ("--config", str(server.folder / "plugins.toml"), "--data-dir", str(server.folder / "data"))
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            [*COMMAND, *words, *places],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=bare_environment(server.folder),
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.promise("usage.accounted")
async def test_what_a_server_and_its_commands_tell_is_the_same_and_lasts(vendor: Vendor, tmp_path: Path) -> None:
    async with server_process(tmp_path, settings(vendor.url)) as server:
        session = await server.session(tmp_path)
        other = await server.session(tmp_path)
        for one in (session, session, other):
            await server.ride(one, "go")
        page = await asked(server, "?by=session")
        assert page["total"] | {"newest": ""} == {
            "calls": 3, "errors": 0, "input": 30, "output": 15, "cached": 0, "cost": 0.06, "newest": "",
        }  # fmt: skip
        assert [(one["key"], one["calls"], one["cost"]) for one in page["data"]] == [
            (other, 1, 0.02),
            (session, 2, 0.04),
        ]
        today = datetime.now(UTC).date().isoformat()
        days = await asked(server, f"?by=day&since={today}")
        assert {one["key"] for one in days["data"]} <= {today, datetime.now(UTC).date().isoformat()}
        steps = await asked(server, f"?by=step&session={session}&limit=1")
        assert (steps["data"][0]["step"], steps["total"]["calls"]) == (1, 2)
        rest = await asked(server, f"?by=step&session={session}&limit=1&cursor={steps['next_cursor']}")
        assert rest["data"][0]["key"] != steps["data"][0]["key"] and rest["next_cursor"] is None
        await server.kill()
    code, out, said = await pillion(server, "usage", "--by", "session", "--json")
    assert (code, msgspec.json.decode(out)) == (0, page), said
    async with server_process(tmp_path, settings(vendor.url)) as server:
        assert await asked(server, "?by=session") == page
        code, out, _ = await pillion(server, "usage", "--by", "model")
        assert (code, [line.split() for line in out.splitlines()]) == (
            0,
            [
                ["model", "calls", "failed", "in", "cached", "out", "cost"],
                ["chat/scripted", "3", "0", "30", "0", "15", "$0.0600"],
                ["total", "3", "0", "30", "0", "15", "$0.0600"],
            ],
        )


async def test_what_is_asked_for_wrongly_is_told(vendor: Vendor, tmp_path: Path) -> None:
    async with server_process(tmp_path, settings(vendor.url)) as server:
        for query, status, said in [
            ("?by=step", 422, "session"),
            ("?by=colour", 422, "$.by"),
            ("?since=yesterday", 422, "$.since"),
            ("?limit=0", 422, "$.limit"),
            ("?session=nobody", 404, "nobody"),
            ("?by=day&cursor=x", 400, "cursor"),
        ]:
            with pytest.raises(ServerSaid, match=said.replace("$", "\\$")) as caught:
                await asked(server, query)
            assert caught.value.status == status, query


@pytest.mark.promise("usage.accounted")
async def test_what_is_in_memory_alone_is_told_since_the_start(vendor: Vendor, tmp_path: Path) -> None:
    async with server_process(tmp_path, settings(vendor.url)) as server:
        session = await server.session(tmp_path, ephemeral=True)
        await server.ride(session, "go")
        assert (await asked(server))["total"]["calls"] == 0
        for query in ("?ephemeral=true", f"?session={session}"):
            page = await asked(server, query)
            assert (page["total"]["input"], page["since"] is None) == (10, False)
    (tmp_path / "memory").mkdir()
    async with server_process(tmp_path / "memory", settings(vendor.url, "memory")) as server:
        await server.ride(await server.session(tmp_path), "go")
        page = await asked(server, "?by=model")
        assert (page["data"][0]["cost"], page["since"] is None) == (0.02, False)
        code, out, _ = await pillion(server, "usage")
        assert code == 0 and "in memory alone" in out
    code, _, said = await pillion(server, "usage")
    assert code != 0 and "No server runs" in said


async def test_switched_off_it_takes_its_route_along_and_counts_nothing_less(vendor: Vendor, tmp_path: Path) -> None:
    async with server_process(tmp_path, settings(vendor.url)) as server:
        session = await server.session(tmp_path)
        await server.client.call("PATCH", "/api/plugins/usage", {"enabled": False})
        with pytest.raises(ServerSaid) as caught:
            await asked(server)
        assert caught.value.status == 404
        await server.ride(session, "go")
        await server.client.call("PATCH", "/api/plugins/usage", {"enabled": True})
        assert (await asked(server))["total"]["calls"] == 1


def test_the_page_has_every_field() -> None:
    sections = pages.sections(pages.text("docs/howto/usage.md"), "###")
    tables = pages.tables(sections["GET /api/usage"])
    assert tables["query"] == set(Asked.__struct_fields__)
    assert tables["answer"] == set(UsagePage.__struct_fields__)
    assert pages.tables(sections["`budget.reached`"])["field"] == {*BudgetReached.__struct_fields__} - {"step"}
    assert tables["sum"] == {*Used.__struct_fields__, *UsedBy.__struct_fields__}


@pytest.mark.promise("usage.budgets")
async def test_over_http_a_person_allows_more_or_ends_it(vendor: Vendor, tmp_path: Path) -> None:
    budget = "[plugins.usage]\nsession_cost = 0.03\n"
    async with server_process(tmp_path, settings(vendor.url, more=budget)) as server:
        session = await server.session(tmp_path)
        for _ in range(2):
            await server.ride(session, "go")
        for answer, reason in [("more", None), ("end", "limit:session_cost")]:
            async with server.watch(session, await server.prompt(session, "go on")) as watch:
                *_, told, asked = await watch.until("question.asked")
                assert (told["type"], told["budget"], told["question"]) == (
                    "budget.reached",
                    "session_cost",
                    asked["question"],
                )
                assert asked["options"] == ["more", "end"]
                path = f"/api/sessions/{session}/questions/{asked['question']}"
                await server.client.call("POST", path, {"answer": answer})
                assert (await watch.until("turn.finished"))[-1].get("reason") == reason
            if answer == "more":
                await server.ride(session, "up to 0.07")
        assert (await server.client.call("GET", f"/api/usage?session={session}"))["total"]["cost"] == 0.08
        assert len(vendor.asked) == 4


@pytest.mark.promise("usage.budgets")
async def test_a_days_budget_survives_a_kill_and_ends_a_run_that_nobody_watches(vendor: Vendor, tmp_path: Path) -> None:
    budget = "[plugins.usage]\nday_cost = 0.03\n"
    async with server_process(tmp_path, settings(vendor.url, more=budget)) as server:
        session = await server.session(tmp_path)
        for _ in range(2):
            await server.ride(session, "go")
        await server.kill()
    async with server_process(tmp_path, settings(vendor.url, more=f"{budget}[deadlines]\nquestion = 1\n")) as server:
        events = await server.ride(session, "unanswered")
        assert [event["type"] for event in events if event["type"].startswith(("budget.", "question."))] == [
            "budget.reached",
            "question.asked",
            "question.answered",
        ]
        assert events[-1]["reason"] == "limit:day_cost"
        body = {"messages": [{"role": "user", "text": "hi"}]}
        with pytest.raises(ServerSaid, match="day_cost is used up") as caught:
            await server.client.call("POST", "/api/models/chat/scripted/complete", body)
        assert caught.value.status == 402
        code, _, said = await pillion(server, "run", "-w", str(tmp_path), "go")
        assert (code, "The budget day_cost is used up." in said) == (LIMIT, True)
        assert len(vendor.asked) == 2
