"""A chat with the sidecar's stream, byte for byte."""

from __future__ import annotations

from pathlib import Path

from pillion_runtime.testing import Reply, replies

from .sidecar import KEY, sidecar


async def test_a_chat_is_framed_byte_for_byte(tmp_path: Path) -> None:
    async with sidecar(tmp_path, replies(Reply(("Hel", "lo."), pause=0.3))) as aide:
        answer = await aide.post("agent_session_chat", aide.message("hi"))
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/event-stream")
        envelope = b'{"request_id":"session-1","exchange_id":"reply-1","event":'
        assert answer.chunks == [
            b'data:{"session_id":"session-1","started":true}\n\n',
            b"data:" + envelope
            + b'{"ChatEvent":{"answer_up_until_now":"Hel","delta":"Hel","exchange_id":"reply-1"}}}\n\n',
            b"data:" + envelope
            + b'{"ChatEvent":{"answer_up_until_now":"Hello.","delta":"lo.","exchange_id":"reply-1"}}}\n\n',
            b"data:" + envelope
            + b'{"ExchangeEvent":{"FinishedExchange":{"exchange_id":"reply-1","session_id":"session-1"}}}}\n\n',
            b'data:{"done":"[CODESTORY_DONE]","session_id":"session-1"}\n\n',
        ]  # fmt: skip
        asked = aide.vendor.asked[0]
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert aide.editor.asked == [("/new_exchange", {"session_id": "session-1", "editor_url": aide.editor.url})]
