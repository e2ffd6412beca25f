"""The actor: it alone writes its session's log. Its mailbox takes letters (letters.py)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, assert_never
from weakref import ref

import msgspec
import trio

from . import events as e
from .beside import Beside, Work
from .contracts.store import Opened, Record, SessionInfo
from .errors import Busy, Conflict, Gone, LostLease, PillionError, StoreFailed
from .eventlog import EventLog
from .firstimages import first_images
from .history import History, interruption
from .letters import (
    Accepted,
    AtRest,
    Cancel,
    Change,
    Decide,
    Ended,
    Letter,
    Note,
    Prompt,
    Reply,
    Rest,
    Resume,
    Withdraw,
)
from .logreader import Reader
from .sessionchange import changed
from .tags import put
from .turn import Turn
from .turnlife import TurnLife, first_error

if TYPE_CHECKING:
    from .session import Session

WAITING = 16
"""Prompts that may wait; one more is Busy."""
MAILBOX = 64
"""Letters that may wait; who sends one more waits for the actor, which itself only waits for the log."""
TAKEN = "Another process has taken this session; look at it again to see how far it is."
_log = logging.getLogger(__name__)


class Actor:
    """That of one session. It waits only for its mailbox and its log."""

    def __init__(self, session: Session, log: EventLog, history: History) -> None:
        self.history = history
        self._door = ref(session)  # so that one at rest goes as soon as nobody holds it
        self.turn: Turn | None = None
        self.closing = False
        """No prompt is taken up any more."""
        self.at_rest = True
        """It takes no letters: not yet, or no more, and another one will."""
        self.touched = trio.current_time()
        self.beside = Beside()
        self._lost = False
        self.gone = trio.Event()
        self._eventlog = log
        self._lease = log.generation
        self._roster = session.kernel.roster
        self._send, self._mailbox = trio.open_memory_channel[tuple[Letter, Reply]](MAILBOX)
        self._replies: set[Reply] = set()
        self._refused: set[str] = set()
        """Prompts whose write failed: whoever sent them was told so."""
        self.why: PillionError = Gone("The session has ended.")
        """What is told to those who still wait for this session when it has ended."""
        self._nursery: trio.Nursery
        # a child is ended by Turn.child, which gives it the time to write its end; its parent's cancel does not cut it
        self.scope = trio.CancelScope(shield=session.parent is not None)

    @property
    def session(self) -> Session:
        """Whose actor it is."""
        session = self._door()
        assert session is not None, "who runs it holds it"
        return session

    async def ask(self, letter: Letter) -> Any:
        """Sends a letter and waits for what comes back. Raises Gone, AtRest, and what the letter asks for."""
        if self.at_rest:
            raise AtRest
        reply = Reply()
        self._replies.add(reply)
        try:
            await self._send.send((letter, reply))
            return await reply.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise self.why from None
        finally:
            self._replies.discard(reply)

    async def ended(self, turn: Turn) -> None:
        """A turn's last word."""
        await self._send.send((Ended(turn), Reply()))

    async def keep(self, work: Work) -> Any:
        """Starts `work` beside the turns; what it says when it has begun. Raises Gone, AtRest, what `work` raises."""
        if self.at_rest:
            raise AtRest
        if self.closing:
            raise self.why
        return await self.beside.start(self._nursery, work)

    async def recover(self, opened: Opened) -> None:
        """Closes what the last process left open, from log and drafts alone. Before the actor runs."""
        if not opened.last:  # it died between the session and its first event
            await self.write((self.session.opening(),))
        texts: dict[int, str] = {}
        for draft in opened.drafts:
            texts[draft.item] = texts.get(draft.item, "")[: draft.at] + draft.text
        session, history = self.session, self.history
        decided: list[e.Event] = []
        asked: tuple[Mapping[str, e.Event], ...] = history.open_approvals, history.open_questions
        for asking, ids in zip(session.desks, asked, strict=True):
            for id in ids:
                decided.append(asking.closing(id, asking.nobody("restart")))
                asking.remember(id, asking.nobody("restart"))
        unasked = {wanted.call for wanted in history.open_approvals.values()}
        closing = [
            interruption(item, start, texts.get(item, ""), ran=getattr(start, "call", "") not in unasked)
            for item, start in history.open_items.items()
        ]
        children = [e.ChildInterrupted(child=child) for child in history.open_children]
        ending = [e.TurnInterrupted()] if history.turn else []
        if decided or closing or children or ending:
            await self.write((*decided, *closing, *children, *ending), turn=history.turn)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """The actor's life. What breaks it ends this session alone; its log opens again at the next touch."""
        put(session=self.session.id)
        try:
            with self.scope:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    self.at_rest = False
                    self._roster.add(self.session)
                    task_status.started()
                    while not self.at_rest:
                        letter, reply = await self._mailbox.receive()
                        await self._take(letter, reply)
        except Exception as error:  # the end of an actor
            if not self._lost:
                _log.exception("The session's actor failed")
            if isinstance(cause := first_error(error), StoreFailed):
                self.why = cause
        finally:
            if not self.at_rest:
                self.end()
            await self._release()
            self.gone.set()

    def let_go(self) -> None:
        """Another process has taken the session: what runs here is cut off."""
        if self._lost or self.at_rest:
            return
        self._lost = self.closing = True
        self.why = LostLease(TAKEN)
        id = self.session.id
        _log.error("LostLease: another process has taken session %s; what ran in it here is stopped", id)
        self.scope.cancel()
        self.end()

    def end(self) -> None:
        """Nothing comes in or goes out any more."""
        self.at_rest = False
        self._lease = self._eventlog.generation
        self._roster.drop(self.session)
        self._mailbox.close()
        self._eventlog.close()
        for reply in self._replies:
            reply.fail(self.why)
        if self.turn is not None:
            self.turn.over.set()
            self.turn = None

    async def _release(self) -> None:
        try:
            await self._eventlog.release(self._lease)
        except PillionError as error:
            _log.warning("No other process can open session %s before this one ends: %s", self.session.id, error)

    def _rest(self) -> bool:
        """Between two letters, without a wait: so none can be lost on the way."""
        waiting = self._mailbox.statistics()
        letters = waiting.current_buffer_used or waiting.tasks_waiting_send
        if letters or self.turn or self._nursery.child_tasks or self.closing or not self.session.at_peace:
            return False
        self._lease = self._eventlog.generation
        self._mailbox.close()
        self._roster.rest(self.session)
        self.lie_down()
        return True

    def lie_down(self) -> None:
        """Its session is at rest."""
        self.at_rest = True
        self._eventlog.rest()

    def again(self, session: Session, opened: Opened, history: History) -> Actor:
        """The one that takes its place after a rest, with the same readers."""
        self._eventlog.reopen(opened)
        return Actor(session, self._eventlog, history)

    async def _take(self, letter: Letter, reply: Reply) -> None:
        if not isinstance(letter, Rest):
            self.touched = trio.current_time()
        try:
            if not isinstance(letter, Cancel | Ended | Rest):  # for these, nothing has to be known
                await self.align()
            match letter:
                case Prompt():
                    reply.set(await self._on_prompt(letter))
                case Resume():
                    reply.set(await self._resume())
                case Withdraw():
                    await self._withdraw(letter.prompt)
                    reply.set(None)
                case Cancel():
                    reply.set(await self._stop(letter.by))
                case Decide():
                    await self.session.close(letter.asking, letter.id, letter.answer)
                    reply.set(None)
                case Change():
                    reply.set(await self._change(letter))
                case Note():
                    await self.write(letter.events, blobs=letter.blobs)
                    reply.set(None)
                case Rest():
                    reply.set(self._rest())
                case Ended():
                    if self.turn is letter.turn:
                        self.turn = None
                        await self._next()
                case _:
                    assert_never(letter)
        except Exception as error:  # whoever sent the letter gets it
            reply.fail(error)
            if not isinstance(error, PillionError) or isinstance(error, LostLease):
                raise

    async def _on_prompt(self, letter: Prompt) -> Accepted:
        event, turn = letter.event, self.turn
        if event.when == "reject" and (turn is not None or len(self.history.prompts)):
            raise Conflict("A turn is running, and this was not to wait.")
        if len(self.history.prompts) >= WAITING:
            raise Busy(f"{WAITING} prompts wait already.", retry_after=5)
        joins = event.when in ("steer", "break") and turn is not None and turn.goes_on
        if joins and turn is not None:
            event = msgspec.structs.replace(event, joins=turn.id)
        after = str(self._eventlog.now())
        try:
            await self.write((event,), blobs=letter.blobs)
        except StoreFailed:
            self._refused.add(event.prompt)
            raise
        if event.when == "interrupt":
            await self._stop("interrupt")
        if joins and turn is not None and turn.goes_on:
            if event.when == "break":
                await self._break_in(turn)
            return Accepted(turn.id, after, event.prompt)
        await self._next()
        return Accepted(event.prompt, after, event.prompt)

    async def _resume(self) -> Accepted:
        last, prompts = self.history.last, self.history.prompts
        if self.turn is not None and (last is None or last.turn != self.turn.id):  # else its last word is on its way
            raise Conflict("A turn is running. What was before it can't be resumed.")
        after, first = str(self._eventlog.now()), next(iter(prompts), None)
        if last is not None and last.resumable and not any(one.event.resumes == last.turn for one in prompts):
            again = msgspec.structs.replace(
                last.prompt, prompt=secrets.token_hex(16), text="", images=(), when="queue", joins="", resumes=last.turn
            )
            await self.write((again,))
            turn = again.prompt
        elif first is not None:
            turn = first.id
        elif last is not None and last.is_order and not isinstance(last.end, e.TurnFinished | e.TurnCancelled):
            what = "one call of a tool" if last.prompt.tool else "one order to a strategy"
            raise Conflict(f"The last turn was {what}, and that is not run again by itself. Ask for it anew.")
        else:
            raise Conflict("There is nothing to resume: the last turn came to its end, and no prompt waits.")
        await self._next()
        return Accepted(turn, after, turn)

    async def _break_in(self, turn: Turn) -> None:
        """Calls that wait for an approval wait no more: they are set aside. Nor do questions."""
        root = self.session.root
        for asking in root.desks:
            for id in asking.broken(turn.id):
                with suppress(Conflict, Gone):  # somebody was first
                    await root.close(asking, id, asking.nobody("break"))

    async def _withdraw(self, prompt: str) -> None:
        self.history.prompts.check(prompt)
        with self.history.prompts.claimed([prompt]):
            await self.write((e.PromptDropped(prompt=prompt, why="withdrawn"),))

    async def _next(self) -> None:
        """Starts the first waiting prompt's turn, if none runs."""
        if self.turn is not None or self.closing or self._eventlog.adrift:
            return
        prompt = self.history.prompts.next()
        if prompt is not None:
            self.turn = Turn(self.session, prompt)
            self._nursery.start_soon(TurnLife(self, self.turn).run)

    async def _stop(self, by: str) -> bool:
        turn = self.turn
        if turn is None:
            return False
        if not turn.stopping and not turn.closing:
            turn.stopping = True
            with suppress(StoreFailed):  # it stops nevertheless, and its end is written when there is a way
                await self.write((e.TurnStopping(by=by),), turn=turn.id)
            turn.scope.cancel()
            turn.stop_asked.set()
        return turn.stopping

    async def _change(self, change: Change) -> SessionInfo:
        session = self.session
        event, new = changed(session.info, change, session.kernel.secrets.redact)
        if new != session.info:
            (record,) = await self._eventlog.append(event, info=new)
            session.info = msgspec.structs.replace(new, updated=record.time)
        return session.info

    # ── the log ──

    @property
    def head(self) -> int:
        """The number of the last event."""
        return self._eventlog.head

    @property
    def at_peace(self) -> bool:
        """Does nothing of the log need to be in memory?"""
        return self._eventlog.at_peace

    def follow(self, after: str, keeps: bool) -> Reader:
        """A reader of the log. Raises BadCursor."""
        return self._eventlog.follow(after, keeps=keeps)

    async def blob(self, hash: str) -> bytes:
        return await self._eventlog.blob(hash)

    async def write(
        self, events: Sequence[e.Event], *, turn: str = "", blobs: Mapping[str, bytes] = {}
    ) -> list[Record]:
        """Makes events durable, shows them and folds them. Raises what EventLog.append does."""
        events, blobs = first_images(events, blobs, self.history.changed, self.session.kernel.secrets.redact_bytes)
        records = await self._eventlog.append(*events, turn=turn, blobs=blobs)
        for record in records:
            self._fold(record)
        return records

    def _fold(self, record: Record) -> None:
        event = e.decode(record.type, record.data)  # as written: secrets are masked
        if event is not None:
            self.history.apply(record.seq, event, record.turn, record.time)

    async def align(self) -> None:
        """After a write that failed: takes in what became of it, and settles what nobody waits for.

        Raises LostLease; StoreFailed while the store can't say.
        """
        if not self._eventlog.adrift:
            return
        for record in await self._eventlog.realign():
            self._fold(record)
        if strays := self._strays():
            await self.write(strays, turn=self.turn.id if self.turn else "")
        await self._next()

    def _strays(self) -> list[e.Event]:
        """What was kept, though whoever wanted it was told otherwise: prompts; approvals and questions."""
        session, history = self.session, self.history
        refused = [prompt.id for prompt in history.prompts if prompt.id in self._refused]
        strays: list[e.Event] = [e.PromptDropped(prompt=id, why=StoreFailed.code) for id in refused]
        strays += [session.approvals.stray(id) for id in history.open_approvals if id not in session.approvals.open()]
        strays += [session.questions.stray(id) for id in history.open_questions if id not in session.questions.open()]
        return strays

    def grow(self, item: int, text: str) -> None:
        self._eventlog.grow(item, text)

    def pass_by(self, event: e.Event, turn: str) -> None:
        self._eventlog.pass_by(event, turn)

    def text(self, item: int) -> str:
        """What an open item has grown to, secrets masked."""
        return self._eventlog.text(item)

    async def flush(self) -> None:
        """Makes growth durable."""
        await self._eventlog.flush()

    async def hold(self) -> None:
        """Asks whether the session is still this process's. Raises LostLease, StoreFailed."""
        await self._eventlog.hold()
