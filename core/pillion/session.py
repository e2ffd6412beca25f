"""A session's doors: what everybody may do with it, and what its turns may. Its actor (actor.py) does it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import msgspec
import trio
from msgspec import Struct

from . import events as e
from .actor import Actor
from .answerschema import AnswerSchema
from .asking import Answered, Approvals, Asking, Decision, Given, Pending, Questions, Remember
from .budget import Budget
from .callrecord import Keeper
from .catalog import Kit
from .contextsize import Asked
from .contracts.compactor import Cut
from .contracts.store import Opened, Record, SessionInfo
from .contracts.tool import Tool
from .contracts.workspace import Workspace
from .errors import BadSchema, Gone, NotFound, PillionError
from .eventlog import EventLog
from .history import History, LastTurn
from .hookspecs import TurnInfo
from .known import Known
from .letters import Accepted, AtRest, Cancel, Change, Decide, Letter, Note, Prompt, Rest, Resume, Withdraw
from .logreader import Reader
from .onecall import OneCall
from .overlay import Overlays
from .prompts import WaitingPrompt
from .roles import Line, check_roles
from .shown import NOTHING, Shown
from .turn import Turn
from .values import Image, Limits, Message, ModelInfo
from .view import cut_of
from .window import Window

if TYPE_CHECKING:
    from .kernel import Kernel

T = TypeVar("T")
When = Literal["queue", "interrupt", "reject", "steer", "break"]


async def _note(kernel: Kernel, session: str, *events: e.Event) -> None:
    await (await kernel.session(session)).note(*events)


class Session:
    """A conversation on one workspace. Its methods may be called from any task of the kernel's trio thread."""

    def __init__(
        self,
        kernel: Kernel,
        info: SessionInfo,
        log: EventLog,
        history: History,
        *,
        limits: Limits,
        parent: Session | None = None,
        budget: Budget | None = None,
        tools: frozenset[str] | None = None,
        desks: tuple[Approvals, Questions] | None = None,
    ) -> None:
        self.kernel, self.info, self.limits = kernel, info, limits
        self.parent = parent
        self.budget = budget
        self.tools = tools
        self.keeper = Keeper(kernel.secrets) if kernel.settings.defaults.keep_requests else None
        self.approvals, self.questions = desks or (Approvals(), Questions())
        shared = parent is not None and parent.info.workspace == info.workspace
        self.overlays: Overlays = parent.overlays if parent and shared else Overlays(partial(_note, kernel, info.id))
        """Texts that are unsaved in an editor; a child on the same workspace sees its parent's."""
        self.known = Known()
        self.asked: Asked | None = None
        """What a model was sent last, of the conversation, since the session is in memory."""
        self._messages: list[Message] = []
        self._rewinds = history.rewinds
        self._window = Window()
        self._actor = Actor(self, log, history)

    # ── what everybody may do ──

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def root(self) -> Session:
        """The one that no turn opened: itself, or its parent's."""
        return self.parent.root if self.parent else self

    @property
    def desks(self) -> tuple[Asking[Any], ...]:
        """Where people answer."""
        return self.approvals, self.questions

    @property
    def state(self) -> Literal["idle", "running", "stopping"]:
        """Derived from what lives, never stored."""
        if self._actor.turn is None:
            return "idle"
        return "stopping" if self._actor.turn.stopping else "running"

    @property
    def turn(self) -> Turn | None:
        """The running turn."""
        return self._actor.turn

    @property
    def waiting(self) -> int:
        """How many prompts wait."""
        return len(self._actor.history.prompts)

    @property
    def last(self) -> LastTurn | None:
        """The last turn that ended."""
        return self._actor.history.last

    @property
    def head(self) -> int:
        """The number of the last event."""
        return self._actor.head

    async def prompt(
        self,
        text: str,
        images: Sequence[Image] = (),
        *,
        strategy: str = "",
        model: str = "",
        when: When = "queue",
        schema: Mapping[str, Any] | None = None,
        roles: Mapping[str, Line] = {},
        arguments: Struct | None = None,
        shown: Shown = NOTHING,
    ) -> Accepted:
        """Queues a prompt; returns when it is durable. With a `schema` the turn ends with JSON that fits it. `roles`
        are the models of its turn, in order for each role; `model` is short for one of the role `default`. With
        `arguments` it tells its strategy what to do, and is no part of the conversation. `shown` is what the person had
        before them.

        Raises Busy, Conflict (`reject`, and a turn runs), Gone, BadSchema, ConfigError (no such role).
        """
        check_roles(roles, at="roles")
        if schema is not None:
            AnswerSchema(schema)
            if when in ("steer", "break"):
                raise BadSchema("", f"A prompt that may join a turn ({when}) can't ask for an answer of its own form.")
        refs, blobs = [], {}
        for image in images:
            name = hashlib.sha256(image.data).hexdigest()
            blobs[name] = image.data
            refs.append(e.ImageRef(image.media_type, name, len(image.data)))
        id = secrets.token_hex(16)
        event = e.PromptQueued(
            prompt=id,
            text=text,
            images=tuple(refs),
            model=model,
            strategy=strategy,
            when=when,
            schema=schema,
            roles=roles,
            arguments="" if arguments is None else msgspec.json.encode(arguments).decode(),
            open_files=shown.open_files,
            selected_code=shown.selected_code,
            context=shown.context,
        )
        accepted = await self._ask(Prompt(event, blobs))
        assert isinstance(accepted, Accepted)
        return accepted

    async def resume(self) -> Accepted:
        """Goes on with the last turn, where that was interrupted or failed, from its last finished step; what waits
        comes behind it. Else starts what waits. Raises Conflict when there is neither or a turn runs, Gone."""
        accepted = await self._ask(Resume())
        assert isinstance(accepted, Accepted)
        return accepted

    async def change(self, change: Change) -> SessionInfo:
        """What the session is from then on. A running turn keeps its model. Raises Stale, ConfigError, Gone."""
        info = await self._ask(change)
        assert isinstance(info, SessionInfo)
        return info

    def prompts(self) -> list[WaitingPrompt]:
        """What waits, in the order in which it will run."""
        return list(self._actor.history.prompts)

    async def withdraw(self, prompt: str) -> None:
        """Takes a waiting prompt back. Raises NotFound, Conflict (it runs or ran), Gone."""
        await self._ask(Withdraw(prompt))

    async def call_tool(
        self, tool: str, arguments: Mapping[str, Any], *, when: Literal["queue", "interrupt", "reject"] = "reject"
    ) -> Accepted:
        """One call of a tool, as a turn without a model; its result is the turn's `tool.finished`. Raises what
        `prompt` does. What the tool does not know, and arguments that don't fit it, are results, too."""
        said = msgspec.json.encode(arguments).decode()
        event = e.PromptQueued(prompt=secrets.token_hex(16), text="", tool=tool, arguments=said, when=when)
        accepted = await self._ask(Prompt(event, {}))
        assert isinstance(accepted, Accepted)
        return accepted

    def kit(
        self,
        turn: str,
        strategy: str,
        model: ModelInfo | None,
        workspace: Workspace,
        roles: Mapping[str, Line] = {},
    ) -> Kit:
        """What a turn that begins now works with. `roles` are its prompt's."""
        info = self.info
        named = frozenset(role for layer in (roles, info.roles) for role, line in layer.items() if line)
        told = TurnInfo(self.id, turn, strategy, model, workspace, info.trusted, info.labels, named)
        kit = self.kernel.catalog.kit(told)
        if self.tools is None:
            return kit
        return msgspec.structs.replace(kit, tools={n: tool for n, tool in kit.tools.items() if n in self.tools})

    def tool(self, name: str) -> Tool:
        """The tool that a call which begins now would get. Raises NotFound."""
        workspace = self.kernel.catalog.workspace(self.info.workspace)
        tools = self.kit("", OneCall.name, None, workspace).tools
        if name not in tools:
            raise NotFound(f"There is no tool {name!r} here; there are: {', '.join(tools) or 'none'}.")
        return tools[name]

    async def cancel(self, by: str = "person") -> bool:
        """Stops the running turn; False when none runs. `turn.cancelled` comes when nothing of it is left."""
        return bool(await self._ask(Cancel(by)))

    async def decide(
        self,
        approval: str,
        decision: Literal["allow", "deny"],
        *,
        remember: Remember = "once",
        reason: str = "",
        by: str = "person",
    ) -> None:
        """Answers an approval, at the root or at the child. Raises NotFound, Conflict (decided already), Gone.

        `always` writes the approval's rule first; it stays open when that raises ConfigError.
        """
        approvals, answer = self.root.approvals, Decision(decision, by, reason, remember)
        if remember != "always":
            await self.root._ask(Decide(approvals, approval, answer))
            return
        with approvals.held(approval, answer) as offer:
            await self.kernel.rulebook.write(offer)
            await self.root._ask(Decide(approvals, approval, answer))

    async def answer(self, question: str, answer: str | None, *, by: str = "person") -> None:
        """Answers a question; None: nobody will. Raises NotFound, Conflict (answered already), Gone, ConfigError."""
        await self.root._ask(Decide(self.root.questions, question, Answered(answer, by, given=answer is not None)))

    async def note(self, *events: e.Event, blobs: Mapping[str, bytes] = {}) -> None:
        """Writes facts that no turn brought, and what they name. They must open or close no item."""
        await self._ask(Note(events, blobs))

    async def keep(self, work: Callable[[trio.TaskStatus[T]], Awaitable[object]]) -> T:
        """Starts `work` beside the turns, and returns what it gives to `started`.

        It lives as long as the session does and outlives the turn: it is cancelled when the session is deleted, its
        server stops or another process takes it. While it runs the session does not rest, so it had better end by
        itself when nobody needs it. What it raises ends it alone. Raises Gone, and what `work` does before its start.
        """
        while True:
            try:
                return cast(T, await self._actor.keep(work))
            except AtRest:
                await self.kernel.session(self.id)

    async def record(self, *events: e.Event) -> list[Record]:
        """Writes facts of what it keeps, as `note` does, but also while the session ends. Raises Gone, StoreFailed."""
        return await self._actor.write(events)

    async def messages(self) -> tuple[Message, ...]:
        """The conversation so far."""
        self._forget_if_rewound()
        history = self._actor.history
        known, end = len(self._messages), len(history.drafts)
        if end > known:
            blobs = {hash: await self._actor.blob(hash) for hash in history.blobs(known, end)}
            self._messages = [*self._messages[:known], *history.resolved(blobs, known, end)]
        return tuple(self._messages)

    @property
    def window(self) -> Window:
        self._forget_if_rewound()
        return self._window

    def _forget_if_rewound(self) -> None:
        """The conversation is another one: what is known of its messages by their number counts no more."""
        if self._rewinds != self._actor.history.rewinds:
            self._rewinds = self._actor.history.rewinds
            self._messages, self._window, self.asked = [], Window(), None

    async def sent(self) -> tuple[Message, ...]:
        """What a model is sent of the conversation now."""
        return await self.window.sent(self)

    async def output(self, call: str) -> str:
        """The whole result of a call that was too long for the model. Raises NotFound."""
        return (await self._actor.blob(self._actor.history.output(call).hash)).decode()

    @property
    def changed(self) -> Mapping[str, str | None]:
        """The files that it has changed, and the blob with what each was before; "": it was not there, None: nobody has
        kept it."""
        return self._actor.history.changed

    async def kept(self, hash: str) -> bytes:
        """A blob that its log names. Raises NotFound."""
        return await self._actor.blob(hash)

    @property
    def cut(self) -> Cut:
        """What a model is sent instead of the beginning of the conversation."""
        return cut_of(self._actor.history.compacted)

    @property
    def task(self) -> Sequence[int]:
        """The numbers, from 0, of the messages in which the last turn was asked for something."""
        return self._actor.history.task

    def path(self) -> tuple[str, ...]:
        """The ids from the root's child down to this session; empty for the root."""
        return (*self.parent.path(), self.id) if self.parent else ()

    def follow(self, after: str = "", *, keeps: bool = True) -> Reader:
        """A reader of the log: from the start, `latest`, or behind an event id. Raises BadCursor.

        `keeps`: as long as somebody has the reader, the session stays in memory.
        """
        reader = self._actor.follow(after, keeps)
        reader.holder = self if keeps else None
        return reader

    async def ended(self, turn: str, after: str = "") -> e.Event:
        """Waits for the event that ends that turn. Raises Gone, or StoreFailed, when the session ends before."""
        reader = self.follow(after)
        ends = {e.type_of(kind) for kind in e.TURN_ENDS}
        while frames := await reader.page():
            for frame in frames:
                if frame.turn == turn and frame.type in ends:
                    event = e.decode(frame.type, frame.data)
                    assert event is not None
                    return event
        raise self._actor.why

    async def aclose(self) -> None:
        """Cancels what runs, gives it the time to let go, and ends the actor. Prompts that wait stay in the log."""
        if self._actor.at_rest:
            self._actor.end()
            return
        self._actor.closing = True
        if not self._actor.gone.is_set():
            with trio.move_on_after(self.kernel.settings.deadlines.stopping + 1), suppress(PillionError):
                await self.cancel(by="close")
                await self.idle()
            self._actor.scope.cancel()
            with trio.CancelScope(shield=True):
                await self._actor.gone.wait()

    def let_go(self) -> None:
        """Another process has taken the session: its turn is cut off with all that it runs, and the actor ends.

        Whoever watches gets an end; the next touch opens the session again, or says who has it.
        """
        self._actor.let_go()

    async def idle(self) -> None:
        """Waits until no turn runs."""
        while self._actor.turn is not None:
            await self._actor.turn.over.wait()

    # ── for the kernel ──

    @property
    def touched(self) -> float:
        """When somebody wanted something of it, by trio's clock."""
        return self._actor.touched

    def touch(self) -> None:
        self._actor.touched = trio.current_time()

    @property
    def at_peace(self) -> bool:
        """Would nobody miss it in memory? Nothing runs, waits or is unsaved, and nobody follows; only turns ask."""
        kept = self.info.ephemeral or self.parent or self.turn or self.waiting or self.overlays.all()
        return not kept and not self._actor.beside.lives and self._actor.at_peace

    async def rest(self) -> bool:
        """Leaves memory, if it is at peace. Whoever holds this object need not know: the next touch brings it back."""
        try:
            return bool(await self._actor.ask(Rest()))
        except (AtRest, Gone):
            return False

    def wake(self, opened: Opened, history: History) -> None:
        """Comes back by its log; `run` it then."""
        self.info = opened.info
        self._actor = self._actor.again(self, opened, history)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """The actor's life."""
        await self._actor.run(task_status)

    def opening(self) -> e.SessionOpened:
        """Its first event."""
        info = self.info
        return e.SessionOpened(
            workspace=info.workspace,
            model=info.model,
            strategy=info.strategy,
            labels=info.labels,
            parent=info.parent,
            trusted=info.trusted,
            limits=self.limits,
            roles=info.roles,
        )

    async def recover(self, opened: Opened) -> None:
        """Closes what the last process left open. Before the actor runs; when it fails, the session stays at rest."""
        try:
            await self._actor.recover(opened)
        except BaseException:
            self._actor.lie_down()
            raise

    async def _ask(self, letter: Letter) -> Any:
        while True:
            try:
                return await self._actor.ask(letter)
            except AtRest:
                await self.kernel.session(self.id)

    # ── for its turns, and those of its children ──

    async def write(self, turn: Turn, *events: e.Event, blobs: Mapping[str, bytes] = {}) -> list[Record]:
        """Events of a turn, of this session or of a child's. Raises Gone when the turn is over."""
        if turn.detached or turn.over.is_set():
            raise Gone("The turn is over; nothing more can be written for it.")
        mine = turn if turn.session is self else self._actor.turn
        return await self._actor.write(events, turn=mine.id if mine else "", blobs=blobs)

    def joining(self, turn: Turn) -> list[e.PromptQueued]:
        """The prompts that join the turn at its next step."""
        return self._actor.history.prompts.joining(turn.id)

    async def join(self, turn: Turn, prompts: Sequence[e.PromptQueued], *events: e.Event) -> None:
        """Makes the prompts messages of the turn, with the events that come behind them. Raises Gone."""
        joined = [e.PromptJoined(prompt=prompt.prompt, when=prompt.when) for prompt in prompts]
        with self._actor.history.prompts.claimed(prompt.prompt for prompt in prompts):
            await self.write(turn, *joined, *events)

    def grow(self, turn: Turn, item: int, text: str) -> None:
        """Growth of one of the turn's open items."""
        if not turn.detached:
            self._actor.grow(item, text)

    def pass_by(self, turn: Turn, event: e.Event) -> None:
        """A fact that need not last."""
        if not turn.detached:
            self._actor.pass_by(event, turn.id)

    def grown(self, item: int) -> str:
        """The text of an open item, secrets masked."""
        return self._actor.text(item)

    async def flush(self) -> None:
        """Makes growth durable."""
        await self._actor.flush()

    async def wait_for(self, asking: Asking[Given], pending: Pending[Given], seconds: float) -> Given:
        """Shows an approval or question in this root's log and waits for the answer, for `seconds` at most."""
        await self._actor.write((pending.asked,), turn=self._actor.turn.id if self._actor.turn else "")
        asking.add(pending)  # shown only now: a cancel before leaves nothing to close
        if pending.broken():
            await self.close(asking, pending.id, asking.nobody("break"))
        with trio.move_on_after(seconds):
            return await pending.wait()
        if pending.answer is None:
            await self.close(asking, pending.id, asking.nobody("deadline"))
        return await pending.wait()

    async def close(self, asking: Asking[Given], id: str, answer: Given) -> None:
        """Takes the answer to one that is open. Raises what Asking.find does."""
        pending = asking.claim(id, answer)
        try:
            await self._actor.write((asking.closing(id, answer),), turn=self._actor.turn.id if self._actor.turn else "")
        finally:
            pending.release()

    async def unask(self, turn: Turn, by: str) -> None:
        """Closes what a turn of this session still asks."""
        await self.root._actor.align()
        for asking in self.root.desks:
            for id in asking.of(turn.id):
                await self.root.close(asking, id, asking.nobody(by))
