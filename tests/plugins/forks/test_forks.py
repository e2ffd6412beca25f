"""Forks are workspaces of their own: nothing that is done in one is seen elsewhere, and none is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import trio
import trio.testing

from pillion import Busy, Conflict, NotFound, TooLarge, mountview
from pillion.errors import OutsideWorkspace
from pillion.testing.scripted import Pause, says
from pillion_forks.making import Way
from pillion_forks.plugin import Config

from .scene import image, scene

OVERLAYS = not subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode
WAYS = pytest.mark.parametrize(
    "way",
    [
        "copy",
        pytest.param("overlay", marks=pytest.mark.skipif(not OVERLAYS, reason="users may mount no overlay here")),
    ],
)

PROJECT = {
    "lamp.py": "def lit():\n    return True\n",
    "test_lamp.py": "import unittest, lamp\n\nclass T(unittest.TestCase):\n    def test(self):\n"
    "        open('cache.tmp', 'a').write('ran')\n        self.assertTrue(lamp.lit())\n",
    "log.txt": "begun\n",
    ".gitignore": "node_modules\n.venv\n*.tmp\n__pycache__\n",
    "node_modules/left/index.js": "module.exports = 1\n",
    "deep/er/file.txt": "deep\n",
}
INSERT = "import sqlite3; c = sqlite3.connect('data.sqlite3'); c.execute('INSERT INTO t VALUES (2)'); c.commit()"
TESTS = (sys.executable, "-m", "unittest", "-q")


@WAYS
async def test_what_is_done_in_a_fork_is_seen_nowhere_else(way: Way, tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way=way)) as scene_:
        scene_.write(PROJECT)
        sqlite3.connect(scene_.folder / "data.sqlite3").executescript("CREATE TABLE t (n); INSERT INTO t VALUES (1);")
        before = image(scene_.folder)
        (fork, one), (_, other) = await scene_.make(), await scene_.make()
        assert fork.way == way and image(one) == image(other) == before
        with (one / "log.txt").open("a") as file:  # in place: a hard link would change its other name
            file.write("more\n")
        with (one / "node_modules/left/index.js").open("r+") as file:
            file.write("MODULE")
        await scene_.program(fork, sys.executable, "-c", INSERT)
        await scene_.program(fork, *TESTS)
        assert (one / "cache.tmp").exists() and image(one) != before
        assert image(scene_.folder) == image(other) == before
        (scene_.folder / "log.txt").write_text("of the origin\n")
        assert (other / "log.txt").read_text() == "begun\n"
        assert not any(place.stat().st_nlink > 1 for place in one.rglob("*") if place.is_file())


@WAYS
async def test_32_forks_side_by_side_and_the_tests_run_in_each(way: Way, tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way=way)) as scene_:
        scene_.write(PROJECT)
        before = image(scene_.folder)
        snapshots = scene_.host.kernel.catalog.snapshots()
        assert snapshots is not None
        base = await snapshots.take(scene_.host.kernel.catalog.workspace(str(scene_.folder)), "all")
        ran: list[str] = []

        async def attempt(number: int) -> None:
            async with scene_.forks.fork(str(scene_.folder), base) as fork:
                root = scene_.root(fork)
                (root / "lamp.py").write_text(f"def lit():\n    return {number} + 1\n")
                await scene_.program(fork, *TESTS)
                ran.append((root / "cache.tmp").read_text())

        async with trio.open_nursery() as nursery:
            for number in range(32):
                nursery.start_soon(attempt, number)
        assert ran == ["ran"] * 32 and image(scene_.folder) == before
        assert scene_.forks.all() == [] and _left(scene_.data) == []


async def test_times_bits_links_and_empty_folders_are_those_of_the_origin(tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way="copy")) as scene_:
        scene_.write(PROJECT)
        (scene_.folder / "run").write_text("#!/bin/sh\n")
        (scene_.folder / "run").chmod(0o750)
        (scene_.folder / "link").symlink_to("lamp.py")
        (scene_.folder / "empty").mkdir()
        (scene_.folder / "node_modules" / "in").symlink_to(scene_.folder / "node_modules" / "left")
        os.utime(scene_.folder / "lamp.py", ns=(1_000_000_123, 1_000_000_123))
        _, root = await scene_.make()
        assert (root / "lamp.py").stat().st_mtime_ns == 1_000_000_123
        found, expected = image(root), image(scene_.folder)
        assert found.pop("node_modules/in") == ("link", str(root / "node_modules" / "left"))
        expected.pop("node_modules/in")
        assert found == expected and found["run"][1] == 0o750


@pytest.mark.skipif(not OVERLAYS, reason="users may mount no overlay here")
async def test_programs_in_an_overlay_find_it_where_the_workspace_is(tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way="overlay")) as scene_:
        scene_.write({"a.txt": "one\n"})
        fork, root = await scene_.make()
        origin = str(scene_.folder)
        await scene_.program(fork, "sh", "-c", f"echo two > {origin}/a.txt; umount {origin}; umount .; true")
        assert (await scene_.program(fork, "cat", f"{origin}/a.txt", "a.txt")) == "two\ntwo\n"
        assert (root / "a.txt").read_text() == "two\n" and (scene_.folder / "a.txt").read_text() == "one\n"
        assert list(root.resolve().iterdir()) == []  # who resolves it by himself does not end in the workspace
        workspace = scene_.host.kernel.catalog.workspace(fork.address)
        (root / "link").symlink_to("a.txt")
        (root / "out").symlink_to("/etc/passwd")
        inner = str(mountview.inside(root))
        assert (await workspace.read("link")).data == (await workspace.read(f"{inner}/a.txt")).data == b"two\n"
        with pytest.raises(OutsideWorkspace):
            await workspace.read("out")
        assert [one.path for one in await scene_.forks.changes(fork.id)] == ["a.txt", "link", "out"]
        (base,) = (_home(scene_.data) / "bases").iterdir()
        assert (await scene_.forks.make(origin)).way == "overlay"
        assert list((_home(scene_.data) / "bases").iterdir()) == [base]
    assert str(tmp_path) not in _mounts()


async def test_a_fork_of_what_was(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        scene_.write({"a.txt": "one\n", "gone.txt": "there\n"})
        snapshots = scene_.host.kernel.catalog.snapshots()
        assert snapshots is not None
        base = await snapshots.take(scene_.host.kernel.catalog.workspace(str(scene_.folder)), "then")
        scene_.write({"a.txt": "two\n", "new.txt": "new\n"})
        (scene_.folder / "gone.txt").unlink()
        _, root = await scene_.make(base)
        assert {path.name: path.read_text() for path in root.iterdir()} == {"a.txt": "one\n", "gone.txt": "there\n"}
        with pytest.raises(NotFound, match="no such snapshot"):
            await scene_.make("0" * 40)
        assert len(_left(scene_.data)) == 1


async def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, Config(count=1, way="copy", bytes=1000)) as scene_:
        scene_.write({"a.txt": "x" * 2000})
        with pytest.raises(TooLarge, match="more than 1000 bytes"):
            await scene_.make()
        assert _left(scene_.data) == []
        scene_.write({"a.txt": "x"})
        fork, root = await scene_.make()
        with pytest.raises(Busy, match="1 forks"):
            await scene_.make()
        await scene_.forks.drop(fork.id)
        assert not root.exists() and _left(scene_.data) == []
        with pytest.raises(NotFound):
            scene_.host.kernel.catalog.workspace(fork.address)


@WAYS
async def test_git_in_a_fork_is_its_own(way: Way, tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way=way)) as scene_:
        scene_.write({"a.txt": "one\n"})
        git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
            _run(scene_.folder, *git, *words)
        (scene_.folder / ".git/hooks/pre-commit").write_text("#!/bin/sh\ntouch ../ran\n")
        (scene_.folder / ".git/hooks/pre-commit").chmod(0o755)
        before = image(scene_.folder)
        fork, root = await scene_.make()
        assert await scene_.program(fork, "git", "status", "--porcelain") == ""
        assert await scene_.program(fork, "git", "log", "--format=%s") == "first\n"
        (root / "a.txt").write_text("two\n")
        await scene_.program(fork, *git, "commit", "-qam", "second")
        assert await scene_.program(fork, "git", "log", "--format=%s") == "second\nfirst\n"
        assert image(scene_.folder) == before and not (root / "ran").exists()


async def test_a_fork_is_trusted_as_its_origin_is(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        fork, _ = await scene_.make()
        session = await scene_.host.kernel.create(fork.address)
        assert session.info.trusted is False
        other = await scene_.forks.make(fork.address)
        workspace = scene_.host.kernel.catalog.workspace(other.address)
        assert getattr(workspace, "origin") == str(scene_.folder)  # noqa: B009 - a workspace of a fork has it
        await scene_.forks.drop(fork.id)
        assert scene_.root(other).is_dir()


@WAYS
async def test_a_fork_that_lasts_is_found_again_and_others_are_not(way: Way, tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way=way)) as scene_:
        scene_.write({"a.txt": "one\n"})
        fork, root = await scene_.make()
        (root / "b.txt").write_text("new\n")
    (_home(tmp_path / "data") / "half").mkdir()
    (_home(tmp_path / "data") / "gone-one" / "tree").mkdir(parents=True)
    async with scene(tmp_path) as scene_:
        assert [one.id for one in scene_.forks.all()] == [fork.id]
        root = scene_.root(fork)  # an overlay is mounted again
        assert _left(scene_.data) == [fork.id]
        (root / "a.txt").write_text("two\n")
        assert [one.path for one in await scene_.forks.changes(fork.id)] == ["a.txt", "b.txt"]
    os.utime(_home(tmp_path / "data") / fork.id / "fork.json", (0, 0))
    async with scene(tmp_path) as scene_:
        assert scene_.forks.all() == [] and _left(scene_.data) == []


KILLED = """
import os, sys, trio
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.plugins.forks.scene import scene

