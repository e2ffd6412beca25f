"""A provider over the openai client. The client makes, signs and names errors; its own retries are off."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

import msgspec
import trio
from msgspec import Struct

from pillion.contracts.provider import Chunk, Finish, RatesSeen, Request
from pillion.errors import ProviderDown
from pillion.keys import Key
from pillion.tokens import Counter
from pillion.values import ModelInfo, Text
from pillion.vendorfaults import check_stream
from pillion_http.certificates import Certificates
from pillion_http.keptclient import KeptClient

from . import chat, constrained, responses, tokens
from .faults import translated
from .rates import rates
from .sse import DataLines

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncAPIResponse, AsyncOpenAI

Reader = chat.Reader | responses.Reader
CONNECT_SECONDS = 15.0
DRAIN_SECONDS = 1.0
"""How long the end of a finished answer is waited for, so that its connection can be used again."""


class Server(Struct, frozen=True):
    """Where a provider's models are. `official`: OpenAI's own. `unknown` is assumed of models not in `models`."""

    name: str
    base_url: str
    key: Key
    api: Literal["chat", "responses"]
    models: Mapping[str, ModelInfo]
    unknown: ModelInfo
    official: bool = False
    query: Mapping[str, str] = {}
    """Goes with every request, as `headers` do."""
    headers: Mapping[str, str] = {}


class OpenAIProvider:
    """One server's models."""

    def __init__(
        self, server: Server, certificates: Certificates | None = None, kept: KeptClient | None = None
    ) -> None:
        self._server, self._kept = server, kept
        self._certificates = certificates or Certificates()
        self._client: AsyncOpenAI | None = None
        self.name = server.name

    @property
    def account(self) -> str:
        """Whose limits its calls count towards: one server's, for one key."""
        return f"{urlsplit(self._server.base_url).netloc} {self._server.key.mark}"

    def models(self) -> Sequence[ModelInfo]:
        return tuple(self._server.models.values())

    def counter(self, model: ModelInfo) -> Counter | None:
        """The model's own counter, where that is one of OpenAI's."""
        return tokens.counter(model, self._server.official, self._server.api == "chat")

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
        server = self._server
        info = server.models.get(request.model) or msgspec.structs.replace(server.unknown, name=request.model)
        client = await self._opened()
        reader: Reader
        if server.api == "chat":
            reader = chat.Reader(self.name)
            asked = chat.body(request, info, server.official)
            create: Any = client.chat.completions.with_streaming_response.create
        else:
            reader = responses.Reader(self.name)
            asked = responses.body(request, info, server.official)
            create = client.responses.with_streaming_response.create
        async with AsyncExitStack() as stack:
            with translated(self.name, server.key):
                response = await stack.enter_async_context(create(**_as_extra(asked, server.api)))
                kind = response.headers.get("content-type", "")
                await check_stream(self.name, kind, response.http_response.aiter_bytes(), server.key.hint)
            chunks = self._chunks(response, reader)
            if server.api == "chat" and info.tools == "constrained" and request.offered:
                chunks = _as_calls(chunks)
            yield await stack.enter_async_context(aclosing(chunks))

    async def _chunks(self, response: AsyncAPIResponse[Any], reader: Reader) -> AsyncGenerator[Chunk]:
        """The answer's chunks, `Finish` last, when the connection is free again."""
        lines = DataLines()
        if said := rates(response.headers):
            yield RatesSeen(said)
        with translated(self.name, self._server.key):
            async with aclosing(_pieces(response.http_response)) as pieces:
                async for piece in pieces:
                    for data in lines.feed(piece):
                        for chunk in reader.read(data):
                            yield chunk
                    if reader.done:
                        await _drain(pieces)
                        break
                else:
                    for data in lines.feed(b"\n"):  # an end without a line's end
                        for chunk in reader.read(data):
                            yield chunk
        if reader.ending is None:
            raise ProviderDown(f"{self.name} ended its answer without a reason to finish.")
        yield reader.ending

    async def _opened(self) -> AsyncOpenAI:
        """The client. Importing it takes half a second, so that happens in a thread, at the first call."""
        key = await self._server.key.value() or "none"  # local servers want none, the client does
        if self._client is None:
            if "openai.resources.responses" not in sys.modules:
                await trio.to_thread.run_sync(importlib.import_module, "openai.resources.responses")
            import httpx2
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            context = await self._certificates.context()
            timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)  # the kernel has the deadlines

            def http() -> httpx2.AsyncClient:
                return DefaultAsyncHttpxClient(verify=context, timeout=timeout)

            if self._client is None:  # another call may have been quicker
                self._client = AsyncOpenAI(
                    api_key=key,
                    base_url=self._server.base_url,
                    max_retries=0,
                    default_query=self._server.query or None,
                    default_headers=self._server.headers or None,
                    timeout=timeout,
                    http_client=http() if self._kept is None else self._kept.opened(http),
                )
        self._client.api_key = key
        return self._client


def _as_extra(asked: dict[str, Any], api: Literal["chat", "responses"]) -> dict[str, Any]:
    """The same request with all but what the client demands as `extra_body`, which it sends as it is: walking through
    messages and tools by their types costs it more than the rest of the request."""
    return {"model": asked["model"], "stream": True, "messages" if api == "chat" else "input": [], "extra_body": asked}


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


async def _as_calls(chunks: AsyncGenerator[Chunk]) -> AsyncGenerator[Chunk]:
    """A constrained answer: its text is JSON, which is a call or an answer only as a whole."""
    words: list[str] = []
    async with aclosing(chunks):
        async for chunk in chunks:
            match chunk:
                case Text(text):
                    words.append(text)
                case Finish():
                    for part in constrained.chunks("".join(words), chunk):
                        yield part
                case _:
                    yield chunk
