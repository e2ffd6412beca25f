"""What a strategy holds while it works: the conversation, one step after the other, tools, children, a budget."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import msgspec
import trio
from msgspec import Struct, structs

from . import events as e
from .answering import answered
from .answerschema import AnswerSchema, Misfit
from .asking import Answered, Pending
from .budget import Budget
from .callrecord import CallRecord, CallRecords
from .catalog import schema_of
from .contextparts import gathered
from .contracts.provider import Request
from .contracts.store import Record
from .contracts.strategy import Strategy
from .contracts.workspace import Workspace
from .errors import BadAnswer, Gone, PillionError
from .fallback import Bench
from .headway import Headway
from .modelcall import Answer, ModelCall, WholeCall
from .onecall import OneCall
from .overlay import OverlaidWorkspace
from .roles import line_of, said
from .tags import tagged
from .tokens import Counter, estimate
from .toolrun import run_calls
from .typedanswer import FORM, MISFIT, T, typed
from .values import Limits, Message, ModelInfo, ToolCall, Usage
from .window import Frame, Shorter
from .witnesses import Witnesses

if TYPE_CHECKING:
    from .catalog import Kit
    from .session import Session

RESUME = "Now go on with the task, where you left off. Calls that were set aside were not run."
RESTART = "Your work was interrupted before the task was done. Now go on with the task, where you left off."
NO_TOOLS = "Not run: no tool can be called in this step. Answer in words."


class Wish(Struct, frozen=True):
    """What a strategy asks of one step. `view` stands for the first `seen` messages of the history."""

    system: str
    tools: bool
    view: tuple[Message, ...] | None
    seen: int
    max_output: int | None
    may_call: bool = True
    schema: dict[str, Any] | None = None
    role: str = "default"


class Step(Struct, frozen=True):
    """One model call and its tools. `results` are in the order of `calls`."""

    message: Message
    calls: tuple[ToolCall, ...]
    results: tuple[e.ToolFinished, ...]
    finish: str
    usage: Usage


class Turn:
    """Made by the session's actor; a strategy uses the methods without an underscore up to `child`."""

    strategy: Strategy
    workspace: Workspace

    def __init__(self, session: Session, prompt: e.PromptQueued) -> None:
        self.session, self.prompt, self.id = session, prompt, prompt.prompt
        self.kernel = session.kernel
        self.model: ModelInfo | None = None
        self.steps = 0
        self.limits = session.limits
        self.deadline = trio.current_time() + (self.limits.seconds or float("inf"))
        self.scope = trio.CancelScope()
        self.stop_asked, self.over = trio.Event(), trio.Event()
        self.stopping = self.closing = self.detached = False
        self.nursery: trio.Nursery
        self._kit: Kit
        self._benches: dict[str, Bench] = {}
        self._budget: Budget | None = None
        self.answer: Any = msgspec.UNSET
        """JSON that fits the prompt's schema."""
        self._schema: AnswerSchema | None = None
        self._forms = 0
        """How often the model was asked for that JSON."""
        self._last: tuple[Wish, Step] | None = None
        self.ran: set[int] = set()
        """The items of calls that got as far as their tool."""
        self._headway = Headway()
        self.calls = CallRecords()
        self.witnesses = Witnesses(())

    # ── for strategies ──

    @property
    def budget(self) -> Budget:
        assert self._budget is not None, "begin() made it"
        return self._budget

    @property
    def trusted(self) -> bool:
        """Does the user trust this folder? Rules files of others are contents, never instructions."""
        return self.session.info.trusted

    @property
    def tools(self) -> Sequence[str]:
        """The names of the tools of this turn."""
        return list(self._kit.tools)

    async def history(self) -> tuple[Message, ...]:
        """The conversation so far; the prompt is its last message at first."""
        return await self.session.messages()

    async def view(self) -> tuple[Message, ...]:
        """What a model is sent of it: all, or what a compaction left; that comes first where it would soon be too long.

        For strategies that send a view of their own. Raises NotFound when there is no model.
        """
        return await self.session.window.fit(self, Frame(self.model_of("default")))

    async def compact(self) -> None:
        """Makes what is sent shorter at once. Raises NotFound, NotShorter, ProviderError, BudgetSpent."""
        await self.session.window.compact(self, Frame(self.model_of("default")))

    def model_of(self, role: str) -> ModelInfo:
        """The model that is asked first for that role. Raises NotFound, ConfigError."""
        return self._bench(role).first.model

    def counter(self, model: ModelInfo) -> Counter:
        """Counts tokens as that model does."""
        return self.kernel.catalog.counter(model)

    def count(self, text: str) -> int:
        """The tokens of a text, as the turn's model counts; an estimate where it has none."""
        return self.counter(self.model).count(text) if self.model else estimate(text)

    async def step(
        self,
        *,
        system: str = "",
        tools: bool = True,
        view: Sequence[Message] | None = None,
        max_output: int | None = None,
        answer: bool = False,
        role: str = "default",
    ) -> Step:
        """Asks the model and runs the tools that it calls. `view` is sent instead of the history so far. `answer` says
        that its words are the turn's answer: where the prompt came with a schema, they are asked for as JSON. `role`
        is what a model is wanted for; where the first of its models can't answer, the next one is asked.

        A strategy need not know of prompts that join the turn: they come before the model is asked, and where one
        came while it said its last words, it is asked again. Those count as steps, too; the last one is returned.
        Raises BudgetSpent, ProviderError, Stuck; a strategy lets them pass, they end the turn.
        """
        seen = None if view is None else tuple(view)
        wish = Wish(system, tools, seen, len(await self.history()), max_output, role=role)
        return await (self._form(wish) if answer and self._schema is not None else self._steps(wish))

    async def _steps(self, wish: Wish, told: e.ModelTold | None = None) -> Step:
        step: Step | None = None
        while step is None or (self.joining and not step.calls):
            joining = self.joining
            if self.broken:
                await self._ask(structs.replace(wish, may_call=False, schema=None), joining)
                if step is not None and all(prompt.when == "break" for prompt in joining):
                    continue  # the task's last words are said
                joining, told = [], told or e.ModelTold(text=RESUME, why="resume")
            step = await self._ask(wish, joining, told)
            told = None
        self._last = wish, step
        return step

    async def _form(self, wish: Wish, misfit: str = "") -> Step:
        """Has the model give its answer as JSON."""
        assert self._schema is not None
        schema = self._schema.root
        self._forms += 1
        text = MISFIT.format(misfit) if misfit else FORM.format(msgspec.json.encode(schema).decode())
        told = e.ModelTold(text=text, why="misfit" if misfit else "schema")
        return await self._steps(structs.replace(wish, may_call=False, schema=schema), told)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        role: str = "default",
        system: str = "",
        max_output: int | None = None,
        schema: dict[str, Any] | None = None,
    ) -> Answer:
        """A model call of that role that is not history; accounted to this turn. Raises BudgetSpent, ProviderError."""
        bench = self._bench(role)
        self.budget.step()
        request = Request("", tuple(messages), system, max_output=max_output, schema=schema)
        answer = await answered(self, bench, request, role, lambda: WholeCall(self, role))
        await self.emit(*answer.closing, blobs=answer.blobs)
        return answer

    async def value(
        self,
        kind: type[T],
        messages: Sequence[Message],
        *,
        role: str = "default",
        system: str = "",
        max_output: int | None = None,
    ) -> T:
        """As complete, but the answer is a `kind`, a Struct whose JSON Schema the model is held to, or told of.

        Raises also BadAnswer, when it was asked twice, and BadSchema for a Struct that no schema can say.
        """
        asking = partial(self.complete, role=role, system=system, max_output=max_output)
        return await typed(kind, schema_of(kind), messages, lambda said, schema: asking(said, schema=schema))

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> e.ToolFinished:
        """Runs one tool under the same policies, log and deadlines as a model's call."""
        call = ToolCall(f"own_{self.steps}_{trio.current_time():.6f}", name, msgspec.json.encode(arguments).decode())
        (result,) = await run_calls(self, Answer(Message("assistant", (call,)), (), "tool_calls", Usage(), ""))
        return result

    async def ask(
        self,
        question: str,
        options: Sequence[str] = (),
        *,
        free: bool = True,
        default: str | None = None,
        call: str = "",
        id: str = "",
    ) -> Answered:
        """Asks the person who watches, and waits for the answer; None, or `default`, where nobody gives one in time.

        `free`: any text is an answer, else one of `options`. `call` is the tool call that asks, if one does; `id` that
        of the question, by default a new one.
        """
        seconds, root = self.kernel.settings.deadlines.question, self.session.root
        asked = e.QuestionAsked(
            step=self.steps,
            question=id or secrets.token_hex(16),
            text=question,
            deadline=int((time.time() + seconds) * 1000),
            options=tuple(options),
            free=free or not options,
            default=default,
            call=call,
            path=self.session.path(),
        )
        pending: Pending[Answered] = Pending(asked.question, asked, self.id, broken=lambda: self.broken)
        answered = await root.wait_for(root.questions, pending, seconds)
        return answered if answered.answer is not None else Answered(default, answered.by, given=False)

    async def context(self, tokens: int | None = None) -> str:
        """What the context providers say, the weightiest first, within `tokens` (by default the setting)."""
        tokens = self.kernel.settings.defaults.context_tokens if tokens is None else tokens
        return await gathered(self, self._kit.contexts, tokens)

    async def emit(self, *events: e.Event, blobs: Mapping[str, bytes] = {}) -> list[Record]:
        """Writes facts to the log; returns when they are durable. Raises Gone when the turn is over."""
        records = await self.session.write(self, *events, blobs=blobs)
        self.calls.strike(events)
        return records

    @asynccontextmanager
    async def child(
        self,
        *,
        title: str = "",
        workspace: str = "",
        strategy: str = "",
        model: str = "",
        limits: Limits | None = None,
        seed: Sequence[Message] = (),
        tools: Sequence[str] | None = None,
    ) -> AsyncIterator[Session]:
        """A session of its own for a part of this turn's work; it ends with the block, or with the turn.

        It uses of this turn's budget what `limits` says, and its approvals are asked for in the root's log.
        """
        budget = self.budget.reserve(limits or self.budget.left())
        try:
            session = await self.kernel.open_child(
                self,
                budget,
                workspace=workspace,
                strategy=strategy,
                model=model,
                seed=seed,
                tools=None if tools is None else frozenset(tools),
            )
            try:
                await self.emit(e.ChildStarted(step=self.steps, child=session.id, title=title))
                yield session
            finally:
                with trio.CancelScope(shield=True):  # aclose has its own deadline
                    await session.aclose()
            await self.emit(e.ChildFinished(step=self.steps, child=session.id, usage=budget.usage))
        finally:
            budget.settle()

    # ── for the session and the tool runs ──

    async def begin(self) -> None:
        """Finds model, strategy, workspace and kit. Raises NotFound, ConfigError, BudgetSpent."""
        session, prompt, catalog = self.session, self.prompt, self.kernel.catalog
        with suppress(PillionError):  # a strategy may do without; one that asks a model is told
            self.model = self._bench("default").first.model
        wanted = prompt.strategy or session.info.strategy
        self.strategy = OneCall() if prompt.tool else catalog.strategy(wanted, self.model)
        self.workspace = OverlaidWorkspace(
            catalog.workspace(session.info.workspace), session.overlays, partial(_tell_editor, ref(self))
        )
        self._budget = session.budget.reserve(self.limits) if session.budget else Budget(self.limits)
        self.scope.deadline = self._budget.deadline
        name = self.model.name if self.model else ""
        self._kit = session.kit(self.id, self.strategy.name, self.model, self.workspace, prompt.roles)
        self.witnesses = Witnesses(self._kit.witnesses)
        told = [e.ModelTold(text=RESTART, why="restart")] if prompt.resumes else []
        await self.emit(self.started(self.strategy.name, name), *told)
        if prompt.schema is not None:
            self._schema = AnswerSchema(prompt.schema)

    async def conclude(self) -> None:
        """Takes the answer as JSON, where the prompt came with a schema; asks for it twice at most. Raises BadAnswer.

        Last words that fit unasked are the answer, too.
        """
        if self._schema is None:
            return
        wish, step = self._last or (Wish("", True, None, 0, None), None)
        while True:
            misfit = ""
            try:
                if step is not None:
                    self.answer = self._schema.read(step.message.text)
                    return
            except Misfit as error:
                misfit = str(error) if self._forms else ""
            if self._forms == 2:
                raise BadAnswer(f"The model gave no answer that fits the schema. {misfit}")
            step = await self._form(wish, misfit)

    def started(self, strategy: str = "", model: str = "") -> e.TurnStarted:
        return e.TurnStarted(prompt=self.id, strategy=strategy, model=model, limits=self.limits)

    @property
    def kit(self) -> Kit:
        return self._kit

    def at_work(self, running: Sequence[str]) -> list[object]:
        """What of plugins it waits for, given the names of running tools: those, else its strategy."""
        if self._budget is None:
            return []  # it has not begun
        return [self._kit.tools[name] for name in running if name in self._kit.tools] or [self.strategy]

    def usage(self) -> Usage:
        return self._budget.usage if self._budget else Usage()

    def settle(self) -> None:
        if self._budget is not None:
            self._budget.settle()

    def recorded(self, request: Request, role: str = "") -> CallRecord:
        """The record of a model call that begins now."""
        return self.calls.take(CallRecord(request, step=self.steps, role=role, keeper=self.session.keeper))

    def grow(self, item: int, text: str) -> None:
        self.session.grow(self, item, text)

    def grown(self, item: int) -> str:
        return self.session.grown(item)

    def pass_by(self, event: e.Event) -> None:
        self.session.pass_by(self, event)

    @property
    def goes_on(self) -> bool:
        """May a prompt still join it? Never a single call: it has no next step."""
        return not (self.stopping or self.closing or self.detached or self.prompt.tool)

    @property
    def joining(self) -> list[e.PromptQueued]:
        """The prompts that join it at its next step."""
        return self.session.joining(self)

    @property
    def broken(self) -> bool:
        """Does somebody wait for an answer, before anything else is begun?"""
        return any(prompt.when == "break" for prompt in self.joining)

    async def _ask(self, wish: Wish, joining: Sequence[e.PromptQueued], told: e.ModelTold | None = None) -> Step:
        """One model call and its tools, behind the prompts that join and what the model is told."""
        bench = self._bench(wish.role)
        self.budget.step()
        self.steps += 1
        with tagged(step=str(self.steps)):
            begun = e.StepStarted(step=self.steps, model=bench.first.model.name)
            await self.session.join(self, joining, *([told] if told else ()), begun)
            self.witnesses.step(self)
            tools = self._kit.specs() if wish.tools else ()
            frame = Frame(bench.first.model, wish.system, tools, wish.max_output)
            request = Request(
                model="",
                messages=await self._sent(wish, frame),
                system=wish.system,
                tools=tools,
                tool_choice="auto" if wish.may_call else "none",
                max_output=wish.max_output,
                schema=wish.schema,
            )
            shorter = None if wish.view is not None else Shorter(self, frame)
            again = self._headway.stumbled or (told is not None and told.why == "misfit")
            raised = self.kernel.settings.defaults.temperature_step if again else 0.0
            begin = partial(ModelCall, self, self.steps)
            answer = await answered(self, bench, request, wish.role, begin, shorter, raised=raised)
            refusal = "" if wish.tools and wish.may_call else NO_TOOLS
            results = await run_calls(self, answer, breakable=True, aside=refusal)
        self._headway.take(answer.calls, results, self._kit.tools, self.ran)
        return Step(answer.message, answer.calls, results, answer.finish, answer.usage)

    def _bench(self, role: str) -> Bench:
        """Who may answer for a role in this turn. Raises NotFound, ConfigError."""
        if role not in self._benches:
            own, prompt = self.session.info, self.prompt
            layers = said(prompt.model, prompt.roles), said(own.model, own.roles), self.kernel.settings.roles
            self._benches[role] = Bench(self.kernel.catalog, line_of(role, *layers))
        return self._benches[role]

    async def _sent(self, wish: Wish, frame: Frame) -> tuple[Message, ...]:
        if wish.view is None:
            return await self.session.window.fit(self, frame)
        return (*wish.view, *(await self.history())[wish.seen :])


async def _tell_editor(turn: ref[Turn], wanted: e.FileEditWanted) -> None:
    """In the log of the session that holds the texts: the editor watches that one."""
    running = turn()  # a workspace does not keep its turn
    if running is None:
        raise Gone("The turn is over; nothing more can be written for it.")
    session = running.session
    while session.parent is not None and session.parent.overlays is session.overlays:
        session = session.parent
    await session.write(running, wanted)
