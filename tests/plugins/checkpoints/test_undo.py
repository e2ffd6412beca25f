"""Undo, redo and restore: files, words, and what somebody else did meanwhile."""

from __future__ import annotations

from pathlib import Path

from pillion.events import TurnFailed
from pillion_checkpoints.strategies import Order

from .scene import image, scene


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
