"""Each route and each field of a request, as the sidecar has them: what is answered, and what reaches the model."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any

import msgspec
import pytest
from PIL import Image as Pictures

from pillion_runtime.testing import Reply, Silence, Status, call, replies

from .shared import Home
from .sidecar import KEY, models

LATER = (
    "agentic/agent_session_plan", "agentic/agent_session_plan_iterate", "agentic/agent_session_edit_agentic",
    "agentic/code_sculpting", "agentic/code_sculpting_warmup", "agentic/code_sculpting_followup",
    "agentic/code_sculpting_heal", "agentic/probe_request", "agentic/get_mcts_data", "file/edit_file",
)  # fmt: skip
WITH_IDS = (
    "agent_session_chat", "agent_tool_use", "agent_session_edit_anchored", "cancel_running_event",
    "user_feedback_on_exchange", "user_handle_session_undo", "move_to_checkpoint",
)  # fmt: skip
NO_IDS = ("../up", "a/b", "a\\b", "", ".", "..", ".hidden", "x" * 129, "a\x00b", "a\nb")


async def test_what_comes_in_the_second_half_says_so(home: Home) -> None:
    async with home.sidecar(replies()) as aide:
        for path in LATER:
            answer = await aide.ask("POST", f"/api/{path}", aide.message("x"))
            assert (answer.status, answer.headers["content-type"]) == (501, "application/problem+json"), path
            problem = json.loads(answer.body)
            assert problem["kind"] == "unknown" and problem["message"].endswith(" are not served yet.")
            assert problem["status"] == 501 and problem["detail"] == problem["message"]
        assert (await aide.ask("POST", "/api/agentic/nonesuch", {})).status == 404


@pytest.mark.parametrize("route", WITH_IDS)
async def test_an_id_is_no_path_on_any_route(home: Home, route: str) -> None:
    async with home.sidecar(replies()) as aide:
        for field in ("session_id", "exchange_id"):
            for id in NO_IDS:
                body = aide.message("x") | {"accepted": True, field: id}
                answer = await aide.post(route, body)
                assert answer.status == 422 and field in json.loads(answer.body)["message"], (field, id)
        probe = await aide.post("probe_request_stop", {"request_id": "../up"})
        assert probe.status == 422 and "request_id" in json.loads(probe.body)["message"]


async def test_what_the_editor_finds_is_taken_however_it_writes_ranges(home: Home) -> None:
    """The editor writes them in another way than the sidecar reads, which refused them."""
    snake = {"start_position": {"line": 1, "character": 0}, "end_position": {"line": 1, "character": 2}}
    camel = {"startPosition": {"line": 1, "character": 0, "byteOffset": 3}, "endPosition": {"line": 1, "character": 2}}
    async with home.sidecar(replies()) as aide:
        for range in (snake, camel):
            found = [{"message": "wrong", "range": range, "range_content": "x"}]
            body = {"fs_file_path": "/w/a.py", "diagnostics": found, "source": None}
            assert (await aide.post("diagnostics", body)).body == b'{"done":true}'
        assert (await aide.post("probe_request_stop", {"request_id": "r"})).body == b'{"done":true}'


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [(b"{", 400, "user"), (b'{"exchange_id": "e"}', 422, "user"), (b"[]", 422, "user"), (b"\xff", 400, "user")],
)
async def test_what_can_not_be_read_is_refused_on_every_route(home: Home, body: bytes, status: int, kind: str) -> None:
    routes = [name for name in (*WITH_IDS, "probe_request_stop", "verify_model_config") if name != "diagnostics"]
    async with home.sidecar(replies()) as aide:
        for route in routes:
            answer = await aide.post(route, body)
            assert (answer.status, json.loads(answer.body)["kind"]) == (status, kind), route


async def test_an_error_before_the_run_is_one_of_the_exchange_that_was_sent(home: Home) -> None:
    """The sidecar named the session as its exchange."""
    config = models({"CodeStory": {"llm_type": None}}, {"CodeStory": {"access_token": "t"}})
    async with home.sidecar(replies()) as aide:
        answer = await aide.post("agent_session_chat", aide.message("x", "asked-7", model_configuration=config))
        said = answer.events[0]["event"]["Error"]["message"]
        session = json.dumps(aide.session)
        assert answer.chunks == [
            f'data:{{"session_id":{session},"started":true}}\n\n'.encode(),
            f'data:{{"request_id":{session},"exchange_id":"asked-7","event":{{"Error":{{"message":{json.dumps(said)}}}}}}}'
            "\n\n".encode(),
            f'data:{{"done":"[CODESTORY_DONE]","session_id":{session}}}\n\n'.encode(),
        ]


@pytest.mark.parametrize("route", ["agent_session_chat", "agent_tool_use"])
@pytest.mark.parametrize("vendor", ["OpenAI", "Anthropic"])
async def test_a_vendor_that_is_busy_is_told_in_the_editors_words(home: Home, route: str, vendor: str) -> None:
    """429 of Anthropic's was an empty success."""
    config = models(vendor, {vendor: {"api_key": KEY}})
    async with home.sidecar(replies(Reply(fault=Status(429, retry_after=900)))) as aide:
        answer = await aide.post(route, aide.message("x", model_configuration=config))
        assert answer.told == [{"Error": {"message": "Rate limit exceeded. Please try again later."}}]


