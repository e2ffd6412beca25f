"""The tools of git in a fork: they see what its origin has committed, and what a hostile origin leads to they don't."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pillion import Workspace
from pillion.processes import Processes
from pillion_forks.plugin import Config
from pillion_git.asked import AskedCommit, AskedLog, AskedStage, AskedStatus
from pillion_git.repository import Git

from ..git.conftest import PROGRAM
from .scene import scene
from .test_forks import WAYS


@dataclass
class Ground:
    workspace: Workspace
    processes: Processes


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run([PROGRAM, *who, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


def begun(folder: Path, title: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("one\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", title)
    return git(folder, "rev-parse", "HEAD")


@WAYS
@pytest.mark.parametrize("program", [PROGRAM, ""])
async def test_they_see_what_its_origin_has_committed(way: str, program: str, tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way=way)) as scene_:  # type: ignore[arg-type]
        head = begun(scene_.folder, "first")
        fork, root = await scene_.make()
        workspace = scene_.host.kernel.catalog.workspace(fork.address)
        ground = Ground(workspace, Processes({"PATH": os.environ["PATH"], "HOME": str(tmp_path)}))
        asking = Git(program, {"HOME": str(tmp_path)})
        (root / "a.txt").write_text("two\n")
        found = await asking.status(ground, AskedStatus())
        assert [(one.path, one.unstaged) for one in found.changes] == [("a.txt", "changed")]
        git(scene_.folder, "config", "user.name", "a")
        (tmp_path / ".gitconfig").write_text("[user]\nname = a\nemail = a@b\n")
        await asking.stage(ground, AskedStage(("a.txt",)))
        await asking.commit(ground, AskedCommit("second", 1_700_000_000, 0))
        assert [one.title for one in (await asking.log(ground, AskedLog())).commits] == ["second", "first"]
        other = await scene_.forks.make(fork.address)
        await scene_.forks.drop(fork.id)
        ground = Ground(scene_.host.kernel.catalog.workspace(other.address), ground.processes)
        assert [one.title for one in (await asking.log(ground, AskedLog())).commits] == ["second", "first"]
        assert git(scene_.folder, "rev-parse", "HEAD") == head and git(scene_.folder, "status", "--short") == ""


@WAYS
async def test_a_git_file_that_leads_to_another_repository_is_not_taken_over(way: str, tmp_path: Path) -> None:
    async with scene(tmp_path, Config(way=way)) as scene_:  # type: ignore[arg-type]
        begun(tmp_path / "private", "dear diary")
        (scene_.folder / "a.txt").write_text("one\n")
        (scene_.folder / ".git").write_text(f"gitdir: {tmp_path}/private/.git\n")
        _, root = await scene_.make()
        assert not (root / ".git").exists() and (root / "a.txt").exists()
