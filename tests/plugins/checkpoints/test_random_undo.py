"""Random turns, a person beside them, undo and redo: restores are exact, and nothing of the person's is lost."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .scene import Scene, image, scene
from .test_trees import needs_git
from .wild import change, changes

LONG = bool(os.environ.get("PILLION_LONG"))
Changes = Sequence[tuple[str, bytes, Any]]
plain = changes.map(lambda found: [one for one in found if one[0] != "rules"])


def run(folder: Path, steps: Changes) -> None:
    for one in steps:
        change(folder, *one)


def repository(folder: Path) -> dict[str, tuple[object, ...]]:
    """A repository with a commit of what is there: nothing in its `.git` must ever change."""
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    place = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run(["git", *words], cwd=folder, env=place | who, check=True, capture_output=True)
    return image(folder / ".git")


async def back_and_forth(s: Scene, states: Sequence[dict[str, tuple[object, ...]]]) -> None:
    """All the way back, and forth again."""
    for state in reversed(states[:-1]):
        told = await s.go("undo")
        assert (told.left, image(s.folder)) == ((), state)
    for state in states[1:]:
        told = await s.go("redo")
        assert (told.left, image(s.folder)) == ((), state)


@pytest.mark.promise("undo.exact")
@needs_git
@settings(max_examples=150 if LONG else 8, deadline=None)
@given(plain, st.lists(st.lists(plain, min_size=1, max_size=2), min_size=1, max_size=2))
async def test_restores_are_exact(first: Changes, turns: list[list[Changes]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        async with scene(Path(place)) as s:
            run(s.folder, first)
            git = repository(s.folder)
            states = [image(s.folder)]
            for steps in turns:
                await s.turn(*[lambda step=step: run(s.folder, step) for step in steps])
                states.append(image(s.folder))
            await back_and_forth(s, states)
            assert image(s.folder / ".git") == git


@pytest.mark.promise("undo.not_over_anothers")
@settings(max_examples=150 if LONG else 8, deadline=None)
@given(plain, plain, plain, plain)
async def test_what_a_person_did_is_never_lost(first: Changes, turn: Changes, between: Changes, since: Changes) -> None:
    with tempfile.TemporaryDirectory() as place:
        async with scene(Path(place)) as s:
            run(s.folder, first)
            await s.turn(lambda: run(s.folder, turn))
            for theirs in (between, since):
                before = image(s.folder)
                run(s.folder, theirs)
                mine = image(s.folder)
                told = await s.go("undo" if theirs is between else "redo")
                now = image(s.folder)
                for path in before.keys() | mine.keys():
                    if before.get(path) != mine.get(path) and ("folder",) not in (before.get(path), mine.get(path)):
                        assert (
                            now.get(path) in (mine.get(path), ("folder",))
                            if path not in mine
                            else now[path] == mine[path]
                        ), (path, told)
