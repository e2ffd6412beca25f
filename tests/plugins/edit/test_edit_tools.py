"""The editing tools on real files: several at once, all or none, shown before, undone after."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pillion.contracts.tool import Tool
from pillion.errors import Conflict, ToolError
from pillion.events import FileChanged
from pillion.hookspecs import TurnInfo
from pillion.known import Known
from pillion.localworkspace import LocalWorkspace
from pillion.values import ModelInfo
from pillion_edit.applying import applied
from pillion_edit.document import Document
from pillion_edit.editor import Editor, EditorArguments
from pillion_edit.hunk import FileEdit, Hunk
from pillion_edit.making import Maker
from pillion_edit.plugin import Config, Plugin
from pillion_edit.splicing import spliced

from .written import HUNKS, PATH, whole


def tool(kind: str, model: str = "") -> Tool:
    info = ModelInfo(model, 1, 1) if model else None
    turn = TurnInfo("", "", "", info, LocalWorkspace("/"), False)
    (found,) = Plugin(Config({"*": kind} if kind else {})).register_tools(turn)  # type: ignore[dict-item]
    return found


async def run(tool: Tool, call: Any, **arguments: Any) -> str:
    said = await tool.run(tool.Arguments(**arguments), call)
    assert isinstance(said, str)
    return said


def names(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("anthropic/claude-opus", "str_replace_based_edit_tool"),
        ("openai/gpt-next", "apply_patch"),
        ("local/qwen", "edit_file"),
        ("", "edit_file"),
    ],
)
def test_each_model_gets_the_format_it_is_good_at(model: str, name: str) -> None:
    assert tool("", model).name == name


PATCH = """\
*** Begin Patch
*** Update File: a.py
-one
+1
*** Update File: b.py
*** Move to: sub/c.py
 two
