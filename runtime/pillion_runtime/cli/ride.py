"""One run: open a session, post the prompt, watch it to its end. The same for every source and every screen."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import trio
from msgspec import Struct

from pillion.errors import ConfigError, Conflict, Gone, NotFound, PillionError
from pillion.events import ApprovalWanted
from pillion.values import Usage

from . import asker, exits
from . import shown as s
from .endings import Ending, Totals, answers_line, code_of, ending
from .interrupt import Interrupt
from .screen import one_line
from .source import Answer, Posted, Source, Wish
from .transcript import Transcript
from .view import View

TITLE = 80
"""Characters of a session's title."""
CLEAN_UP = 5.0
"""Seconds for telling a source that nobody watches any more."""


class Order(Struct, frozen=True):
    """What was asked for on the command line. `stopping`: seconds that a cancelled turn gets to let go.

    `session` goes on; without one a new one is opened as `wish` says. `resumes`: with what it has not brought to an
    end, instead of a prompt; `compacts`: its conversation becomes shorter instead. Which model answers is told, unless
    it is `told`.
    """

    prompt: str
    wish: Wish
    session: str = ""
    told: str = ""
    resumes: bool = False
    compacts: bool = False
    yes: bool = False
    stopping: float = 15.0


class Ride:
    """The run of one order. `session` is where it runs, `model` what answers, `usage` what it has used at the end."""

    def __init__(self, order: Order, source: Source, view: View, interrupt: Interrupt) -> None:
        self._order, self._source, self._view, self._interrupt = order, source, view, interrupt
        self.session = ""
        self.usage = Usage()
        self.model = order.told
        self._over: s.Over | None = None
        self._unanswered: ApprovalWanted | None = None
        self._asking: dict[str, trio.CancelScope] = {}
        self._flagged: set[str] = set()
        self._screen = trio.Lock()  # one question at a time
        self._following = trio.CancelScope()
        self._nursery: trio.Nursery

    async def run(self) -> int:
        """To the turn's end; the exit code. Raises PillionError for what kept it from beginning."""
        order, wish = self._order, self._order.wish
        self.session = order.session or await self._begin()
        own = {"model": wish.model, "strategy": wish.strategy} if order.session else {}
        try:
            if order.resumes:
                return await self._resumed()
            if order.compacts:
                return await self._turn(await self._source.compact(self.session))
            return await self._turn(await self._source.prompt(self.session, order.prompt, **own))
        finally:
            with trio.move_on_after(CLEAN_UP, shield=True):
                await self._clean_up()

    async def _begin(self) -> str:
        """A new session, which lists show by what was asked first."""
        session = await self._source.create(self._order.wish)
        await self._source.rename(session, one_line(self._order.prompt, TITLE))
        return session

    async def _resumed(self) -> int:
        """The turn that goes on, then what has waited; the exit code of the last one."""
        posted = await self._source.resume(self.session)
        behind = await self._source.waiting(self.session)
        code = await self._turn(posted)
        for turn in behind:
            if self._interrupt.code or self._unanswered is not None:
                break
            self._over, self._following = None, trio.CancelScope()
            code = await self._turn(Posted(turn, posted.after))
        return code

    async def _turn(self, posted: Posted) -> int:
        began, transcript = time.monotonic(), Transcript(posted.turn)
        self._interrupt.while_running(self._stop)
        try:
            with self._following:
                async with trio.open_nursery() as self._nursery:
                    self._nursery.start_soon(self._view.beat)
                    async with self._source.follow(self.session, posted.after) as frames:
                        while self._over is None and (page := await frames.page()):
                            await self._take(page, transcript)
                    self._nursery.cancel_scope.cancel()
        finally:
            self._interrupt.while_running(None)
        self.usage = transcript.usage
        return self._close(Totals(transcript.usage, time.monotonic() - began, transcript.files))

    async def _take(self, page: Sequence[bytes], transcript: Transcript) -> None:
        for frame in page:
            self._view.frame(frame)
            for shown in transcript.take(frame):
                self._view.show(await self._react(shown))
            if self._over is not None:
                return

    async def _react(self, shown: s.Shown) -> s.Shown:
        """Does what `shown` calls for; gives what is to be shown of it."""
        match shown:
            case s.Answers(model=model) if model and model != self._order.told:
                self.model = model
                self._view.say(answers_line(model, await self._note(model)))
            case s.Asked():
                self._judge(shown)
            case s.Decided(approval=approval):
                if approval in self._asking:
                    self._asking[approval].cancel()
                if approval in self._flagged:
                    return msgspec.structs.replace(shown, by="flag")
            case s.Questioned():
                self._put(shown)
            case s.Replied(question=question):
                if question in self._asking:
                    self._asking[question].cancel()
            case s.Over():
                self._over = shown
        return shown

    async def _note(self, model: str) -> str:
        """What a person should know of the model; nothing where it can't be had."""
        try:
            known = await self._source.models()
        except PillionError:
            return ""
        return next((info.note for info in known if info.name == model), "")

    # ── approvals and questions ──

    def _judge(self, asked: s.Asked) -> None:
        if self._order.yes:
            self._nursery.start_soon(self._answer, asked.wanted.approval, Answer("allow", by="flag"))
        elif self._view.asks:
            self._nursery.start_soon(self._ask, asked)
        elif self._unanswered is None:
            self._unanswered = asked.wanted
            self._stop()  # which denies it, before the model can go on

    async def _ask(self, asked: s.Asked) -> None:
        """Asks the person; a decision from elsewhere takes the question back."""
        approval = asked.wanted.approval
        with trio.CancelScope() as self._asking[approval]:
            async with self._screen:
                answer: Answer | None = None
                while answer is None or not await self._answer(approval, answer):
                    with self._view.asking(asked) as screen:
                        answer = await asker.ask(screen, asked.wanted, self._view.overheard)

    async def _answer(self, approval: str, answer: Answer) -> bool:
        """False when it could not be remembered: then the approval is still open."""
        if answer.by == "flag":
            self._flagged.add(approval)
        try:
            async with self._first_wins():
                await self._source.decide(self.session, approval, answer)
        except (ConfigError, exits.ServerSaid) as error:
            if answer.remember != "always":
                raise
            self._view.say(f"pillion: it can't be allowed always: {error}")
            return False
        return True

    def _put(self, questioned: s.Questioned) -> None:
        """A question needs a person; without one the model goes on at once."""
        if self._view.asks:
            self._nursery.start_soon(self._question, questioned)
        else:
            self._nursery.start_soon(self._reply, questioned.asked.question, None, "flag")

    async def _question(self, questioned: s.Questioned) -> None:
        question = questioned.asked.question
        with trio.CancelScope() as self._asking[question]:
            async with self._screen:
                with self._view.asking(questioned) as screen:
                    answer = await asker.ask_line(screen, questioned.asked)
            await self._reply(question, answer, "person")

    async def _reply(self, question: str, answer: str | None, by: str) -> None:
        async with self._first_wins():
            await self._source.answer(self.session, question, answer, by)

    @asynccontextmanager
    async def _first_wins(self) -> AsyncIterator[None]:
        """Somebody or the deadline may be first; the log says who."""
        try:
            yield
        except (Conflict, Gone, NotFound):
            pass
        except exits.ServerSaid as error:
            if error.status not in (404, 409, 410):
                raise

    # ── the end ──

    def _stop(self) -> None:
        """Asks the turn to stop; its end is waited for, but not for ever."""
        self._following.deadline = trio.current_time() + self._order.stopping + CLEAN_UP
        self._nursery.start_soon(self._cancel)

    async def _cancel(self) -> None:
        try:
            await self._source.cancel(self.session)
        except PillionError as error:
            self._view.say(f"pillion: the turn can't be asked to stop: {error}")

    def _close(self, totals: Totals) -> int:
        over = self._over
        if over is None:
            over = s.Over("interrupted", "The turn did not stop in time, or its session is gone.")
        code, why = code_of(over), ending(over)
        if self._interrupt.code:
            code, why = self._interrupt.code, "Interrupted."
        elif self._unanswered is not None:
            code, why = exits.NEEDS_APPROVAL, needs_approval(self._unanswered)
        self._view.close(Ending(code, why, totals))
        return code

    async def _clean_up(self) -> None:
        try:
            if self._over is None:
                await self._source.cancel(self.session)
            if self._order.wish.ephemeral:
                await self._source.delete(self.session)
        except PillionError as error:
            if not isinstance(error, ConfigError):
                self._view.say(f"pillion: the session could not be left tidy: {error}")


def needs_approval(wanted: ApprovalWanted) -> str:
    """Why the run ended, and the two ways on."""
    return (
        f"{wanted.tool} needs approval, and there is no terminal to ask at. Allow everything with --yes, or "
        f'write a rule into your settings: [[plugins.approvals.rules]] with tool = "{wanted.tool}" and '
        'verdict = "allow".'
    )
