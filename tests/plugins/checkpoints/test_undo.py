"""Undo, redo and restore: files, words, and what somebody else did meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from pillion import LocalWorkspace, Write
from pillion.events import TurnCancelled, TurnFailed
from pillion.overlay import Overlay
from pillion.testing.kit import frames
from pillion.testing.scripted import Gate, Pause, calls, says
from pillion_checkpoints.shelf import Book, Ready
from pillion_checkpoints.snapshots import Snapshots
from pillion_checkpoints.state import State
from pillion_checkpoints.strategies import Order
from pillion_checkpoints.watching import LULL

from .scene import PROGRAMS, image, scene


@pytest.mark.promise("undo.words")
async def test_a_turn_is_taken_back_and_done_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["a"], s["gone/deep/b"] = "one", "b"
        before = image(s.folder)
        await s.turn(("a", "two"), lambda: (s.folder / "gone/deep/b").unlink(), ("new/c", "c"), words="first")
        await s.turn(lambda: s.__setitem__("a", "three"), words="second")
        after = image(s.folder)
        assert await s.words() == ["first", "done", "second", "done"]
        told = await s.go("undo")
        assert (s["a"], told.files, told.paths, told.left) == ("two", 1, ("a",), ())
        assert await s.words() == ["first", "done"]
        told = await s.go("undo")
        assert (image(s.folder), await s.words()) == (before, [])
        assert set(told.paths) == {"a", "gone/deep/b", "new/c"}
        await s.go("redo")
        await s.go("redo")
        assert (image(s.folder), await s.words()) == (after, ["first", "done", "second", "done"])
        end = await s.host.run(s.session, "", strategy="redo", arguments=Order())
        assert isinstance(end, TurnFailed) and "nothing to redo" in end.message


@pytest.mark.promise("undo.not_over_anothers")
async def test_what_a_person_changed_since_is_shown_and_left(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["a"], s["b"], s["c"] = "one\n", "one\n", "one\n"
        await s.turn(("a", "two\n"), lambda: s.__setitem__("b", "two\n"))
        s["a"], s["c"] = "mine\n", "mine\n"
        told = await s.go("undo")
        assert (s["a"], s["b"], s["c"]) == ("mine\n", "one\n", "mine\n")
        assert [(one.path, one.why) for one in told.left] == [("a", "changed"), ("c", "changed")]
        assert "-mine\n+one\n" in told.left[0].diff
        await s.go("redo")
        assert (s["a"], s["b"], s["c"]) == ("mine\n", "two\n", "mine\n")
        await s.go("undo", overwrite=True)
        assert (s["a"], s["b"], s["c"]) == ("one\n", "one\n", "one\n")
        await s.go("redo")
        assert (s["a"], s["b"], s["c"]) == ("mine\n", "two\n", "mine\n")


async def test_folders_that_became_files_are_folders_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["full/deep/a"] = "a"
        (s.folder / "empty").mkdir()
        before = image(s.folder)

        def change() -> None:
            shutil.rmtree(s.folder / "full")
            (s.folder / "empty").rmdir()
            s["full"] = s["empty"] = "file"

        await s.turn(change)
        after = image(s.folder)
        await s.go("undo")
        assert image(s.folder) == before
        await s.go("redo")
        assert image(s.folder) == after


async def test_a_restore_that_is_cut_off_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillion_checkpoints.restoring.AT_ONCE", 1)
    async with scene(tmp_path) as s:
        for name in "abcdef":
            s[name] = "one"
        before = image(s.folder)
        await s.turn(lambda: [s.__setitem__(name, "two") for name in "abcdef"])
        accepted = await s.session.prompt("", strategy="undo", arguments=Order())
        reader = s.session.follow(accepted.after)
        while not any(frame.type == "file.changed" for frame in await reader.page()):
            pass
        await s.session.cancel()
        assert isinstance(await s.session.ended(accepted.turn, accepted.after), TurnCancelled)
        assert image(s.folder) != before and "two" in {s[name] for name in "abcdef"}
        told = await s.go("undo")
        assert (told.left, image(s.folder)) == ((), before)


async def test_what_a_person_saves_while_the_model_thinks_is_theirs(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["a"], s["b"], gate = "one", "one", Gate()
        put = calls(("put", json.dumps({"text": json.dumps(["c", "two"])})))
        s.host.provider.script(put, [gate, *calls(("program", "{}"))], says("done"))
        PROGRAMS.append(lambda: s.__setitem__("b", "two"))
        accepted = await s.session.prompt("go")
        reader = s.session.follow(accepted.after)
        while not any(frame.type == "checkpoint.taken" and b'"step":2' in frame.data for frame in await reader.page()):
            pass  # the workspace is looked at as the second step begins
        s["a"] = "mine"
        gate.opened.set()
        await s.session.ended(accepted.turn, accepted.after)
        told = await s.go("undo")
        assert (s["a"], s["b"], s["c"]) == ("mine", "one", None)
        assert [(one.path, one.why) for one in told.left] == [("a", "changed")]


async def test_what_a_person_saves_right_behind_the_models_write_is_theirs(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["a"] = "one"
        put = json.dumps({"text": json.dumps(["a", "two"])})
        s.host.provider.script(calls(("put", put), ("meanwhile", "{}")), says("done"))
        PROGRAMS.append(lambda: s.__setitem__("a", "mine"))
        await s.host.run(s.session, "go")
        told = await s.go("undo")
        assert (s["a"], [(one.path, one.why) for one in told.left]) == ("mine", [("a", "changed")])


@pytest.mark.parametrize("overwrite", [False, True])
async def test_what_a_person_saves_while_files_are_put_back_is_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    saves, write_all = ["mine", "mine still"], LocalWorkspace.write_all

    async def late(workspace: LocalWorkspace, writes: Sequence[Write]) -> Sequence[str]:
        if saves:
            (workspace.root / "a").write_text(saves.pop(0))
        return await write_all(workspace, writes)

    async with scene(tmp_path) as s:
        s["a"], s["b"] = "one", "one"
        await s.turn(("a", "two"), ("b", "two"))
        monkeypatch.setattr(LocalWorkspace, "write_all", late)
        told = await s.go("undo", overwrite=overwrite)
        assert (s["a"], s["b"], [(one.path, one.why) for one in told.left]) == ("mine still", "one", [("a", "changed")])


async def test_a_restore_goes_to_one_step_and_can_be_undone(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["a"] = "one"
        await s.turn(("a", "two"), ("a", "three"))
        second = next(mark for mark in (await s.timeline()).marks if mark.event.step == 2)
        await s.go("restore", checkpoint=second.id[:8])
        assert (s["a"], await s.words()) == ("two", ["go"])
        await s.go("undo")
        assert (s["a"], await s.words()) == ("three", ["go", "done"])


async def test_what_is_unsaved_in_an_editor_is_left(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["a"], s["b"] = "one", "one"
        await s.turn(("a", "two"), ("b", "two"))
        await s.session.overlays.put(Overlay.of("a", "unsaved", 1))
        told = await s.go("undo")
        assert (s["a"], s["b"], [(one.path, one.why) for one in told.left]) == ("two", "one", [("a", "unsaved")])


async def test_a_turn_of_words_waits_for_no_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, done, look = threading.Event(), threading.Event(), Snapshots.look

    def slowly(snapshots: Snapshots) -> State:
        begun.set()
        done.wait(60)
        return look(snapshots)

    monkeypatch.setattr(Snapshots, "look", slowly)
    async with scene(tmp_path) as s:
        s["a"], gate = "one", Gate()
        s.host.provider.script([gate, *says("hello")])
        accepted = await s.session.prompt("go")
        with trio.fail_after(30):
            await trio.to_thread.run_sync(begun.wait, 30)
            gate.opened.set()
            await s.session.ended(accepted.turn, accepted.after)
        assert not done.is_set()
        done.set()
        await s.turn(("a", "two"))
        await s.go("undo")
        assert s["a"] == "one"


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When a snapshot was begun."""
    begun, ready = [], Book.ready

    async def counted(book: Book, *given: Any) -> Ready:
        begun.append(trio.current_time())
        return await ready(book, *given)

    monkeypatch.setattr(Book, "ready", counted)
    return begun


