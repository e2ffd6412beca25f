"""A client in TypeScript, written by what the editor's client does alone, with an editor that holds the files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import Reply, Silence, call, replies

from ...required import required
from .documents import Documents
from .shared import Home
from .sidecar import models

CLIENT = Path(__file__).with_name("client")
TRICKY = 'a "quoted" line\nwith data:{ in it, and ü€😀'


@pytest.fixture
def client(tmp_path: Path) -> list[str]:
    """The command that runs it."""
    node = required("node", hint="it runs the editor's client")
    tsc = required("tsc", hint="npm install typescript, and put node_modules/.bin on PATH")
    done = subprocess.run([tsc, "-p", CLIENT, "--outDir", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return [node, str(tmp_path / "client.js")]


async def test_a_client_chats_edits_works_cancels_undoes_and_moves_however_streams_are_cut(
    home: Home, client: list[str]
) -> None:
    documents = Documents()
    undone = {"/undo_session_changes": lambda _: {"success": True}}
    program = replies(
        Reply(("Hel", TRICKY), pause=0.05),
        Reply("So.\n```\ndef one():\n    return 2\n```"),
        Reply("I look.", calls=(call("list_files"), call("read_file", path="a.py"))),
        Reply(calls=(call("search", pattern="return"), call("glob", pattern="*.py"))),
        Reply(calls=(call("edit_file", path="a.py", old="return 2", new="return 3"),)),
        Reply("It is three."),
        Reply(("Well", "…"), fault=Silence(1)),
        Reply("Where were we?"),
    )
    async with home.sidecar(program, {**documents.answers, **undone}) as aide:
        file = aide.folder / "a.py"
        file.write_text("def one():\n    return 0\n")
        documents.texts[str(file)] = "def one():\n    return 1\n"
        argv = [*client, f"http://127.0.0.1:{aide.server.port}", aide.editor.url, str(aide.folder)]
        ran = await trio.run_process(
            [*argv, json.dumps(models())], capture_stdout=True, capture_stderr=True, check=False
        )
        assert ran.returncode == 0, ran.stderr.decode()
        said = json.loads(ran.stdout)
        assert said["cuts"] > 5000 and not any(said[name]["errors"] for name in ("chat", "edit", "agent", "after"))
        assert said["chat"]["chat"] == f"Hel{TRICKY}" and said["chat"]["states"] == ["FinishedExchange"]
        assert said["edit"]["states"][-3:] == ["Loading", "MarkedComplete", "InReview"]
        assert said["edit"]["thought"].strip() == "So."
        assert said["agent"]["tools"] == [
            "ListFiles", "OpenFile", "SearchFileContentWithRegex", "FindFile", "CodeEditorParameters",
            "AttemptCompletion",
        ]  # fmt: skip
        assert said["agent"]["said"] == "It is three." and said["agent"]["parameters"] == {
            "directory_path": str(aide.folder),
            "fs_file_path": str(file),
            "regex_pattern": "return",
            "command": "str_replace",
            "result": "It is three.",
        }
        assert said["cancel"]["states"] == ["Cancelled"] and said["cancelled"]["states"][-1:] == ["Cancelled"]
        assert said["moves"] == [{"done": True}] * 2 and said["undo"] == {"done": True}
        assert said["after"]["chat"] == "Where were we?"
        assert file.read_text() == "def one():\n    return 3\n" and documents.texts == {}
        paths = aide.editor.paths()
        assert paths.count("/apply_edits") == 2 and paths.count("/undo_session_changes") == 1
        last = str(aide.vendor.asked[-1].body)
        assert "hello" in last and "work" not in last.replace(str(aide.folder), "")
