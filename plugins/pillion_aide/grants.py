"""Keys that came with a request: each serves the turn that the request began, and is forgotten with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import trio
from msgspec import Struct
from msgspec.structs import replace

from pillion import Kernel, ModelInfo, Provider, ProviderRefused, Request
from pillion.contracts.provider import Chunk
from pillion.keys import Key
from pillion.tooltext import in_words

from .vendors import Target, Unusable

PATIENCE = 10.0
"""Seconds in which a request whose turn has begun tells which one it is."""
CLOSING = 5.0


class Granted(Struct, frozen=True):
    """`model` is its id at the vendor. `tags`: it is told of tools in words."""

    provider: Provider
    model: str
    tags: bool = False

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """Asks that model."""
        asked = replace(request, model=f"{self.provider.name}/{self.model}")
        return in_words(self.provider, asked, tags=True) if self.tags else self.provider.stream(asked)


class Grant:
    """The models of one request, by the names that sessions have for them. `turn` is known when it is `bound`."""

    def __init__(self, providers: Mapping[str, Granted]) -> None:
        self.providers = providers
        self.turn = ""
        self.bound = trio.Event()

    def bind(self, turn: str) -> None:
        self.turn = turn
        self.bound.set()

    async def aclose(self) -> None:
        """Closes their connections."""
        self.bound.set()
        with trio.move_on_after(CLOSING, shield=True):
            for one in self.providers.values():
                if (close := getattr(one.provider, "aclose", None)) is not None:
                    with suppress(OSError):
                        await close()


class Grants:
    """Those of the running requests, by Pillion's session."""

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self._held: dict[str, list[Grant]] = {}

    def open(self, targets: Sequence[Target]) -> Grant:
        """A grant for those models. Raises Unusable where no plugin speaks to them."""
        return Grant({target.name: Granted(self.provider(target), target.model, target.tags) for target in targets})

    def provider(self, target: Target) -> Provider:
        """Raises Unusable."""
        assert self.kernel is not None
        hint = f"Check the key of {target.provider} in the editor's settings."
        key = Key(self.kernel.secrets.register(target.key), hint)
        given: dict[str, Any] = {
            "wire": target.wire,
            "base_url": target.base_url,
            "key": key,
            "official": target.official,
            "query": target.query,
            "headers": target.headers,
        }
        for _, provider in self.kernel.host.ask("open_provider", **given):
            if isinstance(provider, Provider):
                return provider
        plugin = "anthropic" if target.wire == "messages" else "openai"
        raise Unusable(f"Nothing here speaks to {target.provider}: the plugin {plugin} is off.")

    def hold(self, session: str, grant: Grant) -> None:
        self._held.setdefault(session, []).append(grant)

    async def release(self, session: str, grant: Grant) -> None:
        """Its turn is over: the key is forgotten."""
        held = [one for one in self._held.get(session, ()) if one is not grant]
        if held:
            self._held[session] = held
        else:
            self._held.pop(session, None)
        await grant.aclose()

    async def find(self, request: Request) -> Granted:
        """Who answers that request. Raises ProviderRefused."""
        assert self.kernel is not None
        root = self.kernel.roster.live(request.caller.root)
        turn = root.turn.id if root is not None and root.turn is not None else ""
        for grant in list(self._held.get(request.caller.root, ())):
            with trio.move_on_after(PATIENCE):
                await grant.bound.wait()
            if turn and grant.turn == turn and request.model in grant.providers:
                return grant.providers[request.model]
        raise ProviderRefused("The key came with another request, and serves that one alone.")


class GrantedProvider:
    """Asks with the key that came with the request whose turn it is. It offers no model to anybody else."""

    name = "aide"

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def models(self) -> Sequence[ModelInfo]:
        return ()

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        return self._stream(request)

    @asynccontextmanager
    async def _stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        granted = await self._grants.find(request)
        async with granted.stream(request) as chunks:
            yield chunks
