"""A real folder: nothing leads out of it, nothing in it is half written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from pillion.contracts.workspace import Entry, Workspace
from pillion.errors import Conflict, NotFound, OutsideWorkspace, ToolError
from pillion.localworkspace import LocalWorkspace

SECRET = b"not for you"


@pytest.fixture
def ground(tmp_path: Path) -> Path:
    """`root` with a file and a folder, its twin `root-evil`, and links that lead out of it."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"hello")
    (root / "sub" / "b.txt").write_bytes(b"below")
    (tmp_path / "root-evil").mkdir()
    (tmp_path / "root-evil" / "secret").write_bytes(SECRET)
    (tmp_path / "secret").write_bytes(SECRET)
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    (root / "chain").symlink_to("sub/next")
    (root / "sub" / "next").symlink_to("../up/root-evil")
    (root / "circle").symlink_to("circle")
    (root / "here").symlink_to("/proc/self/cwd")
    (root / "inner").symlink_to("sub/b.txt")
    (root / "innerdir").symlink_to(root / "sub")
    return tmp_path


@pytest.fixture
def workspace(ground: Path) -> LocalWorkspace:
    return LocalWorkspace(ground / "root")


OUTSIDE = [
    "..", "../secret", "sub/../../secret", "/etc/passwd", "{t}/root-evil/secret", "{t}/secret", "../root-evil/secret",
    "out", "up/secret", "up", "chain/secret", "here/x", "a\0b", "\0", "/proc/self/cwd/a.txt",
    "/proc/self/root{t}/root/a.txt", "{t}/root/../secret", "\ud800",
]  # fmt: skip


@pytest.mark.promise("files.inside")
@pytest.mark.parametrize("path", OUTSIDE)
async def test_no_path_leads_out(workspace: LocalWorkspace, ground: Path, path: str) -> None:
    path = path.format(t=ground)
    with pytest.raises(OutsideWorkspace):
        await workspace.read(path)
    with pytest.raises(OutsideWorkspace):
        await workspace.write(path, b"changed")
    with pytest.raises(OutsideWorkspace):
        await workspace.list(path)
    with pytest.raises(OutsideWorkspace):
        await workspace.stat(path)
    assert (ground / "secret").read_bytes() == (ground / "root-evil" / "secret").read_bytes() == SECRET


@pytest.mark.parametrize(
    "path", ["a.txt", "./a.txt", "sub/../a.txt", "{t}/root/a.txt", "../root/a.txt", "up/root/a.txt"]
)
async def test_whatever_means_a_file_inside_reads_it(workspace: LocalWorkspace, ground: Path, path: str) -> None:
    content = await workspace.read(path.format(t=ground))
    assert (content.data, content.hash) == (b"hello", hashlib.sha256(b"hello").hexdigest())


async def test_links_inside_are_followed_and_kept(workspace: LocalWorkspace, ground: Path) -> None:
    await workspace.write("inner", b"new")
    await workspace.write("innerdir/c.txt", b"newer")
    assert (ground / "root/sub/b.txt").read_bytes() == b"new"
    assert (ground / "root/sub/c.txt").read_bytes() == b"newer"
    assert (ground / "root/inner").is_symlink()


async def test_a_root_reached_through_a_link(ground: Path) -> None:
    (ground / "alias").symlink_to("root")
    workspace = LocalWorkspace(ground / "alias")
    assert (await workspace.read(f"{ground}/alias/a.txt")).data == b"hello"
    assert workspace.root == ground / "root"


def test_a_root_must_be_a_folder(ground: Path) -> None:
    with pytest.raises(NotFound):
        LocalWorkspace(ground / "root" / "a.txt")


def test_it_is_a_workspace(workspace: LocalWorkspace) -> None:
    assert isinstance(workspace, Workspace)


@pytest.fixture
def oddities(ground: Path) -> Path:
    root = ground / "root"
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    with (root / "sparse").open("wb") as file:
        file.truncate(20 * 1024**3)
    if os.geteuid() == 0:
        os.mknod(root / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    else:
        os.mkfifo(root / "zero")
    return root


NO_FILES = ["fifo", "socket", "zero", "sub", "", "a.txt/x", "x" * 300, "circle", "circle/x"]
CODES = {"sparse": "file_too_large", "missing": "no_such_file", "x" * 300: "tool"}
"""Of those that are not `not_a_file`."""


@pytest.mark.parametrize("name", [*NO_FILES, "sparse", "missing"])
@pytest.mark.usefixtures("oddities")
async def test_what_is_no_file_is_a_typed_error(workspace: LocalWorkspace, name: str) -> None:
    with trio.fail_after(10), pytest.raises(ToolError) as refused:
        await workspace.read(name)
    assert refused.value.code == CODES.get(name, "not_a_file")


@pytest.mark.parametrize("name", [*NO_FILES, ".git/config", "sub/.GIT/x"])
async def test_what_is_no_file_is_not_written(workspace: LocalWorkspace, oddities: Path, name: str) -> None:
    before = everything(oddities)
    with trio.fail_after(10), pytest.raises(ToolError):
        await workspace.write(name, b"x")
    assert everything(oddities) == before


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_a_read_is_bounded(workspace: LocalWorkspace) -> None:
    assert (await workspace.read("a.txt", 5)).data == b"hello"
    with pytest.raises(ToolError, match="5 bytes; at most 4"):
        await workspace.read("a.txt", 4)
    with pytest.raises(ToolError, match="more than 10 bytes"):  # its size is said to be 0
        await LocalWorkspace(f"/proc/{os.getpid()}").read("status", 10)


async def test_a_write_keeps_permissions_and_leaves_nothing_else(workspace: LocalWorkspace, ground: Path) -> None:
    file = ground / "root" / "a.txt"
    file.chmod(0o751)
    before = sorted(os.listdir(ground / "root"))
    digest = await workspace.write("a.txt", b"new", hashlib.sha256(b"hello").hexdigest())
    assert digest == hashlib.sha256(b"new").hexdigest()
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"new", 0o751)
    assert sorted(os.listdir(ground / "root")) == before


