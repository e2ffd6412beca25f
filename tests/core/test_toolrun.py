"""One tool call, one result: parse, decide, run, whatever goes wrong."""

from __future__ import annotations

import pytest
import trio
import trio.lowlevel
from msgspec import Struct

from pillion import Allow, Ask, Conflict, Deny, NotFound, Output, ToolError
from pillion import events as e
from pillion.asking import REMEMBERED, Approvals, Decision, Pending
from pillion.errors import Gone
from pillion.testing.kit import FunctionTool, Host, PolicyPlugin, events, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says
from pillion.toolrun import SHOWN


class Sized(Struct, frozen=True, forbid_unknown_fields=True):
    size: int


class Judge:
    def __init__(self, verdict: object) -> None:
        self.verdict = verdict

    async def decide(self, call):  # type: ignore[no-untyped-def]
        if isinstance(self.verdict, Exception):
            raise self.verdict
        if self.verdict == "hang":
            await trio.sleep_forever()
        return self.verdict


async def fine(arguments, call) -> str:
    return "fine"


async def forever(arguments, call):  # type: ignore[no-untyped-def]
    await trio.sleep_forever()


async def result_of(host: Host, *wanted: tuple[str, str]) -> list[e.ToolFinished]:
    """Has the model ask for the calls, and gives their results in order of the calls."""
    host.provider.script(calls(*wanted), says("ok"))
    session = await host.open()
    await host.run(session, "go")
    found = {event.call: event for event in await events(session) if isinstance(event, e.ToolFinished)}
    assert len(found) == len(wanted)
    return [found[f"call_{i}"] for i in range(len(wanted))]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{", "don't fit"),
        ('{"size": "big"}', "$.size"),
        ('{"size": 1, "colour": 2}', "colour"),
        ("", "size"),
        ("[1]", "don't fit"),
        ('{"size": "\ud800"}', "don't fit"),
    ],
)
async def test_malformed_arguments_are_told_to_the_model(tmp_path, arguments: str, words: str) -> None:
    async with kernel_host(tmp_path, FunctionTool("cut", fine, arguments=Sized)) as host:
        (result,) = await result_of(host, ("cut", arguments))
        assert result.error
        assert words in result.text


async def test_an_unknown_tool_is_told_with_what_there_is(tmp_path) -> None:
    async with kernel_host(tmp_path, FunctionTool("cut", fine)) as host:
        (result,) = await result_of(host, ("chop", "{}"))
        assert "no tool 'chop'" in result.text
        assert "cut" in result.text


@pytest.mark.promise("tools.one_result")
@pytest.mark.parametrize(
    "answer", [5, None, b"x", ToolError("no such line"), ValueError("private"), Output("bad", error=True)]
)
async def test_whatever_a_tool_does_is_one_result(tmp_path, answer) -> None:
    async def odd(arguments, call):
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with kernel_host(tmp_path, FunctionTool("odd", odd)) as host:
        (result,) = await result_of(host, ("odd", "{}"))
        assert result.error
        assert "private" not in result.text


@pytest.mark.promise("tools.deadline")
async def test_a_tool_that_hangs_is_stopped_at_its_deadline(tmp_path, autojump_clock) -> None:
    async def hang(arguments, call) -> str:
        await trio.sleep_forever()
        return ""

    async with kernel_host(tmp_path, FunctionTool("hang", hang), deadlines__tool=7.0) as host:
        (result,) = await result_of(host, ("hang", "{}"))
        assert "within 7 s" in result.text


async def test_200_parallel_calls_with_one_id_get_200_results(tmp_path) -> None:
    from pillion import CallPart, Finish

    running = most = 0

    async def count(arguments, call) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.lowlevel.checkpoint()
        running -= 1
        return arguments.text

    parts = [CallPart(i, "same", "count", f'{{"text":"{i}"}}') for i in range(200)]
    provider = ScriptedProvider([*parts, Finish("tool_calls")], says("ok"))
    async with kernel_host(tmp_path, FunctionTool("count", count), provider=provider) as host:
        await host.run(await host.open(), "go")
        results = provider.requests[1].messages[-1].parts
        assert [part.text for part in results] == [str(i) for i in range(200)]
        assert len({part.call for part in results}) == 200
        assert most == 8


