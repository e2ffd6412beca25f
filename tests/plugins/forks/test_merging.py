"""A fork is merged back: both sides' changes, conflicts that are shown, and a way back."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion import LocalWorkspace, Write
from pillion_forks.threeway import merge

from .scene import image, scene

LINES = "".join(f"line {number}\n" for number in range(20))


def changed(*numbers: int, word: str = "changed") -> str:
    return "".join(f"{word if number in numbers else 'line'} {number}\n" for number in range(20))


async def test_both_sides_changes_come_together_and_can_be_taken_back(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        scene_.write({"a.txt": LINES, "gone.txt": "x\n", "in/deep.txt": "x\n", "mine.txt": "x\n", "run": "x\n"})
        fork, root = await scene_.make()
        scene_.write({"a.txt": changed(2, word="theirs"), "new/er.txt": "new\n", "in/deep.txt": "y\n"}, root)
        (root / "gone.txt").unlink()
        (root / "run").chmod(0o755)
        (root / "link").symlink_to("run")
        (root / "empty").mkdir()
        scene_.write({"a.txt": changed(15, word="mine"), "mine.txt": "y\n"})
        before = image(scene_.folder)
        told = await scene_.merge(fork)
        assert told.left == () and told.files == 6
        assert sorted(told.paths) == ["a.txt", "gone.txt", "in/deep.txt", "link", "new/er.txt", "run"]
        text = (scene_.folder / "a.txt").read_text().splitlines()
        assert (text[2], text[15]) == ("theirs 2", "mine 15")
        assert not (scene_.folder / "gone.txt").exists() and (scene_.folder / "empty").is_dir()
        assert (scene_.folder / "run").stat().st_mode & 0o111 and (scene_.folder / "mine.txt").read_text() == "y\n"
        again = await scene_.merge(fork)
        assert (again.files, again.left) == (0, ())
        await scene_.undo()
        await scene_.undo()
        assert image(scene_.folder) == before


async def test_what_cannot_be_brought_together_is_left_and_shown(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        scene_.write({"a.txt": LINES, "b.txt": "one\n", "c.txt": "one\n", "fine.txt": "one\n"})
        fork, root = await scene_.make()
        scene_.write({"a.txt": changed(4, word="theirs"), "b.txt": "two\n", "fine.txt": "two\n", ".env": "K=1"}, root)
        (root / "c.txt").unlink()
        scene_.write({"a.txt": changed(4, word="mine"), "c.txt": "mine\n"})
        (scene_.folder / "b.txt").unlink()
        told = await scene_.merge(fork)
        assert [(one.path, one.why) for one in told.left] == [("a.txt", "both"), ("b.txt", "gone"), ("c.txt", "gone")]
        shown = told.left[0].diff
        assert "+<<<<<<< workspace\n" in shown and f"+>>>>>>> fork {fork.id[:8]}\n" in shown and "+theirs 4\n" in shown
        assert told.paths == ("fine.txt",) and (scene_.folder / "a.txt").read_text() == changed(4, word="mine")
        told = await scene_.merge(fork, prefer="mark")
        assert "<<<<<<< workspace\nmine 4\n=======\ntheirs 4\n>>>>>>> fork" in (scene_.folder / "a.txt").read_text()
        told = await scene_.merge(fork, prefer="fork")
        assert told.left == () and image(scene_.folder) == {k: v for k, v in image(root).items() if k != ".env"}


async def test_what_a_person_saves_while_a_fork_is_merged_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves, write_all = ["mine\n"], LocalWorkspace.write_all

    async def late(workspace: LocalWorkspace, writes: Sequence[Write]) -> Sequence[str]:
        if saves:
            (workspace.root / "a.txt").write_text(saves.pop())
        return await write_all(workspace, writes)

    async with scene(tmp_path) as scene_:
        scene_.write({"a.txt": "one\n", "b.txt": "one\n"})
        fork, root = await scene_.make()
        scene_.write({"a.txt": "theirs\n", "b.txt": "theirs\n"}, root)
        scene_.write({"b.txt": "kept\n"})
        monkeypatch.setattr(LocalWorkspace, "write_all", late)
        told = await scene_.merge(fork, prefer="fork")
        assert [(one.path, one.why) for one in told.left] == [("a.txt", "both")]
        assert [(scene_.folder / name).read_text() for name in ("a.txt", "b.txt")] == ["mine\n", "theirs\n"]


async def test_what_nobody_may_write_is_left(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        scene_.write({"a.txt": "one\n", ".gitignore": "ignored\n", "ignored": "mine\n"})
        fork, root = await scene_.make()
        scene_.write({".husky/run": "x\n", ".gitignore": "\n", "ignored": "theirs\n"}, root)
        told = await scene_.merge(fork)
        assert [(one.path, one.why) for one in told.left] == [(".husky/run", "protected"), ("ignored", "blocked")]
        assert (scene_.folder / "ignored").read_text() == "mine\n" and not (scene_.folder / ".husky").exists()


async def test_a_folder_makes_room_for_a_file_and_the_other_way(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        scene_.write({"file": "one\n", "folder/in": "one\n"})
        fork, root = await scene_.make()
        (root / "file").unlink()
        scene_.write({"file/in": "two\n"}, root)
        (root / "folder/in").unlink()
        (root / "folder").rmdir()
        scene_.write({"folder": "two\n"}, root)
        told = await scene_.merge(fork)
        assert told.left == () and image(scene_.folder) == image(root)


async def test_a_merge_needs_a_session_on_the_origin(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        (tmp_path / "other").mkdir()
        fork = await scene_.forks.make(str(tmp_path / "other"))
        assert "works elsewhere" in await scene_.refused(fork.id)
        assert "no fork" in await scene_.refused("nothing")


async def test_a_fork_of_a_fork_goes_back_the_same_way(tmp_path: Path) -> None:
    async with scene(tmp_path) as scene_:
        scene_.write({"a.txt": "one\n"})
        first, root = await scene_.make()
        second = await scene_.forks.make(first.address)
        scene_.write({"a.txt": "two\n"}, scene_.root(second))
        scene_.session, origin = await scene_.host.kernel.create(first.address), scene_.session
        assert (await scene_.merge(second)).paths == ("a.txt",)
        assert (root / "a.txt").read_text() == "two\n" and (scene_.folder / "a.txt").read_text() == "one\n"
        scene_.session = origin
        assert (await scene_.merge(first)).paths == ("a.txt",)
        assert (scene_.folder / "a.txt").read_text() == "two\n"


SMALL = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"e\n"]), max_size=8).map(b"".join)


@given(SMALL, SMALL, SMALL)
def test_the_rules_of_a_three_way_merge(base: bytes, ours: bytes, theirs: bytes) -> None:
    def whole(*texts: bytes) -> tuple[bytes, int]:
        found = merge(*texts, ("ours", "theirs"))
        assert found is not None
        return found.text, found.conflicts

    assert whole(base, ours, base) == whole(base, base, ours) == whole(base, ours, ours) == (ours, 0)
    one, other = whole(base, ours, theirs), whole(base, theirs, ours)
    assert one[1] == other[1] and (one[1] or one[0] == other[0])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (changed(2), changed(15)),
        (changed(2), changed(2, 15)),
        (changed(0, 19), LINES + "more\n"),
        (LINES.replace("line 5\n", ""), changed(7)),
        ("first\n" + LINES, LINES.rstrip("\n")),
        (changed(4), changed(4, word="theirs")),
        (changed(4), changed(5, word="theirs")),
        (changed(2, 9), changed(9, 15, word="theirs")),
    ],
)
def test_a_merge_is_as_gits(ours: str, theirs: str, tmp_path: Path) -> None:
    for name, text in (("base", LINES), ("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_text(text)
    words = ["git", "merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", "ours", "base", "theirs"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
    found = merge(LINES.encode(), ours.encode(), theirs.encode(), ("ours", "theirs"))
    assert found is not None and (found.text, found.conflicts) == (done.stdout, done.returncode)
