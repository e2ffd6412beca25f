"""The store: bounded, whole after a kill, and right about what it keeps and what it leaves alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pillion_checkpoints import scanning
from pillion_checkpoints.bounds import Bounds
from pillion_checkpoints.plugin import Config
from pillion_checkpoints.snapshots import Snapshots
from pillion_checkpoints.state import State, Thing

from .scene import scene, stores
from .test_trees import git, needs_git, snapshots

PLENTY = Bounds(1000, 30.0, 1 << 40)


def fsck(store: Path) -> str:
    return git(store, store, "fsck", "--full", "--strict", "--no-dangling")


def fill(taken: Snapshots, work: Path, count: int, size: int = 1000) -> list[str]:
    """So many checkpoints, each of one other file; their names."""
    made = []
    for number in range(count):
        (work / f"f{number % 3}").write_bytes(os.urandom(size))
        made.append(taken.keep(taken.look(), f"s/{number}", {}).commit)
        place = taken.objects.path / "refs" / "pillion" / "s" / str(number)
        os.utime(place, (time.time() - count + number,) * 2)
    return made


@pytest.mark.promise("undo.whole")
@needs_git
@pytest.mark.parametrize("bounds", [Bounds(3, 30.0, 1 << 40), Bounds(1000, 30.0, 60_000)])
def test_old_checkpoints_are_given_up_and_the_others_stay_whole(tmp_path: Path, bounds: Bounds) -> None:
    work, store = tmp_path / "work", tmp_path / "store"
    work.mkdir()
    taken = snapshots(work, store)
    made = fill(taken, work, 24, 10_000)
    size = taken.objects.size()
    done = taken.collect(bounds)
    assert done is not None and done.checkpoints >= 12 and done.objects > 12 and taken.objects.size() < size / 2
    assert fsck(store) == ""
    last = taken.of(made[-1])
    assert taken.look() == last.state and taken.content(Thing("file", "")) == b""
    with pytest.raises(KeyError):
        taken.of(made[0])
    (work / "f0").write_text("later")
    after = taken.keep(taken.look(), "s/later", {})
    assert [one.path for one in taken.differences(last.state, after.state)] == ["f0"]
    taken.objects.close()
    assert fsck(store) == ""


@needs_git
def test_many_small_objects_become_a_pack_and_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, store = tmp_path / "work", tmp_path / "store"
    work.mkdir()
    monkeypatch.setattr("pillion_checkpoints.collecting.LOOSE", 10)
    taken = snapshots(work, store)
    made = fill(taken, work, 8)
    states = [taken.of(commit).state for commit in made]
    assert taken.collect(PLENTY) is not None
    assert not list((store / "objects").glob("[0-9a-f][0-9a-f]/*")) and list((store / "objects/pack").glob("*.pack"))
    assert [taken.of(commit).state for commit in made] == states and fsck(store) == ""
    taken.objects.close()


def test_a_checkpoint_of_which_something_is_lost_is_given_up(tmp_path: Path) -> None:
    work, store = tmp_path / "work", tmp_path / "store"
    work.mkdir()
    taken = snapshots(work, store)
    made = fill(taken, work, 2)
    blob = taken.objects.tree(bytes.fromhex(taken.of(made[0]).state.tree))[b"f0"][1].hex()
    (store / "objects" / blob[:2] / blob[2:]).unlink()
    done = taken.collect(PLENTY)
    assert done is not None and done.broken == 2
    assert len(taken.look().tree) == 40  # and what it remembered of that file it has read again
    taken.keep(taken.look(), "s/new", {})
    assert (done := taken.collect(PLENTY)) is not None and done.broken == 0
    taken.objects.close()


def test_nothing_is_collected_while_another_process_uses_the_store(tmp_path: Path) -> None:
    work, store = tmp_path / "work", tmp_path / "store"
    work.mkdir()
    taken, other = snapshots(work, store), snapshots(work, store)
    assert taken.collect(PLENTY) is None
    other.objects.close()
    assert taken.collect(PLENTY) is not None
    taken.objects.close()


KILLED = """
import sys, time
from pathlib import Path
from pillion_checkpoints.snapshots import Settings, Snapshots
taken = Snapshots(Path(sys.argv[1]), Path(sys.argv[2]), Settings(1 << 20), lambda path: False)
print("ready", flush=True)
taken.keep(taken.look(), f"s/{time.time_ns()}", {})
"""


@pytest.mark.promise("undo.whole")
@needs_git
def test_a_kill_amid_a_snapshot_leaves_a_sound_store(tmp_path: Path) -> None:
    work, store = tmp_path / "work", tmp_path / "store"
    work.mkdir()
    for number in range(600):
        (work / f"f{number}").write_bytes(os.urandom(2000))
    for late in (0.0, 0.01, 0.03, 0.06):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(work), str(store)], stdout=subprocess.PIPE)
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(late)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert fsck(store) == ""
    taken = snapshots(work, store)
    commit = taken.keep(taken.look(), "s/after", {}).commit
    assert taken.collect(PLENTY) is not None and not list(store.rglob("tmp_*"))
    assert taken.of(commit).state == taken.look() and fsck(store) == ""
    taken.objects.close()


async def test_what_is_ignored_large_protected_or_a_repositorys_own_is_left_alone(tmp_path: Path) -> None:
    async with scene(tmp_path, Config(largest=1000)) as s:
        s[".gitignore"], s["a"], s["big"], s[".env"] = "*.tmp\nbuild/\n", "one", "b" * 2000, "KEY=1"
        s["x.tmp"], s["build/out"] = "ignored", "ignored"
        s["nested/.git/HEAD"], s["nested/in"] = "ref: refs/heads/main\n", "one"
        s["module/.git"], s["module/in"] = "gitdir: ../.git/modules/module\n", "one"

        def work() -> None:
            for path in ("a", "big", ".env", "x.tmp", "build/out", "nested/in", "module/in", "nested/.git/HEAD"):
                s[path] = "of the program"

        await s.turn(work)
        told = await s.go("undo")
        assert told.paths == ("a", "module/in", "nested/in")
        assert [(one.path, one.why) for one in told.left] == [("big", "blocked")]
        assert [s[path] for path in ("a", "nested/in", "module/in")] == ["one"] * 3
        kept = {s[path] for path in ("big", ".env", "x.tmp", "build/out", "nested/.git/HEAD")}
        assert (kept, s["module/.git"]) == ({"of the program"}, "gitdir: ../.git/modules/module\n")
        mark = (await s.timeline()).marks[0]
        assert mark.event.skipped == 2
        data = b"".join(place.read_bytes() for place in stores(s.data)[0].rglob("*") if place.is_file())
        assert b"KEY=1" not in data


async def test_files_that_were_ignored_then_stay_when_the_rules_go_back(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s[".gitignore"], s["keep.tmp"], s["seen"] = "*.tmp\n", "mine", "one"

        def work() -> None:
            s[".gitignore"], s["seen"] = "seen\n", "two"

        await s.turn(work)
        told = await s.go("undo")
        assert (s[".gitignore"], s["keep.tmp"], s["seen"]) == ("*.tmp\n", "mine", "two")
        assert [(one.path, one.why) for one in told.left] == [("seen", "changed")]  # it was ignored when it changed
        await s.go("redo")
        await s.go("undo", overwrite=True)
        assert (s[".gitignore"], s["keep.tmp"], s["seen"]) == ("*.tmp\n", "mine", "one")
        last = [mark for mark in (await s.timeline()).marks if mark.event.why == "restore"][-1]
        await s.go("restore", checkpoint=last.id, what="files")
        assert s["seen"] == "two"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The names of the files that are read; none of them is so new that it would be read twice."""
    found: list[bytes] = []

    def content(folder: int, name: bytes, limit: int) -> object:
        found.append(name)
        return read(folder, name, limit)

    read = scanning._content
    monkeypatch.setattr(scanning, "RACY", -(10**12))
    monkeypatch.setattr(scanning, "_content", content)
    return found


