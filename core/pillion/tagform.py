"""Tool calls as tags round each parameter, which weak models write better than JSON; taken apart while they stream.

    <thinking>
    The README says it.
    </thinking>
    <read_file>
    <path>README.md</path>
    </read_file>

A model may leave the thinking out, put a parameter on one line or several, call several tools, write JSON where the
parameters belong, and use the names that other agents have for such tools (tagnames.py).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import msgspec

from .contracts.provider import CallPart
from .tagnames import Meant, meant
from .tagwords import THINKING, is_text
from .values import Text, Thinking, ToolSpec

OPENING = re.compile(r"<\s*([A-Za-z_][\w.:-]{0,63})\s*(/?)>")
LONGEST = 80
"""Characters that a tag may have; what is longer is text."""
FENCE = re.compile(r"\A\s*```\w*\n|\n?```\s*\Z")
Part = Text | Thinking | CallPart
Steps = Generator[Part, None, bool]


class Parser:
    """Words, thinking and calls, as far as they are sure. `tools` are those that may be called."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self.called = 0
        self._tools = {tool.name: tool for tool in tools}
        self._rest = ""
        """What has come and is not passed on yet."""
        self._state = self._words
        self._gap = ""
        """White space that is passed on with the next words, if any."""
        self._fresh = True
        """Nothing but white space since the line began."""
        self._silent = True
        """No words yet since the beginning, a call or thinking."""
        self._name = ""
        """The tag that is open round the parameters, as it was written."""
        self._call: Meant
        self._parameter = ""
        self._given = 0
        """Parameters of the call so far."""
        self._value = ""
        """Of the open parameter; of a text only what may not be passed on yet."""
        self._lines = 0
        """Line ends of the open parameter that were passed on."""

    def feed(self, text: str) -> Iterator[Part]:
        self._rest += text
        while (yield from self._state()):
            pass

    def end(self, *, whole: bool = True) -> Iterator[Part]:
        """Nothing more comes. `whole`: the model ended by itself, so that what is plainly a value counts without its
        end; else the call's arguments are no JSON, and its result says so."""
        rest, self._rest = self._rest, ""
        if self._state == self._valued:
            value, end = self._value + rest, f"</{self._parameter}>"
            at = value.rfind(end)
            closed = at >= 0 and f"</{self._name}>".startswith(value[at + len(end) :].strip())
            if whole and (closed or not ("\n" in value.strip() or self._lines > 0)):
                self._value = value[:at] if closed else value
                yield from self._closed()
                yield from self._ended()
        elif self._state == self._inside or self._state == self._body:
            if not whole:
                yield CallPart(self.called - 1, arguments="" if self._given else "{")
            elif self._state == self._body:
                yield from self._bodied(rest)
            else:
                yield from self._ended()
        elif rest := rest.rstrip() if self._state == self._thinking else self._gap + rest if rest else "":
            yield Thinking(rest) if self._state == self._thinking else Text(rest)

    # ── outside of calls ──

    def _words(self) -> Steps:
        """Passes words on, up to what may be a tag. Returns whether to go on."""
        said = ""
        while self._rest:
            at = self._rest.find("<")
            plain = self._rest if at < 0 else self._rest[:at]
            said, self._rest = said + self._seen(plain), self._rest[len(plain) :]
            if not self._rest:
                break
            found = OPENING.match(self._rest)
            if found is None and _may_begin(self._rest):
                break
            sure = self._opens(found)
            if sure is None:
                break
            if sure:
                assert found is not None
                if said:
                    yield Text(said)
                self._rest = self._rest[found.end() :]
                yield from self._enter(found[1], closed=bool(found[2]))
                return True
            said, self._rest = said + self._seen("<"), self._rest[1:]
        if said:
            yield Text(said)
        return False

    def _seen(self, text: str) -> str:
        """What of these words is passed on now."""
        if self._silent:
            text = text.lstrip()
        if not text:
            return ""
        line = text.rpartition("\n")
        self._fresh = not line[2].strip() if line[1] else self._fresh and not line[2].strip()
        text = self._gap + text
        said = text.rstrip()
        self._gap = text[len(said) :]
        self._silent = self._silent and not said
        return said

    def _opens(self, found: re.Match[str] | None) -> bool | None:
        """Does that tag begin something? None: what comes next will tell."""
        if found is None:
            return False
        name = found[1]
        if name == THINKING:
            return self._fresh and not found[2]
        call = meant(name, self._tools)
        if call is None:
            return False
        return True if self._fresh else self._has_parameter(self._rest[found.end() :], call)

    def _has_parameter(self, text: str, call: Meant) -> bool | None:
        text = text.lstrip()
        found = OPENING.match(text)
        if found is None:
            return None if not text or _may_begin(text) else False
        return call.parameter(found[1]) in call.properties

    def _enter(self, name: str, *, closed: bool = False) -> Iterator[Part]:
        self._gap, self._fresh, self._silent = "", True, True
        if name == THINKING:
            self._state, self._lines = self._thinking, 0
            return
        call = meant(name, self._tools)
        assert call is not None
        self._name, self._call, self._given = name, call, 0
        self._state = self._inside
        if not call.spoken:
            yield CallPart(self.called, f"call_{secrets.token_hex(12)}", call.tool)
            self.called += 1
        if closed:
            yield from self._ended()

    def _thinking(self) -> Steps:
        """Passes thinking on, up to its end or to a call, should the end be missing."""
        end = f"</{THINKING}>"
        said, self._rest = self._rest, ""
        if (at := said.find(end)) >= 0:
            said, self._rest, self._state = said[:at], said[at + len(end) :], self._words
            self._fresh = True
        else:
            call = self._call_in(said)
            if call is not None and call[1]:
                self._state = self._words
            at = call[0] if call is not None else len(said) - _begins(said, end)
            kept = len(said[:at].rstrip())  # white space goes on with what follows it, if anything does
            said, self._rest = said[:kept], said[kept:]
        if self._state == self._words:
            said, self._rest = said.rstrip(), self._rest.lstrip()
        if not self._lines:
            said = said.lstrip()
        if said:
            self._lines += 1
            yield Thinking(said)
        return self._state == self._words

    def _call_in(self, text: str) -> tuple[int, bool] | None:
        """Where a call begins on a line of its own inside of thinking; whether it is one for sure."""
        for found in re.finditer(r"^[ \t]*(?=<)", text, re.M):
            opening = OPENING.match(text, found.end())
            if opening is None:
                if _may_begin(text[found.end() :]):
                    return found.start(), False
                continue
            call = meant(opening[1], self._tools)
            sure = self._has_parameter(text[opening.end() :], call) if call is not None else False
            if sure is not False:
                return found.start(), bool(sure)
        return None

    # ── inside of a call ──

    def _inside(self) -> Steps:
        """Between two parameters."""
        self._rest = self._rest.lstrip()
        if not self._rest:
            return False
        if not self._rest.startswith("<"):
            self._state = self._body
            return True
        if self._rest.startswith(end := f"</{self._name}>"):
            self._rest = self._rest[len(end) :]
            yield from self._ended()
            return True
        found = OPENING.match(self._rest)
        if found is None:
            if _may_begin(self._rest):
                return False
            self._rest = self._rest[max(self._rest.find(">") + 1, 1) :]  # the end of something else
            return True
        parameter = self._call.parameter(found[1])
        if parameter not in self._call.properties and meant(found[1], self._tools) is not None:
            yield from self._ended()  # the next call, and the end of this one is missing
            return True
        self._rest = self._rest[found.end() :]
        self._parameter, self._value, self._lines = found[1], "", -1
        self._state = self._valued
        if not self._call.spoken:
            self._given += 1
            head = ("{" if self._given == 1 else ", ") + msgspec.json.encode(parameter).decode() + ": "
            yield CallPart(self.called - 1, arguments=head + ('"' if self._text else ""))
        if found[2]:
            self._rest = f"</{found[1]}>{self._rest}"
        return True

    @property
    def _text(self) -> bool:
        """Is the open parameter passed on as it comes?"""
        name = self._call.parameter(self._parameter)
        return not self._call.converts(self._parameter) and is_text(self._call.properties.get(name, {}))

    def _valued(self) -> Steps:
        """In a parameter: its end counts where a call goes on or ends behind it, so its text may hold such tags."""
        if self._lines < 0:  # the line end behind the tag is no part of it
            if self._rest in ("", "\r"):
                return False
            self._rest, self._lines = re.sub(r"\A\r?\n", "", self._rest), 0
        text = self._value + self._rest
        self._value = self._rest = ""
        end, start = f"</{self._parameter}>", 0
        while (at := text.find(end, start)) >= 0:
            behind = text[at + len(end) :]
            sure = self._goes_on(behind)
            if sure:
                self._value, self._rest = text[:at], behind
                yield from self._closed()
                return True
            if sure is None:
                break
            start = at + 1
        outer = text.find(f"</{self._name}>")
        if at < 0 and outer >= 0 and not self._lines and "\n" not in text[:outer].strip():
            self._value, self._rest = text[:outer], text[outer:]
            yield from self._closed()
            return True
        keep = at if at >= 0 else len(text) - max(_begins(text, end), _begins(text, f"</{self._name}>"))
        keep = len(text[:keep].rstrip("\r\n"))
        yield from self._grown(text[:keep])
        self._value += text[keep:]
        return False

    def _goes_on(self, behind: str) -> bool | None:
        """Is what stands behind a parameter's end what may follow there? None: more has to come."""
        behind = behind.lstrip()
        if not behind or _begins(behind, f"</{self._name}>") == len(behind):
            return None
        if behind.startswith(f"</{self._name}>"):
            return True
        found = OPENING.match(behind)
        if found is None:
            return None if _may_begin(behind) else False
        return self._call.parameter(found[1]) in self._call.properties or meant(found[1], self._tools) is not None

    def _grown(self, text: str) -> Iterator[Part]:
        if not text:
            return
        self._lines += text.count("\n")
        if self._call.spoken:
            if self._parameter == self._call.spoken:
                yield Text(text)
        elif self._text:
            yield CallPart(self.called - 1, arguments=_escaped(text))
        else:
            self._value += text  # nothing of it is passed on before it is whole

    def _closed(self) -> Iterator[Part]:
        """The open parameter is whole."""
        value = re.sub(r"\r?\n\Z", "", self._value)
        if self._call.spoken:
            if self._parameter == self._call.spoken and value:
                yield Text(value)
        elif self._text:
            yield CallPart(self.called - 1, arguments=_escaped(value) + '"')
        else:
            schema = self._call.properties.get(self._call.parameter(self._parameter), {})
            convert = self._call.converts(self._parameter)
            yield CallPart(self.called - 1, arguments=_json(convert(value.strip()) if convert else value, schema))
        self._value, self._state = "", self._inside

    def _body(self) -> Steps:
        """No parameters but something else, up to the call's end."""
        at = self._rest.find(f"</{self._name}>")
        if at < 0:
            return False
        body, self._rest = self._rest[:at], self._rest[at + len(self._name) + 3 :]
        yield from self._bodied(body)
        return True

    def _bodied(self, body: str) -> Iterator[Part]:
        body = FENCE.sub("", body).strip()
        texts = [name for name in self._call.required if is_text(self._call.properties[name])]
        if self._call.spoken:
            if body:
                yield Text(body)
        elif self._given:
            yield CallPart(self.called - 1, arguments="}")  # words behind the parameters
        elif body.startswith("{") or len(texts) != 1:
            yield CallPart(self.called - 1, arguments=body)
        else:
            yield CallPart(self.called - 1, arguments=msgspec.json.encode({texts[0]: body}).decode())
        self._leave()

    def _ended(self) -> Iterator[Part]:
        """The call is whole."""
        if not self._call.spoken:
            yield CallPart(self.called - 1, arguments="}" if self._given else "{}")
        self._leave()

    def _leave(self) -> None:
        self._state, self._fresh, self._silent, self._gap = self._words, True, True, ""


def _json(text: str, schema: dict[str, Any]) -> str:
    """What stands there as JSON; else as the text that it is, of which the result says what is wrong."""
    kinds = {one.get("type") for one in schema.get("anyOf", (schema,))}
    bare = text.strip()
    if "boolean" in kinds and bare.lower() in ("true", "false", "yes", "no"):
        return "true" if bare.lower() in ("true", "yes") else "false"
    if not bare and "null" in kinds:
        return "null"
    try:
        value = msgspec.json.decode(bare)
    except (msgspec.DecodeError, RecursionError):
        value = bare
    if "array" in kinds and not isinstance(value, list):
        value = [line.strip() for line in bare.splitlines() if line.strip()]
    return msgspec.json.encode(value).decode()


def _escaped(text: str) -> str:
    return msgspec.json.encode(text)[1:-1].decode()


def _may_begin(text: str) -> bool:
    """May `text`, which begins with `<`, be the beginning of a tag?"""
    return len(text) < LONGEST and re.fullmatch(r"</?\s*[\w.:-]*\s*/?", text) is not None


def _begins(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)
