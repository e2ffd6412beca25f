"""Editors that misbehave: the answer comes all the same, or the refusal says why."""

from __future__ import annotations

import pytest
import trio

from pillion_aide.bridge import Bridge
from pillion_aide.callbacks import NewExchange
from pillion_aide.editor import Editor
from pillion_aide.editorfaults import EditorFailed
from pillion_runtime.testing import Reply, replies

from .editordouble import editor_double
from .shared import Home

HOSTILE = (
    "http://10.0.0.1:80",
    "http://127.0.0.1@evil.example/",
    "https://localhost:1",
    "http://localhost.evil.example",
    "file:///etc/passwd",
    "http://[::1",
    "http://169.254.169.254/latest?x=",
)


def bridge_to(url: str) -> Bridge:
    bridge = Bridge("s")
    bridge.meet(Editor(url))
    return bridge


@pytest.mark.parametrize("url", HOSTILE)
def test_an_editor_that_is_not_on_this_machine_is_refused(url: str) -> None:
    with pytest.raises(EditorFailed):
        Editor(url)
    assert Editor("http://10.0.0.1:80", ["10.0.0.1"]).url == "http://10.0.0.1:80"


@pytest.mark.parametrize("answer", [b"nonsense", {"reply": "gg_testing"}, {"exchange_id": None}, {"exchange_id": 3}])
async def test_an_answer_that_does_not_fit_is_a_typed_error(answer: object) -> None:
    async with editor_double({"/new_exchange": lambda _: answer}) as editor:
        with pytest.raises(EditorFailed):
            await bridge_to(editor.url).new_exchange()


async def test_an_editor_that_never_answers_or_fails_is_given_up() -> None:
    async with editor_double({"/new_exchange": lambda _: None}) as editor:
        with trio.fail_after(20), pytest.raises(EditorFailed, match="did not answer"):
            await Editor(editor.url).ask("/new_exchange", NewExchange, {}, seconds=0.2)
        editor.status = 500
        with pytest.raises(EditorFailed, match="status 500"):
            await Editor(editor.url).ask("/other", NewExchange, {})
        gone = editor.url
    with pytest.raises(EditorFailed, match="can't be reached"):
        await bridge_to(gone).new_exchange()


async def test_a_session_is_usable_with_a_bad_editor(home: Home) -> None:
    program = replies(Reply("one"), Reply("two"), Reply('"data:{"'))
    async with home.sidecar(program, {"/new_exchange": lambda _: b"<html>"}) as aide:
        first = await aide.post("agent_session_chat", aide.message("1", "e1"))
        assert "one" in str(first.told)
        hostile = await aide.post("agent_session_chat", aide.message("x", "e2", editor_url="http://evil.example:80"))
        assert "not on this machine" in hostile.told[0]["Error"]["message"] and len(hostile.chunks) == 3
        absent = await aide.post("agent_session_chat", aide.message("2", "e3", editor_url="http://127.0.0.1:9"))
        assert "two" in str(absent.told)
        cuts = await aide.post("agent_session_chat", aide.message("3", "e4"))
    assert b"data:{" not in b"".join(chunk.removeprefix(b"data:{") for chunk in cuts.chunks)
    assert cuts.told[1]["ChatEvent"]["delta"] == '"data:{"'
