"""A vendor says that the conversation is too long, once and for ever, in its own words and on each wire format."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from pillion import ContextOverflow
from pillion import events as e
from pillion.testing.kit import events
from pillion_compact.plugin import Config, Plugin
from pillion_runtime.testing import Asked, Program, Reply, Verbatim

from ..documented import BODIES, FORMATS
from ..vendors import BOUND, sessions_of
from .windows import compactions, prose

WORDINGS = [(form, status, body) for form, status, body, kind in BODIES if kind is ContextOverflow]


def refusing(status: int, body: str, times: int) -> Program:
    """Answers six prompts, then refuses so often whatever is no summary."""
    left = times

    def program(asked: Asked) -> Reply:
        nonlocal left
        if "<conversation>" in asked.prompt:
            return Reply(text="It was about lamps.")
        if asked.prompt.startswith("And now?") and left:
            left -= 1
            return Reply(fault=Verbatim(status, body))
        return Reply(text=prose(300, len(asked.prompt)))

    return program


@pytest.mark.parametrize(("format_", "status", "body"), WORDINGS, ids=[f"{w[0]}-{n}" for n, w in enumerate(WORDINGS)])
async def test_what_is_too_long_is_sent_shorter_once(tmp_path: Path, format_: str, status: int, body: str) -> None:
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, refusing(status, body, 1), more={"compact": Plugin(Config())}) as (
            vendor,
            host,
        ):
            session = await host.open()
            for _ in range(6):
                assert isinstance(await host.run(session, "Go on."), e.TurnFinished)
            assert isinstance(await host.run(session, "And now?"), e.TurnFinished)
            (cut,) = compactions(found := await events(session))
            assert (cut.why, len(vendor.asked)) == ("overflow", 6 + 3)
            assert cut.after < cut.before / 2 + 400
            calls = [(event.role, event.error) for event in found if isinstance(event, e.UsageRecorded)][-3:]
            assert calls == [("", "context_overflow"), ("compact", ""), ("", "")]
            assert isinstance(await host.run(session, "Thank you."), e.TurnFinished)
            assert len(compactions(await events(session))) == 1


@pytest.mark.parametrize("format_", FORMATS)
async def test_what_is_always_too_long_ends_the_turn(tmp_path: Path, format_: str) -> None:
    status, body = next((status, body) for form, status, body in WORDINGS if form == format_)
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, refusing(status, body, 100), more={"compact": Plugin(Config())}) as (
            vendor,
            host,
        ):
            session = await host.open()
            for _ in range(6):
                await host.run(session, "Go on.")
            ending = await host.run(session, "And now?")
            assert isinstance(ending, e.TurnFailed)
            assert (ending.code, len(vendor.asked)) == ("context_overflow", 6 + 3)
            assert "choose a model with a larger window" in ending.message
            sizes = [len(asked.prompt) for asked in vendor.asked if asked.prompt.startswith("And now?")]
            assert len(sizes) == 2
            assert isinstance(await host.run(session, "Something else."), e.TurnFinished)
