"""Tool calls as tags round each parameter: read however they are cut, and whatever a weak model leaves out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillion import events as e
from pillion.contracts.provider import CallPart, Finish
from pillion.tagform import Parser
from pillion.tagwords import told, written
from pillion.testing.kit import FunctionTool, events, kernel_host
from pillion.testing.scripted import ScriptedProvider
from pillion.values import ModelInfo, Text, Thinking, ToolCall, ToolSpec

TEXT = {"type": "string"}


def spec(name: str, *required: str, **properties: Any) -> ToolSpec:
    shapes: dict[str, Any] = dict.fromkeys(required, TEXT) | properties
    return ToolSpec(name, "It does.", {"type": "object", "properties": shapes, "required": list(required)})


NUMBER = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
TOOLS = [
    spec("read_file", "path", start={"type": "integer"}, end=NUMBER),
    spec("write_file", "path", "content"),
    spec("list_files", folder=TEXT, depth={"type": "integer"}),
    spec("search", "pattern", folder=TEXT, glob=TEXT),
    spec("run_command", "command", background={"type": "boolean"}),
    spec("run_tests", select={"type": "array", "items": TEXT}),
    spec("get_diagnostics"),
]
READ = "<read_file>\n<path>a.py</path>\n</read_file>"
A = ("read_file", {"path": "a.py"})


def read(pieces: Any, *, whole: bool = True) -> tuple[str, str, list[tuple[str, str]]]:
    """The thinking, the words, and each call's name and arguments."""
    parser, thought, words, calls = Parser(TOOLS), "", "", {}
    for part in [part for piece in pieces for part in parser.feed(piece)] + list(parser.end(whole=whole)):
        match part:
            case Thinking(text):
                thought += text
            case Text(text):
                words += text
            case CallPart(index, _, name, arguments):
                old = calls.get(index, ("", ""))
                calls[index] = (old[0] or name, old[1] + arguments)
    return thought, words, list(calls.values())


@pytest.mark.parametrize(
    ("text", "thought", "words", "calls"),
    [
        ("Just words, 1 < 2 and a <b>.", "", "Just words, 1 < 2 and a <b>.", []),
        (f"<thinking>\nI look.\nThen.\n</thinking>\n{READ}", "I look.\nThen.", "", [A]),
        (READ, "", "", [A]),  # without thinking
        ("<read_file><path>a.py</path></read_file>", "", "", [A]),
        ("I look: <read_file><path>a.py</path></read_file> Done.", "", "I look:Done.", [A]),
        ("Say `<read_file>` for that.", "", "Say `<read_file>` for that.", []),
        (f"```xml\n{READ}\n```", "", "```xml```", [A]),
        (f"{READ}\n{READ}\n\nDone.", "", "Done.", [A, A]),
        (f"<thinking>Hm.\n{READ}", "Hm.", "", [A]),  # thinking without an end
        ("<read_file>\n<path>\na.py\n</path>\n<start>3</start>\n</read_file>", "", "", [(A[0], A[1] | {"start": 3})]),
        ("<read_file>\n<path>a.py</read_file>", "", "", [A]),
        ("<read_file>\n<path>a.py</path>", "", "", [A]),  # nothing is closed
        (f"<read_file>\n<path>a.py</path>\n{READ}", "", "", [A, A]),
        ('<read_file>{"path": "a.py"}</read_file>', "", "", [A]),
        ("<read_file>a.py</read_file>", "", "", [A]),
        ("<get_diagnostics/>", "", "", [("get_diagnostics", {})]),
        ("<get_diagnostics>\n</get_diagnostics>", "", "", [("get_diagnostics", {})]),
        (
            '<write_file>\n<path>b.xml</path>\n<content>\n<a>"\\</content>\n</a>\n\n</content>\n</write_file>',
            "",
            "",
            [("write_file", {"path": "b.xml", "content": '<a>"\\</content>\n</a>\n'})],
        ),
        (
            "<run_tests><select>\na.py\nb.py\n</select></run_tests>",
            "",
            "",
            [("run_tests", {"select": ["a.py", "b.py"]})],
        ),
        (
            "<grep_string><directory_path>src</directory_path><regex_pattern>x</regex_pattern></grep_string>",
            "",
            "",
            [("search", {"folder": "src", "pattern": "x"})],
        ),
        (
            "<list_files>\n<directory_path>src</directory_path>\n<recursive>true</recursive>\n</list_files>",
            "",
            "",
            [("list_files", {"folder": "src", "depth": 20})],
        ),
        (
            "<execute_command><command>ls</command><wait_for_exit>false</wait_for_exit></execute_command>",
            "",
            "",
            [("run_command", {"command": "ls", "background": True})],
        ),
        ("<attempt_completion>\n<result>\nIt is\ndone.\n</result>\n</attempt_completion>", "", "It is\ndone.", []),
        ("<read_file><nope>1</nope><path>a.py</path></read_file>", "", "", [(A[0], {"nope": "1"} | A[1])]),
    ],
)
def test_calls_are_read_however_they_are_cut(text: str, thought: str, words: str, calls: list[Any]) -> None:
    def told(pieces: Any) -> Any:
        found = read(pieces)
        return found[0], found[1], [(name, msgspec.json.decode(arguments)) for name, arguments in found[2]]

    assert told([text]) == told(text) == (thought, words, calls)
    cuts = random.Random(7)
    for _ in range(50):
        at = sorted(cuts.sample(range(len(text)), min(3, len(text))))
        assert told([text[i:j] for i, j in zip([0, *at], [*at, None], strict=True)]) == (thought, words, calls)


@pytest.mark.parametrize("text", [READ[: READ.index("</path>")], READ[:-10], "<run_command>rm -r x", "<read_file>"])
def test_a_call_that_was_cut_off_is_none(text: str) -> None:
    ((_, arguments),) = read([text], whole=False)[2]
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(arguments)


def test_a_text_grows_while_it_comes() -> None:
    parser = Parser(TOOLS)
    grown = [part for piece in ("<write_file><content>one\n", "two\nthree") for part in parser.feed(piece)]
    assert "".join(part.arguments for part in grown if isinstance(part, CallPart)) == '{"content": "one\\ntwo\\nthree'


def test_what_was_called_is_told_in_the_same_form() -> None:
    call = ToolCall("c", "write_file", '{"path":"a.py","content":"x\\ny"}')
    assert read([written(call)])[2] == [("write_file", '{"path": "a.py", "content": "x\\ny"}')]
    assert '- start (JSON, {"type":"integer"}, may be left out)' in told(TOOLS)


async def look(arguments: object, call: object) -> str:
    return "3 files"


async def test_a_model_works_with_tags(tmp_path: Path, autojump_clock: object) -> None:
    tagged = ModelInfo("scripted/one", context=100_000, output=4_000, tools="tags")
    said = "<thinking>\nI look.\n</thinking>\n<look>\n<text>a</text>\n</look>"
    provider = ScriptedProvider([Text(said), Finish("stop")], [Text("Three."), Finish("stop")], models=[tagged])
    async with kernel_host(tmp_path, FunctionTool("look", look), provider=provider) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "How many?"), e.TurnFinished)
        first, second = provider.requests
        told = await events(session)
    assert [event.text for event in told if isinstance(event, e.ThinkingFinished)] == ["I look."]
    assert [event.text for event in told if isinstance(event, e.CallFinished)] == ['{"text": "a"}']
    assert first.tools == () and "# look\nA tool of a test." in first.system
    assert second.messages[-2].text == said and second.messages[-1].text.startswith("<pillion:result>\n3 files")
