"""Deadlines round a provider's stream, and the check that what it yields makes sense. Nearest to the provider."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar, get_args

import trio

from .contracts.provider import Chunk, Finish, Provider, Request
from .errors import PillionError, ProviderDown, ProviderError
from .settings import Deadlines
from .values import ModelInfo

T = TypeVar("T")
_log = logging.getLogger(__name__)
_CHUNKS = get_args(Chunk)


class GuardedProvider:
    """A provider whose silence, nonsense and early end are ProviderErrors, so that wrappers can act on them."""

    def __init__(self, inner: Provider, deadlines: Deadlines) -> None:
        self._inner, self._deadlines = inner, deadlines
        self.name = inner.name

    def models(self) -> Sequence[ModelInfo]:
        return self._inner.models()

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        return self._stream(request)

    @asynccontextmanager
    async def _stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        deadlines, began, opened = self._deadlines, trio.current_time(), False
        # round the whole stream, not only its opening: a provider may hold a nursery of its own open inside
        with trio.CancelScope(deadline=began + deadlines.first_byte) as scope:
            try:
                async with self._inner.stream(request) as chunks:
                    opened = True
                    scope.deadline = end = began + deadlines.total
                    yield _GuardedChunks(self, chunks, end)
            except PillionError:
                raise
            except Exception as error:  # a plugin's fault is the call's
                if opened:
                    raise  # the caller's own, or one that _bounded has named already
                raise self._bug(error) from error
        if scope.cancelled_caught:
            seconds = deadlines.total if opened else deadlines.first_byte
            what = "the whole answer" if opened else "its first byte"
            raise ProviderDown(f"{self.name} was silent: {what} did not come within {seconds:g} s.")

    def _bug(self, error: Exception) -> ProviderError:
        _log.error("The provider %s raised what it should not", self.name, exc_info=error)
        return ProviderError(f"{self.name} failed with {type(error).__name__}.")

    async def _bounded(self, waiting: Awaitable[T], seconds: float, end: float, what: str) -> T:
        try:
            with trio.move_on_at(min(trio.current_time() + seconds, end)):
                return await waiting
        except PillionError:
            raise
        except StopAsyncIteration:
            raise ProviderDown(f"{self.name} ended its answer without a reason to finish.") from None
        except Exception as error:  # a plugin's fault is the call's
            raise self._bug(error) from error
        raise ProviderDown(f"{self.name} was silent: {what} did not come within {seconds:g} s.")


class _GuardedChunks:
    def __init__(self, guard: GuardedProvider, chunks: AsyncIterator[Chunk], end: float) -> None:
        self._guard, self._chunks, self._end = guard, chunks, end
        self._first, self._finished = True, False

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if self._finished:
            raise StopAsyncIteration
        deadlines = self._guard._deadlines
        seconds = deadlines.first_byte if self._first else deadlines.between
        what = "the first piece" if self._first else "the next piece"
        chunk: Chunk = await self._guard._bounded(self._chunks.__anext__(), seconds, self._end, what)
        self._first = False
        sensible = isinstance(chunk, _CHUNKS)
        if not sensible:
            raise ProviderError(f"{self._guard.name} yielded a {type(chunk).__name__}, which is no chunk.")
        self._finished = isinstance(chunk, Finish)
        return chunk
