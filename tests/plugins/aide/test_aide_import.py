"""Sessions that the sidecar left behind are sessions here, whatever else lies in its folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import trio

from pillion_aide.oldlog import lines
from pillion_aide.oldsession import read
from pillion_runtime.testing import Reply, replies

from .sidecar import sidecar

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CONTEXT = {
    "variables": [
        {
            "name": "f",
            "start_position": {"line": 4, "character": 0, "byteOffset": 0},
            "end_position": {"line": 6, "character": 0, "byteOffset": 0},
            "fs_file_path": "/w/a.py",
            "type": "CodeSymbol",
            "content": "def f(): ...",
            "language": "python",
        }
    ],
    "images": [{"type": "base64", "media_type": "image/png", "data": PNG}],
    "file_content_map": [],
    "folder_paths": [],
    "is_plan_generation": False,
}
NOTHING = {"variables": [], "file_content_map": [], "folder_paths": [], "is_plan_generation": False}


def person(id: str, query: str, context: Any = NOTHING, **more: Any) -> dict[str, Any]:
    said = {"query": query, "user_context": context, "project_labels": [], "repo_ref": "local/w"}
    return {"exchange_id": id, "exchange_type": {"HumanChat": said}, "exchange_state": "UserMessage"} | more


def answer(id: str, reply: Any, state: str = "Accepted", **more: Any) -> dict[str, Any]:
    said = {"reply": reply, "parent_exchange_id": "p"}
    return {"exchange_id": id, "exchange_type": {"AgentChat": said}, "exchange_state": state} | more


def tool(id: str, use: str, given: Any, thinking: str = "") -> dict[str, Any]:
    reply = {"tool_type": next(iter(given)), "tool_input_partial": given, "thinking": thinking, "tool_use_id": use}
    return answer(id, {"Tool": reply})


def output(id: str, use: str, text: str) -> dict[str, Any]:
    said = {"tool_type": "OpenFile", "output": text, "exchange_id": id, "user_context": NOTHING, "tool_use_id": use}
    return {"exchange_id": id, "exchange_type": {"ToolOutput": said}}


def session(folder: Path, *exchanges: dict[str, Any], id: str = "old-1") -> dict[str, Any]:
    return {
        "session_id": id,
        "project_labels": ["python"],
        "repo_ref": f"local/{folder}",
        "exchanges": list(exchanges),
        "storage_path": "/x",
        "global_running_user_context": NOTHING,
        "tools": [],
        "action_nodes": [],
    }


def whole(folder: Path) -> dict[str, Any]:
    """Every kind of exchange."""
    steps = [{"id": "s", "title": "Look", "files_to_edit": [], "description": "Read it.", "user_context": NOTHING}]
    anchored = {"query": "Make it blue.", "fs_file_path": "/w/a.py", "range": {}, "selection_context": "x"}
    edit = {"information": {"Anchored": anchored}, "user_context": NOTHING, "exchange_type": "Anchored"}
    plan = {"previous_queries": ["old"], "query": "Plan it.", "user_context": NOTHING}
    return session(
        folder,
        person("c1", "Forgotten.", is_compressed=True),
        answer("c2", {"Chat": {"reply": "Compressed."}}, is_compressed=True),
        person("e1", "What is f?", CONTEXT),
        tool("e2", "t1", {"OpenFile": {"fs_file_path": "/w/a.py", "start_line": 1, "end_line": None}}, "I read it."),
        output("e3", "t1", "x = 1"),
        tool("e4", "t2", {"TerminalCommand": {"command": "ls", "wait_for_exit": True}}),
        tool("e5", "t3", {"AttemptCompletion": {"result": "f is a function.", "command": None}}),
        {"exchange_id": "e6", "exchange_type": {"Edit": edit}},
        answer("e7", {"Edit": {"edits_made_diff": "-red\n+blue", "accepted": False}}, "Rejected"),
        {"exchange_id": "e8", "exchange_type": {"Plan": plan}},
        answer("e9", {"Plan": {"plan_steps": steps, "plan_discarded": False}}, "Cancelled"),
        answer("e10", {"Riddle": {"deep": 1}}),
        person("h1", "Hidden question.", is_hidden=True),
        answer("h2", {"Chat": {"reply": "Hidden answer."}}, "Running", is_hidden=True),
    )


def brought(home: Path, folder: Path, *options: str) -> tuple[int, str, str]:
    """What `pillion aide import` ends with, says, and says beside."""
    command = [sys.executable, "-m", "pillion_runtime.cli.main", "aide", "import", str(folder), *options]
    command += ["--data-dir", str(home / "data")]
    environ = os.environ | {"PILLION_CONFIG": str(home / "plugins.toml")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ)
    return done.returncode, done.stdout, done.stderr


async def test_old_sessions_go_on_and_bad_files_are_named(tmp_path: Path) -> None:
    index = tmp_path / "index"
    (index / "session").mkdir(parents=True)
    kept = index / "session"
    (kept / "none.tmp").write_text("{}")
    (kept / "cut").write_text(json.dumps(session(tmp_path, person("a", "b")))[:-9])
    (kept / "deep").write_text("[" * 100_000)
    (kept / "noise").write_bytes(b"\x00\xff")
    (kept / "foreign").write_text('{"session_id": "x", "exchanges": []}')
    (kept / "up").write_text(json.dumps(session(tmp_path, person("a", "b"), id="../../etc/x")))
    (kept / "parent").write_text(json.dumps(session(Path("/w/../x"), person("a", "b"), id="p")))
    (kept / "link").symlink_to("/etc/passwd")
    os.mkfifo(kept / "pipe")
    async with sidecar(tmp_path, replies(Reply("It is so."))) as aide:
        (kept / "old-1").write_text(json.dumps(whole(aide.folder) | {"action_nodes": [{"index": 0}, {"index": 1}]}))
        (index / "plans").mkdir()
        for name in ("old-1-e8", "old-2-e1"):
            (index / "plans" / name).write_text("{}")
        (index / "scratch_pad").mkdir()
        code, told, beside = await trio.to_thread.run_sync(brought, tmp_path, index)
        assert beside == "Left as they are, since nothing here takes them: plans/ (2).\n"
        by = dict(line.removeprefix(f"{kept}/").split(": ", 1) for line in told.splitlines())
        assert code == 1 and by.keys() == {p.name for p in kept.iterdir()} - {"none.tmp"}
        assert by.pop("old-1").endswith("with 14 exchanges; 2 nodes of attempts stay in the file")
        assert all("session of the sidecar's" in by[name] for name in ("cut", "deep", "noise"))
        assert "repo_ref" in by["foreign"] and "repo_ref" in by["parent"] and "no id" in by["up"]
        assert "can't be read" in by["link"] and "no plain file" in by["pipe"]
        code, again, beside = await trio.to_thread.run_sync(brought, tmp_path, kept, "--json")
        (old,) = [one for one in json.loads(again)["data"] if one["file"].endswith("old-1")]
        assert code == 1 and "here already" in old["error"]
        assert json.loads(again)["left"] == {"plans": 2} and beside == ""

        answered = await aide.post("agent_session_chat", aide.message("Is it so?", "e11", "old-1"))
        assert "It is so." in str(answered.told)
        asked = aide.vendor.asked[-1]
        said = "\n".join(f"{message.role}: {message.text}" for message in asked.messages)
        for words in (
            "`f`, lines 5 to 7 of `/w/a.py`",
            "I read it.",
            "f is a function.",
            "+blue",
            "Read it.",
            '"Riddle"',
        ):
            assert words in said, words
        assert "x = 1" in str(asked.messages) and "holds no result" in str(asked.messages)
        assert "Compressed." not in said and "Hidden" not in said
        assert (await aide.post("move_to_checkpoint", {"session_id": "old-1", "exchange_id": "e2"})).status == 200
        assert (await aide.post("move_to_checkpoint", {"session_id": "old-1", "exchange_id": "h1"})).status == 404


def test_a_session_is_the_same_file_each_time(tmp_path: Path) -> None:
    data = json.dumps(whole(tmp_path)).encode()
    assert list(lines(read(data), 1)) == list(lines(read(data), 1))
