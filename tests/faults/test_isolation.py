"""Of 50 sessions 5 meet a part that raises, hangs or returns nonsense: the other 45 never notice."""

from __future__ import annotations

import re

import pytest
import trio

from pillion import Allow, Finish, ModelInfo, Text, hookimpl
from pillion import events as e
from pillion.session import Session
from pillion.testing.kit import FunctionTool, Host, StrategyPlugin, frames, kernel_host
from pillion.testing.scripted import ProviderPlugin, ScriptedProvider, calls, says

BAD = 5
ALL = 50
PROMPT = 1.0
"""Seconds, of the test's own clock, that a good session may take; whoever hangs is waited for longer."""


async def misbehave(how: str) -> object:
    match how:
        case "raise":
            raise RuntimeError("on purpose")
        case "hang":
            await trio.sleep_forever()
    return object()


class BadStrategy:
    name = "bad"
    description = "For tests."

    def __init__(self, how: str) -> None:
        self.how = how

    async def run(self, turn):  # type: ignore[no-untyped-def]
        return await misbehave(self.how)


class BadPolicy:
    """Misbehaves for the sessions with the label only, and with `how` only."""

    def __init__(self, how: str) -> None:
        self.how = how

    @hookimpl
    def register_policies(self, turn):  # type: ignore[no-untyped-def]
        return [self] if self.how and turn.labels.get("bad") else [Fair()]

    async def decide(self, call):  # type: ignore[no-untyped-def]
        return await misbehave(self.how)


class Fair:
    async def decide(self, call):  # type: ignore[no-untyped-def]
        return Allow()


class BadObserver:
    def __init__(self, how: str) -> None:
        self.how = how

    @hookimpl
    def register_observers(self):  # type: ignore[no-untyped-def]
        return [self]

    async def watch(self, feed) -> None:  # type: ignore[no-untyped-def]
        await misbehave(self.how)


def bad_provider(how: str) -> ScriptedProvider:
    class Bad(ScriptedProvider):
        def stream(self, request):  # type: ignore[no-untyped-def]
            return self._stream()

        from contextlib import asynccontextmanager

        @asynccontextmanager
        async def _stream(self):  # type: ignore[no-untyped-def]
            async def chunks():  # type: ignore[no-untyped-def]
                yield Text("a")
                yield await misbehave(how)
                yield Finish("stop")

            yield chunks()

    return Bad(name="bad", models=[ModelInfo("bad/one", 1000, 100)])


def answers(request):  # type: ignore[no-untyped-def]
    """Two tool calls, then words; who asks for trouble gets it."""
    if request.messages[0].text == "trouble" and len(request.messages) == 1:
        return calls(("bad", "{}"))
    step = sum(message.role == "assistant" for message in request.messages)
    return calls(("good", f'{{"text":"{step}"}}')) if step < 2 else says("all done here")


async def logs(tmp_path, part: str = "", how: str = "") -> list[str]:  # type: ignore[no-untyped-def]
    """The logs of the 45 good sessions, without times and random ids."""

    async def good(arguments, call) -> str:
        call.output("x" * 10)
        return arguments.text

    async def bad(arguments, call):  # type: ignore[no-untyped-def]
        return await misbehave(how)

    tools = [FunctionTool("good", good, effect="write"), FunctionTool("bad", bad)]
    plugins: dict[str, object] = {
        "bads": StrategyPlugin(BadStrategy(how)),
        "badp": ProviderPlugin(bad_provider(how)),
        "policies": BadPolicy(how if part == "policy" else ""),
    }
    if part == "observer":
        plugins["observer"] = BadObserver(how)
    provider = ScriptedProvider(otherwise=answers)
    settings = {"deadlines__tool": 5.0, "deadlines__between": 5.0, "deadlines__approval": 5.0}
    async with kernel_host(tmp_path, *tools, provider=provider, plugins=plugins, **settings) as host:
        good_ones = []
        async with trio.open_nursery() as nursery:
            for number in range(ALL):
                if number % 10 == 3 and part:
                    nursery.start_soon(one_bad, host, part)
                elif number % 10 != 3:
                    session = await host.open()
                    good_ones.append(session)
                    nursery.start_soon(one_good, host, session)
        return [plain([frame.wire() for frame in await frames(session)]) for session in good_ones]


async def one_good(host: Host, session: Session) -> None:
    with trio.fail_after(PROMPT):
        await host.run(session, "go")


async def one_bad(host: Host, part: str) -> None:
    options = {"strategy": {"strategy": "bad"}, "provider": {"model": "bad/one"}}.get(part, {})
    session = await host.open(labels={"bad": "yes"})
    accepted = await session.prompt("trouble" if part == "tool" else "go", **options)
    with trio.move_on_after(60):
        await session.ended(accepted.turn)
    await session.cancel()
    with trio.fail_after(60):
        assert isinstance(await session.ended(accepted.turn), (e.TurnCancelled, e.TurnFailed, e.TurnFinished))


def plain(wires: list[bytes]) -> str:
    text = b"\n".join(wires).decode()
    text = re.sub(r'"time":"[^"]*"|"seconds":[0-9.e-]+', "", text)
    return re.sub(r"[0-9a-f]{32}", "ID", text)


@pytest.mark.promise("turns.isolated")
@pytest.mark.parametrize("how", ["raise", "hang", "nonsense"])
@pytest.mark.parametrize("part", ["strategy", "tool", "observer", "policy", "provider"])
async def test_45_logs_equal_those_of_a_run_without_the_bad_five(tmp_path, autojump_clock, part: str, how: str) -> None:
    alone = await logs(tmp_path)
    assert len(alone) == ALL - BAD
    assert "all done here" in alone[0]
    assert await logs(tmp_path, part, how) == alone