async def test_a_few_quick_words_need_no_snapshot(
    tmp_path: Path, looks: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(tmp_path) as s:
        for seconds, taken in ((LULL / 2, 0), (LULL * 2, 1)):
            s.host.provider.script([Pause(seconds), *says("hello")])
            accepted = await s.session.prompt("go")
            await s.session.ended(accepted.turn, accepted.after)
            assert len(looks) == taken


async def test_behind_a_program_it_is_looked_at_once(
    tmp_path: Path, looks: list[float], mock_clock: trio.testing.MockClock
) -> None:
    """What a person saves from then on is not taken for the program's."""
    async with scene(tmp_path) as s:
        gate = Gate()
        s.host.provider.script(calls(("program", "{}")), [gate, *says("done")])
        PROGRAMS.append(lambda: s.__setitem__("a", "two"))
        accepted = await s.session.prompt("go")
        await gate.reached.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert len(looks) == 2, "before the program, and behind it; no time has passed"
        gate.opened.set()
        await s.session.ended(accepted.turn, accepted.after)


async def test_a_write_waits_for_a_line_in_the_log_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it needs is kept already when the model has answered."""

    def fail(*arguments: object) -> State:
        raise OSError(5, "Input/output error")

    async with scene(tmp_path) as s:
        s["a"], gate = "one", Gate()
        put = calls(("put", json.dumps({"text": json.dumps(["a", "two"])})))
        s.host.provider.script([gate, *put], says("done"))
        accepted = await s.session.prompt("go")
        with trio.fail_after(30):
            while not list(s.data.glob("plugins/checkpoints/*.git/refs/pillion/*/*")):
                await trio.to_thread.run_sync(os.sched_yield)
        monkeypatch.setattr(Snapshots, "look", fail)
        monkeypatch.setattr(Snapshots, "keep", fail)
        gate.opened.set()
        await s.session.ended(accepted.turn, accepted.after)
        kinds = [frame.type for frame in await frames(s.session, accepted.after)]
        assert kinds.index("checkpoint.taken") < kinds.index("tool.finished") < kinds.index("checkpoint.missed")
        assert s["a"] == "two"


async def test_what_no_step_needed_is_given_up(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s["a"] = "one"
        for _ in range(3):
            await s.turn()
        await s.turn(("a", "two"))
        await s.go("undo")
        kept = list(s.data.glob("plugins/checkpoints/*.git/refs/pillion/*/*"))
        assert len(kept) == len((await s.timeline()).marks) == 4