@pytest.mark.parametrize(("effect", "alone"), [("write", False), ("read", True)])
async def test_calls_that_write_or_want_to_be_alone_run_one_after_the_other(tmp_path, effect, alone) -> None:
    order: list[str] = []

    async def mark(arguments, call) -> str:
        order.append(f"+{arguments.text}")
        await trio.lowlevel.checkpoint()
        order.append(f"-{arguments.text}")
        return arguments.text

    tool = FunctionTool("mark", mark, effect=effect)
    tool.alone = alone  # type: ignore[attr-defined]
    async with kernel_host(tmp_path, tool, plugins={"yes": PolicyPlugin(Judge(Allow()))}) as host:
        await result_of(host, *(("mark", f'{{"text":"{i}"}}') for i in range(3)))
        assert order == ["+0", "-0", "+1", "-1", "+2", "-2"]


@pytest.mark.promise("approvals.strictest")
@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ([Allow(), Deny("house rule")], "house rule"),
        ([Deny("house rule"), Allow()], "house rule"),
        ([Ask("careful"), Allow()], "Denied by deadline"),
        ([Allow(), ValueError("x")], "Denied by deadline"),
        ([Allow(), "hang"], "Denied by deadline"),
        ([Allow(), "nonsense"], "Denied by deadline"),
        (["nonsense"], "Denied by deadline"),
        ([], "Denied by deadline"),
        ([Allow(), None], "fine"),
    ],
)
async def test_the_strictest_policy_wins(tmp_path, autojump_clock, verdicts, words: str) -> None:
    plugins = {f"p{i}": PolicyPlugin(Judge(verdict)) for i, verdict in enumerate(verdicts)}
    async with kernel_host(tmp_path, FunctionTool("w", fine, effect="write"), plugins=plugins) as host:
        (result,) = await result_of(host, ("w", "{}"))
        assert words in result.text


async def asking(host: Host, *wanted: tuple[str, str]):  # type: ignore[no-untyped-def]
    """A session whose turn waits for an approval; with the approval's event and the turn's id."""
    host.provider.script(calls(*wanted or [("w", "{}")]), says("ok"))
    session = await host.open()
    accepted = await session.prompt("go")
    reader = session.follow()
    with trio.fail_after(30):
        while True:
            for frame in await reader.page():
                event = e.decode(frame.type, frame.data)
                if isinstance(event, e.ApprovalWanted):
                    return session, event, accepted.turn


@pytest.fixture
async def writing(tmp_path):
    async with kernel_host(tmp_path, FunctionTool("w", fine, effect="write")) as host:
        yield host


async def test_an_approval_lets_the_call_run_and_the_second_answer_is_told(writing, autojump_clock) -> None:
    session, wanted, turn = await asking(writing)
    await session.decide(wanted.approval, "allow")
    with pytest.raises(Conflict):
        await session.decide(wanted.approval, "deny")
    await session.ended(turn)
    decided = [event for event in await events(session) if isinstance(event, e.ApprovalDecided)]
    assert [(event.decision, event.by) for event in decided] == [("allow", "person")]
    assert any(isinstance(event, e.ToolFinished) and event.text == "fine" for event in await events(session))


async def test_an_answer_after_the_deadline_is_gone(writing, autojump_clock) -> None:
    session, wanted, turn = await asking(writing)
    await session.ended(turn)
    with pytest.raises(Gone):
        await session.decide(wanted.approval, "allow")
    with pytest.raises(NotFound):
        await session.decide("nonsense", "allow")


async def test_cancel_closes_an_open_approval_as_denied(writing, autojump_clock) -> None:
    session, wanted, turn = await asking(writing)
    await session.cancel()
    assert isinstance(await session.ended(turn), e.TurnCancelled)
    with pytest.raises(Gone):
        await session.decide(wanted.approval, "allow")
    found = await events(session)
    assert [event.by for event in found if isinstance(event, e.ApprovalDecided)] == ["cancel"]
    assert sum(isinstance(event, e.ToolInterrupted) for event in found) == 1


async def test_an_answer_for_the_session_is_not_asked_again(writing, autojump_clock) -> None:
    session, wanted, turn = await asking(writing)
    await session.decide(wanted.approval, "allow", remember="session")
    await session.ended(turn)
    writing.provider.script(calls(("w", '{"text":"other"}')), says("ok"))
    await writing.run(session, "again")
    assert sum(isinstance(event, e.ApprovalWanted) for event in await events(session)) == 1


