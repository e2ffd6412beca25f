"""edit_file on real files: what is replaced, what is refused, and what stays as it is to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pillion.errors import Conflict, ToolError
from pillion.events import FileChanged
from pillion.hookspecs import TurnInfo
from pillion.localworkspace import LocalWorkspace
from pillion_edit.applying import applied
from pillion_edit.document import Document
from pillion_edit.editing import EditArguments, EditFile
from pillion_edit.hunk import Hunk, Snippet
from pillion_edit.making import Maker
from pillion_edit.plugin import Config, Plugin
from pillion_edit.refusals import Refused
from pillion_edit.replacing import replaced


async def edit(call: Any, old: str, new: str, replace_all: bool = False) -> str:
    return await EditFile(Maker()).run(EditArguments("f", old, new, replace_all), call)


async def test_one_place_is_replaced_with_a_diff(call: Any, folder: Path) -> None:
    (folder / "f").write_text("one\ntwo\nthree\n")
    assert await edit(call, "two", "2") == "Changed f: 1 line added, 1 removed."
    assert (folder / "f").read_text() == "one\n2\nthree\n"
    [change] = call.events
    assert isinstance(change, FileChanged)
    assert change.diff == "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    assert (change.added, change.removed, change.kind, change.call) == (1, 1, "changed", "call")


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"a\r\nb\r\nc\r\n", "a\nb", "x\ny", b"x\r\ny\r\nc\r\n"),
        (b"a\r\nb\nc\r\n", "a\nb\nc", "x\ny", b"x\r\ny\r\n"),
        (b"\xef\xbb\xbfa\nb", "a\n", "x\n", b"\xef\xbb\xbfx\nb"),
        (b"\xff\xfea\0\n\0b\0", "a\nb", "\u010d", b"\xff\xfe\x0d\x01"),
        (b"\xff\xfe\x01\x61\x62\0", "\u6261", "x", None),
        (b"caf\xe9 one\n\0", "one", "two", None),
        (b"caf\xe9 one\n", "one", "two", b"caf\xe9 two\n"),
        (b"caf\xe9 one\n", "one", "zw\u00f6lf", None),
        (b"a.b a+b", "a+b", r"\1\g<0>", rb"a.b \1\g<0>"),
    ],
)
async def test_the_rest_stays(call: Any, folder: Path, before: bytes, old: str, new: str, after: bytes | None) -> None:
    (folder / "f").write_bytes(before)
    if after is None:
        with pytest.raises(ToolError):
            await edit(call, old, new)
    else:
        await edit(call, old, new)
    assert (folder / "f").read_bytes() == (before if after is None else after)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("needle", "x", r"occurs 3 times in f, at lines 1, 3, 4"),
        ("def helo():", "x", r"the nearest there is, lines 3 to 6"),
        ("quite another thing", "x", r"nothing there resembles it"),
        ("gone", "needle()", r"already applied"),
        ("same", "same", r"are the same"),
    ],
)
async def test_what_does_not_work_is_explained(call: Any, folder: Path, old: str, new: str, said: str) -> None:
    before = "needle\n\nneedle()\nneedle\ndef hello():\n    return 1\n"
    (folder / "f").write_text(before)
    with pytest.raises(ToolError, match=said):
        await edit(call, old, new)
    assert (folder / "f").read_text() == before
    assert call.events == []


RENAMED = b"jobs:\n  - run: make\n    renamed\nother:\n  - run: make\n    fresh: 1\n    changed\n"
FLAT = (
    b'class A:\n    def one(self):\n        """\n        One says so.\n        """\n\n'
    b"    @hook\n    def two(self):\n        pass\n"
)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (RENAMED, ("  - run: make", "    changed"), ("  - run: make", "    fresh: 1", "    changed")),
        (
            FLAT,
            ("One says so.", '"""', "", "@hook", "def two(self):", "    pass"),
            ("        One says so.", '        """'),
        ),
    ],
    ids=["its place has changed, and another is as it wants it", "what is to go still stands"],
)
def test_what_only_looks_as_if_it_were_applied_is_refused(
    file: bytes, old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as refused:
        applied(Document.of("f.py", file), [Hunk(old, new)])
    assert refused.value.why == "missing"


async def test_overlapping_occurrences_are_ambiguous(call: Any, folder: Path) -> None:
    (folder / "f").write_text("aaa")
    with pytest.raises(ToolError, match="occurs 2 times"):
        await edit(call, "aa", "b")
    await edit(call, "aa", "b", replace_all=True)
    assert (folder / "f").read_text() == "ba"


async def test_what_is_changed_is_what_was_shown(call: Any, folder: Path) -> None:
    (folder / "f").write_text("one\ntwo\n")
    tool, arguments = EditFile(Maker()), EditArguments("f", "two", "2")
    assert await tool.preview(arguments, call) == "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    assert (folder / "f").read_text() == "one\ntwo\n"
    (folder / "f").write_text("somebody's\ntwo\n")
    with pytest.raises(Conflict):
        await tool.run(arguments, call)
    assert (folder / "f").read_text() == "somebody's\ntwo\n"


@given(st.text("a\n", max_size=12), st.text("a\n", min_size=1, max_size=3), st.text("ab\n", max_size=4))
def test_replace_all_is_what_str_replace_does(before: str, old: str, new: str) -> None:
    wanted = before.replace(old, new)
    assume(old in before)
    try:
        assert replaced("f", before.encode(), Snippet(old, new, True)) == (wanted.encode(), False)
    except ToolError:
        assert old not in before or old == new


def test_the_plugin_brings_it() -> None:
    turn = TurnInfo("", "", "", None, LocalWorkspace("/"), False)
    assert [tool.name for tool in Plugin(Config()).register_tools(turn)] == ["edit_file"]
