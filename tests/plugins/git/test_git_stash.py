"""Stashes are as git makes them, put back as git does, and never over what somebody has changed since."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pillion import Conflict, ToolError
from pillion.errors import ProtectedPath
from pillion.overlay import OverlaidWorkspace, Overlay, Overlays
from pillion_git.changing import GitStash, GitUnstash, StashArguments, UnstashArguments
from pillion_git.repository import Git
from pillion_git.stashes import Stashes

from ..checkpoints.scene import image
from ..conftest import RealCall
from .conftest import PROGRAM, Repo
from .test_git_hostile import Traps, traps  # noqa: F401 - a fixture
from .test_git_writing import call, change  # noqa: F401 - a fixture


@pytest.fixture
def git(home: Path) -> Git:
    """Stashes are dulwich's work with either engine."""
    return Git(PROGRAM, {"HOME": str(home)})


def folder(repo: Repo) -> dict[str, tuple[object, ...]]:
    """All but the repository itself, and folders, which git does not keep."""
    found = image(repo.root)
    return {path: said for path, said in found.items() if not path.startswith(".git/") and said != ("folder",)}


def state(repo: Repo) -> tuple[object, ...]:
    return folder(repo), repo.git("status", "--porcelain"), repo.git("ls-files", "--stage")


def prepared(repo: Repo) -> None:
    change(repo)
    repo.write("crlf.txt", "two\n")
    repo.write("staged", "new and staged\n")
    repo.git("add", "staged", "deep/c")
    repo.write("deep/c", "changed once more\n")
    (repo.root / "link").symlink_to("nowhere")
    repo.git("add", "link")


async def test_the_folder_and_the_stash_are_as_with_git(git: Git, repo: Repo, call: RealCall) -> None:  # noqa: F811
    prepared(repo)
    changed = folder(repo)
    repo.git("stash", "push", "-q")
    theirs, after = repo.git("rev-parse", "stash^{tree}", "stash^2^{tree}", "stash^1"), state(repo)
    repo.git("stash", "pop", "-q", "--index")
    assert folder(repo) == changed
    done = await Stashes(git).save(call)
    assert (repo.git("rev-parse", "stash^{tree}", "stash^2^{tree}", "stash^1"), state(repo)) == (theirs, after)
    assert done.commit == repo.git("rev-parse", "stash").decode().strip()
    said = repo.git("stash", "list").decode()
    assert said.startswith(f"stash@{{0}}: WIP on main: {repo.head()[:7]} change")
    repo.git("stash", "pop", "-q", "--index")
    assert folder(repo) == changed
    assert repo.git("fsck", "--strict", "--no-dangling") == b""


async def test_what_comes_back_is_as_with_git(git: Git, repo: Repo, call: RealCall) -> None:  # noqa: F811
    prepared(repo)
    repo.git("stash", "push", "-q")
    repo.git("config", "core.autocrlf", "true")
    repo.git("stash", "apply", "-q")
    theirs = state(repo)
    assert b"\r\n" in (repo.root / "a").read_bytes()
    repo.git("reset", "-q", "--hard")
    await Stashes(git).put_back(call)
    assert state(repo) == theirs
    assert repo.git("stash", "list") == b"" and not (repo.root / ".git/refs/stash").exists()


async def test_several_are_named_by_their_hashes_and_forgotten_one_by_one(
    git: Git,
    repo: Repo,
    call: RealCall,  # noqa: F811
) -> None:
    repo.write("a", "1\n")
    repo.commit()
    kept = Stashes(git)
    for number in "234":
        repo.write("a", f"{number}\n")
        await kept.save(call, f"number {number}")
    four, three, two = (await kept.list(call)).data
    assert [one.title for one in (four, three, two)] == [f"On main: number {number}" for number in "432"]
    await kept.drop(call, three.commit)
    await kept.put_back(call, two.commit[:8], keep=True)
    assert (repo.root / "a").read_text() == "2\n"
    assert repo.git("stash", "list", "--format=%H").decode().split() == [four.commit, two.commit]
    await kept.drop(call, four.commit)
    assert repo.git("rev-parse", "stash").decode().strip() == two.commit
    with pytest.raises(ToolError, match="no stash"):
        await kept.drop(call, four.commit)
    assert repo.git("fsck", "--strict", "--no-dangling") == b""


async def test_what_was_stashed_with_what_git_did_not_know_comes_back(
    git: Git,
    repo: Repo,
    call: RealCall,  # noqa: F811
) -> None:
    repo.write("a", "1\n")
    repo.commit()
    repo.write("a", "2\n")
    repo.write("new/b", "b\n")
    before = state(repo)
    repo.git("stash", "push", "-q", "-u")
    await Stashes(git).put_back(call)
    assert state(repo) == before


