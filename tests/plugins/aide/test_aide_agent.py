"""A run with tools, as the editor is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pillion_aide.growingcall import GrowingCall
from pillion_runtime.testing import Reply, call, replies

from .documents import Documents
from .shared import Home
from .sidecar import models, sidecar


def framework(event: dict[str, Any]) -> tuple[str, Any]:
    """The one variant of a FrameworkEvent."""
    ((name, inner),) = event["FrameworkEvent"].items()
    return name, inner


async def test_a_run_with_five_tools_is_told_step_by_step(tmp_path: Path) -> None:
    program = replies(
        Reply("I look.", calls=(call("list_files"), call("search", pattern="x", glob="*.py"))),
        Reply(calls=(call("read_file", path="a.py", start=1, end=1),)),
        Reply(calls=(call("edit_file", path="a.py", old="x = 1", new="x = 2"), call("nonesuch"))),
        Reply(calls=(call("run_command", command="cat a.py"),)),
        Reply("Done: x is 2."),
    )
    async with sidecar(tmp_path, program, 'approve = ["write", "execute"]', Documents().answers) as aide:
        (aide.folder / "a.py").write_text("x = 1\n")
        answer = await aide.post("agent_tool_use", aide.message("set x to 2"))
        assert (aide.folder / "a.py").read_text() == "x = 2\n"
        assert {event["exchange_id"] for event in answer.events} == {f"reply-{n}" for n in range(1, 6)}
        asked = aide.editor.paths()
        assert (asked.count("/new_exchange"), asked.count("/apply_edits")) == (5, 1)
        edits = [body for path, body in aide.editor.asked if path == "/apply_edits_streamed"]
        assert {body["session_id"] for body in edits} == {"session-1"}
        *steps, last = answer.told
        assert last == {"ExchangeEvent": {"FinishedExchange": {"exchange_id": "reply-5", "session_id": "session-1"}}}
        told = [framework(event) for event in steps]
        root = str(aide.folder)
        assert told[0] == ("ToolThinking", {"thinking": "I look."})
        uses = [inner for name, inner in told if name == "ToolUseDetected"]
        assert uses[0] == {
            "tool_use_partial_input": {"ListFiles": {"directory_path": root, "recursive": True}},
            "thinking": "I look.",
        }
        regex = {"directory_path": root, "regex_pattern": "x", "file_pattern": "*.py"}
        assert [use["tool_use_partial_input"] for use in uses[1:]] == [
            {"SearchFileContentWithRegex": regex},
            {"OpenFile": {"fs_file_path": f"{root}/a.py", "start_line": 1, "end_line": 1}},
            {
                "CodeEditorParameters": {
                    "command": "str_replace",
                    "path": f"{root}/a.py",
                    "file_text": None,
                    "insert_line": None,
                    "new_str": "x = 2",
                    "old_str": "x = 1",
                    "view_range": None,
                }
            },
            {"McpTool": {"full_name": "mcp::pillion::nonesuch", "json": {}}},
            {"TerminalCommand": {"command": "cat a.py", "wait_for_exit": True}},
            {"AttemptCompletion": {"result": "Done: x is 2.", "command": None}},
        ]
        types = [inner["tool_type"] for name, inner in told if name == "ToolTypeFound"]
        assert types[-2:] == ["TerminalCommand", "AttemptCompletion"] and {"McpTool": "mcp::pillion::nonesuch"} in types
        found = [inner["tool_parameter_input"] for name, inner in told if name == "ToolParameterFound"]
        assert found[-1] == {
            "field_name": "result",
            "field_content_up_until_now": "Done: x is 2.",
            "field_content_delta": "Done: x is 2.",
        }
        outputs = [inner["ToolOutputResponse"] for name, inner in told if name == "ToolOutput"]
        assert len(outputs) == 5 and outputs[-1]["delta"] == "" and "x = 2" in outputs[-1]["answer_up_until_now"]
        assert len([name for name, _ in told if name == "ToolNotFound"]) == 1


async def test_a_question_ends_the_stream_and_the_next_message_answers_it(home: Home) -> None:
    program = replies(Reply(calls=(call("ask_person", question="Which one?"),)), Reply("It is blue."))
    async with home.sidecar(program) as aide:
        first = await aide.post("agent_tool_use", aide.message("paint it"))
        assert framework(first.told[-1]) == (
            "ToolUseDetected",
            {"tool_use_partial_input": {"AskFollowupQuestions": {"question": "Which one?"}}, "thinking": ""},
        )
        second = await aide.post("agent_tool_use", aide.message("blue", "asked-2"))
        assert "It is blue." in str(second.told)
        assert "blue" in str(aide.vendor.asked[-1].results)
        assert len(aide.vendor.asked) == 2


async def test_a_command_waits_for_the_person_where_the_setting_says_so(home: Home) -> None:
    program = replies(Reply(calls=(call("run_command", command="touch made"),)), Reply("It was made."))
    async with home.sidecar(program) as aide:
        async with aide.open("POST", "/api/agentic/agent_tool_use", aide.message("make it")) as opened:
            told = ""
            while "waits for an approval" not in told:
                told = str(await opened.event())
            assert "touch made" in told and not (aide.folder / "made").exists()
            session = await aide.own()
            async with aide.server.watch(session) as watch:
                wanted = (await watch.until("approval.wanted"))[-1]
            await aide.server.decide(session, wanted["approval"], "allow")
            while "AttemptCompletion" not in told:
                told = str(await opened.event())
        assert (aide.folder / "made").exists()


def test_parameters_grow_as_the_calls_text_does() -> None:
    text = '{"path": "src/\\ud83d\\ude00.py", "start": 3, "files": [], "instruction": "x"}'
    growing = GrowingCall("code_edit", Path("/w"))
    told = [grown for character in text for grown in growing.feed(character)]
    assert told[0] == ("fs_file_path", "/w/s", "/w/s") and told[-1][:2] == ("fs_file_path", "/w/src/\U0001f600.py")
    assert "".join(new for _, _, new in told) == told[-1][1]
    whole = {"CodeEditing": {"fs_file_path": told[-1][1], "instruction": "x"}}
    assert list(growing.finish(whole)) == [("instruction", "x", "x")]  # behind a list it is not read
    assert list(GrowingCall("code_edit", Path("/w")).feed("no JSON")) == []


def cut(text: str) -> tuple[str, ...]:
    return tuple(text[at : at + 5] for at in range(0, len(text), 5))


async def test_a_model_without_tools_works_with_tags_that_are_told_while_they_come(home: Home) -> None:
    """Thinking or none, the sidecar's names or Pillion's, several calls, parameters on one line or more."""
    search = "<grep_string>\n<directory_path>src</directory_path>\n<regex_pattern>x</regex_pattern>\n</grep_string>"
    read = "<read_file>\n<fs_file_path>src/a.py</fs_file_path>\n<start_line>1</start_line>\n</read_file>"
    change = "<edit_file>\n<path>src/a.py</path>\n<old>x = 1</old>\n<new>\nx = 2\ny = 3\n</new>\n</edit_file>"
    program = replies(
        Reply(cut(f"<thinking>\nI look.\n</thinking>\n{search}\n{read}")),
        Reply(cut(change)),
        Reply(cut("<attempt_completion>\n<result>\nDone: x is 2.\n</result>\n</attempt_completion>")),
    )
    async with home.sidecar(program, Documents().answers) as aide:
        (aide.folder / "src").mkdir()
        (aide.folder / "src/a.py").write_text("x = 1\n")
        tagged = aide.message("set x to 2", model_configuration=models(model="tagged"))
        answer = await aide.post("agent_tool_use", tagged)
        assert (aide.folder / "src/a.py").read_text() == "x = 2\ny = 3\n"
        told = [framework(event) for event in answer.told[:-1]]
        first, second, _ = aide.vendor.asked
    assert "I look." in [inner["thinking"] for name, inner in told if name == "ToolThinking"]
    types = [inner["tool_type"] for name, inner in told if name == "ToolTypeFound"]
    assert types == ["SearchFileContentWithRegex", "OpenFile", "CodeEditorParameters", "AttemptCompletion"]
    found = [inner["tool_parameter_input"] for name, inner in told if name == "ToolParameterFound"]
    root = str(aide.folder)
    last = {one["field_name"]: one["field_content_up_until_now"] for one in found}
    assert last == {
        "directory_path": f"{root}/src",
        "regex_pattern": "x",
        "fs_file_path": f"{root}/src/a.py",
        "command": "str_replace",
        "result": "Done: x is 2.",
    }
    pieces = [one["field_content_delta"] for one in found if one["field_name"] == "fs_file_path"]
    assert "".join(pieces) == f"{root}/src/a.py"
    uses = [inner["tool_use_partial_input"] for name, inner in told if name == "ToolUseDetected"]
    assert {"OpenFile": {"fs_file_path": f"{root}/src/a.py", "start_line": 1, "end_line": None}} in uses
    assert uses[-1] == {"AttemptCompletion": {"result": "Done: x is 2.", "command": None}}
    assert first.tools == () and "src/a.py" in str(second.body)
