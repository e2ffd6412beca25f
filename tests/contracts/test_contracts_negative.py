"""Each check of the contract suites fails on something that is broken in just that way, and says what."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from msgspec import Struct

from pillion import (
    Allow,
    CallPart,
    Chunk,
    Deny,
    Finish,
    ModelInfo,
    Request,
    Text,
    ToolSpec,
    Turn,
    Usage,
    UsageSeen,
)  # fmt: skip
from pillion.contracts.policy import JudgedCall
from pillion.testing.contracts import PolicyContract, ProviderContract, StrategyContract, ToolContract
from pillion.testing.kit import FunctionTool, Loop
from pillion.testing.scripted import Raise, ScriptedProvider, calls, says

USED = UsageSeen(Usage(input=5, output=2))
GOOD = [USED, *says("a b c")]


async def fails(contract: Any, check: str, said: str) -> None:
    contract.seconds = min(contract.seconds, 2.0)
    with pytest.raises(AssertionError) as caught:
        await getattr(contract, check)()
    assert said in str(caught.value)


# ── providers ──


class OfAnswer(ProviderContract):
    """Checks a provider that always answers so."""

    def __init__(self, *answer: Any, **options: Any) -> None:
        self._made = ScriptedProvider(otherwise=lambda request: list(answer), **options)

    def provider(self) -> ScriptedProvider:
        return self._made

    def request_with_tools(self, provider: Any) -> Request:
        return Request("scripted/one", (), tools=(ToolSpec("look", "Looks.", {}),))

    def failing(self, provider: Any) -> Sequence[Request]:
        return [Request("scripted/one", ())]


def models(*names: str, output: int = 1) -> OfAnswer:
    return OfAnswer(models=[ModelInfo(name, context=10, output=output) for name in names])


@pytest.mark.parametrize(
    ("contract", "check", "said"),
    [
        (models("one"), "test_it_names_its_models", "must begin with 'scripted/'"),
        (models("scripted/a", "scripted/a"), "test_it_names_its_models", "names a model twice"),
        (models("scripted/a", output=11), "test_it_names_its_models", "output is 1 to context"),
        (OfAnswer(name="a/b"), "test_it_names_its_models", "one word without a slash"),
        (OfAnswer(Text("half")), "test_a_stream_ends_with_its_one_finish", "without a Finish"),
        (OfAnswer(*GOOD, Text("more")), "test_a_stream_ends_with_its_one_finish", "The one Finish is the last chunk"),
        (OfAnswer("words", *GOOD), "test_a_stream_ends_with_its_one_finish", "yields a str, no chunk"),
        (OfAnswer(USED, Finish("stop")), "test_a_stream_ends_with_its_one_finish", "holds no words"),
        (OfAnswer(*says("a")), "test_it_says_what_was_used", "no UsageSeen"),
        (OfAnswer(UsageSeen(Usage(input=5)), *says("a")), "test_it_says_what_was_used", "counts both ways"),
        (OfAnswer(*GOOD), "test_calls_come_in_pieces_that_fit", "calls no tool"),
        (OfAnswer(*calls(("look", "[1]"))), "test_calls_come_in_pieces_that_fit", "are no JSON object"),
        (OfAnswer(CallPart(0, "", "look"), Finish("stop")), "test_calls_come_in_pieces_that_fit", "has no id"),
        (OfAnswer(CallPart(0, "a", "look"), Finish("stop")), "test_calls_come_in_pieces_that_fit", "ends so, not with"),
        (
            OfAnswer(CallPart(0, "a", "look"), CallPart(1, "a", "look"), Finish("tool_calls")),
            "test_calls_come_in_pieces_that_fit",
            "Two calls have one id",
        ),
        (OfAnswer(Text("a")), "test_two_streams_at_once", "without a Finish"),
        (OfAnswer(Raise(ValueError("x"))), "test_faults_are_provider_errors", "not ValueError('x')"),
        (OfAnswer(*GOOD), "test_faults_are_provider_errors", "ended as if all were well"),
        (OfAnswer(Text("half")), "test_faults_are_provider_errors", "must raise a ProviderError"),
    ],
)
async def test_a_broken_provider(contract: ProviderContract, check: str, said: str) -> None:
    await fails(contract, check, said)


class Swallows(ScriptedProvider):
    """Ends its stream quietly when it is cancelled, and never counts a call as closed."""

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        self.running += 1

        async def chunks() -> AsyncIterator[Chunk]:
            yield Text("half")
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled:
                return
            yield Finish("stop")

        yield chunks()


class OfSwallows(OfAnswer):
    def __init__(self) -> None:
        self._made = Swallows()

    def running(self, provider: Any) -> int:
        return int(provider.running)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("test_a_cancel_in_mid_stream_is_let_through", "swallows the cancel"),
        ("test_leaving_early_closes_the_call", "must close the call"),
    ],
)
async def test_a_provider_that_does_not_let_go(check: str, said: str) -> None:
    await fails(OfSwallows(), check, said)


# ── tools ──


class Arguments(Struct):
    path: str = "a.txt"


class OfTool(ToolContract):
    def __init__(self, run: Callable[[Arguments, Any], Any], effect: Any = "read", name: str = "it") -> None:
        self._tool = FunctionTool(name, run, effect, Arguments)

    def tool(self) -> FunctionTool:
        return self._tool

    def arguments(self) -> Mapping[str, Any]:
        return {"path": "a.txt"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"path": "none.txt"}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"path": path}

    def slow(self) -> Mapping[str, Any]:
        return {"path": "a.txt"}


async def raises(arguments: Arguments, call: Any) -> str:
    raise OSError(arguments.path)


async def says_it_did(arguments: Arguments, call: Any) -> str:
    return "done"


async def opens(arguments: Arguments, call: Any) -> str:
    path = os.path.join(call.workspace.root, arguments.path)
    return await trio.Path(path).read_text("utf-8")


async def writes(arguments: Arguments, call: Any) -> str:
    await trio.Path(os.path.join(call.workspace.root, arguments.path)).write_text("x", "utf-8")
    return "done"


class TakesAnything(OfTool):
    """Its Arguments take whatever comes."""

    def __init__(self) -> None:
        super().__init__(says_it_did)
        self._tool.Arguments = msgspec.Raw  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("contract", "check", "said"),
    [
        (OfTool(says_it_did, name="two words"), "test_a_model_can_be_told_of_it", "is named 'two words'"),
        (OfTool(says_it_did, effect="odd"), "test_a_model_can_be_told_of_it", "has the effect 'odd'"),
        (TakesAnything(), "test_a_model_can_be_told_of_it", "without a JSON schema"),
        (OfTool(raises), "test_a_call_answers", "The call failed"),
        (OfTool(writes), "test_a_tool_that_reads_changes_nothing", "it changed ['a.txt']"),
        (OfTool(says_it_did), "test_what_cannot_be_done_is_a_tool_error", "says it was: done"),
        (OfTool(raises), "test_what_cannot_be_done_is_a_tool_error", "raise a ToolError"),
        (OfTool(opens), "test_it_stays_in_the_workspace", "the tool showed it"),
        (OfTool(writes), "test_it_stays_in_the_workspace", "it was changed"),
        (OfTool(says_it_did), "test_it_stays_in_the_workspace", "the call did not fail"),
        (OfTool(says_it_did), "test_a_cancel_ends_the_call", "is it slow?"),
    ],
)
async def test_a_broken_tool(contract: ToolContract, check: str, said: str) -> None:
    await fails(contract, check, said)


# ── strategies ──


class Quiet(Loop):
    name = "quiet"
    description = "Says that all went well, whatever happened."

    async def run(self, turn: Turn) -> str | None:
        try:
            return await super().run(turn)
        except Exception:
            return None


class Odd(Loop):
    name = "odd"

    async def run(self, turn: Turn) -> str | None:
        await super().run(turn)
        return "because"


class Once(Loop):
    name = "once"
    done = False

    async def run(self, turn: Turn) -> str | None:
        if self.done:
            raise RuntimeError
        self.done = True
        return await super().run(turn)


class Endless(Loop):
    name = "endless"

    async def run(self, turn: Turn) -> str | None:
        for _ in range(5):
            turn._budget.steps = 0  # type: ignore[union-attr]
            await turn.step()
        return None


class Stays(Loop):
    name = "stays"

    async def run(self, turn: Turn) -> str | None:
        try:
            return await super().run(turn)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(60)


class Nameless(Loop):
    name = "auto"


class OfStrategy(StrategyContract):
    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy

    def strategy(self) -> Any:
        return self._strategy


@pytest.mark.parametrize(
    ("strategy", "check", "said"),
    [
        (Nameless(), "test_it_says_what_it_is", "is the word for choosing one"),
        (Odd(), "test_a_turn_ends_with_a_reason", "'because' is no reason"),
        (Once(), "test_it_keeps_nothing_between_turns_and_sessions", "not all ended well"),
        (Quiet(), "test_a_providers_error_ends_the_turn", "must pass through the strategy"),
        (Endless(), "test_a_limit_ends_the_turn", "BudgetSpent must pass through"),
    ],
)
async def test_a_broken_strategy(strategy: Loop, check: str, said: str) -> None:
    await fails(OfStrategy(strategy), check, said)


async def test_a_strategy_that_does_not_let_go(autojump_clock: object) -> None:
    contract = OfStrategy(Stays())
    with pytest.raises(AssertionError, match="did not let go"):
        await contract.test_a_cancel_stops_it()


# ── policies ──


class OfVerdict(PolicyContract):
    def __init__(self, decide: Callable[[JudgedCall], Any]) -> None:
        self._decide = decide

    def policy(self) -> Any:
        return self

    async def decide(self, call: JudgedCall) -> Any:
        await trio.lowlevel.checkpoint()
        return self._decide(call)


class Hangs(OfVerdict):
    async def decide(self, call: JudgedCall) -> Any:
        await trio.sleep_forever()


def breaks(call: JudgedCall) -> None:
    raise KeyError(call.tool)


def mends(call: JudgedCall) -> Allow:
    call.arguments.odd.append("--safe")
    return Allow()


def touches(call: JudgedCall) -> Allow:
    (call.workspace.root / "b.txt").touch()
    return Allow()


def in_turn() -> Callable[[JudgedCall], Any]:
    verdicts = iter([Allow(), Deny("no")] * 100)
    return lambda call: next(verdicts)


@pytest.mark.parametrize(
    ("contract", "check", "said"),
    [
        (OfVerdict(lambda call: True), "test_it_answers_each_effect_in_time", "got a bool"),
        (OfVerdict(breaks), "test_it_answers_each_effect_in_time", "raised KeyError"),
        (Hangs(breaks), "test_it_answers_each_effect_in_time", "no answer within"),
        (OfVerdict(lambda call: Deny()), "test_a_denial_says_why", "without a reason"),
        (OfVerdict(mends), "test_it_changes_nothing", "changed the arguments"),
        (OfVerdict(touches), "test_it_changes_nothing", "changed the workspace"),
        (OfVerdict(in_turn()), "test_the_same_call_gets_the_same_answer", "got Allow(reason=''), then Deny"),
    ],
)
async def test_a_broken_policy(contract: PolicyContract, check: str, said: str) -> None:
    await fails(contract, check, said)
