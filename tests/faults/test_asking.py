"""Policies and wrappers that misbehave where a person answers or a model is asked without a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from pillion import Ask, hookimpl
from pillion import events as e
from pillion.contracts.provider import Request
from pillion.settings import load
from pillion.testing.kit import FunctionTool, PolicyPlugin, events, kernel_host
from pillion.testing.scripted import calls, says
from pillion.values import Message, Text

ASK = Request("scripted/one", (Message("user", (Text("hi"),)),))


class Odd:
    """A policy that asks with `rule`, and fails to learn it."""

    def __init__(self, rule: Any) -> None:
        self._rule = rule

    async def decide(self, call: Any) -> Any:
        return Ask("odd", self._rule)

    def learn(self, rule: Any) -> None:
        raise ValueError("on purpose")


async def wrote(arguments: Any, call: Any) -> str:
    return "written"


async def asked(folder: Path, rule: Any, remember: str) -> tuple[list[e.Event], Any]:
    """A call that the odd policy asks for and that is allowed; the log, and what became of the plugin."""
    (folder / "work").mkdir()
    (folder / "mine.toml").write_text("")
    settings = load(
        config=folder / "mine.toml", data_dir=folder, flags={"defaults.strategy": "loop"},
        environ={"PATH": "/usr/bin:/bin"}, shipped=False,
    )  # fmt: skip
    tool = FunctionTool("w", wrote, effect="write")
    async with kernel_host(folder / "work", tool, settings=settings, plugins={"odd": PolicyPlugin(Odd(rule))}) as host:
        host.provider.script(calls(("w", "{}")), says("done"))
        session = await host.open()
        accepted = await session.prompt("go")
        with trio.fail_after(20):
            await trio.testing.wait_all_tasks_blocked()
            await session.decide(session.approvals.open()[0], "allow", remember=remember)  # type: ignore[arg-type]
            await session.ended(accepted.turn, accepted.after)
        (state,) = [state for state in host.kernel.host.states() if state.name == "odd"]
        return await events(session), state


async def test_a_policy_that_does_not_learn_is_named_and_the_answer_counts(tmp_path: Path) -> None:
    found, state = await asked(tmp_path, {"tool": "w"}, "always")
    assert [event.text for event in found if isinstance(event, e.ToolFinished)] == ["written"]
    assert state.reason == "Its policy did not learn a rule: ValueError('on purpose')."
    assert (tmp_path / "mine.toml").read_text() == '[[plugins.odd.rules]]\ntool = "w"\n'


@pytest.mark.parametrize("rule", ["nonsense", {"tool": object()}, {3: "x"}, {"tool": ["w"]}, None])
async def test_a_rule_that_is_nonsense_is_not_shown(tmp_path: Path, rule: Any) -> None:
    found, _ = await asked(tmp_path, rule, "once")
    (wanted,) = [event for event in found if isinstance(event, e.ApprovalWanted)]
    assert wanted.rule == {}


class Falling:
    """A wrapper that raises what no provider may."""

    def __init__(self, inner: Any) -> None:
        self.name, self.models = inner.name, inner.models

    def stream(self, request: Any) -> Any:
        raise ValueError("on purpose")


class Wrapping:
    @hookimpl
    def wrap_provider(self, provider: Any) -> Any:
        return Falling(provider)


async def test_a_wrapper_that_raises_fails_its_call_alone(tmp_path: Path, autojump_clock: Any) -> None:
    async with kernel_host(tmp_path, plugins={"falling": Wrapping()}) as host:
        for _ in range(2):
            with pytest.raises(ValueError, match="on purpose"):
                assert [chunk async for chunk in host.kernel.completions.start(ASK)]
        await host.kernel.completions.idle()
