"""Model calls that no turn makes. What they use is recorded all the same: in the log of the session that they are
for, else in one of their own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio
from msgspec import structs

from .callrecord import CallRecord, Keeper
from .contracts.provider import Caller, Chunk, Finish, Provider, Request
from .errors import Busy, Gone, PillionError, ProviderDown
from .modelcall import Gathered
from .values import ModelInfo, Usage

if TYPE_CHECKING:
    from .kernel import Kernel
    from .session import Session

SIDE_BY_SIDE = 16
"""Calls that run at the same time; one more is Busy."""
AHEAD = 16
"""Chunks that a call may be ahead of its reader."""
PATIENCE = 60.0
"""Seconds after which a reader that takes nothing is given up, and its call with it."""
PARENT = "completions"
"""What the sessions that hold the records have for a parent: no list shows them that does not ask for it."""
_log = logging.getLogger(__name__)


class Completion:
    """One call on its way: an async iterator over its chunks, the last of which is a Finish, unless one raises.

    It ends when what it used is recorded. `model`, which a wrapper may change, and `usage` are what is known so far.
    """

    def __init__(
        self, call: CallRecord, model: ModelInfo, seconds: float | None, session: Session | None = None
    ) -> None:
        self.call, self.session = call, session
        self.gathered = Gathered(call, model)
        self.scope = trio.CancelScope()
        self.seconds = seconds
        self.finished = False
        self.ended = trio.Event()
        self.error: Exception | None = None
        self._send, self._chunks = trio.open_memory_channel[Chunk](AHEAD)

    @property
    def model(self) -> str:
        return self.call.model

    @property
    def usage(self) -> Usage:
        return self.call.usage

    def cancel(self) -> None:
        """Nobody wants the rest."""
        self.scope.cancel()

    def __aiter__(self) -> Completion:
        return self

    async def __anext__(self) -> Chunk:
        try:
            return await self._chunks.receive()
        except trio.EndOfChannel:
            await self.ended.wait()
            if self.error is not None:
                raise self.error from None
            raise StopAsyncIteration from None

    async def run(self, provider: Provider, request: Request) -> None:
        """The call's life. What goes wrong is its reader's."""
        self.scope.deadline = trio.current_time() + (self.seconds or float("inf"))
        with self._send:
            with self.scope:
                try:
                    with self.call:
                        await self._stream(provider, request)
                except Exception as error:  # a plugin's fault is its caller's
                    self.error = error
            if self.error is None and not self.finished:
                self.error = Gone("The call was cancelled.")
                if trio.current_time() >= self.scope.deadline:
                    self.error = ProviderDown(f"{self.model} did not end within {self.seconds:g} s.")

    async def _stream(self, provider: Provider, request: Request) -> None:
        async with provider.stream(request) as chunks:
            async for chunk in chunks:
                self.gathered.take(chunk)
                await self._pass_on(chunk)

    async def _pass_on(self, chunk: Chunk) -> None:
        with trio.move_on_after(PATIENCE) as patience:
            await self._send.send(chunk)
        if patience.cancelled_caught:
            self.scope.cancel()
            return
        self.finished = isinstance(chunk, Finish)


class Completions:
    """All calls of a kernel that no turn makes."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.nursery: trio.Nursery
        self._running: set[Completion] = set()
        self._records: Session | None = None
        self._opening = trio.Lock()

    def start(
        self,
        request: Request,
        *,
        role: str = "completion",
        seconds: float | None = None,
        bare: bool = False,
        session: Session | None = None,
    ) -> Completion:
        """Begins a call, of at most `seconds` (by default the setting's). `bare`: the provider without its wrappers.
        The log of `session`, if one is given, tells of it.

        Raises NotFound, ConfigError, Busy; what goes wrong later is raised where it is read.
        """
        catalog = self._kernel.catalog
        provider, model = catalog.model(request.model)
        provider = catalog.bare(model) if bare else provider
        if len(self._running) >= SIDE_BY_SIDE:
            raise Busy(f"{SIDE_BY_SIDE} calls outside of turns run already.", retry_after=5)
        limits = self._kernel.settings.limits
        if limits.tokens is not None and limits.tokens < (request.max_output or model.output):
            request = structs.replace(request, max_output=limits.tokens)
        caller = Caller(session.id, "", role, session.root.id) if session else Caller(role=role)
        request = structs.replace(request, model=model.name, caller=caller)
        keeper = Keeper(self._kernel.secrets) if self._kernel.settings.defaults.keep_requests else None
        call = CallRecord(request, role=role, keeper=keeper)
        completion = Completion(call, model, seconds or limits.seconds, session)
        self._running.add(completion)
        self.nursery.start_soon(self._run, completion, provider, request)
        return completion

    def ends(self) -> list[trio.Event]:
        """The ends of those that run."""
        return [completion.ended for completion in self._running]

    async def idle(self) -> None:
        """Waits until no call runs."""
        while self._running:
            await next(iter(self._running)).ended.wait()

    def cancel(self) -> None:
        """Cancels all."""
        for completion in self._running:
            completion.cancel()

    async def aclose(self) -> None:
        """Cancels all, and waits until what they used is recorded; not for a plugin that does not let go."""
        self.cancel()
        with trio.move_on_after(self._kernel.settings.deadlines.stopping):
            await self.idle()

    async def _run(self, completion: Completion, provider: Provider, request: Request) -> None:
        try:
            await completion.run(provider, request)
        finally:
            with trio.CancelScope(shield=True):  # bounded by the store's deadline
                await self._record(completion)
            self._running.discard(completion)
            completion.ended.set()

    async def _record(self, completion: Completion) -> None:
        event, blobs = completion.gathered.told(), completion.call.blobs
        for last in (False, True):
            try:
                session = completion.session or await self._own()
                await session.note(event, blobs=blobs)
            except Gone:  # somebody deleted it
                self._records = None
                if last or completion.session:
                    _log.warning("What a call used could not be recorded: its log is gone")
                    return
            except PillionError as error:
                _log.warning("What a call used could not be recorded: %s", error)
                return
            else:
                return

    async def _own(self) -> Session:
        """The one that holds the records of calls without a session."""
        async with self._opening:
            self._records = self._records or await self._kernel.open_records(PARENT)
            return self._records