async def test_nothing_is_put_over_what_has_changed_since(git: Git, repo: Repo, call: RealCall) -> None:  # noqa: F811
    repo.write("a", "1\n")
    repo.write("b", "1\n")
    repo.commit()
    repo.write("a", "2\n")
    repo.write("b", "2\n")
    kept = Stashes(git)
    await kept.save(call)
    repo.write("b", "mine\n")
    with pytest.raises(ToolError, match="nothing was put back: b"):
        await kept.put_back(call)
    assert ((repo.root / "a").read_text(), (repo.root / "b").read_text()) == ("1\n", "mine\n")
    assert len((await kept.list(call)).data) == 1


async def test_what_is_unsaved_or_protected_is_not_stashed(git: Git, repo: Repo, call: RealCall) -> None:  # noqa: F811
    repo.write("a", "1\n")
    repo.write(".env", "KEY=1\n")
    repo.commit()
    repo.write("a", "2\n")
    overlays = Overlays(call.emit)
    await overlays.put(Overlay.of("a", "unsaved\n", 1))
    call.workspace = OverlaidWorkspace(call.workspace, overlays, lambda event: call.emit(event))  # type: ignore[assignment]
    with pytest.raises(Conflict, match="unsaved"):
        await Stashes(git).save(call)
    repo.write(".env", "KEY=2\n")
    with pytest.raises(ProtectedPath):
        await Stashes(git).save(repo_call(repo))
    assert (repo.root / "a").read_text() == "2\n" and repo.git("stash", "list") == b""


def repo_call(repo: Repo) -> RealCall:
    ground = repo.ground()
    return RealCall(ground.workspace, ground.processes)


async def test_where_the_folder_can_not_be_written_no_stash_is_left(
    git: Git,
    repo: Repo,
    call: RealCall,  # noqa: F811
) -> None:
    for name in ("a", "in/b"):
        repo.write(name, "1\n")
    repo.commit()
    for name in ("a", "in/b"):
        repo.write(name, "2\n")
    write_all = call.workspace.write_all

    async def late(writes: object) -> object:
        repo.write("a", "of this moment\n")
        return await write_all(writes)  # type: ignore[arg-type]

    call.workspace.write_all = late  # type: ignore[method-assign,assignment]
    with pytest.raises(Conflict):
        await Stashes(git).save(call)
    assert ((repo.root / "a").read_text(), (repo.root / "in/b").read_text()) == ("of this moment\n", "2\n")
    assert repo.git("stash", "list") == b""


async def test_a_folder_within_the_repository_stashes_what_is_its_own(git: Git, repo: Repo) -> None:
    for name in ("a", "in/b"):
        repo.write(name, "1\n")
    repo.commit()
    for name in ("a", "in/b"):
        repo.write(name, "2\n")
    ground = repo.ground("in")
    inner = RealCall(ground.workspace, ground.processes)
    await Stashes(git).save(inner)
    assert repo.git("status", "--porcelain") == b" M a\n"
    await Stashes(git).put_back(inner)
    assert repo.git("status", "--porcelain") == b" M a\n M in/b\n"


async def test_a_person_sees_the_files_and_the_diff(git: Git, repo: Repo, call: RealCall) -> None:  # noqa: F811
    repo.write("a", "1\n")
    repo.commit()
    repo.write("a", "2\n")
    tool = GitStash(git, 60)
    assert await tool.preview(StashArguments(), call) == "Stash the changes of:\n  a"  # type: ignore[arg-type]
    assert "Its hash is" in await tool.run(StashArguments("two\nlines"), call)  # type: ignore[arg-type]
    assert [event.path for event in call.events] == ["a"]  # type: ignore[attr-defined]
    back = GitUnstash(git, 60)
    assert "-1\n+2" in await back.preview(UnstashArguments(), call)  # type: ignore[arg-type]
    assert await back.run(UnstashArguments(), call) == "Put back: On main: two lines"  # type: ignore[arg-type]


async def test_nothing_of_a_hostile_repository_runs(git: Git, traps: Traps, tmp_path: Path) -> None:  # noqa: F811
    repo = traps.repo
    repo.git(
        "-c", "core.hooksPath=/dev/null", "-c", "filter.process.process=", "checkout", "-q", "--", "a.evil", "b.process"
    )
    traps.sprung()
    call_ = repo_call(repo)
    await Stashes(git).save(call_)
    await Stashes(git).put_back(call_)
    assert traps.sprung() == set()
    logs = repo.root / ".git" / "logs" / "refs"
    logs.rename(tmp_path / "logs")
    os.symlink(tmp_path / "logs", logs)
    with pytest.raises(ToolError):
        await Stashes(git).save(call_)
