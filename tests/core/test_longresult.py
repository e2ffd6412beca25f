"""A result that is too long for the model: it gets beginning and end, and the whole is the session's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import NotFound, Output, Session, Turn
from pillion import events as e
from pillion.longresult import MOST, beginning, fitted, shortened
from pillion.memorystore import MemoryStore
from pillion.testing.kit import FunctionTool, Host, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says
from pillion.toolrun import SHOWN
from pillion.values import ToolResult

LINE = "line {:07} größer als 你好 🚀\n"
LONG = "".join(map(LINE.format, range(400_000)))
"""Ten million characters."""
ROOM = 5_000


async def speak(arguments: Any, call: Any) -> Output:
    return Output(LONG if not arguments.text else arguments.text * ROOM, error="!" in arguments.text)


SPEAK = FunctionTool("speak", speak)


class Delegates:
    """Has a child do it."""

    name = "delegates"
    description = "For tests."

    async def run(self, turn: Turn) -> str:
        async with turn.child(strategy="loop") as child:
            accepted = await child.prompt("go")
            await child.ended(accepted.turn)
            return await child.output("call_0")


def host_of(folder: Path, *answers: Any, **options: Any) -> Any:
    provider = ScriptedProvider(*answers)
    return kernel_host(folder, SPEAK, provider=provider, defaults__tool_output=ROOM, **options)


async def result(session: Session) -> e.ToolFinished:
    (found,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
    return found


def shown(host: Host) -> ToolResult:
    """What the model got."""
    part = host.provider.requests[-1].messages[-1].parts[0]
    assert isinstance(part, ToolResult)
    return part


@pytest.mark.promise("tools.whole")
async def test_ten_megabytes_are_kept_and_the_model_gets_both_ends(tmp_path: Path) -> None:
    async with host_of(tmp_path, calls(("speak", "{}")), says("ok")) as host:
        session = await host.open()
        await host.run(session, "go")
        text = shown(host).text
        assert len(text) < ROOM + 100 and text == (await result(session)).text
        head, note, tail = text.partition("[")[0], text[text.index("[") : text.index("]") + 2], text.partition("]\n")[2]
        assert LONG.startswith(head) and head.endswith("\n") and len(head) > ROOM // 3
        assert LONG.endswith(tail) and tail.startswith("line") and len(tail) > ROOM // 3
        assert note == f"[{len(LONG) - len(head) - len(tail):,} of {len(LONG):,} characters are left out here.]\n"
        assert await session.output("call_0") == LONG
        whole = (await result(session)).whole
        assert whole is not None and (whole.characters, whole.size) == (len(LONG), len(LONG.encode()))


async def test_what_fits_is_as_it_was_and_kept_once(host: Host) -> None:
    async def fits(arguments: Any, call: Any) -> str:
        return "x" * call.max_output + "\n[read on with start=7]" * (arguments.text == "more")

    async with kernel_host(host.folder, FunctionTool("fits", fits), defaults__tool_output=ROOM) as other:
        other.provider.script(calls(("fits", '{"text": "more"}')), says("ok"))
        session = await other.open()
        await other.run(session, "go")
        text = shown(other).text
        assert text == "x" * text.count("x") + "\n[read on with start=7]" and text.count("x") > ROOM * 0.9
        assert (await result(session)).whole is None
        with pytest.raises(NotFound, match="call_0"):
            await session.output("call_0")


async def test_a_failure_stays_one(tmp_path: Path, autojump_clock: Any) -> None:
    async with host_of(tmp_path, calls(("speak", '{"text": "!"}'), ("speak", '{"text": "!!"}')), says("ok")) as host:
        session = await host.open()
        await host.run(session, "go")
        whole, cut = host.provider.requests[-1].messages[-1].parts
        assert isinstance(whole, ToolResult) and isinstance(cut, ToolResult)
        assert whole.error and whole.text == "!" * ROOM
        assert cut.error and cut.text.count("!") == ROOM and await session.output("call_1") == "!" * 2 * ROOM


@pytest.mark.promise("tools.whole")
async def test_it_is_there_after_a_restart_and_in_a_fork(tmp_path: Path) -> None:
    store = MemoryStore()
    async with host_of(tmp_path, calls(("speak", "{}")), says("ok"), store=store) as host:
        session = await host.open()
        await host.run(session, "go")
    async with host_of(tmp_path, store=store) as host:
        again = await host.kernel.session(session.id)
        assert await again.output("call_0") == LONG
        fork = await host.kernel.fork(session.id)
        await host.kernel.delete(session.id)
        second = await host.kernel.fork(fork.id)
        await host.kernel.delete(fork.id)
        assert await second.output("call_0") == LONG


async def test_it_goes_with_an_export(tmp_path: Path) -> None:
    async with host_of(tmp_path, calls(("speak", "{}")), says("ok")) as host:
        session = await host.open()
        await host.run(session, "go")
        file = [line async for line in host.kernel.export(session.id)]
    secret = LINE.format(200_000).strip()
    async with host_of(tmp_path / "other") as host:
        host.kernel.secrets.register(secret)
        lines = iter(file)

        async def more() -> bytes:
            await trio.lowlevel.checkpoint()
            return next(lines, b"")

        come = await host.kernel.import_(more)
        assert await come.output("call_0") == LONG.replace(secret, "[secret]"), "masked where it comes in"


async def test_a_childs_is_the_childs(tmp_path: Path) -> None:
    plugins = {"delegating": StrategyPlugin(Delegates())}
    async with host_of(tmp_path, calls(("speak", "{}")), says("ok"), plugins=plugins) as host:
        session = await host.open(strategy="delegates")
        ended = await host.run(session, "go")
        assert isinstance(ended, e.TurnFinished), ended
        with pytest.raises(NotFound):
            await session.output("call_0")


def test_half_a_secret_is_none_that_is_shown() -> None:
    secret = "sk-0123456789-abcdefghij"
    text = secret * 1000
    for room in range(1000, 1000 + len(secret)):
        found = fitted(text, room, "c", readable=False, redact=lambda said: said.replace(secret, "[secret]"))
        assert "sk-" not in found.text and b"sk-" not in found.blob
        assert found.whole is not None and found.whole.characters == len("[secret]") * 1000


async def test_an_interrupted_calls_output_is_shortened_for_the_model(tmp_path: Path, autojump_clock: Any) -> None:
    async def talk(arguments: Any, call: Any) -> str:
        call.output("y" * SHOWN)
        await trio.sleep_forever()
        return ""

    provider = ScriptedProvider(calls(("talk", "{}")), says("ok"))
    async with kernel_host(tmp_path, FunctionTool("talk", talk), provider=provider) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await trio.sleep(1)
        await session.cancel()
        await session.ended(accepted.turn)
        await host.run(session, "again")
        (part,) = host.provider.requests[-1].messages[-2].parts
        assert isinstance(part, ToolResult) and len(part.text) < 31_000 and "left out" in part.text
        (told,) = [event for event in await events(session) if isinstance(event, e.ToolInterrupted)]
        assert told.text.count("y") == SHOWN, "who watched has it all"


def test_pieces_end_at_lines_where_there_are_some() -> None:
    assert beginning("abcd\nefgh\nijkl", 11) == "abcd\nefgh\n"
    assert beginning("abcdefgh", 7) == "abcdefg"
    assert beginning("a\nbcdefghijklm", 10) == "a\nbcdefghi", "a piece that is mostly lost is no better"
    assert beginning("äöü", 3) == "äöü"
    assert shortened("ab" * 10, 4) == "ab\n[16 characters are left out]\nab"
    assert shortened("abcd", 4) == "abcd"


def test_there_is_a_most_that_is_kept() -> None:
    found = fitted("x" * (MOST + 1000), ROOM, "c", readable=False, redact=str)
    assert found.whole is not None and MOST <= found.whole.characters < MOST + 100
    assert b"characters are lost" in found.blob
