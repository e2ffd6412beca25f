"""The actor: it alone writes its session's log. Its mailbox takes letters (letters.py)."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, assert_never

import msgspec
import trio

from . import events as e
from .answerschema import AnswerSchema
from .asking import Answered, Approvals, Asking, Decision, Given, Pending, Questions, Remember
from .budget import Budget
from .catalog import Kit
from .contracts.store import Opened, Record, SessionInfo
from .contracts.tool import Tool
from .contracts.workspace import Workspace
from .errors import BadSchema, BudgetSpent, Busy, ConfigError, Conflict, Gone, LostLease, NotFound, PillionError, Stale
from .eventlog import EventLog, Reader
from .history import History, interruption
from .hookspecs import TurnInfo
from .letters import Accepted, Cancel, Change, Decide, Ended, Letter, Note, Prompt, Reply, Withdraw
from .onecall import OneCall
from .overlay import Overlays
from .prompts import WaitingPrompt
from .tags import put
from .turn import Turn
from .values import Image, Limits, Message, ModelInfo

if TYPE_CHECKING:
    from .kernel import Kernel

WAITING = 16
"""Prompts that may wait; one more is Busy."""
LABELS = 64
"""Labels that a session may have."""
MAILBOX = 64
"""Letters that may wait; who sends one more waits for the actor, which itself only waits for the log."""
When = Literal["queue", "interrupt", "reject", "steer", "break"]
_log = logging.getLogger(__name__)


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
    ) -> None:
        self.kernel, self.info, self.limits = kernel, info, limits
        self.parent = parent
        self.root: Session = parent.root if parent else self
        self.budget = budget
        self.tools = tools
        self.approvals, self.questions = Approvals(), Questions()
        self.desks: tuple[Asking[Any], ...] = (self.approvals, self.questions)
        shared = parent is not None and parent.info.workspace == info.workspace
        self.overlays: Overlays = parent.overlays if parent and shared else Overlays(self.note)
        """Texts that are unsaved in an editor; a child on the same workspace sees its parent's."""
        self._eventlog, self._history = log, history
        self._messages: list[Message] = []
        self._turn: Turn | None = None
        self._closing = False
        self._send, self._mailbox = trio.open_memory_channel[tuple[Letter, Reply]](MAILBOX)
        self._replies: set[Reply] = set()
        # a child is ended by Turn.child, which gives it the time to write its end; its parent's cancel does not cut it
        self._scope = trio.CancelScope(shield=parent is not None)
        self._gone = trio.Event()

    # ── what everybody may do ──

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def state(self) -> Literal["idle", "running", "stopping"]:
        """Derived from what lives, never stored."""
        if self._turn is None:
            return "idle"
        return "stopping" if self._turn.stopping else "running"

    @property
    def turn(self) -> Turn | None:
        """The running turn."""
        return self._turn

    @property
    def waiting(self) -> int:
        """How many prompts wait."""
        return len(self._history.prompts)

    @property
    def head(self) -> int:
        """The number of the last event."""
        return self._eventlog.head

    async def prompt(
        self,
        text: str,
        images: Sequence[Image] = (),
        *,
        strategy: str = "",
        model: str = "",
        when: When = "queue",
        schema: Mapping[str, Any] | None = None,
    ) -> Accepted:
        """Queues a prompt; returns when it is durable. With a `schema` the turn ends with JSON that fits it.

        Raises Busy, Conflict (`reject`, and a turn runs), Gone, BadSchema.
        """
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
            prompt=id, text=text, images=tuple(refs), model=model, strategy=strategy, when=when, schema=schema
        )
        accepted = await self._ask(Prompt(event, blobs))
        assert isinstance(accepted, Accepted)
        return accepted

    async def change(self, change: Change) -> SessionInfo:
        """What the session is from then on. A running turn keeps its model. Raises Stale, ConfigError, Gone."""
        info = await self._ask(change)
        assert isinstance(info, SessionInfo)
        return info

    def prompts(self) -> list[WaitingPrompt]:
        """What waits, in the order in which it will run."""
        return list(self._history.prompts)

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

    def kit(self, turn: str, strategy: str, model: ModelInfo | None, workspace: Workspace) -> Kit:
        """What a turn that begins now works with."""
        info = self.info
        kit = self.kernel.catalog.kit(TurnInfo(self.id, turn, strategy, model, workspace, info.trusted, info.labels))
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

    async def note(self, *events: e.Event) -> None:
        """Writes facts that no turn brought. They must open or close no item."""
        await self._ask(Note(events))

    async def messages(self) -> tuple[Message, ...]:
        """The conversation so far."""
        fresh = self._history.drafts[len(self._messages) :]
        if fresh:
            wanted = {part.hash for draft in fresh for part in draft.parts if isinstance(part, e.ImageRef)}
            blobs = {hash: await self._eventlog.blob(hash) for hash in wanted}
            self._messages = [*self._messages, *self._history.resolved(blobs, len(self._messages))]
        return tuple(self._messages)

    def path(self) -> tuple[str, ...]:
        """The ids from the root's child down to this session; empty for the root."""
        return (*self.parent.path(), self.id) if self.parent else ()

    def follow(self, after: str = "") -> Reader:
        """A reader of the log: from the start, `latest`, or behind an event id. Raises BadCursor."""
        return self._eventlog.follow(after)

    async def ended(self, turn: str, after: str = "") -> e.Event:
        """Waits for the event that ends that turn. Raises Gone when the session ends before."""
        reader = self.follow(after)
        ends = {e.type_of(kind) for kind in e.TURN_ENDS}
        while frames := await reader.page():
            for frame in frames:
                if frame.turn == turn and frame.type in ends:
                    event = e.decode(frame.type, frame.data)
                    assert event is not None
                    return event
        raise Gone("The session ended before its turn did.")

    async def aclose(self) -> None:
        """Cancels what runs, gives it the time to let go, and ends the actor. Prompts that wait stay in the log."""
        self._closing = True
        if not self._gone.is_set():
            with trio.move_on_after(self.kernel.settings.deadlines.stopping + 1), suppress(Gone):
                await self.cancel(by="close")
                await self.idle()
            self._scope.cancel()
            with trio.CancelScope(shield=True):
                await self._gone.wait()

    async def idle(self) -> None:
        """Waits until no turn runs."""
        while self._turn is not None:
            await self._turn.over.wait()

    async def _ask(self, letter: Letter) -> Any:
        reply = Reply()
        self._replies.add(reply)
        try:
            await self._send.send((letter, reply))
            return await reply.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise Gone("The session has ended.") from None
        finally:
            self._replies.discard(reply)

    async def recover(self, opened: Opened) -> None:
        """Closes what the last process left open, from log and drafts alone. Before the actor runs."""
        texts: dict[int, str] = {}
        for draft in opened.drafts:
            texts[draft.item] = texts.get(draft.item, "")[: draft.at] + draft.text
        history = self._history
        decided = [self.approvals.closing(id, self.approvals.nobody("restart")) for id in history.open_approvals]
        decided += [self.questions.closing(id, self.questions.nobody("restart")) for id in history.open_questions]
        unasked = {wanted.call for wanted in history.open_approvals.values()}
        closing = [
            interruption(item, start, texts.get(item, ""), ran=getattr(start, "call", "") not in unasked)
            for item, start in history.open_items.items()
        ]
        ending = [e.TurnInterrupted()] if history.turn else []
        if decided or closing or ending:
            await self._write((*decided, *closing, *ending), turn=history.turn)

    # ── the actor ──

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """The actor's life. What breaks it ends this session alone; its log opens again at the next touch."""
        put(session=self.id)
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    task_status.started()
                    while True:
                        letter, reply = await self._mailbox.receive()
                        await self._take(letter, reply)
        except Exception:  # the end of an actor
            _log.exception("The session's actor failed")
        finally:
            self.kernel.forget(self)
            self._mailbox.close()
            self._eventlog.close()
            for reply in self._replies:
                reply.fail(Gone("The session has ended."))
            self._gone.set()

    async def _take(self, letter: Letter, reply: Reply) -> None:
        try:
            match letter:
                case Prompt():
                    reply.set(await self._on_prompt(letter))
                case Withdraw():
                    await self._withdraw(letter.prompt)
                    reply.set(None)
                case Cancel():
                    reply.set(await self._stop(letter.by))
                case Decide():
                    await self._close(letter.asking, letter.id, letter.answer)
                    reply.set(None)
                case Change():
                    reply.set(await self._change(letter))
                case Note():
                    await self._write(letter.events)
                    reply.set(None)
                case Ended():
                    if self._turn is letter.turn:
                        self._turn = None
                        await self._next()
                case _:
                    assert_never(letter)
        except Exception as error:  # whoever sent the letter gets it
            reply.fail(error)
            if not isinstance(error, PillionError) or isinstance(error, LostLease):
                raise

    async def _on_prompt(self, letter: Prompt) -> Accepted:
        event, turn = letter.event, self._turn
        if event.when == "reject" and (turn is not None or self.waiting):
            raise Conflict("A turn is running, and this was not to wait.")
        if self.waiting >= WAITING:
            raise Busy(f"{WAITING} prompts wait already.", retry_after=5)
        joins = event.when in ("steer", "break") and turn is not None and turn.goes_on
        if joins and turn is not None:
            event = msgspec.structs.replace(event, joins=turn.id)
        after = str(self._eventlog.now())
        await self._write((event,), blobs=letter.blobs)
        if event.when == "interrupt":
            await self._stop("interrupt")
        if joins and turn is not None and turn.goes_on:
            if event.when == "break":
                await self._break_in(turn)
            return Accepted(turn.id, after, event.prompt)
        await self._next()
        return Accepted(event.prompt, after, event.prompt)

    async def _break_in(self, turn: Turn) -> None:
        """Calls that wait for an approval wait no more: they are set aside. Nor do questions."""
        for asking in self.root.desks:
            for id in asking.broken(turn.id):
                with suppress(Conflict, Gone):  # somebody was first
                    await self.root._close(asking, id, asking.nobody("break"))

    async def _withdraw(self, prompt: str) -> None:
        self._history.prompts.check(prompt)
        with self._history.prompts.claimed([prompt]):
            await self._write((e.PromptDropped(prompt=prompt, why="withdrawn"),))

    async def _next(self) -> None:
        """Starts the first waiting prompt's turn, if none runs."""
        if self._turn is not None or self._closing:
            return
        prompt = self._history.prompts.next()
        if prompt is not None:
            self._turn = Turn(self, prompt)
            self._nursery.start_soon(self._run_turn, self._turn)

    async def _stop(self, by: str) -> bool:
        turn = self._turn
        if turn is None:
            return False
        if not turn.stopping and not turn.closing:
            turn.stopping = True
            await self._write((e.TurnStopping(by=by),), turn=turn.id)
            turn.scope.cancel()
            turn.stop_asked.set()
        return turn.stopping

    # ── a turn's life ──

    async def _run_turn(self, turn: Turn) -> None:
        put(turn=turn.id)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, turn)
            ending = await self._work(turn)
            if not turn.detached:
                turn.closing = True
                with trio.CancelScope(shield=True):  # bounded by the store's deadline
                    await self._finish(turn, ending)
            nursery.cancel_scope.cancel()
        await self._over(turn)

    async def _work(self, turn: Turn) -> e.Event:
        """Runs the strategy to its end and says how it ended."""
        reason: object = None
        try:
            with turn.scope:
                await turn.begin()
                async with trio.open_nursery() as nursery:
                    turn.nursery = nursery
                    reason = await turn.strategy.run(turn)
                    nursery.cancel_scope.cancel()
                if reason is None or reason in ("done", "question"):
                    await turn.conclude()
        except Exception as error:  # the end of a turn
            if not turn.stopping:
                return self._failure(turn, _first(error))
            _log.warning("A plugin failed while its turn was stopping", exc_info=error)
        usage, steps = turn.usage(), turn.steps
        if turn.stopping:
            return e.TurnCancelled(usage=usage)
        if turn.scope.cancelled_caught:
            return e.TurnFinished(reason="limit:seconds", steps=steps, usage=usage)
        if reason is not None and not isinstance(reason, str):
            message = f"The strategy {turn.strategy.name!r} returned a {type(reason).__name__}, which is no reason."
            return e.TurnFailed(code="nonsense", message=message, usage=usage)
        return e.TurnFinished(reason=reason or "done", steps=steps, usage=usage, answer=turn.answer)

    def _failure(self, turn: Turn, error: BaseException) -> e.Event:
        usage = turn.usage()
        if isinstance(error, BudgetSpent):
            return e.TurnFinished(reason=f"limit:{error.limit}", steps=turn.steps, usage=usage)
        if isinstance(error, PillionError):
            _log.info("The turn failed: %s", error)
            return e.TurnFailed(code=error.code, message=str(error), retryable=error.retryable, usage=usage)
        _log.error("The turn failed", exc_info=error)
        message = f"The strategy failed with {type(error).__name__}; the log has the details."
        return e.TurnFailed(code="internal", message=message, usage=usage)

    async def _finish(self, turn: Turn, ending: e.Event) -> None:
        """Closes what the turn left open, then writes its end."""
        turn.settle()
        for asking in self.root.desks:
            for id in asking.of(turn.id):
                await self.root._close(asking, id, asking.nobody("cancel"))
        closing = [
            interruption(item, opened, self._eventlog.text(item), ran=item in turn.ran)
            for item, opened in self._history.open_items.items()
        ]
        begun = [] if self._history.turn else [turn.started()]
        await self._write((*begun, *closing, ending), turn=turn.id)

    async def _watch(self, turn: Turn) -> None:
        """A turn that does not let go in time is cut off: what it still runs can't write any more."""
        stopping = self.kernel.settings.deadlines.stopping
        with trio.move_on_at(turn.deadline):
            await turn.stop_asked.wait()
        await trio.sleep(stopping)
        if turn.closing:
            return
        turn.detached = True
        for plugin in self._holders(turn):
            self.kernel.host.fault(plugin, f"It did not let go of a turn within {stopping:g} s; the turn is cut off.")
        with trio.CancelScope(shield=True):
            await self._finish(turn, e.TurnCancelled(usage=turn.usage(), leftovers=True))
        await self._over(turn)

    def _holders(self, turn: Turn) -> set[str]:
        """The plugins, or else the modules, whose code a turn still waits for."""
        running = [start.tool for start in self._history.open_items.values() if isinstance(start, e.ToolStarted)]
        modules = {type(one).__module__ for one in turn.at_work(running)}
        return {self.kernel.host.owner(module) or module for module in modules}

    async def _over(self, turn: Turn) -> None:
        if not turn.over.is_set():
            turn.over.set()
            await self._send.send((Ended(turn), Reply()))

    # ── the log ──

    async def write(self, turn: Turn, *events: e.Event, blobs: Mapping[str, bytes] = {}) -> list[Record]:
        """Events of a turn, of this session or of a child's. Raises Gone when the turn is over."""
        if turn.detached or turn.over.is_set():
            raise Gone("The turn is over; nothing more can be written for it.")
        mine = turn if turn.session is self else self._turn
        return await self._write(events, turn=mine.id if mine else "", blobs=blobs)

    def joining(self, turn: Turn) -> list[e.PromptQueued]:
        """The prompts that join the turn at its next step."""
        return self._history.prompts.joining(turn.id)

    async def join(self, turn: Turn, prompts: Sequence[e.PromptQueued], *events: e.Event) -> None:
        """Makes the prompts messages of the turn, with the events that come behind them. Raises Gone."""
        joined = [e.PromptJoined(prompt=prompt.prompt, when=prompt.when) for prompt in prompts]
        with self._history.prompts.claimed(prompt.prompt for prompt in prompts):
            await self.write(turn, *joined, *events)

    def grow(self, turn: Turn, item: int, text: str) -> None:
        """Growth of one of the turn's open items."""
        if not turn.detached:
            self._eventlog.grow(item, text)

    def pass_by(self, turn: Turn, event: e.Event) -> None:
        """A fact that need not last."""
        if not turn.detached:
            self._eventlog.pass_by(event, turn.id)

    def grown(self, item: int) -> str:
        """The text of an open item, secrets masked."""
        return self._eventlog.text(item)

    async def flush(self) -> None:
        """Makes growth durable."""
        await self._eventlog.flush()

    async def wait_for(self, asking: Asking[Given], pending: Pending[Given], seconds: float) -> Given:
        """Shows an approval or question in this root's log and waits for the answer, for `seconds` at most."""
        await self._write((pending.asked,), turn=self._turn.id if self._turn else "")
        asking.add(pending)  # shown only now: a cancel before leaves nothing to close
        if pending.broken():
            await self._close(asking, pending.id, asking.nobody("break"))
        with trio.move_on_after(seconds):
            return await pending.wait()
        if pending.answer is None:
            await self._close(asking, pending.id, asking.nobody("deadline"))
        return await pending.wait()

    async def _close(self, asking: Asking[Given], id: str, answer: Given) -> None:
        pending = asking.claim(id, answer)
        try:
            await self._write((asking.closing(id, answer),), turn=self._turn.id if self._turn else "")
        finally:
            pending.release()

    async def _change(self, change: Change) -> SessionInfo:
        now = self.info
        if change.expected and version_of(now) not in change.expected:
            raise Stale("The session has been changed since: read it again.")
        redact = self.kernel.secrets.redact
        labels = {key: redact(value) for key, value in {**now.labels, **change.labels}.items() if value is not None}
        if len(labels) > LABELS:
            raise ConfigError(f"A session has at most {LABELS} labels.", key="labels")
        event = e.SessionChanged(
            title=None if change.title is None else redact(change.title),
            labels=labels if labels != dict(now.labels) else None,
            model=change.model,
            strategy=change.strategy,
        )
        given = {
            key: value for key, value in msgspec.structs.asdict(event).items() if value is not None and key != "step"
        }
        new = msgspec.structs.replace(now, **given)
        if new != now:
            (record,) = await self._eventlog.append(event, info=new)
            self.info = msgspec.structs.replace(new, updated=record.time)
        return self.info

    async def _write(
        self, events: Sequence[e.Event], *, turn: str = "", blobs: Mapping[str, bytes] = {}
    ) -> list[Record]:
        records = await self._eventlog.append(*events, turn=turn, blobs=blobs)
        for record in records:
            event = e.decode(record.type, record.data)  # as written: secrets are masked
            if event is not None:
                self._history.apply(record.seq, event, turn, record.time)
        return records


def _first(error: BaseException) -> BaseException:
    """The first error of ours in a group, else the first of any kind."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [_first(inner) for inner in error.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, PillionError)), leaves[0])


def version_of(info: SessionInfo) -> str:
    """Another one after each change of what can be changed."""
    told = msgspec.json.encode([info.title, sorted(info.labels.items()), info.model, info.strategy])
    return hashlib.sha256(told).hexdigest()[:32]
