"""The trees of snapshots against those of the git program."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillion_checkpoints.objects import Objects
from pillion_checkpoints.snapshots import Settings, Snapshots

from .scene import image
from .wild import change, changes

LONG = bool(os.environ.get("PILLION_LONG"))
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="the git program is not installed")


def git(work: Path, store: Path, *words: str) -> str:
    """Git with a repository of its own, an empty index and nobody's settings."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(store), "GIT_DIR": str(store), "GIT_WORK_TREE": str(work),
        "GIT_CONFIG_NOSYSTEM": "1",
    }  # fmt: skip
    done = subprocess.run(["git", *words], cwd=work, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def tree_of(work: Path, store: Path) -> str:
    (store / "index").unlink(missing_ok=True)
    git(work, store, "add", "-A")
    return git(work, store, "write-tree")


def snapshots(work: Path, store: Path, **more: Any) -> Snapshots:
    return Snapshots(work, store, Settings(more.pop("limit", 1 << 20), **more), lambda path: False)


@needs_git
@settings(max_examples=400 if LONG else 25, deadline=None)
@given(st.lists(changes, min_size=1, max_size=3))
def test_they_are_what_git_makes_of_the_same_files(rounds: list[list[tuple[str, bytes, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        work, store, other = Path(folder, "work"), Path(folder, "store"), Path(folder, "git")
        work.mkdir()
        Objects(other).close()
        taken = snapshots(work, store)
        for round in rounds:
            for one in round:
                change(work, *one)
            before = image(work)
            state = taken.look()
            assert state.tree == (tree_of(work, other).replace("4b825dc642cb6eb9a060e54bf8d69288fbee4904", ""))
            taken.keep(state, f"s/{len(list(taken.objects.refs()))}", {})
            assert image(work) == before
        taken.objects.close()
        assert git(work, store, "fsck", "--full", "--strict", "--no-dangling") == ""


@needs_git
def test_a_gitignore_that_is_a_folder_stops_nothing(tmp_path: Path) -> None:
    work, store, other = tmp_path / "work", tmp_path / "store", tmp_path / "git"
    (work / ".gitignore").mkdir(parents=True)
    (work / ".gitignore" / "in").write_text("one")
    Objects(other).close()
    taken = snapshots(work, store)
    assert taken.look().tree == tree_of(work, other)
    before = len(os.listdir("/proc/self/fd"))
    taken.look()
    assert len(os.listdir("/proc/self/fd")) <= before
    taken.objects.close()
