"""The pieces of the command line by themselves: SSE, transcript, screen text, exit codes, HTTP client."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from pillion.errors import ConfigError, PillionError
from pillion.secrets import Secrets
from pillion_runtime.cli import exits
from pillion_runtime.cli.client import Client
from pillion_runtime.cli.endings import ending
from pillion_runtime.cli.exits import ServerLost
from pillion_runtime.cli.screen import clean, duration, one_line
from pillion_runtime.cli.shown import Growing, Over, Said, Written
from pillion_runtime.cli.sse_reader import EventStream
from pillion_runtime.cli.transcript import Transcript, call_title
from pillion_runtime.cli.warnings_log import to_stderr

STREAM = (
    b": open\n\nretry: 2000\n\nid: 1\n\nid: 2\ndata: {1}\n\n: ping\n\n"
    b"id: 2.1\r\nevent: x\r\ndata: {2\r\ndata: 3}\r\n\r\n"
)


@given(st.lists(st.integers(1, len(STREAM) - 1)))
def test_a_stream_in_any_pieces_gives_the_same_events(cuts: list[int]) -> None:
    events, found = EventStream(), []
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    for start, end in itertools.pairwise(edges):
        found += events.feed(STREAM[start:end])
    assert found == [b"{1}", b"{2\n3}"]
    assert events.last == "2.1"


@pytest.mark.parametrize("at", range(0, len(STREAM), 7))
def test_a_cut_event_is_void_and_its_id_too(at: int) -> None:
    events = EventStream("1")
    found = events.feed(STREAM[:at])
    events.cut()
    assert len(found) == {"1": 0, "2": 1, "2.1": 2}[events.last]
    assert events.feed(b"id: 9\ndata: whole\n\n") == [b"whole"]


def _frames(*events: dict[str, Any]) -> Iterator[bytes]:
    for event in events:
        yield json.dumps(event | {"turn": "t", "session": "s", "time": ""}).encode()


def test_a_text_grows_is_taken_back_and_written() -> None:
    transcript, shown = Transcript("t"), []
    for frame in _frames(
        {"type": "text.started", "id": "3"},
        {"type": "text.delta", "id": "3.1", "item": 3, "at": 0, "text": "Hel"},
        {"type": "text.delta", "id": "3.2", "item": 3, "at": 2, "text": "y"},
        {"type": "text.voided", "id": "4", "item": 3, "why": "cut"},
        {"type": "text.delta", "id": "4.1", "item": 3, "at": 3, "text": "late"},
        {"type": "text.started", "id": "5"},
        {"type": "text.finished", "id": "6", "item": 5, "text": "Hello"},
        {"type": "message.finished", "id": "7", "items": [5], "finish": "stop"},
    ):
        shown += transcript.take(frame)
    assert [thing.text for thing in shown if isinstance(thing, Growing)] == ["", "Hel", "Hey", ""]
    assert [thing for thing in shown if isinstance(thing, Written | Said)] == [Written(5, "Hello"), Said("Hello", True)]


def test_after_a_resync_nothing_is_shown_twice() -> None:
    transcript = Transcript("t")
    told = list(
        _frames({"type": "text.started", "id": "3"}, {"type": "text.finished", "id": "4", "item": 3, "text": "a"})
    )
    before = [thing for frame in told for thing in transcript.take(frame)]
    again = [thing for frame in (b'{"type":"resync","head":4}', *told) for thing in transcript.take(frame)]
    assert (len(before), again) == (2, [])


def test_other_turns_and_unknown_events_bring_nothing() -> None:
    transcript = Transcript("mine")
    frames = _frames({"type": "turn.finished", "id": "3"}, {"type": "plan.drawn", "id": "4"})
    assert [thing for frame in frames for thing in transcript.take(frame)] == []


def test_a_call_is_one_line() -> None:
    assert call_title("search", '{"glob":"*.py","pattern":"def  x"}') == "search def x glob=*.py"
    assert call_title("search", '{"pattern":') == 'search {"pattern":'
    assert call_title("write", json.dumps({"text": "x" * 99, "path": "a.py", "mode": 7})) == "write a.py mode=7"
    assert len(call_title("run", json.dumps({"command": "x " * 999}))) <= 120


@given(st.text())
def test_clean_text_holds_nothing_that_moves_a_terminal(text: str) -> None:
    found = {char for char in clean(text) if ord(char) < 32 or 127 <= ord(char) < 160}
    assert found <= {"\n", "\t"}


def test_a_warning_is_one_line_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    secrets, root = Secrets(), logging.getLogger()
    before, level = root.handlers[:], root.level
    secrets.register("sk-very-secret")
    try:
        to_stderr(secrets, logging.WARNING)
        logging.getLogger("x").error("It broke with %s", "sk-very-secret", exc_info=ValueError("a\nsk-very-secret"))
        logging.getLogger("x").info("not told")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert capsys.readouterr().err == "pillion: error: It broke with [secret] (ValueError: a [secret])\n"


def test_text_for_people() -> None:
    assert clean("a\x1b[31mb\x1b]0;title\x07c\r\nd\x1b]8;;http://x\x1b\\e") == "abc\nde"
    assert clean("10%\r20%\r100%\n") == "100%\n"
    assert one_line("a\n  b", 10) == "a b"
    assert (duration(0.42), duration(12.3), duration(200)) == ("0.4 s", "12 s", "3 min 20 s")


@pytest.mark.promise("cli.exit_codes")
@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("provider_down", 5), ("bad_request", 5), ("config", 2), ("missing_library", 2), ("budget", 4), ("stuck", 1)],
)
def test_error_codes_have_exit_codes(code: str, exit_code: int) -> None:
    assert exits.of_code(code) == exit_code


def test_of_a_group_our_own_error_is_told() -> None:
    own = ConfigError("Mend it.")
    assert exits.first_error(ExceptionGroup("", [ValueError(), ExceptionGroup("", [own])])) is own


def test_only_ends_that_are_not_done_get_a_sentence() -> None:
    assert ending(Over("finished", "done")) == ""
    assert "--max-steps" in ending(Over("finished", "limit:steps"))
    assert ending(Over("failed", "The key is wrong.", "provider_refused")) == "The key is wrong."


@contextmanager
def _raises(kind: type[PillionError], words: str) -> Iterator[None]:
    with pytest.raises(kind, match=words):
        yield


async def _silent(_stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def test_a_server_that_never_answers_is_given_up() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, _silent, listeners)
        client = Client(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", "")
        with trio.fail_after(20), _raises(ServerLost, "within 0.2 s"):
            await client.call("GET", "/api/health", deadline=0.2)
        nursery.cancel_scope.cancel()


async def test_a_closed_port_is_a_lost_server() -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    await listener.aclose()
    with trio.fail_after(20), _raises(ServerLost, "can't be reached"):
        await Client(url, "").call("GET", "/api/health")
