"""A session on a worktree of its own, which is as git makes one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pillion import ToolError
from pillion_git.plugin import Config, Plugin
from pillion_git.repository import Git

from ...runtime.conftest import Serving, serving
from .conftest import Repo
from .test_git_diffs import change
from .test_git_hostile import Traps, traps  # noqa: F401 - a fixture


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path, plugins={"git": Plugin(Config())}) as running:
        yield running


async def test_a_session_opens_on_a_worktree(server: Serving, repo: Repo) -> None:
    change(repo)
    repo.write("in/deep/file")
    repo.commit("with a folder")
    repo.write("in/deep/file", "at work\n")
    asked = {"workspace": str(repo.root / "in"), "worktree": True}
    answer = await server.client.post("/api/sessions", json=asked)
    assert answer.status_code == 201, answer.text
    folder = Path(answer.json()["workspace"])
    tree = Repo(folder.parent, repo.home)
    assert folder.name == "in" and folder.parent.parent == Path(f"{repo.root}.worktrees")
    assert tree.git("status", "--porcelain") == b""
    assert tree.git("diff", "--stat", "main") == b""
    assert tree.git("rev-parse", "--abbrev-ref", "HEAD").startswith(b"pillion/")
    assert str(folder.parent).encode() in repo.git("worktree", "list")
    assert repo.git("status", "--porcelain") == b" M in/deep/file\n"
    repo.git("worktree", "remove", str(folder.parent))
    assert repo.git("fsck", "--strict", "--no-dangling") == b""


async def test_line_ends_are_those_of_the_folder(repo: Repo, home: Path) -> None:
    repo.write(".gitattributes", "*.txt text eol=crlf\n")
    repo.write("a.txt", "one\r\ntwo\r\n")
    repo.commit()
    folder = Path(await Git("", {"HOME": str(home)}).worktree(repo.ground(), ""))
    assert (folder / "a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert Repo(folder, home).git("status", "--porcelain") == b""


async def test_where_there_is_none_to_make_it_says_so(server: Serving, repo: Repo, tmp_path: Path) -> None:
    answer = await server.client.post("/api/sessions", json={"workspace": str(repo.root), "worktree": True})
    assert (answer.status_code, "committed" in answer.json()["detail"]) == (422, True)
    assert not [one for one in os.scandir(repo.root.parent) if one.name.endswith(".worktrees") and os.listdir(one)]
    async with serving(tmp_path / "other") as bare:
        answer = await bare.client.post("/api/sessions", json={"workspace": str(repo.root), "worktree": True})
        assert answer.status_code == 422


async def test_names_that_lead_out_are_not_written(repo: Repo, home: Path) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", data=b"evil").decode().strip()
    inner = repo.git("mktree", data=f"100644 blob {blob}\tconfig\n".encode()).decode().strip()
    tree = repo.git("mktree", data=f"040000 tree {inner}\t.GIT\n".encode()).decode().strip()
    commit = repo.git("commit-tree", "-m", "x", tree).decode().strip()
    repo.git("update-ref", "refs/heads/main", commit)
    with pytest.raises(ToolError, match="can't be written"):
        await Git("", {"HOME": str(home)}).worktree(repo.ground(), "")
    assert repo.git("branch").split() == [b"*", b"main"]
    assert not (repo.root / ".git" / "worktrees").exists() or not [*(repo.root / ".git" / "worktrees").iterdir()]


async def test_nothing_of_a_hostile_repository_runs(traps: Traps, home: Path) -> None:  # noqa: F811
    await Git("", {"HOME": str(home)}).worktree(traps.repo.ground(), "")
    assert traps.sprung() == set()
