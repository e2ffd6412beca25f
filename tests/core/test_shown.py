"""What a person has before them stands before what is asked, in the log and for the model."""

from __future__ import annotations

from pillion import Message, Text
from pillion import events as e
from pillion.shown import LONGEST, NAMES, ContextReference, SelectedCode, Shown
from pillion.testing.kit import Host, events
from pillion.testing.scripted import says

CODE = SelectedCode("a.py", 5, 7, "x = '```'", language="python")
SHOWN = Shown(("a.py", "b.py"), (CODE, CODE), (ContextReference("src/"), ContextReference("Rules", "Use tabs.")))


def spoken(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, Text))


async def test_the_model_reads_it_before_the_words_and_the_log_keeps_both_apart(host: Host) -> None:
    host.provider.script(says("Because."), says("Yes."))
    session = await host.open()
    await host.run(session, "Why?", shown=SHOWN)
    queued = next(event for event in await events(session) if isinstance(event, e.PromptQueued))
    assert (queued.text, queued.open_files, queued.selected_code) == ("Why?", SHOWN.open_files, (CODE, CODE))
    (message,) = host.provider.requests[0].messages
    said = spoken(message)
    for once in ("- b.py", "Lines 5 to 7 of `a.py`, which are selected:\n```python", "- src/", "# Rules\n\nUse tabs."):
        assert said.count(once) == 1, once
    assert said.endswith("# What is asked\n\nWhy?")
    await host.run(session, "Sure?")
    assert [spoken(message) for message in host.provider.requests[1].messages if message.role == "user"] == [
        said,
        "Sure?",
    ]


def test_nothing_shown_leaves_the_words_as_they_are() -> None:
    assert Shown().before("Why?") == "Why?"


def test_what_is_long_is_cut_and_says_so() -> None:
    shown = Shown(tuple(f"f{n}" for n in range(NAMES + 5)), (SelectedCode("a.py", text="x" * (LONGEST + 7)),))
    said = shown.before("Why?")
    assert "- and 5 more" in said and "[7 more characters are left out]" in said and len(said) < LONGEST + 3000