async def test_reasoning_has_one_model_plan_and_another_work(home: Home) -> None:
    def decides(**said: str) -> Reply:
        return Reply(msgspec.json.encode(said).decode())

    program = replies(
        decides(plan="Look first.", task="Count the files."),
        Reply("I count.", calls=(call("list_files"),)),
        Reply("There is one."),
        decides(plan="Looked.", answer="One file."),
        Reply("There is one file."),
    )
    async with home.sidecar(program) as aide:
        (aide.folder / "a.py").write_text("")
        answer = await aide.post("agent_tool_use", aide.message("how many?", reasoning=True))
        uses = [
            event["FrameworkEvent"]["ToolUseDetected"]["tool_use_partial_input"]
            for event in answer.told
            if "ToolUseDetected" in event.get("FrameworkEvent", {})
        ]
        root = str(aide.folder)
        reasoning = {"user_instruction": "Count the files.", "action_nodes": [], "params": None}
        assert uses == [
            {"Reasoning": reasoning},
            {"ListFiles": {"directory_path": root, "recursive": True}},
            {"AttemptCompletion": {"result": "There is one file.", "command": None}},
        ]
        types = [event["FrameworkEvent"] for event in answer.told if "ToolTypeFound" in str(event)]
        assert [one["ToolTypeFound"]["tool_type"] for one in types] == ["Reasoning", "ListFiles", "AttemptCompletion"]
        plan, work, *_ = aide.vendor.asked
        assert plan.tool_names == () and "list_files" in work.tool_names and "Count the files." in work.prompt


async def test_without_reasoning_the_model_works_by_itself(home: Home) -> None:
    async with home.sidecar(replies(Reply("Done."))) as aide:
        answer = await aide.post("agent_tool_use", aide.message("how many?", reasoning=False))
        assert len(aide.vendor.asked) == 1 and "Reasoning" not in str(answer.told)


async def test_a_message_about_the_page_alone_offers_its_picture(home: Home) -> None:
    async with home.sidecar(replies(Reply("a"), Reply("b"), Reply("c"))) as aide:
        offered = []
        for number, more in enumerate(({"is_devtools_context": True}, {"is_devtools_context": False}, {})):
            await aide.post("agent_tool_use", aide.message("x", f"e{number}", **more))
            offered.append("request_screenshot" in aide.vendor.asked[-1].tool_names)
        assert offered == [True, False, False]
        await aide.post("agent_session_chat", aide.message("x", "e9"))
        assert aide.vendor.asked[-1].tool_names == ()


async def test_the_small_model_edits_and_judges_a_search_only_where_the_request_wants_one(home: Home) -> None:
    async with home.sidecar(replies(Reply("a"), Reply("b"), Reply("c"))) as aide:
        offered = []
        for number, more in enumerate(({"semantic_search": True}, {"semantic_search": False}, {})):
            await aide.post("agent_tool_use", aide.message("x", f"e{number}", **more))
            offered.append({"code_edit", "semantic_search"} & {*aide.vendor.asked[-1].tool_names})
        assert offered == [{"code_edit", "semantic_search"}, {"code_edit"}, {"code_edit"}]


