"""Files that an editor holds, as a workspace: what it is asked, and what is done on the disk where it can't."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion import Conflict, Workspace, Write
from pillion.errors import OutsideWorkspace, ProtectedPath
from pillion.localworkspace import LocalWorkspace
from pillion.positions import Places, Position
from pillion_aide.bridge import Bridge
from pillion_aide.change import change
from pillion_aide.editor import Editor
from pillion_aide.editorworkspace import EditorWorkspace

from .documents import Documents
from .editordouble import NONE, Answers, EditorDouble, editor_double

STREAMED = ["/apply_edits_streamed"]


class Held:
    """`lost` is what was told of an editor that is gone."""

    def __init__(self, workspace: EditorWorkspace, editor: EditorDouble, documents: Documents, bridge: Bridge) -> None:
        self.workspace, self.editor, self.documents, self.bridge = workspace, editor, documents, bridge
        self.root = workspace.root
        self.lost: list[str] = []
        bridge.tell(lambda error: self.lost.append(str(error)))

    def file(self, name: str, text: str, unsaved: str | None = None) -> Path:
        path = self.root / name
        path.write_bytes(text.encode())
        if unsaved is not None:
            self.documents.texts[str(path)] = unsaved
        return path

    def asked(self, *paths: str) -> list[dict[str, Any]]:
        return [body for path, body in self.editor.asked if path in paths]


@asynccontextmanager
async def held(
    folder: Path, documents: Documents | None = None, answers: Answers = NONE, *, to_disk: bool = False
) -> AsyncIterator[Held]:
    documents = documents or Documents()
    async with editor_double({**documents.answers, **answers}) as editor:
        bridge = Bridge("session-1")
        bridge.reply = "reply-1"
        bridge.meet(Editor(editor.url, seconds=0.5))
        yield Held(EditorWorkspace(LocalWorkspace(folder), bridge, to_disk=to_disk), editor, documents, bridge)


async def test_an_unsaved_text_is_read_and_changed_in_the_editor_which_saves_it(tmp_path: Path) -> None:
    async with held(tmp_path) as one:
        file = one.file("a.py", "x = 1\ny = 2\n", unsaved="# new\nx = 1\ny = 2\n")
        assert isinstance(one.workspace, Workspace)
        read = await one.workspace.read("a.py")
        assert read.data == b"# new\nx = 1\ny = 2\n"
        assert one.workspace.unsaved == {"a.py": read.data}
        wanted = b"# new\nx = 1\ny = 3\n"
        assert (
            await one.workspace.write("a.py", wanted, read.hash) == (await LocalWorkspace(tmp_path).read("a.py")).hash
        )
        assert file.read_bytes() == wanted and one.documents.texts == {} and one.workspace.unsaved == {}
        place = {
            "startPosition": {"line": 2, "character": 0, "byteOffset": 12},
            "endPosition": {"line": 2, "character": 5, "byteOffset": 17},
        }
        streamed = one.asked("/apply_edits_streamed")
        assert [body.pop("event") for body in streamed] == [
            "Start", {"Delta": "```\n"}, {"Delta": "y = 3"}, {"Delta": "\n```"}, "End",
        ]  # fmt: skip
        (edit,) = {body["edit_request_id"] for body in streamed}
        assert streamed[0] == {
            "edit_request_id": edit,
            "session_id": "session-1",
            "range": place,
            "fs_file_path": str(file),
            "updated_code": None,
            "apply_directly": False,
            "exchange_id": "reply-1",
            "plan_step_id": None,
            "editor_url": one.editor.url,
        }
        assert one.asked("/apply_edits") == [
            {
                "fs_file_path": str(file),
                "edited_content": "y = 3",
                "selected_range": place,
                "apply_directly": True,
                "editor_url": one.editor.url,
            }
        ]


@pytest.mark.parametrize("answer", ["lacks", "nothing", "refuses", "saves"])
async def test_a_change_is_made_once_whatever_the_editor_does_with_a_streamed_one(tmp_path: Path, answer: str) -> None:
    documents = Documents(streams=answer == "saves", saves=answer == "saves")
    said = {"lacks": {"reply": "gg_testing"}, "refuses": {"success": False}}
    answers = {"/apply_edits_streamed": lambda _: said[answer]} if answer in said else NONE
    async with held(tmp_path, documents, answers) as one:
        file = one.file("a.py", "one\ntwo\nthree\n")
        await one.workspace.write("a.py", b"one\n2\n2a\nthree\n", (await one.workspace.read("a.py")).hash)
        assert file.read_bytes() == b"one\n2\n2a\nthree\n"
        before = len(one.asked(*STREAMED))
        await one.workspace.write("a.py", b"one\nthree\n")
        assert file.read_bytes() == b"one\nthree\n"
        assert (len(one.asked(*STREAMED)) > before) == (answer == "saves")  # who takes none is not streamed another


@pytest.mark.parametrize("answer", [{"reply": "gg_testing"}, b"<html>", b'{"file_contents": "\\ud800"', {"success": 0}])
async def test_what_the_editor_can_not_do_is_done_on_the_disk(tmp_path: Path, answer: Any) -> None:
    async with held(tmp_path, answers=dict.fromkeys(Documents().answers, lambda _: answer)) as one:
        file = one.file("a.py", "x = 1\n")
        read = await one.workspace.read("a.py")
        await one.workspace.write("a.py", b"x = 2\n", read.hash)
        await one.workspace.write("new/b.py", b"y = 1\n", "")
        assert file.read_bytes() == b"x = 2\n" and (tmp_path / "new/b.py").read_bytes() == b"y = 1\n"
        assert one.lost == []


async def test_an_editor_that_answers_no_more_is_told_once_and_not_waited_for_again(tmp_path: Path) -> None:
    async with held(tmp_path, answers={"/apply_edits_streamed": lambda _: None}) as one:
        file = one.file("a.py", "x = 1\n")
        read = await one.workspace.read("a.py")
        await one.workspace.write("a.py", b"x = 2\n", read.hash)
        assert file.read_bytes() == b"x = 2\n" and len(one.lost) == 1
        asked = len(one.editor.asked)
        assert (await one.workspace.read("a.py")).data == b"x = 2\n" and len(one.editor.asked) == asked
        one.bridge.meet(Editor(one.editor.url))
        await one.workspace.read("a.py")
        assert len(one.editor.asked) == asked + 1


async def test_what_an_editor_held_that_is_gone_is_not_written_over(tmp_path: Path) -> None:
    async with held(tmp_path, answers={"/apply_edits_streamed": lambda _: None}) as one:
        file = one.file("a.py", "x = 1\n", unsaved="x = 1  # mine\n")
        read = await one.workspace.read("a.py")
        with pytest.raises(Conflict):
            await one.workspace.write("a.py", b"x = 2  # mine\n", read.hash)
        assert file.read_bytes() == b"x = 1\n"


async def test_another_text_in_the_editor_is_a_conflict(tmp_path: Path) -> None:
    async with held(tmp_path) as one:
        file = one.file("a.py", "x = 1\n")
        read = await one.workspace.read("a.py")
        one.documents.texts[str(file)] = "x = 7\n"
        with pytest.raises(Conflict):
            await one.workspace.write("a.py", b"x = 2\n", read.hash)
        with pytest.raises(Conflict):
            await one.workspace.write("a.py", b"x = 2\n", "")
        with pytest.raises(Conflict):
            await one.workspace.write_all([Write("b.py", b"", ""), Write("a.py", b"x = 2\n", read.hash)])
        assert one.documents.texts == {str(file): "x = 7\n"} and not (tmp_path / "b.py").exists()


async def test_of_several_the_clean_ones_are_written_at_once_and_the_others_in_the_editor(tmp_path: Path) -> None:
    async with held(tmp_path) as one:
        one.file("a.py", "a\n")
        one.file("b.py", "b\n", unsaved="b\nmine\n")
        gone = one.file("c.py", "c\n")
        old = {name: (await one.workspace.read(name)).hash for name in ("a.py", "b.py", "c.py")}
        await one.workspace.write_all(
            [
                Write("a.py", b"A\n", old["a.py"]),
                Write("b.py", b"B\nmine\n", old["b.py"]),
                Write("c.py", None, old["c.py"]),
            ]
        )
        assert [(tmp_path / name).read_bytes() for name in ("a.py", "b.py")] == [b"A\n", b"B\nmine\n"]
        assert not gone.exists()
        assert {body["fs_file_path"] for body in one.asked("/apply_edits")} == {str(tmp_path / "b.py")}


async def test_a_new_file_is_made_by_the_editor_with_its_folders(tmp_path: Path) -> None:
    async with held(tmp_path) as one:
        await one.workspace.write("src/new.py", "é = 1\n".encode(), "")
        assert (tmp_path / "src/new.py").read_bytes() == "é = 1\n".encode()
        assert one.asked("/create_file") == [
            {"fs_file_path": str(tmp_path / "src/new.py"), "editor_url": one.editor.url}
        ]
        with pytest.raises(Conflict):
            await one.workspace.write("src/new.py", b"", "")


async def test_the_editor_is_not_asked_for_what_is_protected_outside_or_no_text(tmp_path: Path) -> None:
    inner = tmp_path / "w"
    inner.mkdir()
    (inner / "out").symlink_to(tmp_path)
    (inner / "in.py").symlink_to("a.py")
    (inner / ".husky").mkdir()
    (inner / ".husky/pre-push").write_text("exit 0\n")
    (inner / ".husky/in").symlink_to("../a.py")
    (inner / "hook").symlink_to(".husky/pre-push")
    async with held(inner) as one:
        one.file(".env", "KEY=1")
        one.file("a.py", "x\n")
        (inner / "b.bin").write_bytes(b"\0\1")
        for path in (".env", "./.env"):
            with pytest.raises(ProtectedPath):
                await one.workspace.read(path)
            with pytest.raises(ProtectedPath):
                await one.workspace.write(path, b"KEY=2")
        for path in ("../x", "out/x", "/etc/hosts"):
            with pytest.raises(OutsideWorkspace):
                await one.workspace.write(path, b"x")
        for path in (".git/hooks/pre-commit", ".husky/pre-push", "hook", ".husky/in"):
            with pytest.raises(ProtectedPath):
                await one.workspace.write(path, b"x")
        assert (await one.workspace.read("b.bin")).data == b"\0\1"
        await one.workspace.write("b.bin", b"\0\2")
        assert one.editor.asked == [] and (inner / "b.bin").read_bytes() == b"\0\2"
        await one.workspace.read("in.py")  # the file that it leads to
        assert one.editor.asked[0][1]["fs_file_path"] == str(inner / "a.py")


async def test_line_ends_and_marks_stay_as_the_file_has_them(tmp_path: Path) -> None:
    async with held(tmp_path) as one:
        file = one.file("a.txt", "\ufeffone\r\ntwo\r\n", unsaved="one\r\ntwo!\r\n")
        read = await one.workspace.read("a.txt")
        assert read.data == "\ufeffone\r\ntwo!\r\n".encode()
        await one.workspace.write("a.txt", "\ufeffone\r\n2\r\n".encode(), read.hash)
        assert file.read_bytes().endswith(b"one\r\n2\r\n")


async def test_a_setting_has_changes_written_to_the_disk(tmp_path: Path) -> None:
    async with held(tmp_path, to_disk=True) as one:
        file = one.file("a.py", "x = 1\n")
        await one.workspace.write("a.py", b"x = 2\n", (await one.workspace.read("a.py")).hash)
        assert file.read_bytes() == b"x = 2\n" and {path for path, _ in one.editor.asked} == {"/file_open"}


TEXTS = st.lists(st.sampled_from(["", "a", "b", "é😀", "c d"]), max_size=6).map("\n".join)


@given(TEXTS, TEXTS)
def test_a_change_leads_from_one_text_to_the_other_and_can_be_made_again(before: str, after: str) -> None:
    def replaced(text: str, one: Any) -> str:
        places, start, end = Places(text), one.range.start_position, one.range.end_position
        begin = places.offset(Position(start.line, start.character))
        assert start.character == 0 and len(text[:begin].encode()) == start.byte_offset
        until = places.offset(Position(end.line, end.character))
        assert len(text[:until].encode()) == end.byte_offset
        return text[:begin] + one.text + text[until:]

    made = change(before, after)
    assert replaced(before, made) == after
    assert replaced(after, made.again()) == after
