"""What every policy must do, whatever it thinks of a call."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import trio
from msgspec import Struct

from ...contracts.policy import Allow, Ask, Deny, JudgedCall, Policy, Verdict
from ...contracts.tool import Effect
from ...contracts.workspace import Workspace
from ...localworkspace import LocalWorkspace


class Anything(Struct):
    """Arguments of a tool that the policy never heard of."""

    path: str = "a.txt"
    command: str = "ls"
    odd: list[str] = []


class PolicyContract:
    """Override `policy`; and `calls`, to have calls judged that it is made for."""

    seconds = 5.0
    """The kernel's own deadline: a later answer counts as Ask."""

    def policy(self) -> Policy:
        raise NotImplementedError("Override policy().")

    def calls(self, workspace: Workspace) -> Sequence[JudgedCall]:
        """Calls that this policy has something to say about."""
        return ()

    # ── the checks ──

    async def test_it_answers_each_effect_in_time(self) -> None:
        policy = self.policy()
        assert isinstance(policy, Policy), "A policy has `async def decide(call)`."
        with tempfile.TemporaryDirectory() as folder:
            for call in self._all(Path(folder)):
                verdict = await self._verdict(policy, call)
                known = verdict is None or isinstance(verdict, (Allow, Ask, Deny))
                assert known, f"{_named(call)} got a {type(verdict).__name__}: a verdict is Allow, Ask, Deny or None."

    async def test_a_denial_says_why(self) -> None:
        policy = self.policy()
        with tempfile.TemporaryDirectory() as folder:
            for call in self._all(Path(folder)):
                verdict = await self._verdict(policy, call)
                if isinstance(verdict, Deny):
                    assert verdict.reason, f"{_named(call)} is denied without a reason, and the model reads it."

    async def test_it_changes_nothing(self) -> None:
        policy = self.policy()
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a.txt").write_text("a", "utf-8")
            for call in self._all(Path(folder)):
                before = copy.deepcopy(call.arguments)
                await self._verdict(policy, call)
                assert call.arguments == before, f"{_named(call)}: the policy changed the arguments it was to judge."
            left = os.listdir(folder)
            assert left == ["a.txt"], f"The policy changed the workspace: {left}."

    async def test_the_same_call_gets_the_same_answer(self) -> None:
        policy = self.policy()
        with tempfile.TemporaryDirectory() as folder:
            for call in self._all(Path(folder)):
                first, second = await self._verdict(policy, call), await self._verdict(policy, call)
                same = type(first) is type(second)
                assert same, f"{_named(call)} got {first}, then {second}: who answered before is not the policy's."

    async def _verdict(self, policy: Policy, call: JudgedCall) -> Verdict | None:
        with trio.move_on_after(self.seconds):
            try:
                return await policy.decide(call)
            except Exception as error:  # any class: a policy that raises counts as Ask
                raise AssertionError(f"{_named(call)}: the policy raised {error!r}.") from error
        raise AssertionError(f"{_named(call)}: no answer within {self.seconds:g} s.")

    def _all(self, folder: Path) -> list[JudgedCall]:
        workspace = LocalWorkspace(folder)
        strange = [
            JudgedCall("session", "turn", "a_tool_of_a_test", effect, Anything(), workspace, trusted)
            for effect in get_args(Effect)
            for trusted in (False, True)
        ]
        return [*strange, *self.calls(workspace)]


def _named(call: JudgedCall) -> str:
    return f"{call.tool} ({call.effect}, {'trusted' if call.trusted else 'not trusted'})"