+three
*** Add File: d.py
+four
*** Delete File: e.py
*** End Patch"""
BEFORE = {"a.py": "one\n", "b.py": "two\n", "e.py": "five\n"}
AFTER = {"a.py": "1\n", "sub/c.py": "two\nthree\n", "d.py": "four\n"}


def fill(folder: Path) -> None:
    for name, text in BEFORE.items():
        (folder / name).write_text(text)
    (folder / "b.py").chmod(0o755)


async def test_a_patch_changes_several_files_and_is_undone(call: Any, folder: Path) -> None:
    fill(folder)
    maker_of = Plugin(Config({"*": "patch"}))
    patch = maker_of.register_tools(TurnInfo("", "", "", None, LocalWorkspace("/"), False))[0]
    said = await run(patch, call, patch=PATCH)
    assert names(folder) == AFTER
    assert "Created sub/c.py: 2 lines added, 0 removed." in said
    assert (folder / "sub/c.py").stat().st_mode & 0o777 == 0o755
    assert {event.path: event.kind for event in call.events if isinstance(event, FileChanged)} == {
        "a.py": "changed", "b.py": "deleted", "sub/c.py": "created", "d.py": "created", "e.py": "deleted"
    }  # fmt: skip
    await patch._maker.undo("d.py", call)  # type: ignore[attr-defined]
    assert names(folder) == BEFORE
    assert (folder / "b.py").stat().st_mode & 0o777 == 0o755


async def test_one_hunk_that_fails_leaves_every_file(call: Any, folder: Path) -> None:
    fill(folder)
    with pytest.raises(ToolError) as raised:
        await run(tool("patch"), call, patch=PATCH.replace("-one", "-none").replace("e.py", "missing.py"))
    assert names(folder) == BEFORE
    assert call.events == []
    assert "Nothing was changed, in no file, since 2 edits" in str(raised.value)
    assert "a.py" in str(raised.value) and "missing.py" in str(raised.value)


async def test_what_was_changed_since_it_was_shown_is_a_conflict(call: Any, folder: Path) -> None:
    fill(folder)
    patch = tool("patch")
    arguments = patch.Arguments(patch=PATCH)
    diff = await patch.preview(arguments, call)  # type: ignore[attr-defined]
    assert "--- a/a.py\n+++ b/a.py" in diff and "+four" in diff
    (folder / "a.py").write_text("a person's\none\n")
    with pytest.raises(Conflict, match=r"a\.py has been changed since"):
        await patch.run(arguments, call)
    assert names(folder) == BEFORE | {"a.py": "a person's\none\n"}


async def test_the_editor_s_commands(call: Any, folder: Path) -> None:
    editor = Editor(Maker())

    async def do(command: str, path: str = "f.py", **rest: Any) -> str:
        arguments = EditorArguments(command, path, **rest)  # type: ignore[arg-type]
        assert editor.effect_of(arguments) == ("read" if command == "view" else "write")
        return await editor.run(arguments, call)

    await do("create", file_text="one\ntwo\nthree\n")
    await do("str_replace", old_str="two", new_str="2")
    await do("insert", insert_line=0, insert_text="zero")
    assert (folder / "f.py").read_text() == "zero\none\n2\nthree\n"
    assert await do("view", view_range=[2, 3]) == "     2\tone\n     3\t2"
    assert await do("view", ".") == "f.py"
    await do("undo_edit")
    await do("undo_edit")
    assert (folder / "f.py").read_text() == "one\ntwo\nthree\n"
    await do("undo_edit")
    assert not (folder / "f.py").exists()
    with pytest.raises(ToolError, match="can be undone"):
        await do("undo_edit")


async def test_undo_never_goes_over_somebody_else_s_change(call: Any, folder: Path) -> None:
    editor = Editor(Maker())
    await editor.run(EditorArguments("create", "f", file_text="one\n"), call)
    (folder / "f").write_text("a person's\n")
    with pytest.raises(Conflict, match="changed meanwhile"):
        await editor.run(EditorArguments("undo_edit", "f"), call)
    assert (folder / "f").read_text() == "a person's\n"


LINES = st.lists(st.sampled_from(["a", "b", "  c", "", "\td ", "e “f”", "g"]), max_size=12)


ENDED = st.lists(
    st.tuples(st.sampled_from(["a", "b", "  c", "", "\td ", "e “f”", "g"]), st.sampled_from(["\n", "\r\n"]))
)


@given(ENDED, st.data(), st.booleans(), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_what_is_outside_an_edit_stays_to_the_byte(
    lines: list[tuple[str, str]], data: Any, closed: bool, mark: bytes
) -> None:
    start = data.draw(st.integers(0, len(lines)))
    stop = data.draw(st.integers(start, len(lines)))
    new = data.draw(LINES)
    if lines and not closed and lines[-1][0]:
        lines = [*lines[:-1], (lines[-1][0], "")]
    head, gone, tail = (
        "".join(map("".join, part)).encode() for part in (lines[:start], lines[start:stop], lines[stop:])
    )
    document = Document.of("f", mark + head + gone + tail)
    assert document.data() == mark + head + gone + tail
    try:
        done = applied(document, [Hunk(tuple(line for line, _ in lines[start:stop]), tuple(new))]).document
    except ToolError:
        return
    assert done is document or (done.data().startswith(mark + head.rstrip()) and done.data().endswith(tail))
    if lines and done.lines:
        assert (done.ends[-1] == "") == (document.ends[-1] == "")


@given(ENDED, st.data(), st.booleans(), st.sampled_from([b"", b"\xef\xbb\xbf"]), st.sampled_from([*HUNKS, "whole"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_in_every_format_applying_and_undoing_is_the_identity(
    call: Any, folder: Path, lines: list[tuple[str, str]], data: Any, closed: bool, mark: bytes, format: str
) -> None:
    """And what is applied leaves what is before and behind it as it was, to the byte."""
    if lines and not closed and lines[-1][0]:
        lines = [*lines[:-1], (lines[-1][0], "")]
    start = data.draw(st.integers(0, len(lines)))
    stop = data.draw(st.integers(start, len(lines)))
    new = tuple(data.draw(LINES))
    parts = [mark] + ["".join(map("".join, part)).encode() for part in (lines[:start], lines[start:stop], lines[stop:])]
    old, rest = (tuple(line for line, _ in some) for some in (lines[start:stop], lines))
    assume(old and any(line.strip() for line in old) and old != new)
    try:
        edits = whole([*rest[:start], *new, *rest[stop:]]) if format == "whole" else HUNKS[format]([Hunk(old, new)])
    except ToolError:
        return
    (folder / "src").mkdir(exist_ok=True)
    (folder / PATH).write_bytes(b"".join(parts))
    trio.run(_there_and_back, call, folder, edits, (b"" if format == "whole" else mark + parts[1], parts[3]))


async def _there_and_back(call: Any, folder: Path, edits: list[FileEdit], around: tuple[bytes, bytes]) -> None:
    maker, before, call.known = Maker(), (folder / PATH).read_bytes(), Known()
    try:
        await maker.make(edits, call)
    except ToolError:
        assert (folder / PATH).read_bytes() == before
        return
    after = (folder / PATH).read_bytes()
    assert after != before
    if around[0]:
        assert after.startswith(around[0].rstrip()) and after.endswith(around[1])
    await maker.undo(PATH, call)
    assert (folder / PATH).read_bytes() == before


@given(ENDED, st.data(), st.booleans(), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_the_quick_way_does_what_the_long_one_does(
    lines: list[tuple[str, str]], data: Any, ordered: bool, mark: bytes
) -> None:
    texts = [line for line, _ in lines]
    hunks = []
    for _ in range(data.draw(st.integers(1, 2))):
        start = data.draw(st.integers(0, len(lines)))
        old = tuple(texts[start : data.draw(st.integers(start, len(lines)))])
        hunks.append(Hunk(old, data.draw(st.one_of(LINES, LINES.map(lambda more, old=old: [*old, *more])).map(tuple))))
    before = mark + "".join(f"{line}\n" for line in texts).encode()
    quick = spliced(before, hunks, ordered=ordered)
    if quick is not None:
        assert quick == applied(Document.of("f", before), hunks, ordered=ordered).document.data()


def test_what_is_there_already_is_none_of_the_quick_way_s() -> None:
    hunk = Hunk(("a",), ("a", "x"))
    assert spliced(b"a\nb\n", [hunk], ordered=False) == b"a\nx\nb\n"
    assert spliced(b"a\nx \nb\n", [hunk], ordered=False) is None


@pytest.mark.parametrize("ordered", [True, False])
def test_two_places_are_none_of_the_quick_way_s(ordered: bool) -> None:
    assert spliced(b"a\nb\na\n", [Hunk(("a",), ("x",))], ordered=ordered) is None
    assert spliced(b"ba\nb\na\n", [Hunk(("a",), ("x",))], ordered=ordered) == b"ba\nb\nx\n"  # no line of its own


async def test_what_an_undo_takes_back_is_shown_as_a_diff(call: Any, folder: Path) -> None:
    editor, undo = Editor(Maker()), EditorArguments("undo_edit", "f")
    await editor.run(EditorArguments("create", "f", file_text="one\ntwo\n"), call)
    await editor.run(EditorArguments("str_replace", "f", old_str="two", new_str="2"), call)
    assert await editor.preview(undo, call) == "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n one\n-2\n+two\n"
    another = dataclasses.replace(call, id="another")
    await editor.run(EditorArguments("insert", "f", insert_line=0, insert_text="zero"), another)
    with pytest.raises(Conflict, match="edited again since"):
        await editor.run(undo, call)
    assert (folder / "f").read_text() == "zero\none\n2\n"
    with pytest.raises(ToolError, match="can be undone"):
        await editor.preview(EditorArguments("undo_edit", "g"), call)


async def test_a_conflict_shows_what_has_changed(call: Any, folder: Path) -> None:
    fill(folder)
    patch = tool("patch")
    arguments = patch.Arguments(patch=PATCH)
    await patch.preview(arguments, call)  # type: ignore[attr-defined]
    (folder / "a.py").write_text("a person's\none\n")
    (folder / "e.py").unlink()
    with pytest.raises(Conflict) as raised:
        await patch.run(arguments, call)
    said = str(raised.value)
    assert "What changed there meanwhile:\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n+a person's\n one\n" in said
    assert "+++ /dev/null" in said and "b.py" not in said
    assert names(folder) == {"a.py": "a person's\none\n", "b.py": "two\n"}


@pytest.mark.promise("files.conflict")
async def test_a_whole_file_is_not_written_over_what_was_changed_since_it_was_read(call: Any, folder: Path) -> None:
    """Also not lines behind the number that one had; a piece that still fits is, and what is new then counts."""
    (folder / "f").write_text("one\ntwo\n")
    editor, whole = Editor(Maker()), tool("whole")
    text = "f\n```\nmine\n```\n"
    await editor.run(EditorArguments("view", "f"), call)
    (folder / "f").write_text("a person's\none\ntwo\n")
    for edit in (
        EditorArguments("create", "f", file_text="mine\n"),
        EditorArguments("create", str(folder / "f"), file_text="mine\n"),
        EditorArguments("insert", "f", insert_line=1, insert_text="mine"),
    ):
        with pytest.raises(Conflict, match="changed since it was read"):
            await editor.run(edit, call)
        with pytest.raises(Conflict, match="changed since it was read"):
            await editor.preview(edit, call)
    with pytest.raises(Conflict, match="changed since it was read"):
        await run(whole, call, text=text)
    await editor.run(EditorArguments("str_replace", "f", old_str="two", new_str="2"), call)
    with pytest.raises(Conflict, match="changed since it was read"):
        await run(whole, call, text=text)
    assert (folder / "f").read_text() == "a person's\none\n2\n"
    await editor.run(EditorArguments("view", "f"), call)
    await editor.run(EditorArguments("str_replace", "f", old_str="one", new_str="1"), call)
    await editor.run(EditorArguments("insert", "f", insert_line=0, insert_text="zero"), call)
    await run(whole, call, text=text)
    assert (folder / "f").read_text() == "mine\n"


@pytest.mark.promise("files.conflict")
async def test_a_file_that_has_changed_since_it_was_read_is_not_deleted(call: Any, folder: Path) -> None:
    (folder / "f").write_text("one\n")
    await Editor(Maker()).run(EditorArguments("view", "f"), call)
    (folder / "f").write_text("a person's\none\n")
    with pytest.raises(Conflict, match="changed since it was read"):
        await run(tool("patch"), call, patch="*** Begin Patch\n*** Delete File: f\n*** End Patch")
    text = "--- a/f\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a person's\n-one\n"
    with pytest.raises(Conflict, match="changed since it was read"):
        await run(tool("unified"), call, text=text)
    await Editor(Maker()).run(EditorArguments("view", "f"), call)
    with pytest.raises(ToolError, match="does not hold what the diff takes away"):
        await run(tool("unified"), call, text="--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n")
    await run(tool("unified"), call, text=text)
    assert not (folder / "f").exists()


async def test_nothing_is_not_inserted(call: Any, folder: Path) -> None:
    (folder / "f").write_text("one\n")
    with pytest.raises(ToolError, match="insert_text is empty"):
        await Editor(Maker()).run(EditorArguments("insert", "f", insert_line=1, insert_text=""), call)
    await Editor(Maker()).run(EditorArguments("insert", "f", insert_line=1, insert_text="\n"), call)
    assert (folder / "f").read_text() == "one\n\n"


@pytest.mark.parametrize("stub", ["", "def a(): ...\n\n\ndef b():\n    ...\n\n\n"])
async def test_dots_for_the_rest_are_not_written(call: Any, folder: Path, stub: str) -> None:
    """Also in a file that has dots of its own; such a one can be written with those."""
    (folder / "f.py").write_text(stub + "one = 1\n\ntwo = 2\nthree = 3\n")
    for rest in ("# ... existing code ...", "# ... the rest stays the same ..."):
        with pytest.raises(ToolError, match="they would be lost"):
            await run(tool("whole"), call, text=f"f.py\n```\none = 7\n\n{rest}\n```\n")
    assert (folder / "f.py").read_text() == stub + "one = 1\n\ntwo = 2\nthree = 3\n"
    await run(tool("whole"), call, text=f"f.py\n```\n{stub}one = 7\n```\n")
    assert (folder / "f.py").read_text() == stub + "one = 7\n"


async def test_lines_to_take_away_that_have_changed_are_not_taken_for_gone(call: Any, folder: Path) -> None:
    """Though the lines behind them stand there; of several hunks none is applied then."""
    before = "import old_one\nimport other\n\nimport json\nimport re\n\n\nx = 1\n"
    (folder / "f").write_text(before)
    diff = "--- a/f\n+++ b/f\n@@ @@\n-import old\n import other\n \n import json\n@@ @@\n-x = 1\n+x = 2\n"
    with pytest.raises(ToolError, match="is not in f"):
        await run(tool("unified"), call, text=diff)
    assert (folder / "f").read_text() == before


async def test_a_conflict_of_an_undo_is_bounded(call: Any, folder: Path) -> None:
    editor = Editor(Maker())
    await editor.run(EditorArguments("create", "f", file_text="one\n"), call)
    (folder / "f").write_text("one\n" + "a person's\n" * 10_000)
    with pytest.raises(Conflict, match=r"changed meanwhile(.|\n)*\+a person's\n… the rest") as raised:
        await editor.run(EditorArguments("undo_edit", "f"), call)
    assert len(str(raised.value)) < 5_000


async def test_a_change_between_plan_and_write_is_a_conflict(call: Any, folder: Path) -> None:
    (folder / "f").write_text("one\n")

    class Slow(LocalWorkspace):
        async def write_all(self, writes: Any) -> Any:
            (folder / "f").write_text("a person's\n")
            return await super().write_all(writes)

    call.workspace = Slow(folder)
    with pytest.raises(Conflict, match=r"changed meanwhile(.|\n)*-one\n\+a person's"):
        await Editor(Maker()).run(EditorArguments("str_replace", "f", old_str="one", new_str="1"), call)
    assert (folder / "f").read_text() == "a person's\n"
