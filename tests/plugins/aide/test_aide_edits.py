"""An edit of what is selected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pillion_runtime.testing import Reply, call, replies

from .sidecar import sidecar


def states(told: list[Any]) -> list[Any]:
    return [event["ExchangeEvent"] for event in told if "ExchangeEvent" in event]


async def test_a_selection_is_edited_in_place(tmp_path: Path) -> None:
    program = replies(
        Reply("I double it.", calls=(call("edit_file", path="a.py", old="return 1", new="return 2"),)), Reply("Done.")
    )
    async with sidecar(tmp_path, program) as aide:
        file = aide.folder / "a.py"
        file.write_text("def one():\n    return 1\n")
        chosen = {
            "name": "one",
            "start_position": {"line": 1, "character": 0, "byteOffset": 11},
            "end_position": {"line": 1, "character": 12, "byteOffset": 23},
            "fs_file_path": str(file),
            "type": "Selection",
            "content": "    return 1",
            "language": "python",
        }
        context = {"variables": [chosen], "file_content_map": [], "folder_paths": [], "is_plan_generation": False}
        nothing = await aide.post("agent_session_edit_anchored", aide.message("double it", "e0"))
        assert nothing.told == [{"Error": {"message": "Select the code that is to be edited, then ask again."}}]
        answer = await aide.post("agent_session_edit_anchored", aide.message("double it", "e1", user_context=context))
        assert file.read_text() == "def one():\n    return 2\n"
        assert states(answer.told) == [
            {"ExecutionState": "Inference"},
            {"EditsExchangeState": {"edits_state": "Loading", "files": [str(file)]}},
            {"EditsExchangeState": {"edits_state": "MarkedComplete", "files": [str(file)]}},
            {"ExecutionState": "InReview"},
        ]
        thoughts = [event["SymbolEventSubStep"] for event in answer.told if "SymbolEventSubStep" in event]
        assert thoughts[0]["symbol_identifier"] == {"symbol_name": "one", "fs_file_path": str(file)}
        assert "".join(thought["event"]["Edit"]["ThinkingForEdit"]["delta"] for thought in thoughts).startswith(
            "I double it."
        )
        assert all(len(event) == 1 and {"ExchangeEvent", "SymbolEventSubStep"} & set(event) for event in answer.told)
        reply = answer.events[-1]["exchange_id"]
        body = {"session_id": "session-1", "exchange_id": reply, "accepted": True}
        assert states((await aide.post("user_feedback_on_exchange", body)).told) == [
            {"EditsExchangeState": {"edits_state": "Accepted", "files": [str(file)]}},
            {"FinishedExchange": {"exchange_id": reply, "session_id": "session-1"}},
        ]
