"""Each of the sidecar's tools as the editor is told of it, whichever way the model calls it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from pillion_runtime.testing import Reply, call, replies

from .documents import Documents
from .shared import Home
from .sidecar import models

SHAPES: list[tuple[str, dict[str, Any], str]] = [
    ("list_files", {"folder": "src"}, '{"ListFiles":{"directory_path":"@/src","recursive":true}}'),
    ("list_files", {"depth": 1}, '{"ListFiles":{"directory_path":"@","recursive":false}}'),
    (
        "search",
        {"pattern": "x|y", "folder": "src", "glob": "*.py"},
        '{"SearchFileContentWithRegex":{"directory_path":"@/src","regex_pattern":"x|y","file_pattern":"*.py"}}',
    ),
    (
        "search",
        {"pattern": "x"},
        '{"SearchFileContentWithRegex":{"directory_path":"@","regex_pattern":"x","file_pattern":null}}',
    ),
    ("read_file", {"path": "a.py"}, '{"OpenFile":{"fs_file_path":"@/a.py","start_line":null,"end_line":null}}'),
    (
        "read_file",
        {"files": [{"path": "b.py", "start": 2, "end": 3}, {"path": "a.py"}]},
        '{"OpenFile":{"fs_file_path":"@/b.py","start_line":2,"end_line":3}}',
    ),
    ("glob", {"pattern": "*.py"}, '{"FindFile":{"pattern":"*.py"}}'),
    (
        "code_edit",
        {"path": "a.py", "instruction": "Rename x."},
        '{"CodeEditing":{"fs_file_path":"@/a.py","instruction":"Rename x."}}',
    ),
    (
        "write_file",
        {"path": "c.py", "content": "z\n"},
        '{"CodeEditorParameters":{"command":"create","path":"@/c.py","file_text":"z\\n","insert_line":null,'
        '"new_str":null,"old_str":null,"view_range":null}}',
    ),
    (
        "edit_file",
        {"path": "a.py", "old": "x", "new": "y"},
        '{"CodeEditorParameters":{"command":"str_replace","path":"@/a.py","file_text":null,"insert_line":null,'
        '"new_str":"y","old_str":"x","view_range":null}}',
    ),
    (
        "str_replace_based_edit_tool",
        {"command": "view", "path": "a.py", "view_range": [1, 2]},
        '{"CodeEditorParameters":{"command":"view","path":"@/a.py","file_text":null,"insert_line":null,'
        '"new_str":null,"old_str":null,"view_range":[1,2]}}',
    ),
    (
        "str_replace_based_edit_tool",
        {"command": "insert", "path": "a.py", "insert_line": 1, "insert_text": "w"},
        '{"CodeEditorParameters":{"command":"insert","path":"@/a.py","file_text":null,"insert_line":1,'
        '"new_str":"w","old_str":null,"view_range":null}}',
    ),
    ("semantic_search", {"question": "who?"}, '{"SemanticSearch":{"search_query":"who?"}}'),
    ("repo_map", {}, '{"RepoMapGeneration":{"directory_path":"@"}}'),
    ("run_tests", {"select": ["t.py"]}, '{"TestRunner":{"fs_file_paths":["@/t.py"]}}'),
    ("get_diagnostics", {"path": "a.py"}, '{"LSPDiagnostics":{}}'),
    ("request_screenshot", {}, '{"RequestScreenshot":{}}'),
    (
        "editor_terminal",
        {"command": "make", "wait": False},
        '{"TerminalCommand":{"command":"make","wait_for_exit":false}}',
    ),
    (
        "run_command",
        {"command": "ls", "background": True},
        '{"TerminalCommand":{"command":"ls","wait_for_exit":false}}',
    ),
    ("mcp_tool", {"n": 1}, '{"McpTool":{"full_name":"mcp::pillion::mcp_tool","json":{"n":1}}}'),
]
CANCELLED = {"ExchangeEvent": {"ExecutionState": "Cancelled"}}


def framed(told: list[Any], name: str) -> list[Any]:
    return [event["FrameworkEvent"][name] for event in told if name in event.get("FrameworkEvent", {})]


async def test_each_tool_is_told_by_the_name_and_the_parameters_that_cross(home: Home) -> None:
    """All are called at once. A command waits for the person, and then the run is cancelled."""
    program = replies(Reply(calls=tuple(call(name, **given) for name, given, _ in SHAPES)))
    told: list[Any] = []
    async with home.sidecar(program, Documents().answers) as aide:
        (aide.folder / "a.py").write_text("x\n")
        async with aide.open("POST", "/api/agentic/agent_tool_use", aide.message("go")) as opened:
            while len(framed(told, "ToolUseDetected")) < len(SHAPES) or "waits for an approval" not in str(told):
                told.append((await opened.event()).get("event", {}))
            body = {"session_id": aide.session, "exchange_id": "asked-1"}
            assert (await aide.post("cancel_running_event", body)).told == [CANCELLED]
            while told[-1] != CANCELLED:
                told.append((await opened.event()).get("event", {}))
        root = str(aide.folder)
    uses = [msgspec.json.encode(use["tool_use_partial_input"]).decode() for use in framed(told, "ToolUseDetected")]
    assert uses == [shape.replace("@", root) for _, _, shape in SHAPES]
    assert [one["tool_type"] for one in framed(told, "ToolTypeFound")] == [
        next(iter(given))
        if (given := json.loads(shape)).keys() != {"McpTool"}
        else {"McpTool": "mcp::pillion::mcp_tool"}
        for _, _, shape in SHAPES
    ]
    assert {one["ToolOutputResponse"]["delta"] for one in framed(told, "ToolOutput")} == {""}


async def test_a_tag_is_told_from_its_first_line_on_and_a_parameter_may_stand_on_one(home: Home) -> None:
    """The first line of an instruction was not told."""
    instruction = "<instruction>\nFirst.\nSecond.\n</instruction>"
    edit = f"<code_edit_input>\n<fs_file_path>a.py</fs_file_path>\n{instruction}\n</code_edit_input>"
    ask = "<ask_followup_question>\n<question>\nWhich one?\n</question>\n</ask_followup_question>"
    before, _, behind = edit.partition("Second.")
    program = replies(
        Reply((before, f"Second.{behind}"), pause=0.3),
        Reply("<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE"),
        Reply(ask),
    )
    async with home.sidecar(program, Documents().answers) as aide:
        (aide.folder / "a.py").write_text("x\n")
        config = models(model="tagged")
        answer = await aide.post("agent_tool_use", aide.message("go", model_configuration=config))
        assert (aide.folder / "a.py").read_text() == "y\n"
    grown = [one["tool_parameter_input"] for one in framed(answer.told, "ToolParameterFound")]
    told = [one for one in grown if one["field_name"] == "instruction"]
    assert [one["field_content_up_until_now"] for one in told] == ["First.", "First.\nSecond."]
    assert [one["field_content_delta"] for one in told] == ["First.", "\nSecond."]
    last = answer.told[-1]["FrameworkEvent"]["ToolUseDetected"]
    assert last == {"tool_use_partial_input": {"AskFollowupQuestions": {"question": "Which one?"}}, "thinking": ""}


TAGS = [
    (
        "<list_files>\n<directory_path>src</directory_path>\n<recursive>true</recursive>\n</list_files>",
        '{"ListFiles":{"directory_path":"@/src","recursive":true}}',
    ),
    (
        "<list_files>\n<directory_path>\n.\n</directory_path>\n<recursive>false</recursive>\n</list_files>",
        '{"ListFiles":{"directory_path":"@","recursive":false}}',
    ),
    (
        "<grep_string>\n<directory_path>src</directory_path>\n<regex_pattern>\nx|y\n</regex_pattern>\n</grep_string>",
        '{"SearchFileContentWithRegex":{"directory_path":"@/src","regex_pattern":"x|y","file_pattern":null}}',
    ),
    (
        "<search_files>\n<directory_path>src</directory_path>\n<regex_pattern>x</regex_pattern>\n"
        "<file_pattern>*.py</file_pattern>\n</search_files>",
        '{"SearchFileContentWithRegex":{"directory_path":"@/src","regex_pattern":"x","file_pattern":"*.py"}}',
    ),
    (
        "<read_file>\n<fs_file_path>a.py</fs_file_path>\n<start_line>1</start_line>\n<end_line>2</end_line>\n</read_file>",
        '{"OpenFile":{"fs_file_path":"@/a.py","start_line":1,"end_line":2}}',
    ),
    (
        "<code_edit_input>\n<fs_file_path>\na.py\n</fs_file_path>\n<instruction>\nDo.\n</instruction>\n</code_edit_input>",
        '{"CodeEditing":{"fs_file_path":"@/a.py","instruction":"Do."}}',
    ),
    (
        "<execute_command>\n<command>\nls\n</command>\n<wait_for_exit>false</wait_for_exit>\n</execute_command>",
        '{"TerminalCommand":{"command":"ls","wait_for_exit":false}}',
    ),
    (
        "<execute_command>\n<command>ls -l</command>\n</execute_command>",
        '{"TerminalCommand":{"command":"ls -l","wait_for_exit":true}}',
    ),
    ("<find_file>\n<pattern>*.py</pattern>\n</find_file>", '{"FindFile":{"pattern":"*.py"}}'),
    ("<get_diagnostics>\n<fs_file_path>a.py</fs_file_path>\n</get_diagnostics>", '{"LSPDiagnostics":{}}'),
    (
        "<semantic_search>\n<question>\nwho?\n</question>\n</semantic_search>",
        '{"SemanticSearch":{"search_query":"who?"}}',
    ),
    (
        "<semantic_search>\n<search_query>why?</search_query>\n</semantic_search>",
        '{"SemanticSearch":{"search_query":"why?"}}',
    ),
    ("<request_screenshot>\n</request_screenshot>", '{"RequestScreenshot":{}}'),
    (
        "<test_runner>\n<fs_file_paths>\na.py\nb.py\n</fs_file_paths>\n</test_runner>",
        '{"TestRunner":{"fs_file_paths":["@/a.py","@/b.py"]}}',
    ),
]  # fmt: skip


async def test_each_tag_of_the_sidecars_is_a_call(home: Home) -> None:
    """With the thinking before them or without, several in one answer, in pieces of seven characters."""
    text = "<thinking>\nI look.\n</thinking>\n" + "\n".join(tag for tag, _ in TAGS)
    program = replies(Reply(tuple(text[at : at + 7] for at in range(0, len(text), 7))))
    told: list[Any] = []
    async with home.sidecar(program) as aide:
        config = models(model="tagged")
        message = aide.message("go", model_configuration=config, semantic_search=True, is_devtools_context=True)
        async with aide.open("POST", "/api/agentic/agent_tool_use", message) as opened:
            while len(framed(told, "ToolUseDetected")) < len(TAGS):
                told.append((await opened.event()).get("event", {}))
            body = {"session_id": aide.session, "exchange_id": "asked-1"}
            assert (await aide.post("cancel_running_event", body)).told == [CANCELLED]
        root = str(aide.folder)
    uses = framed(told, "ToolUseDetected")
    assert [msgspec.json.encode(use["tool_use_partial_input"]).decode() for use in uses] == [
        shape.replace("@", root) for _, shape in TAGS
    ]
    assert uses[0]["thinking"] == "I look."