async def test_a_write_makes_folders(workspace: LocalWorkspace, ground: Path) -> None:
    await workspace.write("x/y/z.txt", b"deep", "")
    assert (ground / "root/x/y/z.txt").read_bytes() == b"deep"


@pytest.mark.promise("files.conflict")
@pytest.mark.parametrize(("name", "expected"), [("a.txt", ""), ("a.txt", "0" * 64), ("new.txt", "0" * 64)])
async def test_another_hash_is_a_conflict(workspace: LocalWorkspace, ground: Path, name: str, expected: str) -> None:
    before = sorted(os.listdir(ground / "root"))
    with pytest.raises(Conflict):
        await workspace.write(name, b"mine", expected)
    assert (ground / "root/a.txt").read_bytes() == b"hello"
    assert sorted(os.listdir(ground / "root")) == before


@pytest.mark.parametrize("expected", ["", hashlib.sha256(b"hello").hexdigest()])
async def test_of_many_writers_one_wins(ground: Path, expected: str) -> None:
    name, won = "new.txt" if expected == "" else "a.txt", []

    async def write(number: int) -> None:
        try:
            await LocalWorkspace(ground / "root").write(name, b"%d" % number, expected)
            won.append(number)
        except Conflict:
            pass

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(write, number)
    assert (ground / "root" / name).read_bytes() == b"%d" % won[0]
    assert len(won) == 1


async def test_a_read_only_file_stays(workspace: LocalWorkspace, ground: Path) -> None:
    (ground / "root/a.txt").chmod(0o444)
    with pytest.raises(ToolError, match="read-only"):
        await workspace.write("a.txt", b"x")


async def test_list_tells_kinds_and_sorts(workspace: LocalWorkspace, oddities: Path) -> None:
    (oddities / "sub" / os.fsdecode(b"\xff")).touch()
    kinds = {entry.path: entry.kind for entry in await workspace.list()}
    assert {"a.txt": "file", "sub": "folder", "out": "link", "fifo": "other"}.items() <= kinds.items()
    assert list(kinds) == sorted(kinds)
    assert [entry.path for entry in await workspace.list("sub")] == ["sub/b.txt", "sub/next", "sub/�"]


async def test_stat_names_the_real_place(workspace: LocalWorkspace) -> None:
    found = await workspace.stat("innerdir/b.txt")
    assert isinstance(found, Entry)
    assert (found.path, found.kind, found.size) == ("sub/b.txt", "file", 5)
    assert await workspace.stat("missing/x") is None
    root = await workspace.stat("")
    assert root is not None
    assert (root.path, root.kind) == ("", "folder")


PIECES = st.sampled_from(["..", ".", "", "sub", "a.txt", "up", "out", "chain", "next", "inner", "root", "root-evil",
                          "secret", "/", "\0", "here", "circle", "ä", "~", "%2e%2e", "\\..", "new"])  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(pieces=st.lists(PIECES | st.text(max_size=4), max_size=7), absolute=st.booleans())
def test_any_path_stays_inside(pieces: list[str], absolute: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        workspace = LocalWorkspace(_laid_out(place))
        path = ("/" if absolute else "") + "/".join(pieces)
        # The threads of the public methods would cost seconds here.
        with contextlib.suppress(ToolError):
            assert workspace._read(path, 100).data != SECRET
        with contextlib.suppress(ToolError):
            assert "secret" not in {Path(entry.path).name for entry in workspace._list(path)}
        with contextlib.suppress(ToolError):
            workspace._write(path, b"x", None)
        assert (place / "secret").read_bytes() == (place / "root-evil" / "secret").read_bytes() == SECRET
        assert sorted(os.listdir(place)) == ["root", "root-evil", "secret"]


def _laid_out(place: Path) -> Path:
    root = place / "root"
    (root / "sub").mkdir(parents=True)
    (place / "root-evil").mkdir()
    (place / "root-evil" / "secret").write_bytes(SECRET)
    (place / "secret").write_bytes(SECRET)
    (root / "up").symlink_to("..")
    (root / "out").symlink_to("../secret")
    (root / "chain").symlink_to("sub/next")
    (root / "sub" / "next").symlink_to("../up/root-evil")
    return root
