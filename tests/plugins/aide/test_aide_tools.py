"""Tools that ask the editor: language servers, terminal, recent edits, the page."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from pillion_runtime.testing import Reply, call, replies

from .documents import Documents
from .sidecar import Sidecar, sidecar

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 8).decode()


def at(line: int, character: int = 0) -> dict[str, int]:
    return {"line": line, "character": character, "byteOffset": 0}


def span(line: int) -> dict[str, Any]:
    return {"startPosition": at(line), "endPosition": at(line, 3)}


def outputs(told: list[Any]) -> list[str]:
    framed = [event["FrameworkEvent"] for event in told if "FrameworkEvent" in event]
    return [one["ToolOutput"]["ToolOutputResponse"]["answer_up_until_now"] for one in framed if "ToolOutput" in one]


def asked(aide: Sidecar, path: str) -> dict[str, Any]:
    """The last body of that call."""
    body = [body for called, body in aide.editor.asked if called == path][-1]
    return {name: value for name, value in body.items() if name != "editor_url"}


async def test_the_agent_asks_and_runs_in_the_editor(tmp_path: Path) -> None:
    work, documents = tmp_path / "work", Documents()
    file = work / "a.py"

    def mend(body: dict[str, Any]) -> Any:
        file.write_text("import os\nx = os.name\n")
        return {"request_id": body["request_id"], "invocation_success": body["index"] == 1}

    answers = {
        **documents.answers,
        "/diagnostics": lambda _: {"diagnostics": [{"message": "os is not defined", "range": span(0)}]},
        "/go_to_definition": lambda _: {"definitions": [{"fs_file_path": str(work / "b.py"), "range": span(6)}]},
        "/select_quick_fix": lambda _: {"options": [{"label": "no", "index": 0}, {"label": "Import os", "index": 1}]},
        "/invoke_quick_fix": mend,
        "/execute_terminal_command": lambda body: {"output": f"ran {body['command']}\n"},
        "/recent_edits": lambda _: {
            "changed_files": [
                {"fs_file_path": f"{work}/old.py", "diff": "-old", "updated_timestamp_ms": 1},
                {"fs_file_path": f"{work}/new.py", "diff": "+new", "updated_timestamp_ms": 2},
                {"fs_file_path": "/elsewhere/x.py", "diff": "+x", "updated_timestamp_ms": 3},
            ]
        },
        "/devtools_screenshot": lambda _: {"type": "base64", "media_type": "image/png", "data": PIXEL},
    }
    program = replies(
        Reply(calls=(call("get_diagnostics", path="a.py"), call("quick_fix", path="a.py", line=1))),
        Reply(calls=(call("go_to", what="definition", path="a.py", line=1, name="name"),)),
        Reply(calls=(call("go_to", what="references", path="a.py", line=1, name="os"),)),
        Reply(calls=(call("quick_fix", path="a.py", line=1, apply="Import os"),)),
        Reply(calls=(call("editor_terminal", command="make", wait=True), call("recent_edits"))),
        Reply(calls=(call("request_screenshot"),)),
        Reply("Done."),
    )
    async with sidecar(tmp_path, program, 'approve = ["write", "execute"]', answers) as aide:
        file.write_text("x = os.name\n")
        told = await aide.post("agent_tool_use", aide.message("mend it", is_devtools_context=True))
        found = outputs(told.told)
        assert sorted(found[:2]) == ["a.py:1:1 os is not defined", "no\nImport os"]
        assert asked(aide, "/file_diagnostics") == {
            "fs_file_path": str(file),
            "with_enrichment": False,
            "with_hover_check": None,
            "full_workspace": False,
        }
        assert asked(aide, "/diagnostics") == {
            "fs_file_path": str(file),
            "range": {
                "startPosition": {"line": 0, "character": 0, "byteOffset": 0},
                "endPosition": {"line": 1, "character": 0, "byteOffset": 12},
            },
        }
        assert found[2] == "b.py:7"
        assert asked(aide, "/go_to_definition") == {
            "fs_file_path": str(file),
            "position": {"line": 0, "character": 7, "byteOffset": 7},
        }
        assert found[3] == "By the name alone, since the editor does not know:\na.py:1"  # it has no /go_to_references
        assert "+import os" in found[4] and file.read_text().startswith("import os")
        assert sorted(found[5:7]) == [f"{work}/new.py\n+new\n\n{work}/old.py\n-old", "ran make"]
        assert asked(aide, "/execute_terminal_command") == {"command": "make", "wait_for_exit": True}
        assert PIXEL in str(aide.vendor.asked[-1].body)
        uses = [
            event["FrameworkEvent"]["ToolUseDetected"]["tool_use_partial_input"]
            for event in told.told
            if "ToolUseDetected" in event.get("FrameworkEvent", {})
        ]
        assert {"LSPDiagnostics": {}} in uses and {"RequestScreenshot": {}} in uses
        assert {"TerminalCommand": {"command": "make", "wait_for_exit": True}} in uses


async def test_an_editor_that_fails_in_mid_turn_is_told_and_the_session_stays_usable(tmp_path: Path) -> None:
    """It answers nothing any more once it is asked for diagnostics; then it is there again, and lacks all."""
    documents = Documents()
    program = replies(
        Reply(calls=(call("get_diagnostics"),)),
        Reply(calls=(call("edit_file", path="a.py", old="x = 1", new="x = 2"),)),
        Reply("Done without."),
        Reply(calls=(call("get_diagnostics"), call("editor_terminal", command="make"))),
        Reply("It can't."),
    )
    answers = {**documents.answers, "/file_diagnostics": lambda _: None}
    more = 'approve = ["write", "execute"]\neditor_seconds = 0.5'
    async with sidecar(tmp_path, program, more, answers) as aide:
        (aide.folder / "a.py").write_text("x = 1\n")
        aide.editor.answers["/file_diagnostics"] = lambda _: b"<html>"
        aide.editor.answers["/file_open"] = lambda _: None
        told = await aide.post("agent_tool_use", aide.message("go"))
        assert (aide.folder / "a.py").read_text() == "x = 2\n"
        said = str(told.told)
        assert "did not answer /file_open within 0.5 s" in said and "on the disk alone" in said
        assert "Done without." in said and aide.editor.paths().count("/file_open") == 1
        (session,) = (await aide.server.client.call("GET", "/api/sessions"))["data"]
        async with aide.server.watch(session["id"]) as watch:
            events = await watch.until("turn.finished")
        assert [event["type"] for event in events].count("aide.editor_lost") == 1
        aide.editor.status = 500
        again = outputs((await aide.post("agent_tool_use", aide.message("again", "asked-2"))).told)
        assert all("status 500" in one for one in again) and len(again) == 2
