"""Shorter because somebody asks: over HTTP from a server process, and at the command line in process and beside it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Conflict, Message, ModelInfo, Text
from pillion import events as e
from pillion.testing.kit import events
from pillion.testing.scripted import Gate, says
from pillion_compact.plugin import Config, Plugin
from pillion_compact.routes import Compacting
from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing import Asked, Reply, vendor_server

from ...meta import pages
from ...runtime.cli.conftest import Cli
from ...scenarios.serverprocess import BOUND, MODELS, server_process
from .windows import Windowed, compacting, compactions, failures, prose

PAGE = "docs/explanation/context.md"


def talking(asked: Asked) -> Reply:
    if "<conversation>" in asked.prompt:
        return Reply(text="It was about lamps.")
    return Reply(text=prose(300, len(asked.prompt)))


async def test_a_turn_without_words_makes_it_shorter(tmp_path: Path, autojump_clock: Any) -> None:
    provider = Windowed(lambda request: says(prose(300, len(request.messages))))
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        for n in range(5):
            await host.run(session, f"prompt {n}")
        whole = await session.messages()
        assert isinstance(await host.run(session, "", strategy="compact"), e.TurnFinished)
        (cut,) = compactions(await events(session))
        assert (cut.why, cut.model, cut.after < 0.6 * cut.before) == ("asked", "scripted/one", True)
        assert await session.messages() == whole, "a prompt without words is no message"
        ending = await host.run(session, "", strategy="compact")
        assert isinstance(ending, e.TurnFinished | e.TurnFailed)
        await host.run(session, "And now?")
        assert provider.asked[-1].messages[-1].text == "And now?"


async def test_what_is_short_stays_as_it_is(tmp_path: Path, autojump_clock: Any) -> None:
    async with compacting(tmp_path, Windowed(lambda request: says("Yes."))) as host:
        session = await host.open()
        for text in ("", "Is it on?", ""):
            ending = await host.run(session, text, strategy="loop" if text else "compact")
        assert isinstance(ending, e.TurnFailed) and ending.code == "not_shorter"
        assert [event.why for event in failures(await events(session))] == ["asked", "asked"]


async def test_beside_a_running_turn_it_is_refused(tmp_path: Path, autojump_clock: Any) -> None:
    gate = Gate()
    provider = Windowed(lambda request: [gate, *says("Yes.")])
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        await session.prompt("Is it on?")
        await gate.reached.wait()
        with pytest.raises(Conflict):
            await session.prompt("", strategy="compact", when="reject")
        gate.opened.set()


async def test_over_http(tmp_path: Path) -> None:
    """And switched off, its route is gone, and the session reads on as it was cut."""
    with trio.fail_after(2 * BOUND):
        async with vendor_server(talking) as vendor, server_process(tmp_path, MODELS.format(url=vendor.url)) as server:
            session = await server.session(tmp_path)
            for n in range(5):
                await server.ride(session, f"prompt {n}")
            path = f"/api/sessions/{session}/compact"
            posted = await server.client.call("POST", path)
            assert set(posted) == set(Compacting.__struct_fields__)
            async with server.watch(session, posted["after"]) as watch:
                seen = await watch.until("turn.finished")
            (cut,) = [event for event in seen if event["type"] == "history.compacted"]
            assert (cut["why"], cut["model"]) == ("asked", "chat/scripted")
            assert "It was about lamps." in cut["text"]
            await server.client.call("PATCH", "/api/plugins/compact", {"enabled": False})
            with pytest.raises(ServerSaid) as refused:
                await server.client.call("POST", path)
            assert refused.value.status in (404, 405)
            await server.ride(session, "And now?")
            sent = [message.text for message in vendor.asked[-1].messages]
            assert "It was about lamps." in sent[0] + sent[1] and len(sent) < 10


@pytest.mark.parametrize("live", [False, True], ids=["in process", "at a server"])
async def test_at_the_command_line(tmp_path: Path, live: bool) -> None:
    with trio.fail_after(3 * BOUND):
        async with vendor_server(talking) as vendor:
            cli = Cli(tmp_path, vendor)
            async with cli.serving() if live else nullcontext():
                said = "".join(f"prompt {n}\n" for n in range(5))
                chatted = await cli.run("chat", stdin=f"/compact\n{said}/compact\n".encode())
                assert "Nothing has been said yet." in chatted.err
                assert "The conversation was made shorter: " in chatted.err, chatted
                (listed,) = json.loads((await cli.run("sessions", "list", "--json")).out)
                again = await cli.run("sessions", "compact", listed["id"][:8])
                assert (again.code in (0, 1), "made shorter" in again.err) == (True, True), again


def test_the_page_has_the_settings_and_the_form_that_counts() -> None:
    text = pages.text(PAGE)
    assert "POST /api/sessions/{id}/compact" in text
    assert "Decision(database): SQLite" in text
    assert Config().at == 0.8 and "From 80 % on" in text
    assert Config().to == 0.4 and "about\n40 %" in text
    assert Plugin(Config()) is not None


async def test_what_is_longer_than_the_summing_model_can_read_is_told_to_it_in_part(tmp_path: Path) -> None:
    """Without a clock that jumps: so much is put together in a thread."""
    model = ModelInfo("scripted/one", context=40_000, output=4_000)
    provider = Windowed(lambda request: says("Yes."), model=model)
    with trio.fail_after(BOUND):
        async with compacting(tmp_path, provider) as host:
            session = await host.open()
            said = [Message("assistant" if n % 2 else "user", (Text(prose(400, n)),)) for n in range(1_100)]
            await session.note(e.SessionSeeded(messages=tuple(said)))
            assert isinstance(await host.run(session, "", strategy="compact"), e.TurnFinished)
            (cut,) = compactions(await events(session))
            assert (cut.before > 100_000, cut.after < 20_000, provider.overflows) == (True, True, 0)
            assert "characters are left out" in provider.requests[-1].messages[0].text
