"""One tool call: parse, decide, run under a deadline, one result."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from . import events as e
from .asking import Answered, Decision, Offer, Pending
from .contracts.policy import Allow, Ask, Deny, JudgedCall, Policy, Verdict
from .contracts.tool import Effect, Output, Tool
from .errors import Denied, PillionError, SetAside, ToolError
from .heldcall import HeldCall
from .known import Known
from .longresult import READER, Result, fitted
from .modelcall import Answer
from .processes import Processes
from .tags import tagged
from .values import Limits, Message, ModelInfo, ToolCall

if TYPE_CHECKING:
    from .turn import Turn

SIDE_BY_SIDE = 8
"""Read-only calls that run at the same time."""
SHOWN = 200_000
"""Characters of a call's growing output that are shown; the rest is drained and not kept."""
PREVIEW = 100_000
"""Characters of a preview that a person is shown."""
OWN_LINE = 400
"""Characters that a tool which fills its room may add, to say what it left out."""
LARGE = 1_000_000
"""Characters of a result from which on it is made fit in a thread: nobody else is to wait for that."""
PREVIEW_SECONDS = 10.0
BROKEN = "Set aside, not run: the user said something first. Make the call again if it is still needed."
_log = logging.getLogger(__name__)


class ToolRun(HeldCall):
    """One call on its way; it is the `Call` that the tool holds."""

    def __init__(self, turn: Turn, call: ToolCall, item: int, breakable: bool) -> None:
        super().__init__(turn, call.id)
        self._call, self.item, self._breakable = call, item, breakable
        self.tool: Tool | None = turn.kit.tools.get(call.name)
        self._shown = 0
        self._scope = trio.CancelScope()

    # ── what the tool holds (contracts/tool.py: Call) ──

    @property
    def processes(self) -> Processes:
        return self._turn.kernel.processes

    @property
    def known(self) -> Known:
        return self._turn.session.known

    @property
    def max_output(self) -> int:
        return self._room - OWN_LINE

    @property
    def _room(self) -> int:
        """Characters of a result that the model gets."""
        window = self._turn.model.context if self._turn.model else 32_000
        return min(self._turn.kernel.settings.defaults.tool_output, max(1_000, window // 2))

    def output(self, text: str, /) -> None:
        room = SHOWN - self._shown
        if room > 0:
            self._shown += len(text)
            self._turn.grow(self.item, text if len(text) <= room else text[:room] + "\n[more is not shown]\n")

    async def ask(
        self, question: str, options: Sequence[str] = (), *, free: bool = True, default: str | None = None
    ) -> Answered:
        left = self._scope.deadline - trio.current_time()
        self._scope.deadline = float("inf")  # the question has a deadline of its own
        try:
            return await self._turn.ask(question, options, free=free, default=default, call=self.id)
        finally:
            self._scope.deadline = trio.current_time() + left

    async def emit(self, *events: e.Event, blobs: Mapping[str, bytes] = {}) -> None:
        await self._turn.emit(*events, blobs=blobs)

    @property
    def left(self) -> Limits:
        return self._turn.budget.left()

    def model_of(self, role: str) -> ModelInfo:
        return self._turn.model_of(role)

    async def complete(
        self, messages: Sequence[Message], *, role: str = "default", system: str = "", max_output: int | None = None
    ) -> Answer:
        return await self._turn.complete(messages, role=role, system=system, max_output=max_output)

    # ── its way ──

    async def run(self, aside: str = "") -> e.ToolFinished:
        """Never raises for what the model, a policy or the tool did wrong: that is the result.

        `aside`: why the call is not to run.
        """
        began = trio.current_time()
        with tagged(tool=self._call.name):
            try:
                output = await self._carried_out(aside)
                code = "tool" if output.error else ""
            except PillionError as error:
                output, code = Output(str(error), error=True), error.code
            except Exception as error:  # a plugin's fault is the call's result
                _log.error("The tool %s failed", self._call.name, exc_info=error)
                output, code = Output(f"The tool failed with {type(error).__name__}.", error=True), "internal"
        seconds = round(trio.current_time() - began, 4)
        return await self._finished(output, code, seconds)

    def _broken(self) -> bool:
        return self._breakable and self._turn.broken

    async def _carried_out(self, aside: str) -> Output:
        if aside or self._broken():
            raise SetAside(aside or BROKEN)
        if self.tool is None:
            known = ", ".join(self._turn.kit.tools) or "none"
            raise ToolError(f"There is no tool {self._call.name!r}. There are: {known}.")
        arguments = self._parsed(self.tool)
        await self._permitted(self.tool, arguments)
        await self._turn.witnesses.before(self._turn, _effect_of(self.tool, arguments))
        seconds = self._turn.kernel.settings.deadlines.tool
        if hasattr(self.tool, "seconds"):
            seconds = float(self.tool.seconds(arguments))
        self._turn.ran.add(self.item)
        self._scope.deadline = trio.current_time() + seconds
        with self._scope:
            answer: object = await self.tool.run(arguments, self)
            if isinstance(answer, str):
                return Output(answer)
            if isinstance(answer, Output):
                return answer
            raise TypeError(f"a tool answers str or Output, not {type(answer).__name__}")
        return Output(f"The call did not end within {seconds:g} s and was stopped.", error=True)

    def _parsed(self, tool: Tool) -> Any:
        text = self._call.arguments.strip() or "{}"
        try:
            return msgspec.json.decode(text, type=tool.Arguments, strict=False)
        except msgspec.MsgspecError as error:
            raise ToolError(f"The arguments don't fit: {error}.") from None

    async def _permitted(self, tool: Tool, arguments: Any) -> None:
        """Returns when the call may run. Raises Denied."""
        effect = _effect_of(tool, arguments)
        if effect in self._turn.kit.denied:
            raise Denied(f"Denied: what guards {effect!r} can't run at the moment.")
        turn = self._turn
        confined = hasattr(tool, "confined") and tool.confined(arguments) is True
        judged = JudgedCall(
            turn.session.id, turn.id, tool.name, effect, arguments, turn.workspace, turn.trusted, confined
        )
        verdict, offer = await self._judged(judged)
        match verdict:
            case Allow():
                return
            case Deny():
                raise Denied(f"Denied: {(verdict.reason or 'a policy says no').rstrip('.')}.")
            case Ask():
                decision = await self._asked(tool, arguments, verdict.reason, offer)
                if decision.decision == "deny":
                    why = decision.reason or {"deadline": "nobody answered in time"}.get(decision.by, "")
                    raise Denied(f"Denied by {decision.by}{': ' + why.rstrip('.') if why else ''}.")

    async def _judged(self, judged: JudgedCall) -> tuple[Verdict, Offer | None]:
        """The strictest of all answers, and what `always` would do; a policy that fails or hangs counts as Ask."""
        strictest: Verdict | None = None
        asking: list[tuple[str, Policy, Ask]] = []
        for plugin, policy in self._turn.kit.policies:
            verdict: object = Ask("a policy did not answer")
            with trio.move_on_after(self._turn.kernel.settings.deadlines.policy):
                try:
                    verdict = await policy.decide(judged)
                except Exception as error:  # a plugin's fault makes it stricter, never laxer
                    _log.error("The policy %s failed", type(policy).__name__, exc_info=error)
                    verdict = Ask("a policy failed")
            if verdict is None:
                continue
            if not isinstance(verdict, (Allow, Ask, Deny)):
                verdict = Ask("a policy answered nonsense")
            if isinstance(verdict, Ask):
                asking.append((plugin, policy, verdict))
            if strictest is None or _strictness(verdict) > _strictness(strictest):
                strictest = verdict
        if strictest is None:
            strictest = Allow() if judged.effect == "read" else Ask(f"it may {judged.effect}")
        if len(asking) != 1:  # of two that ask, one would go on asking
            return strictest, None
        return strictest, self._turn.kernel.rulebook.offer(*asking[0], judged.workspace)

    async def _asked(self, tool: Tool, arguments: Any, reason: str, offer: Offer | None) -> Decision:
        turn, root = self._turn, self._turn.session.root
        key = (tool.name, "" if tool.effect == "write" else hashlib.sha256(self._call.arguments.encode()).hexdigest())
        if root.approvals.allowed(key):
            return Decision("allow", "rule", "allowed for the session")
        if self._broken():
            raise SetAside(BROKEN)
        preview = self._call.arguments
        if hasattr(tool, "preview"):
            with trio.move_on_after(PREVIEW_SECONDS):
                preview = await tool.preview(arguments, self)
        deadline = int((time.time() + turn.kernel.settings.deadlines.approval) * 1000)
        wanted = e.ApprovalWanted(
            step=turn.steps,
            approval=secrets.token_hex(16),
            call=self.id,
            tool=tool.name,
            effect=tool.effect,
            reason=reason,
            preview=preview[:PREVIEW],
            deadline=deadline,
            path=turn.session.path(),
            rule=offer.rule if offer else {},
        )
        pending: Pending[Decision] = Pending(
            wanted.approval, wanted, turn.id, key=key, offer=offer, broken=self._broken
        )
        decision = await root.wait_for(root.approvals, pending, turn.kernel.settings.deadlines.approval)
        if decision.by == "break":
            raise SetAside(BROKEN)
        return decision

    async def _finished(self, output: Output, code: str, seconds: float) -> e.ToolFinished:
        result = await self._fitted(output.text)
        blobs = {hashlib.sha256(image.data).hexdigest(): image for image in output.images}
        event = e.ToolFinished(
            step=self._turn.steps,
            item=self.item,
            call=self.id,
            tool=self._call.name,
            text=result.text,
            error=output.error,
            code=code,
            images=tuple(e.ImageRef(image.media_type, name, len(image.data)) for name, image in blobs.items()),
            seconds=seconds,
            whole=result.whole,
        )
        kept = {result.whole.hash: result.blob} if result.whole else {}
        await self._turn.emit(event, blobs=kept | {name: image.data for name, image in blobs.items()})
        return event

    async def _fitted(self, text: str) -> Result:
        """What the model gets of the text."""
        tools, redact = self._turn.kit.tools, self._turn.kernel.secrets.redact
        fit = partial(fitted, text, self._room, self.id, readable=READER in tools, redact=redact)
        return fit() if len(text) < LARGE else await trio.to_thread.run_sync(fit)


async def run_calls(
    turn: Turn, answer: Answer, *, breakable: bool = False, aside: str = ""
) -> tuple[e.ToolFinished, ...]:
    """Writes the model's message with its calls, then runs them: neighbours that only read side by side, the others,
    and those whose tool wants to be `alone`, one after the other. The results are in the order of the calls.

    `breakable`: those that have not begun when somebody breaks in are set aside; `aside`: all are, and why.
    """
    calls = answer.calls
    started = [
        e.ToolStarted(step=turn.steps, call=call.id, tool=call.name, effect=_effect(turn, call)) for call in calls
    ]
    if not answer.closing and not started:
        return ()
    records = await turn.emit(*answer.closing, *started, blobs=answer.blobs)
    items = [record.seq for record in records[len(answer.closing) :]]
    runs = [ToolRun(turn, call, item, breakable) for call, item in zip(calls, items, strict=True)]
    results: dict[int, e.ToolFinished] = {}
    for group in _groups(runs):
        limiter = trio.CapacityLimiter(SIDE_BY_SIDE)

        async def one(run: ToolRun, limiter: trio.CapacityLimiter = limiter) -> None:
            async with limiter:
                results[run.item] = await run.run(aside)

        if len(group) == 1:
            await one(group[0])
            continue
        async with trio.open_nursery() as nursery:
            for run in group:
                nursery.start_soon(one, run)
    return tuple(results[item] for item in items)


def _groups(runs: Sequence[ToolRun]) -> list[list[ToolRun]]:
    groups: list[list[ToolRun]] = []
    reading = False
    for run in runs:
        reads = run.tool is None or (run.tool.effect == "read" and not getattr(run.tool, "alone", False))
        if groups and reads and reading:
            groups[-1].append(run)
        else:
            groups.append([run])
        reading = reads
    return groups


def _effect(turn: Turn, call: ToolCall) -> str:
    tool = turn.kit.tools.get(call.name)
    return tool.effect if tool else ""


def _effect_of(tool: Tool, arguments: Any) -> Effect:
    """Of this one call."""
    if not hasattr(tool, "effect_of"):
        return tool.effect
    effect: Effect = tool.effect_of(arguments)
    return effect if effect in ("read", tool.effect) else tool.effect


def _strictness(verdict: Verdict) -> int:
    return (Allow, Ask, Deny).index(type(verdict))
