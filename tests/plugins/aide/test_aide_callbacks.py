"""Each callback of the editor's: by which method, with which bytes, and what becomes of its answer."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import msgspec
import pytest
import trio
import trio.testing

from pillion_aide.callbacks import Did
from pillion_aide.editor import Editor
from pillion_aide.editorfaults import EditorAway
from pillion_runtime.testing import Reply, Silence, call, replies

from .documents import Documents
from .shared import Home
from .sidecar import Sidecar, models
from .test_aide_edits import CODE, context

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 8).decode()
CANCELLED = {"ExchangeEvent": {"ExecutionState": "Cancelled"}}


def span(line: int) -> dict[str, Any]:
    at = {"line": line, "character": 0, "byteOffset": 0}
    return {"startPosition": at, "endPosition": at}


def bodies(aide: Sidecar, path: str) -> list[str]:
    """Of each such call, as it was written; `@` is the folder."""
    url = msgspec.json.encode(aide.editor.url).decode()
    said = [msgspec.json.encode(body).decode() for called, body in aide.editor.asked if called == path]
    return [one.replace(str(aide.folder), "@").replace(f',"editor_url":{url}', "") for one in said]


@pytest.mark.parametrize(
    ("what", "path", "answer", "told"),
    [
        ("definition", "/go_to_definition", "definitions", "b.py:3"),
        ("type_definition", "/go_to_type_definition", "definitions", "b.py:3"),
        ("implementation", "/go_to_implementation", "implementation_locations", "b.py:3"),
        ("references", "/go_to_references", "reference_locations", "b.py:3"),
        ("definition", "/go_to_definition", "", "None."),
    ],
)
async def test_places_are_asked_by_the_paths_and_lists_that_cross(
    home: Home, what: str, path: str, answer: str, told: str
) -> None:
    program = replies(Reply(calls=(call("go_to", what=what, path="a.py", line=2, name="äx"),)), Reply("Done."))
    async with home.sidecar(program) as aide:
        (aide.folder / "a.py").write_text("\nb = äx\n")
        place = {"fs_file_path": str(aide.folder / "b.py"), "range": span(2)}
        aide.editor.answers[path] = lambda _: {answer or "definitions": [place] if answer else []}
        await aide.post("agent_tool_use", aide.message("go"))
        asked = '{"fs_file_path":"@/a.py","position":{"line":1,"character":4,"byteOffset":5}}'
        assert bodies(aide, path) == [asked]
        assert [result.text for result in aide.vendor.asked[-1].results] == [told]


async def test_fixes_edits_files_and_pictures_are_asked_for_as_they_cross(home: Home) -> None:
    program = replies(
        Reply(calls=(call("quick_fix", path="a.py", line=1, apply="Mend"), call("recent_edits"))),
        Reply(calls=(call("request_screenshot"), call("read_file", path="a.py"))),
        Reply(calls=(call("write_file", path="new.py", content="z\n"), call("get_diagnostics"))),
        Reply("Done."),
    )
    documents = Documents()
    async with home.sidecar(program, documents.answers) as aide:
        (aide.folder / "a.py").write_text("é = 1\n")
        request = ""

        def offers(body: dict[str, Any]) -> Any:
            nonlocal request
            request = body["request_id"]
            return {"options": [{"label": "No", "index": 0}, {"label": "Mend", "index": 7}]}

        aide.editor.answers |= {
            "/select_quick_fix": offers,
            "/invoke_quick_fix": lambda body: {"request_id": body["request_id"], "invocation_success": True},
            "/recent_edits": lambda _: {"changed_files": []},
            "/devtools_screenshot": lambda _: {"type": "base64", "media_type": "image/png", "data": PIXEL},
            "/create_file": lambda body: {"done": documents.create(body)["success"], "fs_file_path": ""},
            "/file_diagnostics": lambda _: {"diagnostics": []},
        }
        await aide.post("agent_tool_use", aide.message("go", is_devtools_context=True))
        assert len(request) >= 16
        assert bodies(aide, "/select_quick_fix") == [
            f'{{"fs_file_path":"@/a.py","request_id":"{request}","range":{{"startPosition":{{"line":0,"character":0,'
            '"byteOffset":0},"endPosition":{"line":0,"character":5,"byteOffset":6}}}'
        ]
        assert bodies(aide, "/invoke_quick_fix") == [
            f'{{"fs_file_path":"@/a.py","request_id":"{request}","index":7}}'
        ]  # fmt: skip
        assert bodies(aide, "/recent_edits") == ['{"diff_file_content":[]}']
        assert '{"fs_file_path":"@/a.py"}' in bodies(aide, "/file_open")
        assert bodies(aide, "/create_file") == ['{"fs_file_path":"@/new.py"}']
        assert (aide.folder / "new.py").read_text() == "z\n"
        assert bodies(aide, "/file_diagnostics") == [
            '{"with_enrichment":false,"with_hover_check":null,"fs_file_path":"","full_workspace":true}'
        ]
        methods = {path: method for (path, _), method in zip(aide.editor.asked, aide.editor.methods, strict=True)}
        assert {path for path, method in methods.items() if method == "GET"} == {"/devtools_screenshot"}
        assert set(methods.values()) == {"GET", "POST"}
        (image,) = aide.vendor.asked[2].images
        assert base64.b64encode(image.data).decode() == PIXEL


async def test_undo_tells_the_editor_and_what_it_lacks_is_no_matter(home: Home) -> None:
    async with home.sidecar(replies(Reply("one"), Reply("two"))) as aide:
        for number in (1, 2):
            await aide.post("agent_session_chat", aide.message("x", f"e{number}"))
        place = {"session_id": aide.session, "exchange_id": "e2"}
        assert (await aide.post("user_handle_session_undo", place)).body == b'{"done":true}'
        asked = f'{{"session_id":"{aide.session}","exchange_id":"e2","index":null}}'
        assert bodies(aide, "/undo_session_changes") == [asked]
        assert (await aide.post("user_handle_session_undo", place)).status == 404


async def test_what_no_grammar_knows_is_widened_as_the_editor_outlines_it(home: Home) -> None:
    """A selection in an inner symbol, in a file of a language that nobody here parses."""
    text = "part one\n  step a\n  step b\npart two\n"
    node = {"detail": None, "kind": 11, "selectionRange": [{"line": 0, "character": 0}, {"line": 0, "character": 8}]}
    inner = {**node, "name": "b", "range": [{"line": 2, "character": 0}, {"line": 2, "character": 8}], "children": []}
    outer = {**node, "name": "one", "range": [{"line": 0, "character": 0}, {"line": 2, "character": 8}]}
    outline = {"file_content": text, "language": "steps", "outline_nodes": [{**outer, "children": [inner]}]}
    async with home.sidecar(replies(Reply("So.\n```\n  step c\n```")), Documents().answers) as aide:
        file = aide.folder / "a.steps"
        file.write_text(text)
        aide.editor.answers["/get_outline_nodes"] = lambda _: outline
        chosen = context(file, 2)
        chosen["variables"][0]["end_position"]["character"] = 6
        answer = await aide.post("agent_session_edit_anchored", aide.message("c", user_context=chosen))
        assert file.read_text() == text.replace("step b", "step c")
        assert bodies(aide, "/get_outline_nodes") == ['{"fs_file_path":"@/a.steps"}']
        steps = [event["SymbolEventSubStep"] for event in answer.told if "SymbolEventSubStep" in event]
        assert {step["symbol_identifier"]["symbol_name"] for step in steps} == {"b"}


async def test_an_edit_that_is_cancelled_refused_or_rejected_says_so(home: Home) -> None:
    program = replies(Reply(("I think.\n", "```\n"), fault=Silence(1)), Reply("No."), Reply("Yes.\n```\nx = 1\n```"))
    async with home.sidecar(program, Documents().answers) as aide:
        file = aide.folder / "a.py"
        file.write_text(CODE)
        message = aide.message("change it", "e1", user_context=context(file, 5))
        async with aide.open("POST", "/api/agentic/agent_session_edit_anchored", message) as opened:
            while "I think" not in str(await opened.event()):
                pass
            place = {"session_id": aide.session, "exchange_id": "e1"}
            assert (await aide.post("cancel_running_event", place)).told == [CANCELLED]
            rest = [(await opened.event())["event"] for _ in range(2)]
        gone = {"ExchangeEvent": {"EditsExchangeState": {"edits_state": "Cancelled", "files": []}}}
        assert rest == [gone, CANCELLED]
        refused = await aide.post("agent_session_edit_anchored", message | {"exchange_id": "e2"})
        assert refused.told[-2] == gone and list(refused.told[-1]) == ["Error"]
        assert file.read_text() == CODE
        await aide.post("agent_session_edit_anchored", message | {"exchange_id": "e3"})
        assert file.read_text() != CODE
        body = {"session_id": aide.session, "exchange_id": "reply-3", "accepted": False}
        judged = await aide.post("user_feedback_on_exchange", body | {"model_configuration": models()})
        edits = {"edits_state": "Cancelled", "files": [str(file)]}
        assert [event["ExchangeEvent"] for event in judged.told] == [
            {"EditsExchangeState": edits},
            {"FinishedExchange": {"exchange_id": "reply-3", "session_id": aide.session}},
        ]
        taken = {"accepted": True, "editor_url": aide.editor.url, "model_configuration": models()}
        accepted = await aide.post("user_feedback_on_exchange", body | taken)
        assert len(accepted.told) == 2  # an editor without language servers: nothing follows
        assert bodies(aide, "/file_diagnostics") != [] and len(aide.vendor.asked) == 3


@pytest.mark.parametrize("fault", ["500", "nonsense", "unknown"])
async def test_an_editor_that_gives_no_id_gets_one_and_the_session_goes_on(home: Home, fault: str) -> None:
    async with home.sidecar(replies(Reply("one"), Reply("two"))) as aide:
        if fault == "500":
            aide.editor.status = 500
        else:
            said: Any = b"\xff{" if fault == "nonsense" else {"reply": "gg_testing"}
            aide.editor.answers["/new_exchange"] = lambda _: said
        ids = []
        for number, words in enumerate(("one", "two")):
            answer = await aide.post("agent_session_chat", aide.message("x", f"e{number}"))
            assert words in str(answer.told)
            ids.append(answer.events[-1]["exchange_id"])
        assert len({*ids}) == 2 and all(len(id) == 32 for id in ids)


@asynccontextmanager
async def hanging_up(answers: int, *, late: bool = False) -> AsyncIterator[tuple[str, list[int]]]:
    """An editor that closes each connection after so many answers, without saying so before; `late`: when it gets the
    next request. How many each got."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    got: list[int] = []

    async def serve(stream: trio.SocketStream) -> None:
        http, number = h11.Connection(h11.SERVER), len(got)
        got.append(0)
        async with stream:
            while got[number] < answers + late:
                while not isinstance(event := http.next_event(), (h11.EndOfMessage, h11.ConnectionClosed)):
                    if event is h11.NEED_DATA:
                        http.receive_data(await stream.receive_some(65536))
                if isinstance(event, h11.ConnectionClosed):
                    return
                if late and got[number] == answers:
                    return
                got[number] += 1
                data = b'{"success":true}'
                head = h11.Response(status_code=200, headers=[("content-length", str(len(data)))])
                sent = (http.send(head) or b"") + (http.send(h11.Data(data)) or b"")
                await stream.send_all(sent + (http.send(h11.EndOfMessage()) or b""))
                http.start_next_cycle()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}", got
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("gone", ["/new_exchange", "/file_open", "/apply_edits_streamed", "/apply_edits"])
async def test_an_editor_that_goes_away_is_told_once_and_the_run_goes_on(home: Home, gone: str) -> None:
    """It hangs up when it is asked for that, and is there again for the next message."""
    program = replies(
        Reply(calls=(call("edit_file", path="a.py", old="x = 1", new="x = 2"),)), Reply("Done."), Reply("Still here.")
    )
    async with home.sidecar(program, Documents().answers) as aide:
        (aide.folder / "a.py").write_text("x = 1\n")
        usual, aide.editor.answers[gone] = aide.editor.answers[gone], lambda _: ...
        answer = await aide.post("agent_tool_use", aide.message("go"))
        thoughts = [event["FrameworkEvent"].get("ToolThinking") for event in answer.told if "FrameworkEvent" in event]
        last = [one["thinking"] for one in thoughts if one][-1]
        assert sum("on the disk alone" in one["thinking"] for one in thoughts if one) >= 1
        assert last.count("on the disk alone") <= 1
        assert "FinishedExchange" in str(answer.told[-1]) and (aide.folder / "a.py").read_text() == "x = 2\n"
        assert aide.editor.paths().count(gone) <= 2 and aide.editor.paths()[-1] == gone  # twice where it may be
        aide.editor.answers[gone] = usual
        again = await aide.post("agent_session_chat", aide.message("on", "e2"))
        assert "Still here." in str(again.told) and again.events[-1]["exchange_id"].startswith("reply-")