@pytest.mark.promise("approvals.remembered")
@pytest.mark.parametrize(("decision", "remember"), [("allow", "once"), ("deny", "once"), ("deny", "session")])
async def test_any_other_answer_is_for_its_call_only(writing, autojump_clock, decision, remember) -> None:
    session, wanted, turn = await asking(writing, ("w", "{}"), ("w", "{}"))
    await session.decide(wanted.approval, decision, remember=remember)
    await session.ended(turn)
    assert sum(isinstance(event, e.ApprovalWanted) for event in await events(session)) == 2


@pytest.mark.promise("approvals.remembered")
async def test_a_command_that_is_allowed_for_the_session_vouches_for_no_other(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path, FunctionTool("run", fine, effect="execute")) as host:
        same, other = ("run", '{"text":"make test"}'), ("run", '{"text":"make clean"}')
        session, wanted, turn = await asking(host, same, same, other)
        await session.decide(wanted.approval, "allow", remember="session")
        await session.ended(turn)
        asked = [event.call for event in await events(session) if isinstance(event, e.ApprovalWanted)]
        assert asked == ["call_0", "call_2"]


@pytest.mark.parametrize(("preview", "shown"), [(fine, "fine"), (forever, '{"text":"x"}')])
async def test_an_approval_shows_the_tools_preview_or_its_arguments(tmp_path, autojump_clock, preview, shown) -> None:
    tool = FunctionTool("w", fine, effect="write")
    tool.preview = preview
    async with kernel_host(tmp_path, tool) as host:
        with trio.fail_after(60):
            _, wanted, _ = await asking(host, ("w", '{"text":"x"}'))
        assert wanted.preview == shown


def test_of_closed_approvals_only_the_last_are_kept() -> None:
    approvals = Approvals()
    for number in range(REMEMBERED + 1):
        wanted = e.ApprovalWanted(
            approval=str(number), call="", tool="w", effect="write", reason="", preview="", deadline=0
        )
        approvals.add(Pending(str(number), wanted, "turn"))
        approvals.claim(str(number), Decision("allow", "person"))
    with pytest.raises(Conflict):
        approvals.claim("1", Decision("allow", "person"))
    with pytest.raises(NotFound):
        approvals.claim("0", Decision("allow", "person"))


@pytest.mark.promise("approvals.guard")
async def test_a_guard_that_can_not_run_denies_what_it_guards(tmp_path) -> None:
    from pillion.settings import load

    broken = tmp_path / "broken.py"
    broken.write_text("raise ValueError('boom')")
    config = tmp_path / "plugins.toml"
    config.write_text('[guards]\nbroken = ["write"]\n[plugins.broken]\nuse = "./broken.py:Plugin"')
    settings = load(config=config, data_dir=tmp_path, environ={}, shipped=False, flags={"defaults.strategy": "loop"})
    plugins = {"yes": PolicyPlugin(Judge(Allow()))}
    async with kernel_host(
        tmp_path, FunctionTool("w", fine, effect="write"), settings=settings, plugins=plugins
    ) as host:
        (result,) = await result_of(host, ("w", "{}"))
        assert result.text.startswith("Denied: what guards 'write'")


@pytest.mark.promise("tools.one_result")
async def test_cancel_gives_each_running_call_its_one_result(tmp_path, autojump_clock) -> None:
    async def slow(arguments, call) -> str:
        call.output("so far")
        await trio.sleep(100)
        return "done"

    provider = ScriptedProvider(calls(("slow", "{}"), ("slow", "{}"), ("none", "{}")), says("next"))
    async with kernel_host(tmp_path, FunctionTool("slow", slow), provider=provider) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await trio.sleep(1)
        await session.cancel()
        await session.ended(accepted.turn)
        await host.run(session, "again")
        results = list(provider.requests[1].messages[2].parts)
        assert [part.call for part in results] == ["call_0", "call_1", "call_2"]
        assert results[0].text.startswith("so far\nThe call was interrupted")


async def test_what_grows_too_long_is_shown_no_more(tmp_path, autojump_clock) -> None:
    async def long(arguments, call):  # type: ignore[no-untyped-def]
        for _ in range(3):
            call.output("y" * (SHOWN // 4 * 3))
        await trio.sleep_forever()

    async with kernel_host(tmp_path, FunctionTool("long", long)) as host:
        host.provider.script(calls(("long", "{}")))
        session = await host.open()
        accepted = await session.prompt("go")
        await trio.sleep(1)
        await session.cancel()
        await session.ended(accepted.turn)
        (interrupted,) = [event for event in await events(session) if isinstance(event, e.ToolInterrupted)]
        assert (interrupted.text.count("y"), interrupted.text.count("[more is not shown]")) == (SHOWN, 1)
