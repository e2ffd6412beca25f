"""What the log tells of each model call: how long it took, how it ended, and what was sent, where that is kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio

from pillion import Batch, Text
from pillion import events as e
from pillion.completions import PARENT
from pillion.contracts.provider import CallPart, Finish, Request, Restart, UsageSeen
from pillion.contracts.store import SessionQuery
from pillion.errors import ContextOverflow, ProviderRefused
from pillion.memorystore import MemoryStore
from pillion.session import Session
from pillion.testing.kit import FunctionTool, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Gate, Pause, Raise, ScriptedProvider, calls, says
from pillion.turn import Turn
from pillion.values import Message, Usage

KEPT = {"defaults__keep_requests": True}
USED = Usage(input=7, output=3)


async def told(session: Session) -> list[e.UsageRecorded]:
    return [event for event in await events(session) if isinstance(event, e.UsageRecorded)]


async def shout(arguments: Any, call: Any) -> str:
    return "ABC"


class Watched(MemoryStore):
    """Remembers the names of the blobs of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []

    async def commit(self, batch: Batch) -> None:
        await super().commit(batch)
        if batch.blobs:
            self.batches.append(list(batch.blobs))


async def test_a_call_tells_how_long_it_took_and_when_its_first_piece_came(host, autojump_clock) -> None:
    host.provider.script([Pause(2), Text("a"), Pause(3), UsageSeen(USED), Finish("length")])
    session = await host.open()
    await host.run(session, "go")
    (call,) = await told(session)
    assert (call.first, call.seconds, call.finish, call.error, call.usage) == (2.0, 5.0, "length", "", USED)


async def test_what_was_void_counts_as_waiting(host, autojump_clock) -> None:
    host.provider.script([Text("x"), Pause(2), Restart("busy", "scripted/two"), Pause(1), Text("a"), Finish("stop")])
    session = await host.open()
    await host.run(session, "go")
    (call,) = await told(session)
    assert (call.model, call.first, call.seconds) == ("scripted/two", 3.0, 3.0)


async def test_a_call_that_fails_is_told_with_the_turns_end_and_masks_nothing(host, autojump_clock) -> None:
    host.provider.script([Text("a"), UsageSeen(USED), Pause(4), Raise(ProviderRefused("no credit"))])
    session = await host.open()
    end = await host.run(session, "go")
    assert (end.code, end.message) == ("provider_refused", "no credit")
    assert [e.type_of(event) for event in (await events(session))[-3:]] == [
        "text.interrupted", "usage.recorded", "turn.failed",
    ]  # fmt: skip
    (call,) = await told(session)
    assert (call.error, call.finish, call.seconds, call.first, call.usage) == ("provider_refused", "", 4.0, 0.0, USED)
    assert end.usage == USED, "what a call used before it failed was used"


async def test_a_call_that_is_cancelled_is_told(host, autojump_clock) -> None:
    gate = Gate()
    host.provider.script([Pause(1), CallPart(0, "c", "shout"), gate])
    session = await host.open()
    accepted = await session.prompt("go")
    await gate.reached.wait()
    await trio.sleep(1)
    await session.cancel()
    await session.ended(accepted.turn)
    (call,) = await told(session)
    assert (call.error, call.first, call.seconds) == ("cancelled", 1.0, 2.0)


class Patient:
    """A strategy that asks again, in another way, when a call without history fails."""

    name = "patient"
    description = "Asks again."

    async def run(self, turn: Turn) -> None:
        ask = (Message("user", (Text("sum up"),)),)
        try:
            await turn.complete(ask, role="compact")
        except ContextOverflow:
            await turn.complete(ask, role="compact")
        await turn.step()


