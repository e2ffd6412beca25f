"""What of a session's conversation a model is sent, and how it becomes less before it fills the model's window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio
from msgspec import Struct, structs

from . import events as e
from .contracts.compactor import Compactor, Conversation, Cut, Why
from .errors import ContextOverflow, Gone, LostLease, NotFound, NotShorter, PillionError, StoreFailed
from .tokens import Counter, tokens_of
from .values import Message, ModelInfo, ToolSpec
from .view import WHOLE, head, starts, tail, with_task

if TYPE_CHECKING:
    from .session import Session
    from .turn import Turn

SECONDS = 300.0
"""What a compactor gets."""
FULL = 0.95
"""The share of the window above which nothing is sent that can be made shorter by code alone."""
AGAIN = 0.05
"""By so much of the window the conversation grows before a compactor that failed, or won little, is asked again."""
SMALLER = 0.95
"""A model that refused a request as too long is taken to have this share of its size for a window."""
FATAL = (StoreFailed, Gone, LostLease)
"""These end the turn, whoever meets them."""


class Frame(Struct, frozen=True):
    """What a request has besides the conversation, and who is asked."""

    model: ModelInfo
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    max_output: int | None = None


class Window:
    """That of one session. It keeps counts and heads, all of which follow from the log; none is lost with it."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        """Of the whole messages, as `_counter` counts."""
        self._counter: Counter | None = None
        self._head: tuple[Cut, tuple[Message, ...]] = WHOLE, ()
        self._head_size: tuple[Cut, int] = WHOLE, 0
        self._frame: tuple[tuple[object, ...], int] = (), 0
        self._ceilings: dict[str, int] = {}
        """By model: what it showed to take at most."""
        self._tried: tuple[int, str] | None = None
        """What the compactor left, or did not make less, when it was asked last; and the turn, where it failed."""

    async def sent(self, session: Session) -> tuple[Message, ...]:
        """What a model is sent now. Between two cuts it only grows at its end."""
        messages, cut = await session.messages(), session.cut
        if cut == WHOLE:
            return messages
        if self._head[0] != cut:
            self._head = cut, tuple(head(messages, cut))
        return (*self._head[1], *messages[tail(cut) :])

    async def fit(self, turn: Turn, frame: Frame) -> tuple[Message, ...]:
        """What is sent, made shorter first where it would soon be too long. What can't be is sent as it is: the vendor
        has the last word, since windows and counts of unknown models are guesses."""
        compactor = turn.kit.compactor
        if compactor is not None:
            size, room = await self._measured(turn, frame)
            if size > room * compactor.at and self._due(turn, size, room):
                try:
                    await self._compact(turn, compactor, await self._look(turn, frame, "window"))
                except FATAL:
                    raise
                except PillionError:
                    pass  # the log tells of it
                size, room = await self._measured(turn, frame)
            if size > room * FULL:
                await self._cut(turn, compactor, await self._look(turn, frame, "window"))
        return await self.sent(turn.session)

    async def compact(self, turn: Turn, frame: Frame) -> None:
        """Makes it shorter at once, since somebody asks. Raises what kept it from that."""
        compactor = turn.kit.compactor
        if compactor is None:
            raise NotFound("No plugin that makes conversations shorter is on.")
        await self._compact(turn, compactor, await self._look(turn, frame, "asked"))

    async def overflowed(self, turn: Turn, frame: Frame, error: ContextOverflow) -> tuple[Message, ...]:
        """What to send instead of what the frame's model refused. Raises ContextOverflow when it can't be shorter."""
        size, _ = await self._measured(turn, frame)
        self._ceilings[frame.model.name] = int((size + self._frame[1]) * SMALLER)
        long = await self._look(turn, frame, "overflow")
        compactor = turn.kit.compactor
        if compactor is None:
            raise ContextOverflow(f"{error} No plugin that makes conversations shorter is on.")
        try:
            await self._compact(turn, compactor, long)
        except FATAL:
            raise
        except PillionError:
            if not await self._cut(turn, compactor, long):
                raise await self.too_long(turn, frame, error) from error
        return await self.sent(turn.session)

    async def too_long(self, turn: Turn, frame: Frame, error: ContextOverflow) -> ContextOverflow:
        """The error, with the ways out."""
        long = await self._look(turn, frame, "overflow")
        largest = max((self._sizes[n] for n in long.task), default=0)
        return ContextOverflow(
            f"{error} The request has about {long.size + self._frame[1]:,} tokens and can't be made shorter; of these "
            f"{largest:,} are one message of the task. Begin a new session, send less at once, or choose a model with "
            "a larger window."
        )

    # ── how long it is ──

    async def _measured(self, turn: Turn, frame: Frame) -> tuple[int, int]:
        """The tokens of what is sent of the conversation now, and those that there is room for."""
        session, counter = turn.session, turn.counter(frame.model)
        await counter.ready()
        messages, now = await session.messages(), session.cut
        self._count(messages, counter)
        if self._head_size[0] != now:
            self._head_size = now, sum(map(counter.message, head(messages, now)))
        room = max(1, self._room(frame) - self._framed(frame, counter))
        return self._head_size[1] + sum(self._sizes[tail(now) :]), room

    async def _look(self, turn: Turn, frame: Frame, why: Why) -> Conversation:
        session, counter = turn.session, turn.counter(frame.model)
        size, room = await self._measured(turn, frame)
        messages, now = await session.messages(), session.cut
        begins = starts(messages)
        task = session.task or begins[-1:]
        if sum(self._sizes[n] for n in task) > room // 2:
            task = sorted({task[0], task[-1]})

        def measure(cut: Cut) -> int:
            before = head(messages, with_task(cut, task))
            return size if cut == now else sum(map(counter.message, before)) + sum(self._sizes[tail(cut) :])

        return Conversation(
            messages=messages,
            now=now,
            size=size,
            window=room,
            why=why,
            sizes=self._sizes,
            starts=(*begins, len(messages)),
            task=task,
            measure=measure,
            count=counter.count,
        )

    def _count(self, messages: Sequence[Message], counter: Counter) -> None:
        """Each message once."""
        if counter is not self._counter:
            self._counter, self._sizes, self._head_size, self._frame = counter, [], (WHOLE, 0), ((), 0)
        self._sizes += map(counter.message, messages[len(self._sizes) :])

    def _framed(self, frame: Frame, counter: Counter) -> int:
        """The tokens of system prompt and tools."""
        key = (frame.system, *(id(tool.schema) for tool in frame.tools))  # the schema of a class is one object
        if self._frame[0] != key:
            self._frame = key, tokens_of((), frame.system, frame.tools, counter)
        return self._frame[1]

    def _room(self, frame: Frame) -> int:
        """The tokens of a whole request: what is left of the window by the longest answer that is asked for."""
        model = frame.model
        answer = min(frame.max_output or model.output, model.output)
        room = max(model.context - answer, model.context // 2)
        return min(room, self._ceilings.get(model.name, room))

    def _due(self, turn: Turn, size: int, room: int) -> bool:
        """Is a compactor to be asked, or has it done what it can a moment ago?

        One that failed, maybe after a long wait, is not asked in the same turn until code has cut.
        """
        if self._tried is None or size < self._tried[0]:
            return True
        before, failed_in = self._tried
        return failed_in != turn.id and size >= before + room * AGAIN

    # ── making it shorter ──

    async def _compact(self, turn: Turn, compactor: Compactor, long: Conversation) -> None:
        """Raises a PillionError when it is sent as before; the log tells of that."""
        turn.pass_by(e.HistoryCompacting(step=turn.steps, why=long.why, before=long.size))
        try:
            with trio.fail_after(SECONDS):
                cut = await compactor.compact(turn, long)
            await self._take(turn, long, cut)
        except FATAL:
            raise
        except Exception as error:  # a plugin's fault is its own
            self._tried = long.size, turn.id
            said = error if isinstance(error, PillionError) else _bug(turn, compactor, error)
            await turn.emit(
                e.HistoryCompactionFailed(
                    step=turn.steps, why=long.why, code=said.code, message=str(said), before=long.size
                )
            )
            raise said from error

    async def _cut(self, turn: Turn, compactor: Compactor, long: Conversation) -> bool:
        """By code alone. Is it shorter?"""
        try:
            await self._take(turn, long, compactor.cut(turn, long))
        except NotShorter:
            return False
        except FATAL:
            raise
        except Exception as error:  # a plugin's fault is its own
            _bug(turn, compactor, error)
            return False
        return True

    async def _take(self, turn: Turn, long: Conversation, cut: Cut) -> None:
        """From now on that is sent. Raises NotShorter."""
        cut = with_task(cut, long.task)
        if cut.messages < long.now.messages or (cut.messages and cut.messages not in long.starts):
            raise NotShorter("The conversation can't be cut there.")
        if cut.messages and not cut.text.strip():
            raise NotShorter("The summary is empty.")
        after = long.measure(cut)
        if after >= long.size:
            raise NotShorter(f"What would be sent has {after:,} tokens, and has {long.size:,} now.")
        assert self._counter is not None
        await turn.emit(
            e.HistoryCompacted(
                step=turn.steps,
                messages=cut.messages,
                text=cut.text,
                before=long.size,
                after=after,
                by=self._counter.by,
                why=long.why,
                model=cut.model,
                kept=cut.kept,
                shortened=cut.shortened,
                characters=cut.characters,
            )
        )
        self._tried = after, ""


class Shorter:
    """What to send when a model says that a request is too long: once, then never again the same."""

    def __init__(self, turn: Turn, frame: Frame) -> None:
        self._turn, self._frame = turn, frame
        self._tried = False

    async def messages(self, model: ModelInfo, error: ContextOverflow) -> tuple[Message, ...]:
        """Raises ContextOverflow, with the ways out."""
        window, frame = self._turn.session.window, structs.replace(self._frame, model=model)
        if self._tried:
            raise await window.too_long(self._turn, frame, error) from error
        self._tried = True
        return await window.overflowed(self._turn, frame, error)


def _bug(turn: Turn, compactor: Compactor, error: Exception) -> PillionError:
    if isinstance(error, trio.TooSlowError):
        return NotShorter(f"It was not done within {SECONDS:g} s.")
    turn.kernel.log.error("The compactor %s failed", compactor, exc_info=error)
    return NotShorter(f"The compactor failed with {type(error).__name__}.")
