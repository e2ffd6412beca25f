"""Whole streams, byte for byte as the reference has them: an agent's, an edit's, a cancel's, a feedback's."""

from __future__ import annotations

import json

from pillion_runtime.testing import Call, Reply, Silence, replies

from .documents import Documents
from .shared import Home
from .sidecar import Sidecar, models
from .test_aide_edits import CODE, context, finding


def whole(aide: Sidecar, *events: tuple[str, str]) -> list[bytes]:
    """The chunks of a stream with these events: the exchange, and the event as it is written; `@` is the folder."""
    session = f'"session_id":"{aide.session}"'
    told = [
        f'{{"request_id":"{aide.session}","exchange_id":"{exchange}","event":{event}}}'
        for exchange, event in ((one, said.replace("@", str(aide.folder))) for one, said in events)
    ]
    frames = [f'{{{session},"started":true}}', *told, f'{{"done":"[CODESTORY_DONE]",{session}}}']
    return [f"data:{frame}\n\n".encode() for frame in frames]


def finished(aide: Sidecar, exchange: str) -> tuple[str, str]:
    said = f'{{"exchange_id":"{exchange}","session_id":"{aide.session}"}}'
    return exchange, f'{{"ExchangeEvent":{{"FinishedExchange":{said}}}}}'


def framework(exchange: str, name: str, inner: str) -> tuple[str, str]:
    return exchange, f'{{"FrameworkEvent":{{"{name}":{inner}}}}}'


async def test_a_run_with_tools(home: Home) -> None:
    read, unknown = Call("read_file", ('{"path":"a.py"}',)), Call("nonesuch", ('{"n":1}',))
    program = replies(Reply("I look.", calls=(read,)), Reply(calls=(unknown,)), Reply("Done."))
    async with home.sidecar(program) as aide:
        (aide.folder / "a.py").write_text("x = 1\n")
        answer = await aide.post("agent_tool_use", aide.message("go"))
        found, none = (json.dumps(result.text) for asked in aide.vendor.asked[1:] for result in asked.results)
        one, two, three = "reply-1", "reply-2", "reply-3"
        path, mcp = '"@/a.py"', '"mcp::pillion::nonesuch"'
        opens = f'{{"OpenFile":{{"fs_file_path":{path},"start_line":null,"end_line":null}}}}'
        asks = f'{{"McpTool":{{"full_name":{mcp},"json":{{"n":1}}}}}}'
        ends = '{"AttemptCompletion":{"result":"Done.","command":null}}'

        def parameter(name: str, value: str) -> str:
            grown = f'"field_content_up_until_now":{value},"field_content_delta":{value}'
            return f'{{"tool_parameter_input":{{"field_name":"{name}",{grown}}}}}'

        def use(given: str, thinking: str = "") -> str:
            return f'{{"tool_use_partial_input":{given},"thinking":"{thinking}"}}'

        def output(text: str) -> str:
            return f'{{"ToolOutputResponse":{{"delta":"","answer_up_until_now":{text}}}}}'

        assert answer.chunks == whole(
            aide,
            framework(one, "ToolThinking", '{"thinking":"I look."}'),
            framework(one, "ToolTypeFound", '{"tool_type":"OpenFile"}'),
            framework(one, "ToolParameterFound", parameter("fs_file_path", path)),
            framework(one, "ToolUseDetected", use(opens, "I look.")),
            framework(one, "ToolOutput", output(found)),
            framework(two, "ToolTypeFound", f'{{"tool_type":{{"McpTool":{mcp}}}}}'),
            framework(two, "ToolUseDetected", use(asks)),
            framework(two, "ToolNotFound", f'{{"full_output":{none}}}'),
            framework(three, "ToolThinking", '{"thinking":"Done."}'),
            framework(three, "ToolTypeFound", '{"tool_type":"AttemptCompletion"}'),
            framework(three, "ToolParameterFound", parameter("result", '"Done."')),
            framework(three, "ToolUseDetected", use(ends)),
            finished(aide, three),
        )


