"""A provider whose calls wait until their key may make them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from pillion.contracts.provider import Chunk, Provider, RatesSeen, Request, UsageSeen
from pillion.errors import ProviderBusy
from pillion.wrapper import Wrapper

from .account import Account
from .call import Call


class LimitedProvider(Wrapper):
    """Round `inner`: what is sent keeps to the limits of `account()`, who waits is told, and the limits are learnt.

    A wait is no silence of the model: no deadline of a model call runs meanwhile but that of `longest` seconds.
    """

    def __init__(self, inner: Provider, account: Callable[[], Account], longest: float, *, learns: bool) -> None:
        super().__init__(inner)
        self._account, self._longest, self._learns = account, longest, learns
        self._most = {model.name: model.output for model in inner.models()}

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        """One call in its turn. Raises ProviderBusy where that is too far off."""
        call = self._account().call(request, self._most.get(request.model), learns=self._learns)
        try:
            async with aclosing(self._chunks(call, request)) as chunks:
                yield chunks
        finally:
            call.ended()

    async def _chunks(self, call: Call, request: Request) -> AsyncGenerator[Chunk]:
        if not call.may:
            async with aclosing(call.turn(self._longest)) as turn:
                async for waiting in turn:
                    yield waiting
        call.sent()
        try:
            async with self._inner.stream(request) as chunks:
                call.answered()
                async for chunk in chunks:
                    match chunk:
                        case UsageSeen(usage):
                            call.used(usage)
                        case RatesSeen(rates) if self._learns:
                            call.learn(rates)
                        case _ if not call.lane.known:
                            call.learn(())  # it has nothing to tell
                    yield chunk
        except ProviderBusy as error:
            call.busy(error)
            raise
        call.finished()
