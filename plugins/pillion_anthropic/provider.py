"""A provider over the anthropic client. The client makes, signs and names errors; its own retries are off."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import msgspec
import trio

from pillion.contracts.provider import Chunk, RatesSeen, Request
from pillion.errors import ProviderDown
from pillion.keys import Key
from pillion.modelconfig import KnownModels
from pillion.tokens import Counter
from pillion.values import ModelInfo
from pillion.vendorfaults import check_stream
from pillion_http.certificates import Certificates
from pillion_http.keptclient import KeptClient

from .answer import Reader
from .faults import translated
from .rates import rates
from .request import ThinkingMode, body
from .sse import DataLines
from .tokens import counter

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic, AsyncAPIResponse

CONNECT_SECONDS = 15.0
DRAIN_SECONDS = 1.0
"""How long the end of a finished answer is waited for, so that its connection can be used again."""


COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config")
"""What of a request the vendor counts; its endpoint takes nothing else."""


class _Counted(msgspec.Struct):
    input_tokens: int


class AnthropicProvider:
    """Anthropic's models."""

    name = "anthropic"

    def __init__(
        self,
        base_url: str,
        key: Key,
        models: KnownModels,
        thinking: ThinkingMode,
        certificates: Certificates | None = None,
        kept: KeptClient | None = None,
    ) -> None:
        self._base_url, self._key = base_url, key
        self._models, self._thinking = models, thinking
        self._client: AsyncAnthropic | None = None
        self._certificates = certificates or Certificates()
        self._kept = kept

    @property
    def account(self) -> str:
        """Whose limits its calls count towards: one server's, for one key."""
        return f"{urlsplit(self._base_url).netloc} {self._key.mark}"

    def models(self) -> Sequence[ModelInfo]:
        return tuple(self._models.known.values())

    def counter(self, model: ModelInfo) -> Counter:
        """An estimate, of known error."""
        return counter(model)

    async def count(self, request: Request) -> int:
        """What the vendor counts, which costs a request and no money. Raises ProviderError."""
        client = await self._opened()
        asked = body(request, self._models.get(request.model), self._thinking)
        counted = {name: asked[name] for name in COUNTED if name in asked}
        with translated(self._key):
            create: Any = client.messages.with_raw_response.count_tokens
            response = await create(model=asked["model"], messages=[], extra_body=counted)
            return msgspec.json.decode(await response.read(), type=_Counted).input_tokens

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """One call. Leaving it closes the connection, or gives it back when the answer is whole."""
        return self._stream(request)

    async def aclose(self) -> None:
        """Closes the client, but one that is kept; the next call opens a new one."""
        client, self._client = self._client, None
        if client is not None and self._kept is None:
            await client.close()

    @asynccontextmanager
    async def _stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        info = self._models.get(request.model)
        client = await self._opened()
        create: Any = client.messages.with_streaming_response.create
        async with AsyncExitStack() as stack:
            with translated(self._key):
                asked = body(request, info, self._thinking)
                # the rest goes as it is: the client walking through it by its types costs more than sending it
                demanded = {"model": asked["model"], "max_tokens": asked["max_tokens"], "messages": [], "stream": True}
                response = await stack.enter_async_context(create(**demanded, extra_body=asked))
                kind = response.headers.get("content-type", "")
                await check_stream(self.name, kind, response.http_response.aiter_bytes(), self._key.hint)
            yield await stack.enter_async_context(aclosing(self._chunks(response)))

    async def _chunks(self, response: AsyncAPIResponse[Any]) -> AsyncGenerator[Chunk]:
        """The answer's chunks, `Finish` last, when the connection is free again."""
        lines, reader = DataLines(), Reader()
        if said := rates(response.headers):
            yield RatesSeen(said)
        with translated(self._key):
            async with aclosing(_pieces(response.http_response)) as pieces:
                async for piece in pieces:
                    for data in lines.feed(piece):
                        for chunk in reader.read(data):
                            yield chunk
                    if reader.done:
                        await _drain(pieces)
                        break
        if reader.ending is None:
            raise ProviderDown("anthropic ended its answer without a reason to finish.")
        yield reader.ending

    async def _opened(self) -> AsyncAnthropic:
        """The client. Importing it takes a second, so that happens in a thread, at the first call."""
        key = await self._key.value()
        if self._client is None:
            if "anthropic.resources.messages" not in sys.modules:
                await trio.to_thread.run_sync(importlib.import_module, "anthropic.resources.messages")
            import httpx2
            from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

            context = await self._certificates.context()
            timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)  # the kernel has the deadlines

            def http() -> httpx2.AsyncClient:
                return DefaultAsyncHttpxClient(verify=context, timeout=timeout)

            if self._client is None:  # another call may have been quicker
                self._client = AsyncAnthropic(
                    api_key=key,
                    base_url=self._base_url,
                    max_retries=0,
                    timeout=timeout,
                    http_client=http() if self._kept is None else self._kept.opened(http),
                )
        self._client.api_key = key
        return self._client


def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """The body as it comes. Two generators that httpx puts round each piece are left out where nothing is packed."""
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    return cast("AsyncGenerator[bytes]", aiter(cast(AsyncIterable[bytes], response.stream)))


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Reads the little that may follow a finished answer. Whatever goes wrong now, the answer is whole."""
    import httpx2

    with trio.move_on_after(DRAIN_SECONDS), suppress(httpx2.HTTPError):
        async for _ in pieces:
            pass
