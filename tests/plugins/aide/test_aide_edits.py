"""An edit of what is selected, and what is likely to be edited next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pillion_aide.block import Block
from pillion_runtime.testing import Reply, replies

from .documents import Documents
from .shared import Home
from .sidecar import KEY, models

CODE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
WROTE = "I double it.\n\n```python\ndef two():\n    return 4\n```\nThat is all."


def states(told: list[Any]) -> list[Any]:
    return [event["ExchangeEvent"] for event in told if "ExchangeEvent" in event]


def edits(told: list[Any]) -> list[Any]:
    """What was told of the symbol's edit, but its thoughts."""
    found = [event["SymbolEventSubStep"]["event"]["Edit"] for event in told if "SymbolEventSubStep" in event]
    return [{name: one[name] for name in one if name != "ThinkingForEdit"} for one in found if len(one) > 1]


def context(file: Path, line: int, text: str = "", kind: str = "Selection") -> dict[str, Any]:
    """One that selects a part of that line, from 0."""
    chosen = {
        "name": "selection",
        "start_position": {"line": line, "character": 4, "byteOffset": 0},
        "end_position": {"line": line, "character": 12, "byteOffset": 0},
        "fs_file_path": str(file),
        "type": kind,
        "content": text,
        "language": "python",
    }
    return {"variables": [chosen], "file_content_map": [], "folder_paths": [], "is_plan_generation": False}


def place(first: int, last: int, character: int, bytes: tuple[int, int]) -> dict[str, Any]:
    return {
        "startPosition": {"line": first, "character": 0, "byteOffset": bytes[0]},
        "endPosition": {"line": last, "character": character, "byteOffset": bytes[1]},
    }


def finding(file: Path) -> Callable[[dict[str, Any]], Any]:
    at = {"line": 0, "character": 4, "byteOffset": 4}
    wrong = {"message": "two is not what it was", "range": {"startPosition": at, "endPosition": at}}
    return lambda body: {"diagnostics": [{**wrong, "fs_file_path": str(file), "quick_fix_labels": ["Mend it"]}]}


async def test_a_selection_is_edited_with_the_definition_that_holds_it(home: Home) -> None:
    documents = Documents()
    program = replies(Reply(WROTE), Reply("a.py, line 1: call two."), Reply("I can't."))
    async with home.sidecar(program, documents.answers) as aide:
        file = aide.folder / "a.py"
        changed = {"fs_file_path": str(aide.folder / "b.py"), "diff": "+z = 3", "updated_timestamp_ms": 2}
        aide.editor.answers["/recent_edits"] = lambda _: {"changed_files": [changed]}
        aide.editor.answers["/file_diagnostics"] = finding(file)
        file.write_text("")
        documents.texts[str(file)] = CODE  # not saved yet
        nothing = await aide.post("agent_session_edit_anchored", aide.message("double it", "e0"))
        assert nothing.told == [{"Error": {"message": "Select the code that is to be edited, then ask again."}}]
        message = aide.message("double it", "e1", user_context=context(file, 5))
        answer = await aide.post("agent_session_edit_anchored", message)
        assert file.read_text() == CODE.replace("return 2", "return 4") and documents.texts == {}
        asked = str(aide.vendor.asked[0].body)
        assert "Change lines 5 to 6 of `a.py`" in asked and "+z = 3" in asked and "def one" in asked
        assert states(answer.told) == [
            {"ExecutionState": "Inference"},
            {"EditsExchangeState": {"edits_state": "Loading", "files": [str(file)]}},
            {"EditsExchangeState": {"edits_state": "MarkedComplete", "files": [str(file)]}},
            {"ExecutionState": "InReview"},
        ]
        where = {"range": place(4, 5, 12, (26, 49)), "fs_file_path": str(file)}
        selected, *streamed, code = edits(answer.told)
        assert selected == {"RangeSelectionForEdit": where}
        assert code == {"EditCode": {**where, "new_code": "def two():\n    return 4"}}
        pieces = [one["EditCodeStreaming"] for one in streamed]
        assert pieces[0]["event"] == "Start" and pieces[-1]["event"] == "End"
        assert "".join(piece["event"]["Delta"] for piece in pieces[1:-1]) == "def two():\n    return 4"
        assert {**pieces[0], "edit_request_id": "x"} == {
            "edit_request_id": "x",
            "session_id": aide.session,
            **where,
            "updated_code": None,
            "event": "Start",
            "apply_directly": False,
            "exchange_id": "reply-1",
            "plan_step_id": None,
        }
        steps = [event["SymbolEventSubStep"] for event in answer.told if "SymbolEventSubStep" in event]
        assert {step["symbol_identifier"]["symbol_name"] for step in steps} == {"two"}
        thoughts = [step["event"]["Edit"]["ThinkingForEdit"] for step in steps]  # each has one: editors look for it
        assert "".join(thought["delta"] for thought in thoughts).strip() == "I double it."

        body = {"session_id": aide.session, "exchange_id": "reply-1", "accepted": True, "editor_url": aide.editor.url}
        judged = await aide.post("user_feedback_on_exchange", body | {"model_configuration": models()})
        assert states(judged.told) == [
            {"EditsExchangeState": {"edits_state": "Accepted", "files": [str(file)]}},
            {"FinishedExchange": {"exchange_id": "reply-1", "session_id": aide.session}},
            {"FinishedExchange": {"exchange_id": "reply-2", "session_id": aide.session}},
        ]
        chats = [event["ChatEvent"] for event in judged.told if "ChatEvent" in event]
        assert chats[0]["delta"].startswith("Looking at") and chats[-1]["answer_up_until_now"].endswith("call two.")
        assert "a.py:1:5 two is not what it was [quick fixes: Mend it]" in str(aide.vendor.asked[1].body)
        assert KEY not in str(judged.body)

        before = file.read_text()
        refused = await aide.post("agent_session_edit_anchored", message | {"exchange_id": "e2"})
        assert refused.told[-1]["Error"]["message"].startswith("The model gave no new code.")
        assert file.read_text() == before
        rejected = await aide.post("user_feedback_on_exchange", body | {"accepted": False})
        assert len(rejected.told) == 2 and len(aide.vendor.asked) == 3  # what is rejected is not followed up


def test_words_and_code_come_apart_wherever_an_answer_is_cut() -> None:
    text = "Why ``` not.\n````py\nx = '''\n```\n'''\n\n````\nmore\n```\ny\n```"
    for size in range(1, len(text)):
        block = Block()
        for at in range(0, len(text), size):
            block.feed(text[at : at + size])
            assert "Why ``` not.\n".startswith(block.words)
        block.finish()
        assert (block.words, block.code, block.closed) == ("Why ``` not.\n", "x = '''\n```\n'''\n", True)
    unclosed = Block()
    unclosed.feed("```\nx")
    unclosed.finish()
    assert (unclosed.code, unclosed.closed) == ("x", False)
