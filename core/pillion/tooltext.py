"""Tools for models that have none of their own: calls are a small tagged text, taken apart while it streams.

    <pillion:call tool="read_file">{"path": "README.md"}</pillion:call>

Or, for a model whose `tools` are `tags`, in the form of tagform.py. What is malformed is a call all the same: its
result tells the model what was wrong with it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import msgspec
from msgspec.structs import replace

from . import tagform, tagwords
from .contracts.provider import CallPart, Chunk, Finish, Provider, Request, Restart
from .values import Message, Part, Text, Thinking, ToolCall, ToolResult, ToolSpec
from .wrapper import Wrapper

BEGIN, END = "<pillion:call", "</pillion:call>"
OPENING = re.compile(r"<pillion:call\s+(?:tool|name)\s*=\s*[\"']?([A-Za-z0-9_-]{1,64})[\"']?\s*>")
LONGEST = 200
"""Characters that an opening tag may have; what is longer is text."""
LOOSE = " \t\r\n`"
"""White space and fences behind the arguments, which are no part of them."""
TOLD = """\
You can use tools. To use one, write exactly this, with the arguments as one JSON object:
<pillion:call tool="NAME">{{"argument": "value"}}</pillion:call>
You may write several. Then stop: the results come in the next message. Without a call your words are your answer.
The tools:
{}"""
NONE_NOW = "(Use no tool in this answer.)"


class TextTools(Wrapper):
    """Round `inner`: its models that have no tools are told of them in words, and what they write becomes calls."""

    def __init__(self, inner: Provider) -> None:
        super().__init__(inner)
        self._forms = {model.name: model.tools for model in inner.models() if model.tools in ("none", "tags")}

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        form = self._forms.get(request.model)
        if form is None or not (request.tools or _speaks_of_tools(request.messages)):
            return self._inner.stream(request)
        return in_words(self._inner, request, tags=form == "tags")


@asynccontextmanager
async def in_words(provider: Provider, request: Request, *, tags: bool) -> AsyncIterator[AsyncIterator[Chunk]]:
    """The provider's answer to a request whose tools it is told of in words: as tags, or with JSON."""
    parser = (lambda: tagform.Parser(request.offered)) if tags else Parser
    async with provider.stream(worded(request, tags=tags)) as chunks, aclosing(_parsed(chunks, parser)) as parsed:
        yield parsed


def worded(request: Request, *, tags: bool = False) -> Request:
    """The same request without tools: they, their calls and their results are words."""
    told = tagwords.told(request.tools) if tags else _told(request.tools)
    system = "\n\n".join(filter(None, (request.system, told)))
    said = _tagged if tags else _worded
    messages = [Message(message.role, tuple(map(said, message.parts))) for message in request.messages]
    if request.tools and not request.offered:
        messages.append(Message("user", (Text(NONE_NOW),)))
    return replace(request, system=system, messages=tuple(messages), tools=(), tool_choice="auto")


def _told(tools: Sequence[ToolSpec]) -> str:
    lines = [f"- {t.name}: {t.description} Arguments: {msgspec.json.encode(t.schema).decode()}" for t in tools]
    return TOLD.format("\n".join(lines)) if lines else ""


def _worded(part: Part) -> Part:
    match part:
        case ToolCall(_, name, arguments):
            return Text(f'{BEGIN} tool="{name}">{arguments or "{}"}{END}')
        case ToolResult(_, text, error, _):
            return Text(f"<pillion:result{' failed' if error else ''}>\n{text}\n</pillion:result>")
        case _:
            return part


def _tagged(part: Part) -> Part:
    match part:
        case ToolCall():
            return Text(tagwords.written(part))
        case Thinking(text):
            return Text(f"<{tagwords.THINKING}>\n{text}\n</{tagwords.THINKING}>\n")
        case _:
            return _worded(part)


def _speaks_of_tools(messages: Sequence[Message]) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for message in messages for part in message.parts)


async def _parsed(chunks: AsyncIterator[Chunk], fresh: Callable[[], Parser | tagform.Parser]) -> AsyncGenerator[Chunk]:
    parser = fresh()
    async for chunk in chunks:
        match chunk:
            case Text(text):
                for part in parser.feed(text):
                    yield part
            case Finish(reason):
                for part in parser.end(whole=reason == "stop"):
                    yield part
                yield Finish("tool_calls") if parser.called and reason == "stop" else chunk
            case Restart():
                parser = fresh()
                yield chunk
            case _:
                yield chunk


class Parser:
    """Words and calls, as far as they are sure."""

    def __init__(self) -> None:
        self.called = 0
        self._rest = ""
        """What has come and is not passed on yet."""
        self._inside = self._begun = False
        """In a call; in its arguments."""

    def feed(self, text: str) -> Iterator[Text | CallPart]:
        self._rest += text
        while (yield from self._call() if self._inside else self._words()):
            pass

    def end(self, *, whole: bool = True) -> Iterator[Text | CallPart]:
        """Nothing more comes: a call whose end is missing ends here, and half a tag is text. Cut JSON is none, so it
        says nothing here whether the answer is `whole`."""
        if self._inside:
            yield from self._arguments(self._rest.rstrip(LOOSE))
        elif self._rest:
            yield Text(self._rest)
        self._rest = ""

    def _words(self) -> Generator[Text | CallPart, None, bool]:
        """Passes words on, up to what may be a tag. Returns whether to go on."""
        at = self._rest.find(BEGIN)
        sure = at if at >= 0 else len(self._rest) - _begins(self._rest, BEGIN)
        if sure and (words := self._rest[:sure]):
            yield Text(words)
        self._rest = self._rest[sure:]
        if at < 0:
            return False
        found = OPENING.match(self._rest)
        if found is not None:
            yield CallPart(self.called, f"call_{secrets.token_hex(12)}", found[1])
            self.called += 1
            self._inside, self._begun = True, False
            self._rest = self._rest[found.end() :]
            return True
        if ">" not in self._rest and len(self._rest) < LONGEST:
            return False
        yield Text(BEGIN)  # no tag of ours after all
        self._rest = self._rest[len(BEGIN) :]
        return True

    def _call(self) -> Generator[Text | CallPart, None, bool]:
        """Passes arguments on, up to what may be their end. Returns whether to go on."""
        at = self._rest.find(END)
        whole = self._rest[:at] if at >= 0 else self._rest[: len(self._rest) - _begins(self._rest, END)]
        sure = whole.rstrip(LOOSE)
        if not self._begun and at < 0 and "{" not in sure:
            return False
        yield from self._arguments(sure)
        self._rest = self._rest[at + len(END) :] if at >= 0 else self._rest[len(sure) :]
        self._inside = at < 0
        return at >= 0

    def _arguments(self, text: str) -> Iterator[CallPart]:
        if not self._begun:  # whatever stands before the object is no part of it
            text = text[max(text.find("{"), 0) :].lstrip(LOOSE)
            self._begun = bool(text)
        if text:
            yield CallPart(self.called - 1, arguments=text)


def _begins(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)
