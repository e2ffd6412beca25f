"""Deadlines round a provider's stream, and the check that what it yields makes sense. Nearest to the provider."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import get_args

import trio

from .contracts.provider import Chunk, Finish, Provider, RatesSeen, Request
from .errors import ModelNotFound, PillionError, ProviderDown, ProviderError
from .roles import near_models
from .settings import Deadlines
from .wrapper import Wrapper

_log = logging.getLogger(__name__)
_CHUNKS = get_args(Chunk)


class GuardedProvider(Wrapper):
    """A provider whose silence, nonsense and early end are ProviderErrors, so that wrappers can act on them."""

    def __init__(self, inner: Provider, deadlines: Deadlines) -> None:
        super().__init__(inner)
        self._deadlines = deadlines

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        # One scope round the whole stream, whose deadline moves: a provider may hold a nursery of its own open inside,
        # and a scope for each chunk would cost more than the chunk.
        watch = _Watch(self._deadlines)
        opened = False
        with watch.scope:
            watch.waits("its first byte", self._deadlines.first_byte)
            try:
                async with self._inner.stream(request) as chunks:
                    opened = True
                    watch.waits_no_more()
                    yield _GuardedChunks(self.name, chunks, watch)
            except ModelNotFound as error:
                near = near_models(request.model, (m.name for m in self.models() if m.name != request.model))
                raise ModelNotFound(f"{error} {near}".strip()) from error
            except PillionError:
                raise
            except Exception as error:  # a plugin's fault is the call's
                if opened:
                    raise  # the caller's own, or one that has its name already
                raise _bug(self.name, error) from error
        if watch.scope.cancelled_caught:
            raise ProviderDown(f"{self.name} was silent: {watch.what} did not come within {watch.seconds:g} s.")


class _Watch:
    """The deadline of a stream: of the wait that is under way, and of the whole."""

    def __init__(self, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self._end = trio.current_time() + deadlines.total
        self.scope = trio.CancelScope(deadline=self._end)
        self.what, self.seconds = "the whole answer", deadlines.total

    def waits(self, what: str, seconds: float) -> None:
        until = trio.current_time() + seconds
        if until < self._end:
            self.what, self.seconds, self.scope.deadline = what, seconds, until

    def waits_no_more(self) -> None:
        self.what, self.seconds, self.scope.deadline = "the whole answer", self.deadlines.total, self._end


class _GuardedChunks:
    def __init__(self, name: str, chunks: AsyncIterator[Chunk], watch: _Watch) -> None:
        self._name, self._chunks, self._watch = name, chunks, watch
        self._what, self._seconds = "the first piece", watch.deadlines.first_byte
        self._finished = False

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if self._finished:
            raise StopAsyncIteration
        self._watch.waits(self._what, self._seconds)
        try:
            chunk = await self._chunks.__anext__()
        except PillionError:
            raise
        except StopAsyncIteration:
            raise ProviderDown(f"{self._name} ended its answer without a reason to finish.") from None
        except Exception as error:  # a plugin's fault is the call's
            raise _bug(self._name, error) from error
        self._watch.waits_no_more()
        if not isinstance(chunk, RatesSeen):
            self._what, self._seconds = "the next piece", self._watch.deadlines.between
        sensible = isinstance(chunk, _CHUNKS)
        if not sensible:
            raise ProviderError(f"{self._name} yielded a {type(chunk).__name__}, which is no chunk.")
        self._finished = isinstance(chunk, Finish)
        return chunk


def _bug(name: str, error: Exception) -> ProviderError:
    _log.error("The provider %s raised what it should not", name, exc_info=error)
    return ProviderError(f"{name} failed with {type(error).__name__}.")