async def main():
    async with scene(Path(sys.argv[2])) as scene_:
        async with scene_.forks.fork(str(scene_.folder)):
            await scene_.make()
            print("made", flush=True)
            await trio.sleep_forever()

trio.run(main)
"""


async def test_a_kill_leaves_nothing_after_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.txt").write_text("one\n")
    top = str(Path(__file__).parents[3])
    program = _started(sys.executable, "-c", KILLED, top, str(tmp_path))
    data = tmp_path / "data"
    async with scene(tmp_path) as scene_:  # another process lives: what it holds stays
        assert len(_left(data)) == 2 and len(scene_.forks.all()) == 1
    program.kill()
    program.wait()
    async with scene(tmp_path) as scene_:
        assert _left(data) == [fork.id for fork in scene_.forks.all()] and len(_left(data)) == 1
    assert str(tmp_path) not in _mounts()
    shutil.rmtree(data / "plugins" / "forks" / _left(data)[0])
    async with scene(tmp_path):
        pass
    assert len(list((data / "plugins" / "forks" / "bases").glob("*"))) <= 2


async def test_nobody_takes_a_fork_from_a_session_at_work(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        fork, root = await scene_.make()
        session = await scene_.host.kernel.create(fork.address)
        scene_.host.provider.script([Pause(60), *says("done")])
        accepted = await session.prompt("go")
        with pytest.raises(Conflict, match="works in this fork"):
            await scene_.forks.drop(fork.id)
        await session.cancel()
        await session.ended(accepted.turn, accepted.after)
        await trio.testing.wait_all_tasks_blocked()
        assert root.is_dir()
        await scene_.forks.drop(fork.id)
        with pytest.raises(NotFound):
            await scene_.forks.drop(fork.id)


def _home(data: Path) -> Path:
    return data / "plugins" / "forks"


def _left(data: Path) -> list[str]:
    """The forks' folders."""
    return sorted(place.name for place in _home(data).iterdir() if place.is_dir() and place.name != "bases")


def _mounts() -> str:
    """Of all processes that are there."""
    found = []
    for place in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            found.append(place.read_text())
    return "".join(found)


def _run(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


def _started(*words: str) -> subprocess.Popen[bytes]:
    """A program that has said its first line."""
    program = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert program.stdout is not None and program.stdout.readline() == b"made\n"
    return program
