"""What every provider must do, whatever it talks to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import get_args

import trio

from ...contracts.provider import CallPart, Chunk, Finish, Provider, Request, UsageSeen
from ...errors import ProviderError
from ...values import Message, ModelInfo, Text, Thinking


class ProviderContract:
    """Override `provider`, or `opened` when it needs something running; and `request`, if the first model won't do."""

    seconds = 60.0
    """What one call may take."""
    says_usage = True
    """Does the vendor count tokens?"""

    def provider(self) -> Provider:
        """A provider that answers."""
        raise NotImplementedError("Override provider() or opened().")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Provider]:
        """The provider while a check runs."""
        yield self.provider()

    def request(self, provider: Provider) -> Request:
        """A request that is answered with words, in two chunks or more."""
        return Request(provider.models()[0].name, (Message("user", (Text("Say hello to the world."),)),))

    def request_with_tools(self, provider: Provider) -> Request | None:
        """A request that is answered with at least one tool call. None: the provider has no tools."""
        return None

    def failing(self, provider: Provider) -> Sequence[Request]:
        """Requests that must fail: a refused key, a server's error, a cut connection."""
        return ()

    def running(self, provider: Provider) -> int:
        """How many calls the provider holds open, if it knows."""
        return 0

    # ── the checks ──

    async def test_it_names_its_models(self) -> None:
        async with self.opened() as provider:
            assert isinstance(provider, Provider), "A provider has name, models() and stream()."
            name, models = provider.name, provider.models()
            assert name and "/" not in name, f"A provider's name is one word without a slash, not {name!r}."
            assert models, "models() is empty: nothing can be asked."
            for model in models:
                assert isinstance(model, ModelInfo), f"models() holds a {type(model).__name__}, no ModelInfo."
                assert model.name.startswith(f"{name}/"), f"{model.name!r} must begin with '{name}/'."
                assert 0 < model.output <= model.context, f"{model.name}: output is 1 to context, in tokens."
            names = [model.name for model in models]
            assert len(set(names)) == len(names), f"models() names a model twice: {names}."

    async def test_a_stream_ends_with_its_one_finish(self) -> None:
        async with self.opened() as provider:
            chunks = await self._collected(provider, self.request(provider))
            for chunk in chunks:
                assert isinstance(chunk, get_args(Chunk)), f"The stream yields a {type(chunk).__name__}, no chunk."
            finishes = [i for i, chunk in enumerate(chunks) if isinstance(chunk, Finish)]
            assert finishes, "The stream ends without a Finish: that is a fault, not an answer."
            assert finishes == [len(chunks) - 1], "The one Finish is the last chunk."
            words = "".join(chunk.text for chunk in chunks if isinstance(chunk, Text | Thinking))
            assert words, "The answer holds no words."

    async def test_it_says_what_was_used(self) -> None:
        if not self.says_usage:
            return
        async with self.opened() as provider:
            chunks = await self._collected(provider, self.request(provider))
            seen = [chunk.usage for chunk in chunks if isinstance(chunk, UsageSeen)]
            assert seen, "The stream holds no UsageSeen."
            used = seen[-1]
            assert used.input > 0 and used.output > 0, f"The last UsageSeen counts both ways, not {used}."
            assert used.cached <= used.input, f"`cached` is a part of `input`, not more: {used}."

    async def test_calls_come_in_pieces_that_fit(self) -> None:
        async with self.opened() as provider:
            request = self.request_with_tools(provider)
            if request is None:
                return
            chunks = await self._collected(provider, request)
            calls: dict[int, list[CallPart]] = {}
            for chunk in chunks:
                if isinstance(chunk, CallPart):
                    calls.setdefault(chunk.index, []).append(chunk)
            assert calls, "The answer calls no tool."
            for index, parts in calls.items():
                assert parts[0].id and parts[0].name, f"The first piece of call {index} has no id or no name."
                text = "".join(part.arguments for part in parts) or "{}"
                assert isinstance(json.loads(text), dict), f"The arguments of call {index} are no JSON object: {text}"
            ids = [parts[0].id for parts in calls.values()]
            assert len(set(ids)) == len(ids), f"Two calls have one id: {ids}."
            assert chunks[-1] == Finish("tool_calls"), f"An answer with calls ends so, not with {chunks[-1]}."

    async def test_a_cancel_in_mid_stream_is_let_through(self) -> None:
        async with self.opened() as provider:
            last: object = None
            with trio.fail_after(self.seconds), trio.CancelScope() as scope:
                async with provider.stream(self.request(provider)) as chunks:
                    async for chunk in chunks:
                        last = chunk
                        scope.cancel()
            through = scope.cancelled_caught or isinstance(last, Finish)  # all of it may have been there already
            assert through, "The provider swallows the cancel: trio.Cancelled must pass through it."
            assert self.running(provider) == 0, "After the cancel the call is still open."
            await self._collected(provider, self.request(provider))

    async def test_leaving_early_closes_the_call(self) -> None:
        async with self.opened() as provider:
            with trio.fail_after(self.seconds):
                async with provider.stream(self.request(provider)) as chunks:
                    await chunks.__anext__()
            assert self.running(provider) == 0, "Leaving the block must close the call."
            await self._collected(provider, self.request(provider))

    async def test_two_streams_at_once(self) -> None:
        async with self.opened() as provider:
            found: list[list[Chunk]] = []

            async def ask() -> None:
                found.append(await self._collected(provider, self.request(provider)))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                nursery.start_soon(ask)
            for chunks in found:
                assert isinstance(chunks[-1], Finish), "Of two calls at once, one ended without a Finish."

    async def test_faults_are_provider_errors(self) -> None:
        async with self.opened() as provider:
            for request in self.failing(provider):
                fault = await self._fault(provider, request)
                assert isinstance(fault, ProviderError), f"A fault must be a ProviderError, not {fault!r}."
                assert str(fault), f"{type(fault).__name__} says nothing."
                assert self.running(provider) == 0, "After the fault the call is still open."

    async def _fault(self, provider: Provider, request: Request) -> Exception:
        try:
            chunks = await self._collected(provider, request)
        except Exception as error:  # of any class: which one is the question
            return error
        ended = bool(chunks) and isinstance(chunks[-1], Finish)
        assert not ended, "A call that must fail ended as if all were well."
        raise AssertionError("A stream that breaks off must raise a ProviderError.")

    async def _collected(self, provider: Provider, request: Request) -> list[Chunk]:
        with trio.fail_after(self.seconds):
            async with provider.stream(request) as chunks:
                return [chunk async for chunk in chunks]
