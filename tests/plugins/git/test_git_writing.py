"""Staging and commits leave the repository as git would, and run nothing of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pillion import ToolError
from pillion_git.asked import AskedCommit, AskedStage
from pillion_git.changing import CommitArguments, GitCommit, GitStage, StageArguments
from pillion_git.repository import Git

from ..conftest import RealCall
from .conftest import PROGRAM, Repo
from .test_git_hostile import Traps, traps  # noqa: F401 - a fixture


@pytest.fixture
def call(repo: Repo) -> RealCall:
    ground = repo.ground()
    return RealCall(ground.workspace, ground.processes)


async def stage(git: Git, call: RealCall, *paths: str, undo: bool = False) -> str:
    return await GitStage(git, 60).run(StageArguments(paths, undo), call)  # type: ignore[arg-type]


async def commit(git: Git, call: RealCall, message: str = "change") -> str:
    return await GitCommit(git, 60).run(CommitArguments(message), call)  # type: ignore[arg-type]


def change(repo: Repo) -> None:
    repo.write(".gitignore", "*.log\n")
    for name in ("a", "b", "deep/c", "deep/d", "run", "kind"):
        repo.write(name, f"{name}\n" * 20)
    repo.write("crlf.txt", "one\n")
    repo.commit()
    repo.write("a", "changed\n")
    (repo.root / "b").unlink()
    repo.write("deep/c", "changed\n")
    repo.write("deep/new/e", "new\n")
    repo.write("deep/x.log")
    (repo.root / "run").chmod(0o755)
    (repo.root / "kind").unlink()
    (repo.root / "kind").symlink_to("a")
    repo.write("crlf.txt", "two\r\n")
    repo.git("config", "core.autocrlf", "input")


async def test_what_is_staged_is_what_git_would_stage(git: Git, repo: Repo, call: RealCall) -> None:
    change(repo)
    await stage(git, call)
    ours = repo.git("ls-files", "--stage")
    assert (
        repo.git("status", "--porcelain").decode().splitlines()
        == repo.git("diff", "--cached", "--name-status").decode().replace("\t", "  ").splitlines()
    )
    repo.git("reset", "-q")
    repo.git("add", "-A")
    assert repo.git("ls-files", "--stage") == ours


async def test_some_files_and_folders_and_back_again(git: Git, repo: Repo, call: RealCall) -> None:
    change(repo)
    assert await stage(git, call, "deep", "b") == "Staged 3 files."
    assert repo.git("diff", "--cached", "--name-only").split() == [b"b", b"deep/c", b"deep/new/e"]
    await stage(git, call, "deep/new", "b", undo=True)
    assert repo.git("diff", "--cached", "--name-only").split() == [b"deep/c"]
    with pytest.raises(ToolError, match="nothing to stage"):
        await stage(git, call, "deep/x.log")
    assert repo.git("fsck", "--strict", "--no-dangling") == b""


async def test_a_commit_is_as_git_makes_it(git: Git, repo: Repo, call: RealCall) -> None:
    change(repo)
    before = repo.head()
    await stage(git, call)
    assert "on main: A title" in await commit(git, call, "A title\n\nAnd é.\n")
    assert repo.git("log", "-1", "--format=%P|%an|%ae|%cn|%s|%b").decode() == (
        f"{before}|Me|me@example.org|Me|A title|And é.\n\n"
    )
    assert repo.git("status", "--porcelain") == b""
    assert repo.git("reflog", "-1", "--format=%gs").decode() == "commit: A title\n"
    assert repo.git("rev-parse", "main@{1}").decode().strip() == before
    assert repo.git("fsck", "--strict", "--no-dangling") == b""
    with pytest.raises(ToolError, match="Nothing is staged"):
        await commit(git, call)


async def test_the_first_commit_one_on_no_branch_and_a_merge(git: Git, repo: Repo, call: RealCall) -> None:
    repo.write("a", "1\n")
    await stage(git, call)
    await commit(git, call, "first")
    repo.git("checkout", "-q", "-b", "side")
    repo.write("b", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "--detach", "main")
    repo.write("a", "2\n")
    await stage(git, call)
    await commit(git, call, "apart")
    assert repo.git("rev-parse", "HEAD^") == repo.git("rev-parse", "main")
    repo.git("merge", "-q", "--no-commit", "--no-ff", "side")
    await commit(git, call, "joined")
    assert len(repo.git("log", "-1", "--format=%P").split()) == 2
    assert not (repo.root / ".git" / "MERGE_HEAD").exists()


async def test_a_person_sees_what_is_committed_and_it_must_still_be_that(git: Git, repo: Repo, call: RealCall) -> None:
    change(repo)
    await stage(git, call, "a")
    tool = GitCommit(git, 60)
    arguments = CommitArguments("as shown")
    assert "+changed" in await tool.preview(arguments, call)  # type: ignore[arg-type]
    await stage(git, call, "deep/c")
    with pytest.raises(Exception, match="has changed since"):
        await tool.run(arguments, call)  # type: ignore[arg-type]


async def test_what_git_would_keep_otherwise_or_must_not_be_read_is_refused(
    git: Git, repo: Repo, call: RealCall, tmp_path: Path
) -> None:
    repo.write(".gitattributes", "*.big filter=lfs\n")
    for name in ("a.big", ".env", "b"):
        repo.write(name)
    with pytest.raises(ToolError, match="filter"):
        await stage(git, call, "a.big")
    with pytest.raises(ToolError):
        await stage(git, call, ".env")
    (repo.root / "a.big").unlink()
    await stage(git, call)
    assert repo.git("ls-files").split() == [b".gitattributes", b"b"]
    (repo.root / "out").symlink_to(tmp_path)
    with pytest.raises(ToolError):
        await git.stage(call, AskedStage(("out/home",)))
    with pytest.raises(ToolError):
        await git.stage(call, AskedStage((".git/config",)))


async def test_a_change_in_the_second_of_the_index_is_seen_behind_a_stage(git: Git, repo: Repo, call: RealCall) -> None:
    """Git looks at such a file's content only while the index is no younger than the file."""
    repo.git("config", "core.trustctime", "false")
    later = time.time_ns() + 100 * 10**9
    for name, text in (("a", "1\n"), ("b", "1\n")):
        repo.write(name, text)
        os.utime(repo.root / name, ns=(later, later))
    repo.commit()
    repo.write("a", "2\n")
    repo.write("b", "longer\n")
    os.utime(repo.root / "a", ns=(later, later))
    await stage(git, call, "b")
    os.utime(repo.root / ".git" / "index", ns=(2 * later, 2 * later))
    assert repo.git("status", "--porcelain") == b" M a\nM  b\n"