@pytest.mark.parametrize(
    ("path", "first", "last", "said"),
    [
        ("@/a.py", 0, 0, "Select the code that is to be edited, then ask again."),
        ("@/a.py", 90, 91, "What is selected is not in the file any more. Select it again."),
        ("@/a.py", 5, 2, "What is selected is not in the file any more. Select it again."),
        ("@/missing.py", 1, 2, "What is selected can't be edited: "),
        ("@/../../etc/hosts", 1, 2, "What is selected can't be edited: "),
        ("/etc/hosts", 1, 2, "What is selected can't be edited: "),
        ("@/.env", 1, 2, "What is selected can't be edited: "),
        ("@/a.bin", 1, 2, "What is selected can't be edited: "),
        ("", 1, 2, "What is selected can't be edited: "),
    ],
)
async def test_what_can_not_be_edited_is_said_and_no_model_is_asked(
    home: Home, path: str, first: int, last: int, said: str
) -> None:
    async with home.sidecar(replies(), Documents().answers) as aide:
        (aide.folder / "a.py").write_text(CODE)
        (aide.folder / ".env").write_text("KEY=1\nB=2\nC=3\n")
        (aide.folder / "a.bin").write_bytes(b"\0\1\n\n\n")
        chosen = context(aide.folder / "a.py", first)
        chosen["variables"][0] |= {
            "fs_file_path": path.replace("@", str(aide.folder)),
            "end_position": {"line": last, "character": 3, "byteOffset": 0},
        }
        answer = await aide.post("agent_session_edit_anchored", aide.message("x", user_context=chosen))
        (error,) = answer.told
        assert error["Error"]["message"].startswith(said) and answer.events[0]["exchange_id"] == "asked-1"
        assert aide.vendor.asked == []


async def test_a_connection_that_the_editor_has_closed_is_not_used_again() -> None:
    async with hanging_up(1) as (url, got):
        editor = Editor(url)
        for number in range(4):
            assert (await editor.ask("/x", Did, {}, once=number % 2 == 1)).success
            await trio.testing.wait_all_tasks_blocked()
        assert got == [1] * 4


async def test_what_may_be_done_twice_is_asked_again_where_the_connection_ends_and_else_nobody_knows() -> None:
    async with hanging_up(1, late=True) as (url, got):
        editor = Editor(url)
        assert (await editor.ask("/x", Did, {})).success
        assert (await editor.ask("/x", Did, {})).success
        assert got == [1, 1]
        with pytest.raises(EditorAway):
            await editor.ask("/apply_edits", Did, {}, once=True)
        assert got == [1, 1]