async def test_a_failure_that_a_strategy_bears_is_told_too(tmp_path, autojump_clock) -> None:
    strategy = {"patient": StrategyPlugin(Patient())}
    async with kernel_host(tmp_path, plugins=strategy, defaults__strategy="patient") as host:
        host.provider.script([Raise(ContextOverflow("too long"))], says("short"), says("done"))
        session = await host.open()
        assert (await host.run(session, "go")).reason == "done"
        said = [(call.role, call.finish, call.error) for call in await told(session)]
        assert said == [("compact", "stop", ""), ("", "stop", ""), ("compact", "", "context_overflow")]


async def test_requests_are_kept_where_that_is_asked_for_each_message_once(tmp_path, autojump_clock) -> None:
    provider = ScriptedProvider(calls(("shout", '{"text":"abc"}')), says("It said ABC"), says("again"))
    store = Watched()
    tool = FunctionTool("shout", shout)
    async with kernel_host(tmp_path, tool, provider=provider, store=store, **KEPT) as host:
        session = await host.open()
        await host.run(session, "shout abc")
        await host.run(session, "once more")
        first, second, third = await told(session)
        for call, request in zip((first, second, third), provider.requests, strict=True):
            head, *messages = [await store.blob(name) for name in call.request]
            assert [msgspec.json.decode(message, type=Message) for message in messages] == list(request.messages)
            assert msgspec.json.decode(head)["tools"][0]["name"] == "shout"
        assert [len(call.request) for call in (first, second, third)] == [2, 4, 6]
        assert second.request[:3] == (*first.request, first.answer), "an answer is a message of the next request"
        assert third.request[:5] == (*second.request, second.answer)
        sent = [name for batch in store.batches for name in batch]
        assert len(set(sent)) == len(sent) == 7, "each message went to the store once, and so did the head"


async def test_nothing_is_kept_by_default(host) -> None:
    host.provider.script(says("hello"))
    session = await host.open()
    await host.run(session, "hi")
    (call,) = await told(session)
    assert (call.request, call.answer) == ((), "")


async def test_secrets_are_masked_in_what_is_kept(tmp_path) -> None:
    async with kernel_host(tmp_path, **KEPT) as host:
        host.kernel.secrets.register("sesame-opens-it")
        host.provider.script([Raise(ProviderRefused("no"))])
        session = await host.open()
        await host.run(session, "the word is sesame-opens-it")
        (call,) = await told(session)
        kept = b"".join([await host.kernel.store.blob(name) for name in call.request])
        assert b"the word is [secret]" in kept
        assert b"sesame" not in kept


async def test_a_call_without_a_session_keeps_what_was_sent(tmp_path) -> None:
    async with kernel_host(tmp_path, **KEPT) as host:
        host.provider.script([Text("he\ud800y"), Finish("stop")])
        ask = Message("user", (Text("sesame-opens-it \ud800"),))
        host.kernel.secrets.register("sesame-opens-it")
        async for _ in host.kernel.completions.start(Request("scripted/one", (ask,), "be kind")):
            pass
        (info,) = (await host.kernel.sessions(SessionQuery(parent=PARENT))).data
        session = await host.kernel.session(info.id)
        (call,) = await told(session)
        head, message, answer = [await host.kernel.store.blob(name) for name in (*call.request, call.answer)]
        assert msgspec.json.decode(head) == {"system": "be kind"}
        assert (b"[secret] ?" in message, b"he?y" in answer) == (True, True)


@pytest.mark.parametrize("stream", [[Raise(ProviderRefused("no"))], [Text("a"), Raise(ProviderRefused("no"))]])
async def test_a_call_without_a_session_that_fails_is_told(host, stream: Any) -> None:
    host.provider.script(stream)
    with pytest.raises(ProviderRefused):
        async for _ in host.kernel.completions.start(Request("scripted/one", (Message("user", (Text("x"),)),))):
            pass
    (info,) = (await host.kernel.sessions(SessionQuery(parent=PARENT))).data
    (call,) = await told(await host.kernel.session(info.id))
    assert (call.error, call.role) == ("provider_refused", "completion")
