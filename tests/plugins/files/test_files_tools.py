"""The file tools on real files, with the real ripgrep."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion.contracts.tool import Output
from pillion.errors import Conflict, FileTooLarge, MissingLibrary, OutsideWorkspace, ProtectedPath, ToolError
from pillion.events import FileChanged
from pillion.hookspecs import TurnInfo
from pillion.localworkspace import LocalWorkspace
from pillion.values import ModelInfo
from pillion_files.plugin import Config, Plugin
from pillion_files.reading import LARGEST_IMAGE, ReadArguments

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x01\x08\x02\0\0\0"
"""Of 2 by 1 pixels, as far as its head."""


def turn(folder: Path, model: ModelInfo | None = None) -> TurnInfo:
    return TurnInfo("session", "turn", "agent", model, LocalWorkspace(folder), trusted=False)


@pytest.fixture
def tools(folder: Path) -> dict[str, Any]:
    return {tool.name: tool for tool in Plugin(Config()).register_tools(turn(folder))}


@pytest.fixture
def ask(tools: dict[str, Any], call: Any) -> Any:
    async def run(name: str, **arguments: Any) -> str:
        with trio.fail_after(20):
            said = await tools[name].run(msgspec.convert(arguments, tools[name].Arguments), call)
            return said if isinstance(said, str) else said.text

    return run


@pytest.fixture
def tree(folder: Path) -> Path:
    for name in (
        "a.py",
        "src/b.py",
        "src/deep/er/c.py",
        "src/deep/d.txt",
        "ignored.log",
        ".hidden/h.py",
        ".git/config",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"first of {name}\nneedle = 1\n")
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "empty").mkdir()
    return folder


async def test_read_gives_the_text_with_plain_line_ends(ask: Any, folder: Path) -> None:
    (folder / "f").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert await ask("read_file", path="f") == "one\ntwo\n"


async def test_read_a_range(ask: Any, folder: Path) -> None:
    (folder / "f").write_text("".join(f"line {number}\n" for number in range(1, 11)))
    assert await ask("read_file", path="f", start=3, end=4) == "line 3\nline 4"
    assert await ask("read_file", path="f", start=9) == "line 9\nline 10\n[lines 9 to 10 of 10]"
    with pytest.raises(ToolError, match="only 10 lines"):
        await ask("read_file", path="f", start=11)


async def test_a_long_file_is_read_piece_by_piece(ask: Any, call: Any, folder: Path) -> None:
    call.max_output = 1000
    lines = [f"line {number}" for number in range(1, 501)]
    (folder / "f").write_text("\n".join(lines))
    seen, start = [], 1
    while True:
        *piece, note = (await ask("read_file", path="f", start=start)).split("\n")
        seen += piece
        if "read on with start=" not in note:
            break
        start = int(note.partition("start=")[2].rstrip("]"))
    assert seen == lines


async def test_a_line_that_is_too_long(ask: Any, call: Any, folder: Path) -> None:
    call.max_output = 1000
    (folder / "f").write_text("x" * 5000)
    assert await ask("read_file", path="f") == "x" * 1000 + (
        "\n[line 1 has 5000 characters; this is its beginning. 1 lines in all]"
    )


async def test_what_is_no_text_is_refused(ask: Any, folder: Path) -> None:
    (folder / "binary").write_bytes(b"\x7fELF\0\0")
    os.mkfifo(folder / "fifo")
    with (folder / "sparse").open("wb") as file:
        file.truncate(20 * 1024**3)
    codes = {"binary": "not_text", "fifo": "not_a_file", "sparse": "file_too_large", "missing": "no_such_file"}
    for name, code in codes.items():
        with pytest.raises(ToolError) as refused:
            await ask("read_file", path=name)
        assert refused.value.code == code


async def test_wrong_utf8_is_shown_and_said(ask: Any, folder: Path) -> None:
    (folder / "f").write_bytes(b"caf\xe9\n")
    assert await ask("read_file", path="f") == "caf�\n\n[The file is not utf-8; wrong bytes are shown as �.]"


async def test_list_honours_ignore_rules_and_depth(ask: Any, tree: Path) -> None:
    assert await ask("list_files") == "a.py\nempty/ (empty or ignored)\nsrc/b.py\nsrc/deep/ (2 files)"
    assert await ask("list_files", folder="src", depth=1) == "src/b.py\nsrc/deep/ (2 files)"
    assert await ask("list_files", folder=".hidden") == ".hidden/h.py"


async def test_a_long_list_is_cut(ask: Any, call: Any, folder: Path) -> None:
    call.max_output = 1000
    for number in range(300):
        (folder / f"file{number:03}").touch()
    listed = await ask("list_files")
    assert len(listed) < 1100
    assert listed.endswith("more; list a folder of them]")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.py", "a.py\nsrc/b.py\nsrc/deep/er/c.py"),
        ("src/*.py", "src/b.py"),
        ("**/d.*", "src/deep/d.txt"),
        ("*.nothing", "[no file fits]"),
    ],
)
async def test_glob(ask: Any, tree: Path, pattern: str, found: str) -> None:
    assert await ask("glob", pattern=pattern) == found


async def test_search(ask: Any, tree: Path) -> None:
    assert await ask("search", pattern=r"needle\s=", glob="*.py") == (
        "a.py:2:needle = 1\nsrc/b.py:2:needle = 1\nsrc/deep/er/c.py:2:needle = 1"
    )
    assert await ask("search", pattern="NEEDLE", folder="src/deep/d.txt", ignore_case=True) == (
        "src/deep/d.txt:2:needle = 1"
    )
    assert await ask("search", pattern="nowhere") == "[no hit]"
    assert await ask("search", pattern="--files") == "[no hit]"


async def test_what_is_found_is_named_from_the_top(ask: Any, tree: Path) -> None:
    (tree / "link").symlink_to("src")
    for place in ("./src", "src/deep/..", str(tree / "src"), "link"):
        assert await ask("glob", pattern="b.*", folder=place) == "src/b.py"


async def test_search_says_what_is_wrong_with_a_pattern(ask: Any, tree: Path) -> None:
    with pytest.raises(ToolError, match="unclosed group"):
        await ask("search", pattern="(")


async def test_search_is_bounded_and_any_bytes_are_text(ask: Any, call: Any, folder: Path) -> None:
    call.max_output = 2000
    (folder / "f").write_bytes(b"needle \xff" + b"x" * 100_000 + b"\n" + b"needle\n" * 10_000)
    found = await ask("search", pattern="needle")
    assert len(found) < 2200
    assert found.startswith("f:1:needle ")
    assert found.endswith("narrow it down]")


@pytest.mark.parametrize("name", ["list_files", "search", "glob"])
async def test_no_search_leads_out(ask: Any, folder: Path, name: str) -> None:
    (folder.parent / "secret").write_text("needle")
    (folder / "out").symlink_to("..")
    pattern = {} if name == "list_files" else {"pattern": "needle" if name == "search" else "*"}
    for place in ("out", "..", "/", "--pre=sh"):
        with pytest.raises(ToolError):
            await ask(name, folder=place, **pattern)
    assert "secret" not in await ask(name, **pattern)


async def test_write_creates_with_a_diff(ask: Any, call: Any, folder: Path) -> None:
    assert await ask("write_file", path="x/y.txt", content="a\nb") == "Created x/y.txt: 2 lines added, 0 removed."
    [change] = call.events
    assert isinstance(change, FileChanged)
    assert change.diff == "--- /dev/null\n+++ b/x/y.txt\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n"
    assert (folder / "x/y.txt").read_bytes() == b"a\nb"


async def test_write_keeps_line_ends_and_mark(ask: Any, folder: Path) -> None:
    (folder / "f").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    await ask("write_file", path="f", content="one\nthree\n")
    assert (folder / "f").read_bytes() == b"\xef\xbb\xbfone\r\nthree\r\n"


async def test_write_is_refused_over_what_was_not_seen(ask: Any, folder: Path) -> None:
    (folder / "f").write_text("one\n")
    await ask("read_file", path="f")
    (folder / "f").write_text("somebody's\n")
    with pytest.raises(Conflict):
        await ask("write_file", path="f", content="mine\n")
    await ask("read_file", path="f")
    await ask("write_file", path="f", content="mine\n")
    assert (folder / "f").read_text() == "mine\n"


async def test_what_is_written_is_what_was_shown(tools: dict[str, Any], call: Any, folder: Path) -> None:
    (folder / "f").write_text("one\n")
    write = tools["write_file"]
    arguments = write.Arguments("f", "two\n")
    assert await write.preview(arguments, call) == "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+two\n"
    (folder / "f").write_text("somebody's\n")
    with pytest.raises(Conflict):
        await write.run(arguments, call)
    assert (folder / "f").read_text() == "somebody's\n"


async def test_write_stays_inside(ask: Any, folder: Path) -> None:
    (folder / "out").symlink_to("../secret")
    for path in ("../secret", "out", "/etc/pillion-test"):
        with pytest.raises(OutsideWorkspace):
            await ask("write_file", path=path, content="x")
    assert not (folder.parent / "secret").exists()


def test_without_ripgrep_it_says_the_way_out() -> None:
    with pytest.raises(MissingLibrary, match="pip install ripgrep"):
        Plugin(Config(ripgrep="/nowhere/rg"))


@pytest.mark.promise("files.protected")
@pytest.mark.parametrize("context", [0, 2])
async def test_a_search_shows_no_line_of_a_key(ask: Any, tree: Path, context: int) -> None:
    for name in ("server.pem", "src/ID_RSA", ".hidden/.env", ".env"):
        (tree / name).write_text("before\nneedle of a key\nafter\n")
    (tree / "a.txt").write_text("before\nneedle of a text\nafter\n")
    assert "of a key" not in await ask("search", pattern="needle|before|after", context=context)
    assert "a.txt:2:needle of a text" in await ask("search", pattern="needle of", context=context)
    assert await ask("search", pattern="needle of a key", folder=".hidden") == "[no hit]"
    for place in (".env", "server.pem"):
        with pytest.raises(ProtectedPath):
            await ask("search", pattern="needle", folder=place)
        with pytest.raises(ProtectedPath):
            await ask("read_file", path=place)
    assert "server.pem" in await ask("list_files")


async def test_hits_are_sorted_by_path_also_when_there_are_too_many(ask: Any, call: Any, folder: Path) -> None:
    for number in range(300):
        (folder / f"{number % 7}").mkdir(exist_ok=True)
        (folder / f"{number % 7}" / f"f{number:03}").write_text("needle\n" * 3)
    few = (await ask("search", pattern="needle", glob="*9")).split("\n")
    assert few == sorted(few) and len(few) == 90
    call.max_output = 500
    *first, note = (await ask("search", pattern="needle")).split("\n")
    assert first == sorted(first) and first[0] == "0/f000:1:needle"
    assert note == f"[{len(first)} lines shown, there are more: narrow it down]"


async def test_many_files_are_counted_and_sorted_folder_by_folder(ask: Any, call: Any, folder: Path) -> None:
    call.max_output = 1_000_000
    folders = ("a", "a!", "a/b", "a/b/c", "a0", "z/long/" + "x" * 90)
    paths = [
        f"{folders[number % 6]}/{'n' * 60} {number % 41}-{number}" for number in range(3000)
    ]  # more than a pipe holds
    for name in folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path in paths:
        (folder / path).touch()
    assert (await ask("glob", pattern="*")).split("\n") == sorted(paths, key=lambda path: path.split("/"))
    assert await ask("list_files", depth=1) == "a!/ (500 files)\na/ (1500 files)\na0/ (500 files)\nz/ (500 files)"
    assert "a/b/ (1000 files)\n" in await ask("list_files", depth=2)


async def test_context_of_hits_is_marked(ask: Any, folder: Path) -> None:
    (folder / "f").write_text("one\ntwo\nthree\nfour\nfive\nsix\nseven\n")
    found = await ask("search", pattern="two|six", context=1)
    assert found == "f-1-one\nf:2:two\nf-3-three\n--\nf-5-five\nf:6:six\nf-7-seven"


@pytest.mark.parametrize(
    "data",
    [
        "one ä\nneedle here\nneedle there\n".encode(),
        "\ufeffone\nneedle here\nneedle there".encode(),
        "\ufeffone ä\nneedle here\nneedle there\n".encode("utf-16-le"),
        "\ufeffone ä\nneedle here\nneedle there\n".encode("utf-16-be"),
        b"one \xe4\xff\nneedle here\nneedle there\n",
        b"one\r\nneedle here\r\nneedle there\r\n",
    ],
)
async def test_every_hit_is_shown_in_whatever_bytes(ask: Any, folder: Path, data: bytes) -> None:
    (folder / "f.txt").write_bytes(data)
    found = (await ask("search", pattern="needle", context=1)).splitlines()
    assert [line[:20].rstrip("\r") for line in found][1:] == ["f.txt:2:needle here", "f.txt:3:needle there"]


async def test_names_that_are_no_text_are_shown(ask: Any, folder: Path) -> None:
    place = folder / os.fsdecode(b"caf\xe9")
    place.mkdir()
    (place / os.fsdecode(b"f\xff.txt")).write_text("one\nneedle\n")
    assert await ask("search", pattern="needle") == "caf\ufffd/f\ufffd.txt:2:needle"
    assert await ask("glob", pattern="*.txt") == "caf\ufffd/f\ufffd.txt"
    assert "f\ufffd.txt" in await ask("list_files")


async def test_a_hit_in_wrong_bytes_and_one_in_a_long_line_are_shown(ask: Any, folder: Path) -> None:
    (folder / "f.txt").write_bytes(b"caf\xe9 needle\n" + b"\xc3\xa4needle " * 500 + b"\n")
    first, second = (await ask("search", pattern="needle")).split("\n")
    assert first == "f.txt:1:caf\ufffd needle"
    assert second.startswith("f.txt:2:äneedle äneedle") and second.endswith("end of long line]")


async def test_several_files_are_read_at_once(ask: Any, call: Any, folder: Path) -> None:
    call.max_output = 1000
    (folder / "short").write_text("one\ntwo\n")
    (folder / "long").write_text("".join(f"line {number}\n" for number in range(500)))
    wanted = [{"path": "short", "start": 2, "end": 2}, {"path": "missing"}, {"path": "long"}]
    assert len(await ask("read_file", files=[{"path": "long"}] * 4)) < 1000 + 4 * 60, "they share the room"
    first, rest = (await ask("read_file", files=wanted)).split("\n==> missing <==\n")
    assert first == "==> short <==\ntwo"
    assert rest.startswith("[There is no missing.]\n==> long <==\nline 0\n")
    assert "read on with start=" in rest and 700 < len(rest) < 1100
    for wrong in ({}, {"path": "short", "files": wanted}):
        with pytest.raises(ToolError, match="by `files`"):
            await ask("read_file", **wrong)


@pytest.mark.parametrize("sees", [True, False])
async def test_a_picture_is_shown_to_who_can_see_it(call: Any, folder: Path, sees: bool) -> None:
    model = ModelInfo("a/b", context=10_000, output=1_000, images=sees)
    tools = {tool.name: tool for tool in Plugin(Config()).register_tools(turn(folder, model))}
    (folder / "dot.txt").write_bytes(PNG)
    shown = await tools["read_file"].run(ReadArguments("dot.txt"), call)
    assert isinstance(shown, Output)
    assert shown.text.startswith("[dot.txt: image/png, 2 × 1 pixels")
    assert [image.data for image in shown.images] == ([PNG] if sees else [])
    (folder / "dot.txt").write_bytes(PNG + bytes(LARGEST_IMAGE))
    with pytest.raises(FileTooLarge):
        await tools["read_file"].run(ReadArguments("dot.txt"), call)
