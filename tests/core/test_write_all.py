"""Several files at once: all new or all old, through errors, a full disk and a kill at any moment."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
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


@pytest.mark.parametrize("write", [Write("new.sh", b"x", "", like="a.txt"), Write("sub/b.txt", b"x", mode=0o750)])
async def test_one_alone_takes_its_mode_bits_too(folder: Path, write: Write) -> None:
    await LocalWorkspace(folder).write_all([write])
    assert (folder / write.path).stat().st_mode & 0o777 == 0o750


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


def killed(above: Path, *numbers: int) -> dict[Path, bool]:
    """Folders in which a writer was killed at these calls, True, or the first that came to its end, False."""
    for number in numbers:
        fill(above / str(number))
    argv = [sys.executable, str(KILLED), str(above), *map(str, numbers)]
    ended = subprocess.run(argv, capture_output=True, timeout=120, check=True)
    codes = ended.stdout.decode().split()
    assert {*codes} <= {"0", "-9"}, ended.stderr.decode()
    return {above / str(number): code == "-9" for number, code in zip(numbers, codes, strict=False)}


def test_a_kill_at_any_call_leaves_all_old_or_all_new(tmp_path: Path) -> None:
    """Once the folder is opened again. Every fifth call, every one in the long form."""
    seen: set[str] = set()
    tried = killed(tmp_path, *range(1, 500, 1 if os.environ.get("PILLION_LONG") else 5))
    assert len(tried) > 10 and list(tried.values())[-2:] == [True, False]
    for folder in tried:
        LocalWorkspace(folder)
        files = found(folder)
        assert files in (OLD, NEW), (folder, files)  # nothing else is left either
        seen.add("new" if files == NEW else "old")
    assert seen == {"old", "new"}


def test_what_somebody_changed_since_the_kill_stays_theirs(tmp_path: Path) -> None:
    torn = {"a.txt": NEW["a.txt"], "sub/b.txt": OLD["sub/b.txt"]}
    between = [folder for folder in killed(tmp_path, *range(40, 500)) if torn.items() <= found(folder).items()]
    folder = between[0]
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


def planted(folder: Path, plan: object, mode: int = 0o600) -> Path:
    """A journal as a stranger's folder may bring it."""
    journal = folder / ".pillion-journal"
    journal.write_bytes(plan if isinstance(plan, bytes) else msgspec.json.encode(plan))
    journal.chmod(mode)
    return journal


NEWS = ".pillion-0123456789abcdef.tmp"


@pytest.mark.promise("files.inside")
@pytest.mark.parametrize(
    "step",
    [
        {"folder": [".."], "name": "precious", "before": "{hash}"},
        {"folder": [], "name": "../precious", "before": "{hash}"},
        {"folder": [], "name": "..", "before": ""},
        {"folder": [".git", "hooks"], "name": "pre-commit", "new": NEWS},
        {"folder": [".GIT"], "name": "config", "new": NEWS},
        {"folder": [], "name": ".git", "new": NEWS},
        {"folder": [], "name": "a.txt", "new": "../precious", "before": "{a}"},
        {"folder": [], "name": "a.txt", "new": "evil.txt", "before": "{a}"},
        {"folder": [], "name": "a.txt", "old": "gone.txt", "before": "{a}"},
    ],
)
def test_a_journal_that_a_folder_brings_leads_nowhere(tmp_path: Path, folder: Path, step: dict[str, object]) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (folder / ".git/hooks").mkdir(parents=True)
    for place in ("", ".git", ".git/hooks"):
        (folder / place / NEWS).write_bytes(b"evil")
    (folder / "evil.txt").write_bytes(b"evil")
    hashes = {"{hash}": b"precious", "{a}": OLD["a.txt"]}
    before = hashes.get(str(step.get("before")))
    if before is not None:
        step = step | {"before": hashlib.sha256(before).hexdigest()}
    planted(folder, {"steps": [step], "counts": True})
    there = found(tmp_path)
    LocalWorkspace(folder)
    assert found(tmp_path) == there
    with pytest.raises(ToolError, match=r"\.pillion-journal"):
        trio.run(LocalWorkspace(folder).write_all, [Write("a.txt", b"x"), Write("sub/b.txt", b"y")])
    assert found(tmp_path) == there


@pytest.mark.parametrize("kind", ["others can read it", "fifo", "link", "folder", "huge"])
def test_what_is_no_journal_of_ours_holds_up_nothing(tmp_path: Path, folder: Path, kind: str) -> None:
    step = {"folder": [], "name": "gone.txt", "before": hashlib.sha256(OLD["gone.txt"]).hexdigest()}
    journal = planted(folder, {"steps": [step], "counts": True}, 0o644)
    if kind != "others can read it":
        journal.unlink()
    match kind:
        case "fifo":
            os.mkfifo(journal, 0o600)
        case "link":
            journal.symlink_to(tmp_path / "elsewhere")
        case "folder":
            journal.mkdir(0o700)
        case "huge":
            journal.touch(0o600)
            os.truncate(journal, 20_000_000_000)
    with bounded():
        assert trio.run(LocalWorkspace(folder).read, "gone.txt").data == OLD["gone.txt"]
        with pytest.raises(ToolError):
            trio.run(LocalWorkspace(folder).write_all, [Write("a.txt", b"x"), Write("sub/b.txt", b"y")])
    assert {name: (folder / name).read_bytes() for name in OLD} == OLD  # without its 20 GB


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Ten seconds, after which whatever hangs is interrupted."""
    signal.alarm(10)
    try:
        yield
    finally:
        signal.alarm(0)
