"""A client of Node, written by what the editor's client does alone, with an editor that holds the files."""

from __future__ import annotations

import json
from pathlib import Path

import trio

from pillion_runtime.testing import Reply, Silence, call, replies

from ...required import required
from .documents import Documents
from .shared import Home
from .sidecar import models

CLIENT = Path(__file__).with_name("client.mjs")


async def test_a_client_of_node_chats_edits_works_cancels_undoes_and_moves(home: Home) -> None:
    node = required("node", hint="it runs the editor's client")
    documents = Documents()
    undone = {"/undo_session_changes": lambda _: {"success": True}}
    program = replies(
        Reply(("Hel", "lo."), pause=0.05),
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
        argv = [node, str(CLIENT), f"http://127.0.0.1:{aide.server.port}", aide.editor.url, str(aide.folder)]
        ran = await trio.run_process([*argv, json.dumps(models())], capture_stdout=True)
        said = json.loads(ran.stdout)
        assert said["chat"]["chat"] == "Hello." and said["chat"]["states"] == ["FinishedExchange"]
        assert said["edit"]["states"][-3:] == ["Loading", "MarkedComplete", "InReview"]
        assert said["edit"]["thought"].strip() == "So."
        assert said["agent"]["tools"] == [
            "ListFiles", "OpenFile", "SearchFileContentWithRegex", "FindFile", "CodeEditorParameters",
            "AttemptCompletion",
        ]  # fmt: skip
        assert said["cancel"]["states"] == ["Cancelled"] and said["cancelled"]["states"][-1:] == ["Cancelled"]
        assert said["moves"] == [{"done": True}] * 2 and said["undo"] == {"done": True}
        assert said["after"]["chat"] == "Where were we?"
        assert file.read_text() == "def one():\n    return 3\n" and documents.texts == {}
        paths = aide.editor.paths()
        assert paths.count("/apply_edits") == 2 and paths.count("/undo_session_changes") == 1
        last = str(aide.vendor.asked[-1].body)
        assert "hello" in last and "work" not in last.replace(str(aide.folder), "")
