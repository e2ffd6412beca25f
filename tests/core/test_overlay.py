"""Unsaved texts over a real folder: what is seen, what is written, what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pillion import Content, Turn
from pillion import events as e
from pillion.errors import Busy, Conflict, OutsideWorkspace, ToolError
from pillion.localworkspace import LocalWorkspace
from pillion.overlay import MOST, OverlaidWorkspace, Overlay, Overlays, text_place
from pillion.positions import applied
from pillion.testing.kit import FunctionTool, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import calls, says


class Held:
    """A folder with unsaved texts over it; what the editor was told is kept."""

    def __init__(self, folder: Path) -> None:
        self.noted: list[Any] = []
        self.wanted: list[e.FileEditWanted] = []
        self.overlays = Overlays(self._note)
        self.disk = LocalWorkspace(folder)
        self.workspace = OverlaidWorkspace(self.disk, self.overlays, self._want)
        self.meanwhile: Overlay | None = None

    async def _note(self, event: e.Event) -> None:
        self.noted.append(event)

    async def _want(self, event: e.FileEditWanted) -> None:
        self.wanted.append(event)
        if self.meanwhile is not None:
            self.overlays.replace(self.meanwhile)

    async def put(self, path: str, text: str) -> Overlay:
        overlay = Overlay.of(await text_place(self.disk, path), text, None)
        await self.overlays.put(overlay)
        return overlay


@pytest.fixture
def held(tmp_path: Path) -> Held:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/real.py").write_text("disk\n")
    (tmp_path / "link.py").symlink_to("src/real.py")
    (tmp_path / "out").symlink_to("/etc")
    return Held(tmp_path)


@pytest.mark.promise("overlays.win")
async def test_a_text_is_seen_under_each_of_its_names(held: Held) -> None:
    await held.put("link.py", "unsaved\n")
    for path in ("link.py", "src/real.py", "src/../src/real.py"):
        assert (await held.workspace.read(path)).data == b"unsaved\n"
    assert [entry.path for entry in await held.workspace.list("src")] == ["src/real.py"]
    await held.overlays.drop("src/real.py")
    assert (await held.workspace.read("link.py")).data == b"disk\n"


@pytest.mark.promise("overlays.win")
async def test_one_that_is_not_on_the_disk_brings_its_folders(held: Held) -> None:
    await held.put("new/deep/draft.py", "unsaved\n")
    assert [(one.path, one.kind) for one in await held.workspace.list("new")] == [("new/deep", "folder")]
    assert "new" in [entry.path for entry in await held.workspace.list()]
    entry = await held.workspace.stat("new/deep")
    assert entry is not None and entry.kind == "folder"
    assert not (held.disk.root / "new").exists()


@pytest.mark.promise("overlays.win")
@pytest.mark.parametrize("path", ["{root}/new/a.py", "folder/a.py", "./new/../new//a.py", "deep/" * 200 + "a.py"])
async def test_a_place_that_is_not_there_yet_is_found_however_it_is_named(held: Held, path: str) -> None:
    (held.disk.root / "folder").symlink_to("src")
    given = path.format(root=held.disk.root)
    overlay = await held.put(given, "unsaved\n")
    assert overlay.path in ("new/a.py", "src/a.py", path)
    assert (await held.workspace.read(given)).data == b"unsaved\n"
    assert await held.workspace.stat(overlay.path) is not None


@pytest.mark.promise("overlays.guarded")
@pytest.mark.parametrize(
    "path", ["src", "", ".", ".git/hooks/pre-commit", "sub/.GIT/config", "src/real.py/below", "a/" * 512 + "b"]
)
async def test_where_no_file_can_be_written_no_text_is_held(held: Held, path: str) -> None:
    with pytest.raises(ToolError):
        await held.put(path, "x")


@pytest.mark.promise("overlays.guarded")
@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "out/passwd", "new/../../x", "a\0b"])
async def test_no_text_is_held_outside(held: Held, path: str) -> None:
    with pytest.raises(OutsideWorkspace):
        await held.put(path, "x")


@pytest.mark.promise("overlays.guarded")
async def test_a_text_is_no_folder_of_another(held: Held) -> None:
    await held.put("new/a", "x")
    for path in ("new", "new/a/b"):
        with pytest.raises(ToolError, match="can't both be files"):
            await held.put(path, "y")


@pytest.mark.promise("overlays.guarded")
async def test_number_and_size_are_bounded(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillion.overlay.LARGEST", 100)
    await held.put("a", "x" * 60)
    with pytest.raises(Busy):
        await held.put("b", "é" * 30)
    await held.put("a", "x" * 100)
    with pytest.raises(Busy):
        await held.workspace.write("a", b"x" * 101)
    assert held.wanted == [] and (await held.workspace.read("a")).data == b"x" * 100
    await held.put("a", "")
    for number in range(MOST - 1):
        await held.put(f"n{number}", "")
    with pytest.raises(Busy):
        await held.put("one-more", "")


@pytest.mark.promise("overlays.edits")
async def test_a_write_tells_the_editor_and_counts_as_unseen(held: Held) -> None:
    before = await held.put("src/real.py", "a 😀\r\nb\r\n")
    hash = await held.workspace.write("link.py", "a 😀\r\nc\r\n".encode(), expected=before.hash)
    (wanted,) = held.wanted
    assert applied(before.text, wanted.edits) == "a 😀\r\nc\r\n"
    assert (wanted.before, wanted.after, wanted.path) == (before.hash, hash, "src/real.py")
    known = held.overlays.get("src/real.py")
    assert known is not None and known.edited and (held.disk.root / "src/real.py").read_text() == "disk\n"
    assert await held.workspace.write("link.py", known.text.encode()) == hash and len(held.wanted) == 1


@pytest.mark.promise("files.conflict")
async def test_a_write_over_what_is_not_known_is_a_conflict(held: Held) -> None:
    await held.put("new.py", "x\n")
    for expected in ("", hashlib.sha256(b"other").hexdigest()):
        with pytest.raises(Conflict):
            await held.workspace.write("new.py", b"y\n", expected=expected)
    with pytest.raises(ToolError, match="only text"):
        await held.workspace.write("new.py", b"\xff\xfe\xff")
    held.meanwhile = Overlay.of("new.py", "typed meanwhile\n", 3)
    with pytest.raises(Conflict, match="same moment"):
        await held.workspace.write("new.py", b"y\n")
    assert (await held.workspace.read("new.py")).data == b"typed meanwhile\n"


@pytest.mark.promise("overlays.facts")
async def test_the_log_hears_of_a_hash_at_first_and_of_the_end(held: Held) -> None:
    first = await held.put("a.py", "one")
    await held.put("a.py", "two")
    await held.overlays.drop("a.py")
    assert await held.overlays.drop("a.py") is None
    assert held.noted == [e.FileUnsaved(path="a.py", hash=first.hash), e.FileUnsaved(path="a.py")]


class Delegates:
    """Hands its prompt to a child, on this workspace or another."""

    name = "delegates"
    description = "For tests."

    def __init__(self, workspace: str = "") -> None:
        self.workspace = workspace

    async def run(self, turn: Turn) -> None:
        async with turn.child(strategy="loop", workspace=self.workspace) as child:
            await child.ended((await child.prompt("go")).turn)


@pytest.mark.promise("overlays.edits")
async def test_what_a_child_writes_is_told_where_the_editor_watches(tmp_path: Path) -> None:
    async def write(arguments: Any, call: Any) -> str:
        return str(await call.workspace.write("a.py", b"new\n"))

    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    for workspace, told in (("", ["file.unsaved", "file.edit_wanted"]), (there, ["file.unsaved"])):
        strategies = {"delegates": StrategyPlugin(Delegates(workspace))}
        async with kernel_host(tmp_path, FunctionTool("write", write), plugins=strategies) as host:
            host.provider.script(calls(("write", "{}")), says("done"))
            session = await host.kernel.create(here, strategy="delegates")
            await session.overlays.put(Overlay.of("a.py", "old\n", 1))
            await host.run(session, "go")
            kinds = [e.type_of(type(event)) for event in await events(session)]
        assert [kind for kind in kinds if kind.startswith("file.")] == told
    assert (tmp_path / "there/a.py").read_text() == "new\n" and not (tmp_path / "here/a.py").exists()


class Upper(LocalWorkspace):
    """What an editor holds: here, the disk's text in capitals."""

    unsaved: ClassVar = {"src/real.py": b"DISK\n"}

    async def read(self, path: str, limit: int = 0) -> Content:
        found = await super().read(path)
        return Content(found.data.upper(), found.hash)


async def test_files_are_seen_through_an_editor_that_holds_them_and_unsaved_texts_win(held: Held) -> None:
    held.overlays.through = lambda under: Upper(under.root)
    seen = OverlaidWorkspace(held.disk, held.overlays, held._want)
    assert (await seen.read("src/real.py")).data == b"DISK\n" and seen.unsaved == {"src/real.py": b"DISK\n"}
    await held.put("src/real.py", "unsaved\n")
    assert (await seen.read("src/real.py")).data == b"unsaved\n" and seen.unsaved == {"src/real.py": b"unsaved\n"}
