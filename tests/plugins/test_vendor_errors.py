"""What the vendors document of failures, on each wire format, as a session with the retry plugin sees it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import trio

from pillion import events as e
from pillion.errors import ProviderBusy, ProviderDown
from pillion.testing.kit import events
from pillion_runtime.testing import Asked, ErrorEvent, Reply, Status, Verbatim, replies

from .documented import AMID, BODIES, FORMATS
from .vendors import BOUND, KEYS, sessions_of

SOON = (("content-type", "application/json"), ("retry-after-ms", "5"))
AGAIN = (ProviderBusy, ProviderDown)


@pytest.mark.parametrize("format_", FORMATS)
async def test_documented_refusals(tmp_path: Path, format_: str) -> None:
    """One whose class is to be asked again is answered at the second attempt; every other ends the turn at once."""
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, replies(Reply())) as (vendor, host):
            for status, body, kind in [row[1:] for row in BODIES if row[0] == format_]:
                vendor.program = replies(Reply(fault=Verbatim(status, body, SOON)), Reply(text="Here I am."))
                session = await host.open()
                ending, before = await host.run(session, "Are you there?"), len(vendor.asked)
                if kind in AGAIN:
                    assert isinstance(ending, e.TurnFinished), (body, ending)
                else:
                    assert isinstance(ending, e.TurnFailed) and ending.code == kind.code, (body, ending)
                    assert isinstance(await host.run(session, "And now?"), e.TurnFinished)  # the session goes on
                    assert len(vendor.asked) == before + 1


@pytest.mark.parametrize("format_", FORMATS)
async def test_documented_errors_amid_the_stream(tmp_path: Path, format_: str) -> None:
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, replies(Reply())) as (vendor, host):
            for body, kind in [row[1:] for row in AMID if row[0] == format_]:
                torn = Reply(text=("Half ", "of ", "it"), fault=ErrorEvent(2, body=body))
                vendor.program = replies(torn, Reply(text="All of it."))
                session = await host.open()
                ending = await host.run(session, "Say it.")
                if kind in AGAIN:
                    said = await events(session)
                    assert isinstance(ending, e.TurnFinished), (body, ending)
                    assert [event.why for event in said if isinstance(event, e.TextVoided)] != []
                    assert [event.text for event in said if isinstance(event, e.TextFinished)] == ["All of it."]
                else:
                    assert isinstance(ending, e.TurnFailed) and ending.code == kind.code, (body, ending)
                    assert isinstance(await host.run(session, "Once more."), e.TurnFinished)
                    assert (await session.messages())[-1].text == "All of it."


@pytest.mark.parametrize("format_", FORMATS)
async def test_a_second_is_waited_for_and_three_days_are_not(tmp_path: Path, format_: str) -> None:
    program = replies(
        Reply(fault=Status(429, retry_after=1)), Reply(text="Yes."), Reply(fault=Status(429, retry_after=259_200))
    )
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, program) as (vendor, host):
            session = await host.open()
            seen = session.follow("latest")
            begun = trio.current_time()
            assert isinstance(await host.run(session, "Are you there?"), e.TurnFinished)
            assert trio.current_time() - begun >= 1
            assert "model.waiting" in {frame.type for frame in await seen.page()}
            ending = await host.run(session, "And now?")
            assert isinstance(ending, e.TurnFailed)
            assert (ending.code, ending.retryable, len(vendor.asked)) == ("provider_busy", True, 3)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("body", "kind"), [("<!DOCTYPE html><p>Welcome", "wrong_base_url"), ('{"hello":"world"}', "wrong_base_url")]
)
async def test_an_answer_that_is_no_stream_is_no_silence(tmp_path: Path, format_: str, body: str, kind: str) -> None:
    type_ = "text/html; charset=utf-8" if body.startswith("<") else "application/json"
    with trio.fail_after(BOUND):
        welcome = Reply(fault=Verbatim(200, body, (("content-type", type_),)))
        async with sessions_of(tmp_path, format_, replies(welcome)) as (vendor, host):
            ending = await host.run(await host.open(), "Are you there?")
            assert isinstance(ending, e.TurnFailed)
            assert (ending.code, len(vendor.asked)) == (kind, 1)


@pytest.mark.parametrize("format_", FORMATS)
async def test_a_key_in_the_vendors_own_words_is_masked(tmp_path: Path, format_: str) -> None:
    key = KEYS["ANTHROPIC_API_KEY" if format_ == "messages" else "OPENAI_API_KEY"]
    body = f'{{"error":{{"message":"Incorrect API key provided: {key}","type":"authentication_error"}}}}'
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, replies(Reply(fault=Verbatim(401, body)))) as (_, host):
            ending = await host.run(await host.open(), "Are you there?")
            assert isinstance(ending, e.TurnFailed)
            assert (key in ending.message, "[secret]" in ending.message) == (False, True)


@pytest.mark.parametrize("format_", FORMATS)
async def test_a_key_that_has_expired_is_asked_for_again(tmp_path: Path, format_: str) -> None:
    """The command prints another key each time; the vendor takes only the second."""
    count = tmp_path / "count"
    program = (
        f"import pathlib; p = pathlib.Path({str(count)!r}); p.open('a').write('x'); print('sk-key-' + p.read_text())"
    )
    second = "sk-key-xx"

    def taken(asked: Asked) -> Reply:
        key = asked.headers.get("x-api-key") or asked.headers["authorization"].removeprefix("Bearer ")
        return Reply(text="Yes.") if key == second else Reply(fault=Status(401, message=f"Expired: {key}"))

    command = (sys.executable, "-c", program)
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, taken, environ={"PATH": ""}, key_command=command) as (_, host):
            session = await host.open()
            ending = await host.run(session, "Are you there?")
            assert isinstance(ending, e.TurnFailed) and ending.code == "provider_refused"
            assert "sk-key" not in ending.message
            assert isinstance(await host.run(session, "And now?"), e.TurnFinished)