async def test_an_edit_and_its_feedback(home: Home) -> None:
    program = replies(Reply("So.\n```\ndef two():\n    return 4\n```"), Reply("Nothing is left."))
    async with home.sidecar(program, Documents().answers) as aide:
        file = aide.folder / "a.py"
        file.write_text(CODE)
        aide.editor.answers["/file_diagnostics"] = finding(file)
        message = aide.message("double it", "e1", user_context=context(file, 5))
        answer = await aide.post("agent_session_edit_anchored", message)
        id = answer.told[2]["SymbolEventSubStep"]["event"]["Edit"]["ThinkingForEdit"]["edit_request_id"]
        where = (
            '"range":{"startPosition":{"line":4,"character":0,"byteOffset":26},'
            '"endPosition":{"line":5,"character":12,"byteOffset":49}},"fs_file_path":"@/a.py"'
        )
        one, code = "reply-1", json.dumps("def two():\n    return 4")

        def state(name: str, files: str) -> str:
            return f'{{"ExchangeEvent":{{"EditsExchangeState":{{"edits_state":"{name}","files":{files}}}}}}}'

        def step(variant: str, thinking: str = "", delta: str = "") -> tuple[str, str]:
            thought = f'"ThinkingForEdit":{{"edit_request_id":"{id}","thinking":"{thinking}","delta":"{delta}"}}'
            symbol = '"symbol_identifier":{"symbol_name":"two","fs_file_path":"@/a.py"}'
            inner = f'"event":{{"Edit":{{{variant}{thought}}}}}'
            return one, f'{{"SymbolEventSubStep":{{{symbol},{inner}}}}}'

        def streaming(event: str) -> tuple[str, str]:
            ids = f'"edit_request_id":"{id}","session_id":"{aide.session}","exchange_id":"{one}","plan_step_id":null'
            said = f'{ids},{where},"updated_code":null,"event":{event},"apply_directly":false'
            return step(f'"EditCodeStreaming":{{{said}}},')

        assert answer.chunks == whole(
            aide,
            (one, '{"ExchangeEvent":{"ExecutionState":"Inference"}}'),
            (one, state("Loading", '["@/a.py"]')),
            step(f'"RangeSelectionForEdit":{{{where}}},'),
            step("", "So.\\n", "So.\\n"),
            streaming('"Start"'),
            streaming(f'{{"Delta":{code}}}'),
            streaming('"End"'),
            step(f'"EditCode":{{{where},"new_code":{code}}},'),
            (one, state("MarkedComplete", '["@/a.py"]')),
            (one, '{"ExchangeEvent":{"ExecutionState":"InReview"}}'),
        )
        body = {"session_id": aide.session, "exchange_id": one, "accepted": True, "editor_url": aide.editor.url}
        judged = await aide.post("user_feedback_on_exchange", body | {"model_configuration": models()})
        two, opening = "reply-2", "Looking at what the language servers find after this edit.\\n\\n"

        def chat(so_far: str, delta: str) -> tuple[str, str]:
            said = f'"answer_up_until_now":"{so_far}","delta":"{delta}","exchange_id":"{two}"'
            return two, f'{{"ChatEvent":{{{said}}}}}'

        assert judged.chunks == whole(
            aide,
            (one, state("Accepted", '["@/a.py"]')),
            finished(aide, one),
            chat(opening, opening),
            chat(f"{opening}\\n\\nNothing is left.", "\\n\\nNothing is left."),
            finished(aide, two),
        )


async def test_a_cancel(home: Home) -> None:
    async with home.sidecar(replies(Reply(("Hm", "m"), fault=Silence(1)))) as aide:
        async with aide.open("POST", "/api/agentic/agent_session_chat", aide.message("go")) as opened:
            got = [await opened.chunk() for _ in range(2)]
            place = {"session_id": aide.session, "exchange_id": "asked-1"}
            cancelled = await aide.post("cancel_running_event", place)
            got += [await opened.chunk() for _ in range(2)]
        stopped = '{"ExchangeEvent":{"ExecutionState":"Cancelled"}}'
        assert cancelled.chunks == whole(aide, ("asked-1", stopped))
        hm = '{"ChatEvent":{"answer_up_until_now":"Hm","delta":"Hm","exchange_id":"reply-1"}}'
        assert got == whole(aide, ("reply-1", hm), ("reply-1", stopped))