async def test_all_that_the_editor_shows_reaches_the_model_once(home: Home) -> None:
    packed = BytesIO()
    Pictures.new("RGB", (2160, 40)).save(packed, "PNG")
    data = base64.b64encode(packed.getvalue()).decode()
    place = {"line": 2, "character": 0, "byteOffset": 0}
    variable = {"name": "f", "start_position": place, "end_position": place, "language": "python"}
    async with home.sidecar(replies(Reply("ok"))) as aide:
        root = str(aide.folder)
        (aide.folder / "lib").mkdir()
        (aide.folder / "lib/z.py").write_text("in_the_folder = 1\n")
        context = {
            "variables": [
                variable | {"type": "File", "fs_file_path": f"{root}/a.py", "content": "in_the_file = 1"},
                variable | {"type": "CodeSymbol", "fs_file_path": f"{root}/b.py", "content": "in_the_symbol = 1"},
                variable | {"type": "Selection", "fs_file_path": f"{root}/c.py", "content": "in_the_selection = 1"},
            ],
            "images": [{"type": "base64", "media_type": "image/png", "data": data}],
            "file_content_map": [
                {"file_path": f"{root}/d.py", "file_content": "in_the_map = 1", "language": "python"},
                {"file_path": f"{root}/a.py", "file_content": "in_the_file = 1", "language": "python"},
            ],
            "terminal_selection": "in_the_terminal",
            "folder_paths": [f"{root}/lib"],
            "is_plan_generation": False,
            "with_lsp_enrichment": True,
        }  # fmt: skip
        more: dict[str, Any] = {
            "user_context": context,
            "project_labels": ["in_the_labels", "in_the_labels"],
            "aide_rules": "in_the_rules",
            "shell": "in_the_shell",
            "open_files": [f"{root}/in_the_open.py"],
            "all_files": [f"{root}/in_the_open.py", f"{root}/in_all.py"],
            "codebase_search": True,
            "semantic_search": True,
            "access_token": "in_the_token",
        }
        await aide.post("agent_session_chat", aide.message("the query", **more))
        (asked,) = aide.vendor.asked
        said = "\n".join((asked.system, *(message.text for message in asked.messages)))
        for once in (
            "in_the_file", "in_the_symbol", "in_the_selection", "in_the_map", "in_the_terminal", "in_the_folder",
            "in_the_labels", "in_the_rules", "in_the_shell", "in_the_open.py", "in_all.py", "the query",
        ):  # fmt: skip
            assert said.count(once) == 1, once
        assert "in_the_token" not in said
        (image,) = asked.images
        assert Pictures.open(BytesIO(image.data)).size == (1080, 20)


async def test_a_step_of_a_feedback_is_taken_and_one_before_the_first_is_not(home: Home) -> None:
    async with home.sidecar(replies(Reply("one"))) as aide:
        await aide.post("agent_session_chat", aide.message("1", "e1"))
        body = {"session_id": aide.session, "exchange_id": "reply-1", "accepted": True, "editor_url": aide.editor.url}
        finished = {"FinishedExchange": {"exchange_id": "reply-1", "session_id": aide.session}}
        for step in (0, 3, None):
            judged = await aide.post("user_feedback_on_exchange", body | {"step_index": step})
            assert judged.told == [{"ExchangeEvent": finished}]
        wrong = await aide.post("user_feedback_on_exchange", body | {"step_index": -1})
        assert wrong.status == 422 and "step_index" in json.loads(wrong.body)["message"]
        missing = await aide.post("user_feedback_on_exchange", body | {"exchange_id": "no"})
        assert [list(event) for event in missing.told] == [["Error"]]


async def test_a_session_at_work_is_not_moved(home: Home) -> None:
    async with (
        home.sidecar(replies(Reply(("a", "b"), fault=Silence(1)))) as aide,
        aide.open("POST", "/api/agentic/agent_session_chat", aide.message("go")) as opened,
    ):
        while "ChatEvent" not in str(await opened.event()):
            pass
        place = {"session_id": aide.session, "exchange_id": "asked-1"}
        for route in ("move_to_checkpoint", "user_handle_session_undo"):
            answer = await aide.post(route, place)
            assert answer.status == 409 and json.loads(answer.body)["kind"] == "user"
        cancelled = await aide.post("cancel_running_event", place)
        assert cancelled.told == [{"ExchangeEvent": {"ExecutionState": "Cancelled"}}]
