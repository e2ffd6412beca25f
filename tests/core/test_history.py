"""The fold from events to messages: whole, cut anywhere, and in any order."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion import Image, Message, Text, Thinking, ToolCall, ToolResult
from pillion import events as e
from pillion.history import History, interruption, voiding

NOT_RUN = "The call was not run."


class Log:
    """Numbers events as a session's log does, and folds them."""

    def __init__(self) -> None:
        self.history, self.seq = History(), 0

    def add(self, *events: e.Event, turn: str = "t1") -> int:
        for event in events:
            self.seq += 1
            self.history.apply(self.seq, event, turn)
        return self.seq

    def prompt(self, text: str = "go", turn: str = "t1", **options: Any) -> None:
        self.add(e.PromptQueued(prompt=turn, text=text, **options))
        self.add(e.TurnStarted(prompt=turn, strategy="s", model="m"), turn=turn)

    def text(self, text: str, turn: str = "t1") -> int:
        item = self.add(e.TextStarted(), turn=turn)
        self.add(e.TextFinished(item=item, text=text), turn=turn)
        return item

    def call(self, id: str, turn: str = "t1") -> int:
        item = self.add(e.CallStarted(call=id, tool="look"), turn=turn)
        self.add(e.CallFinished(item=item, call=id, tool="look", text="{}"), turn=turn)
        return item

    def asks(self, *calls: str, text: str = "", turn: str = "t1") -> None:
        """A whole message with these calls."""
        items = [self.text(text, turn)] if text else []
        items += [self.call(id, turn) for id in calls]
        self.add(e.MessageFinished(items=tuple(items), finish="tool_calls"), turn=turn)

    def result(self, call: str, text: str = "seen", turn: str = "t1", **options: Any) -> None:
        item = self.add(e.ToolStarted(call=call, tool="look"), turn=turn)
        self.add(e.ToolFinished(item=item, call=call, tool="look", text=text, **options), turn=turn)

    def messages(self) -> list[Message]:
        return self.history.resolved({})


def test_a_cut_that_speaks_of_messages_that_are_not_there_is_none() -> None:
    log = Log()
    log.prompt()
    log.text("Yes.")
    log.add(e.MessageFinished(items=(3,), finish="stop"))
    sizes: dict[str, Any] = {"text": "Short.", "before": 9, "after": 1, "by": "x", "why": "asked"}
    good = e.HistoryCompacted(messages=2, kept=(0,), shortened=2, characters=1, **sizes)
    for wrong in (
        e.HistoryCompacted(messages=3, **sizes),
        e.HistoryCompacted(messages=-1, **sizes),
        e.HistoryCompacted(messages=1, kept=(1,), **sizes),
        e.HistoryCompacted(messages=1, shortened=3, **sizes),
        e.HistoryCompacted(messages=1, characters=-1, **sizes),
    ):
        log.add(wrong)
    assert log.history.compacted is None
    log.add(good)
    assert log.history.compacted == good
    assert log.history.task == [0]


def test_a_turn_becomes_messages_with_results_in_the_order_of_the_calls() -> None:
    log = Log()
    log.prompt("look at both")
    log.asks("a", "b", text="I look.")
    log.result("b", "two")
    log.result("a", "one", error=True, code="tool")
    log.add(e.MessageFinished(items=(log.text("Done."),), finish="stop"), e.TurnFinished())
    assert log.messages() == [
        Message("user", (Text("look at both"),)),
        Message("assistant", (Text("I look."), ToolCall("a", "look", "{}"), ToolCall("b", "look", "{}"))),
        Message("user", (ToolResult("a", "one", error=True), ToolResult("b", "two"))),
        Message("assistant", (Text("Done."),)),
    ]


@pytest.mark.parametrize("end", [e.TurnCancelled(), e.TurnInterrupted(), e.TurnFailed(code="x", message="y")])
def test_calls_that_got_no_result_get_one_at_the_turns_end(end: e.Event) -> None:
    log = Log()
    log.prompt()
    log.asks("a", "b", "c")
    log.result("b")
    item = log.add(e.ToolStarted(call="c", tool="look"))
    log.add(e.ToolInterrupted(item=item, call="c", tool="look", text="stopped"), end)
    missing, interrupted = ToolResult("a", NOT_RUN, error=True), ToolResult("c", "stopped", error=True)
    assert log.messages()[-1].parts == (missing, ToolResult("b", "seen"), interrupted)


def test_a_result_that_no_message_asked_for_is_not_history() -> None:
    log = Log()
    log.prompt()
    log.result("own_1")
    log.asks("a", "b")
    log.result("own_2")
    log.result("a", "one")
    log.result("b", "two")
    assert [message.role for message in log.messages()] == ["user", "assistant", "user"]
    assert log.messages()[-1].parts == (ToolResult("a", "one"), ToolResult("b", "two"))


def test_of_an_unfinished_step_the_words_stay() -> None:
    log = Log()
    log.prompt()
    thought = log.add(e.ThinkingStarted())
    item, call = log.add(e.TextStarted()), log.add(e.CallStarted(call="a", tool="look"))
    log.add(e.ThinkingInterrupted(item=thought, text="hm"), e.TextInterrupted(item=item, text="I w"))
    log.add(e.CallInterrupted(item=call, text="{"), e.TurnCancelled())
    assert log.messages()[1:] == [Message("assistant", (Text("I w"),))]
    assert (log.history.turn, log.history.open_items) == ("", {})


