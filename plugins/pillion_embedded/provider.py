"""The provider `embedded`: requests become chat completions of the model in this process, chunks come back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence

import trio

from pillion.contracts.provider import Chunk, Finish, Request, UsageSeen, Waiting
from pillion.errors import ModelNotFound, ProviderError
from pillion.tokens import Counter
from pillion.values import ModelInfo, Text, Usage

from .constrained import Unfolding, one_schema
from .model import QUEUED, Model, Piece
from .prompt import messages
from .tokens import counter

PROGRESS = 10_000
"""Milliseconds of reading a prompt after which the call says how far it is, again and again."""
WAITING_PIECES = 32
"""Pieces the model may be ahead of its reader. Full: the model waits."""


NO_LOOPS = {"dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 4, "dry_penalty_last_n": 2048}
"""A run of words that stood in the answer already gets the less likely the longer it grows ("DRY" in llama.cpp's
samplers): a small model that decodes greedily goes round in circles without it."""


class EmbeddedProvider:
    """One model. Its calls run one after the other."""

    name = "embedded"

    def __init__(self, info: ModelInfo, model: Model, *, repeat_penalty: float, keep_prompt: bool) -> None:
        self._info = info
        self._model = model
        self._repeat_penalty = repeat_penalty
        self._keep_prompt = keep_prompt

    def models(self) -> Sequence[ModelInfo]:
        return [self._info]

    def counter(self, model: ModelInfo) -> Counter | None:
        """The model's own tokenizer, where its file has one of the kind that is known."""
        return counter(self._model.path, model.name.partition("/")[2])

    @trio.as_safe_channel
    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Raises ContextOverflow when the prompt does not fit, ModelNotFound for another model, ProviderDown."""
        if request.model != self._info.name:
            raise ModelNotFound(f"There is no model {request.model}; the embedded one is {self._info.name}.")
        reading = Reading(Unfolding() if request.offered else None)
        failure: ProviderError | None = None
        send, receive = trio.open_memory_channel[Piece | ProviderError](WAITING_PIECES)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._model.answer, self._body(request), send)
            with receive:
                async for piece in receive:
                    if isinstance(piece, ProviderError):
                        failure = piece
                        break
                    for chunk in reading.chunks(piece):
                        yield chunk
        if failure:
            raise failure

    def _body(self, request: Request) -> Piece:
        body = {
            "messages": messages(request),
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
            "cache_prompt": self._keep_prompt,
            "max_tokens": request.max_output or self._info.output,
            "temperature": request.temperature or 0.0,
            "repeat_penalty": self._repeat_penalty,
            **NO_LOOPS,
        }
        schema = one_schema(request.offered) if request.offered else request.schema
        if schema is not None:
            # What must be written exactly, often again and again, can't be made to avoid repeating itself.
            body |= {"repeat_penalty": 1.0, "dry_multiplier": 0.0}
            body |= {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}
        return body


class Reading:
    """One answer's pieces -> chunks. The usage comes after the reason to end, so Finish waits for it."""

    def __init__(self, unfolding: Unfolding | None) -> None:
        self._unfolding = unfolding
        self._ended = ""
        self._told = 0

    def chunks(self, piece: Piece) -> Iterator[Chunk]:
        if piece is QUEUED:
            yield Waiting(0.0, "the model answers another call")
        elif "prompt_progress" in piece:
            yield from self._progress(piece["prompt_progress"])
        else:
            yield from self._content(piece)

    def _content(self, piece: Piece) -> Iterator[Chunk]:
        for choice in piece.get("choices", ()):
            if text := choice["delta"].get("content"):
                yield from self._unfolding.feed(text) if self._unfolding else (Text(text),)
            if ended := choice.get("finish_reason"):
                self._ended = ended
                if self._unfolding and ended != "length":
                    yield from self._unfolding.end()
        if usage := piece.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            yield UsageSeen(Usage(input=usage["prompt_tokens"], output=usage["completion_tokens"], cached=cached))
            if self._ended:
                yield self._finish()

    def _finish(self) -> Finish:
        if self._ended == "length":
            return Finish("length")
        return Finish("tool_calls" if self._unfolding and self._unfolding.called else "stop")

    def _progress(self, progress: Piece) -> Iterator[Waiting]:
        """How much of a long prompt is read; what has been read tells how long the rest takes."""
        done, total = progress["processed"] - progress["cache"], progress["total"] - progress["cache"]
        if 0 < done < total and progress["time_ms"] - self._told >= PROGRESS:
            self._told = progress["time_ms"]
            seconds = progress["time_ms"] / 1000 / done * (total - done)
            yield Waiting(
                round(seconds, 1), f"the model has read {progress['processed']} of {progress['total']} tokens"
            )