def test_the_next_process_reads_what_has_changed_alone(tmp_path: Path, reads: list[bytes]) -> None:
    work = tmp_path / "work"
    for name in ("a", "in/b", "in/gone", "in/private", "in/out", "old/x"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(name)
    (work / "in/private").chmod(0o600)
    (work / "link").symlink_to("a")
    taken = snapshots(work, tmp_path / "store")
    taken.look()
    taken.close()
    (work / "in/b").write_text("longer than before")
    (work / "in/gone").unlink()
    (work / "new").write_text("new")
    (work / "old").rename(work / "other")
    (work / ".gitignore").write_text("in/out\n")
    reads.clear()
    taken = snapshots(work, tmp_path / "store")
    state = taken.look()
    assert sorted(reads) == [b".gitignore", b"b", b"new", b"x"]
    (work / ".gitignore").unlink()
    other = snapshots(work, tmp_path / "fresh")
    assert taken.look() == other.look() != state
    taken.objects.close()
    other.objects.close()


@pytest.mark.parametrize("how", ["cut", "nonsense", "limit", "object"])
def test_what_is_known_no_longer_fits_and_counts_for_nothing(tmp_path: Path, reads: list[bytes], how: str) -> None:
    work, store = tmp_path / "work", tmp_path / "store"
    work.mkdir()
    (work / "a").write_text("one")
    taken = snapshots(work, store)
    taken.look()
    taken.close()
    known = store / "known"
    match how:
        case "cut":
            known.write_bytes(known.read_bytes()[:-5])
        case "nonsense":
            known.write_bytes(os.urandom(300))
        case "object":
            blob = hashlib.sha1(b"blob 3\0one").hexdigest()
            (store / "objects" / blob[:2] / blob[2:]).unlink()
    reads.clear()
    taken = snapshots(work, store, limit=2 if how == "limit" else 1 << 20)
    state = taken.look()
    assert reads == ([] if how == "limit" else [b"a"]) and state.skipped == (how == "limit")
    assert [taken.content(one.after) for one in taken.differences(State("", state.notes), state) if one.after] == (
        [] if how == "limit" else [b"one"]
    )
    taken.objects.close()


def test_of_a_folder_that_is_gone_nothing_is_written_down(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    taken = snapshots(tmp_path / "work", tmp_path / "store")
    fill(taken, tmp_path / "work", 1)
    shutil.rmtree(tmp_path / "work")
    taken.remember()
    assert not (tmp_path / "store" / "known").exists()


def test_a_change_within_the_grain_of_the_clock_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def coarse(status: os.stat_result) -> tuple[int, ...]:
        second = 1_000_000_000
        times = (status.st_mtime_ns // second * second, status.st_ctime_ns // second * second)
        return (status.st_ino, *times, status.st_size, status.st_mode)

    monkeypatch.setattr("pillion_checkpoints.scanning._stamp", coarse)
    work = tmp_path / "work"
    work.mkdir()
    taken = snapshots(work, tmp_path / "store")
    found = []
    for text in ("one", "two", "six", "ten"):
        (work / "a").write_text(text)
        found.append(taken.look().tree)
    assert len(set(found)) == 4
    taken.objects.close()