def test_what_is_voided_was_never_said() -> None:
    log = Log()
    log.prompt()
    item = log.add(e.TextStarted())
    log.add(e.TextVoided(item=item, why="cut"))
    log.add(e.MessageFinished(items=(log.text("again"),), finish="stop"), e.TurnFinished())
    assert [message.text for message in log.messages()] == ["go", "again"]


def test_thinking_keeps_its_seal() -> None:
    log = Log()
    log.prompt()
    item = log.add(e.ThinkingStarted())
    log.add(e.ThinkingFinished(item=item, text="hm", signature="x"))
    log.add(e.MessageFinished(items=(item, log.text("yes")), finish="stop"))
    assert log.messages()[-1].parts == (Thinking("hm", "x"), Text("yes"))


def test_a_seed_comes_first_and_its_open_call_gets_a_result() -> None:
    log = Log()
    cut = (Message("user", (Text("old"),)), Message("assistant", (ToolCall("d", "delegate", "{}"),)))
    log.add(e.SessionSeeded(messages=cut))
    log.prompt("new")
    result = Message("user", (ToolResult("d", NOT_RUN, error=True),))
    assert log.messages() == [*cut, result, Message("user", (Text("new"),))]


def test_a_seed_with_results_for_some_calls_gets_the_others() -> None:
    log = Log()
    asked = Message("assistant", (ToolCall("a", "look", "{}"), ToolCall("b", "look", "{}")))
    log.add(e.SessionSeeded(messages=(asked, Message("user", (ToolResult("b", "seen"), Text("and?"))))))
    results = Message("user", (ToolResult("a", NOT_RUN, error=True), ToolResult("b", "seen")))
    assert log.messages() == [asked, results, Message("user", (Text("and?"),))]


def test_images_stand_with_the_prompt_or_the_result_that_brought_them() -> None:
    data = b"png"
    name = hashlib.sha256(data).hexdigest()
    ref, image = e.ImageRef("image/png", name, len(data)), Image("image/png", data)
    log = Log()
    log.prompt("see", images=(ref,))
    log.asks("a")
    log.result("a", "shot", images=(ref, ref))
    user, _, result = log.history.resolved({name: data})
    assert user.parts == (image, Text("see"))
    assert result.parts == (ToolResult("a", "shot", images=(image, image)),)


def test_prompts_wait_until_their_turn_or_are_dropped() -> None:
    log = Log()
    log.add(*(e.PromptQueued(prompt=id, text=id) for id in "abc"))
    log.add(e.PromptDropped(prompt="b", why="x"), e.TurnStarted(prompt="a", strategy="s", model="m"))
    assert [waiting.id for waiting in log.history.prompts] == ["c"]


def test_only_what_grows_can_be_interrupted_or_voided() -> None:
    assert interruption(4, e.ToolStarted(call="a", tool="t"), "half").text.startswith("half\nThe call was interrupted")
    with pytest.raises(TypeError, match=r"turn.stopping opens no item"):
        interruption(1, e.TurnStopping(), "")
    with pytest.raises(TypeError, match=r"tool.started can't be voided"):
        voiding(1, e.ToolStarted(call="a", tool="t"), "")


moves = st.one_of(
    st.tuples(st.just("prompt"), st.just(0)),
    st.tuples(st.just("asks"), st.integers(0, 3)),
    st.tuples(st.just("half"), st.integers(0, 3)),
    st.tuples(st.just("result"), st.integers(0, 9)),
    st.tuples(st.just("interrupted"), st.integers(0, 9)),
    st.tuples(st.just("end"), st.integers(0, 3)),
    st.tuples(st.just("seed"), st.integers(0, 3)),
)
ENDS = (e.TurnFinished(), e.TurnCancelled(), e.TurnInterrupted(), e.TurnFailed(code="x", message="y"))


def play(log: Log, move: str, n: int) -> None:
    asked = [part.id for draft in log.history.drafts for part in draft.parts if isinstance(part, ToolCall)]
    ids = [f"c{log.seq}_{i}" for i in range(n)]
    match move:
        case "prompt":
            log.prompt(turn=f"t{log.seq}")
        case "asks":
            log.asks(*ids, text="words")
        case "half":
            for id in ids:
                log.call(id)
            log.add(e.TextInterrupted(item=log.add(e.TextStarted()), text="half"))
        case "result" if asked:
            log.result(asked[-1 - n % len(asked)])
        case "interrupted" if asked:
            item = log.add(e.ToolStarted(call=asked[-1 - n % len(asked)], tool="look"))
            log.add(e.ToolInterrupted(item=item, call=asked[-1 - n % len(asked)], tool="look", text="?"))
        case "end":
            log.add(ENDS[n])
        case "seed":
            calls = tuple(ToolCall(id, "look", "{}") for id in ids)
            results = tuple(ToolResult(id, "seen") for id in ids[1:])
            log.add(e.SessionSeeded(messages=(Message("assistant", calls), Message("user", results))))


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a machine that has other things to do
@given(moves=st.lists(moves, max_size=30))
def test_every_call_is_followed_by_exactly_one_result_whatever_happens(moves: list[tuple[str, int]]) -> None:
    log = Log()
    for move, n in moves:
        play(log, move, n)
    log.add(e.TurnFinished())
    messages = log.messages()
    for message, following in zip(messages, [*messages, Message("user", ())][1:], strict=True):
        asked = [part.id for part in message.parts if isinstance(part, ToolCall)]
        given = [part.call for part in following.parts if isinstance(part, ToolResult)]
        assert given == asked
    assert all(message.parts for message in messages)