async def test_another_git_at_work_is_waited_for_by_nobody(git: Git, repo: Repo, call: RealCall) -> None:
    repo.write("a")
    (repo.root / ".git" / "index.lock").write_text("")
    with pytest.raises(ToolError, match=r"index\.lock"):
        await stage(git, call)


async def test_nobody_without_a_name_commits(repo: Repo, call: RealCall) -> None:
    repo.write("a")
    git = Git(PROGRAM, {"HOME": "/nowhere"})
    await stage(git, call)
    with pytest.raises(ToolError, match=r"user\.name"):
        await commit(git, call)


async def test_branches_and_objects_behind_links_are_not_written(
    git: Git, repo: Repo, call: RealCall, tmp_path: Path
) -> None:
    repo.write("a")
    repo.commit()
    repo.write("a", "changed\n")
    await stage(git, call)
    heads = repo.root / ".git" / "refs" / "heads"
    heads.rename(tmp_path / "heads")
    heads.symlink_to(tmp_path / "heads")
    with pytest.raises(ToolError, match="link"):
        await commit(git, call)


async def test_no_hook_and_no_other_program_runs(git: Git, traps: Traps) -> None:  # noqa: F811
    ground = traps.repo.ground()
    call = RealCall(ground.workspace, ground.processes)
    await stage(git, call, "c.text", "d.command")
    await git.commit(call, AskedCommit("trapped", 1_700_000_000, 0))
    assert traps.sprung() == set()
