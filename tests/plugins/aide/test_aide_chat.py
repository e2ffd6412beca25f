"""A chat with the sidecar's stream, byte for byte."""

from __future__ import annotations

from pillion_runtime.testing import Reply, replies

from .shared import Home
from .sidecar import KEY


async def test_a_chat_is_framed_byte_for_byte(home: Home) -> None:
    async with home.sidecar(replies(Reply(("Hel", "lo."), pause=0.3))) as aide:
        answer = await aide.post("agent_session_chat", aide.message("hi"))
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/event-stream")
        session = aide.session.encode()
        envelope = b'{"request_id":"%b","exchange_id":"reply-1","event":' % session
        assert answer.chunks == [
            b'data:{"session_id":"%b","started":true}\n\n' % session,
            b"data:" + envelope
            + b'{"ChatEvent":{"answer_up_until_now":"Hel","delta":"Hel","exchange_id":"reply-1"}}}\n\n',
            b"data:" + envelope
            + b'{"ChatEvent":{"answer_up_until_now":"Hello.","delta":"lo.","exchange_id":"reply-1"}}}\n\n',
            b"data:" + envelope
            + b'{"ExchangeEvent":{"FinishedExchange":{"exchange_id":"reply-1","session_id":"%b"}}}}\n\n' % session,
            b'data:{"done":"[CODESTORY_DONE]","session_id":"%b"}\n\n' % session,
        ]  # fmt: skip
        asked = aide.vendor.asked[0]
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert aide.editor.asked == [("/new_exchange", {"session_id": aide.session, "editor_url": aide.editor.url})]
