"""Several files at once: all new or all old, through errors, a full disk and a kill at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from pillion.contracts.workspace import Write
from pillion.errors import Conflict, OutsideWorkspace, ToolError
from pillion.localworkspace import LocalWorkspace

KILLED = Path(__file__).with_name("killedwriter.py")
OLD = {"a.txt": b"old a\n", "sub/b.txt": b"old b\n", "gone.txt": b"old gone\n"}
NEW = {"a.txt": b"new a\n" * 3, "sub/b.txt": b"new b\n", "new/c.txt": b"new c\n"}


def fill(folder: Path) -> None:
    for name, data in OLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "a.txt").chmod(0o750)


def found(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    fill(tmp_path / "work")
    return tmp_path / "work"


async def test_all_are_written_made_and_taken_away(folder: Path) -> None:
    writes = [Write("a.txt", NEW["a.txt"]), Write("sub/b.txt", NEW["sub/b.txt"]), Write("gone.txt", None)]
    hashes = await LocalWorkspace(folder).write_all([*writes, Write("new/c.txt", b"new c\n", "", like="a.txt")])
    assert found(folder) == NEW
    assert hashes[2] == "" and len(hashes[3]) == 64
    assert [oct((folder / name).stat().st_mode & 0o777) for name in ("a.txt", "new/c.txt")] == ["0o750", "0o750"]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (Write("sub/b.txt", b"x", "0" * 64), Conflict),
        (Write("sub/b.txt", b"x", ""), Conflict),
        (Write("missing.txt", None), ToolError),
        (Write("../out.txt", b"x"), OutsideWorkspace),
        (Write(".git/hooks/post-commit", b"x"), ToolError),
        (Write("sub", b"x"), ToolError),
        (Write("a.txt", b"twice"), ToolError),
        (Write("a.txt/below.txt", b"x"), ToolError),
    ],
)
async def test_one_that_can_not_be_leaves_all_as_they_were(folder: Path, bad: Write, error: type[Exception]) -> None:
    with pytest.raises(error):
        await LocalWorkspace(folder).write_all([Write("a.txt", b"new"), bad, Write("gone.txt", None)])
    assert found(folder) == OLD


async def test_an_error_amid_the_renames_takes_all_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a failing disk gives it."""
    real = os.rename

    def rename(source: str, target: str, **options: int) -> None:
        if target == "b.txt" and source.endswith(".tmp"):
            raise OSError(5, "Input/output error")
        real(source, target, **options)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(ToolError, match="Input/output error"):
        await LocalWorkspace(folder).write_all(
            [Write("a.txt", b"new"), Write("gone.txt", None), Write("sub/b.txt", b"x")]
        )
    assert found(folder) == OLD


async def test_two_at_once_leave_the_files_of_one(folder: Path) -> None:
    done: list[bytes] = []

    async def write(data: bytes) -> None:
        await LocalWorkspace(folder).write_all([Write("a.txt", data), Write("sub/b.txt", data)])
        done.append(data)

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(write, b"%d\n" % number)
    assert len(done) == 8
    assert found(folder)["a.txt"] == found(folder)["sub/b.txt"]
    assert found(folder).keys() == OLD.keys()


def killed(folder: Path, number: int) -> bool:
    """Dies at that call; False: it came to its end."""
    ended = subprocess.run([sys.executable, str(KILLED), str(folder), str(number)], capture_output=True, timeout=60)
    assert ended.returncode in (0, -9), ended.stderr.decode()
    return ended.returncode == -9


def points() -> Iterator[int]:
    step = 1 if os.environ.get("PILLION_LONG") else 5
    yield from range(1, 500, step)


def test_a_kill_at_any_call_leaves_all_old_or_all_new(tmp_path: Path) -> None:
    """Once the folder is opened again. Every fifth call, every one in the long form."""
    seen: set[str] = set()
    for number in points():
        folder = tmp_path / str(number)
        folder.mkdir()
        fill(folder)
        died = killed(folder, number)
        LocalWorkspace(folder)
        files = found(folder)
        assert files in (OLD, NEW), (number, files)  # nothing else is left either
        seen.add("new" if files == NEW else "old")
        if not died:
            break
    assert seen == {"old", "new"}


def test_what_somebody_changed_since_the_kill_stays_theirs(tmp_path: Path) -> None:
    for number in range(40, 500):
        folder = tmp_path / str(number)
        folder.mkdir()
        fill(folder)
        assert killed(folder, number), "no kill came between the two"
        files = found(folder)
        if files["a.txt"] == NEW["a.txt"] and files["sub/b.txt"] == OLD["sub/b.txt"]:
            break
    (folder / "sub/b.txt").write_bytes(b"a person's\n")
    LocalWorkspace(folder)
    assert (folder / "sub/b.txt").read_bytes() == b"a person's\n"
    assert not (folder / ".pillion-journal").exists()


def both(size: int) -> list[Write]:
    return [Write("a.txt", b"x" * size), Write("sub/b.txt", b"y" * size)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_full_disk_leaves_all_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed: {mounted.stderr.decode().strip()}")
    try:
        fill(folder)
        with pytest.raises(ToolError, match="No space left"):
            trio.run(LocalWorkspace(folder).write_all, both(3_000_000))
        assert found(folder) == OLD
        trio.run(LocalWorkspace(folder).write_all, both(1_000_000))
    finally:
        subprocess.run(["umount", str(folder)], check=True)
