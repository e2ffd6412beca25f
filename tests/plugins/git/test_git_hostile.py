"""A repository that names programs wherever git takes one: none of them ever runs, though git alone would run each."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from pillion import LocalWorkspace, ToolError
from pillion_git.asked import AskedBlame, AskedBranches, AskedDiff, AskedLog, AskedShow, AskedStatus
from pillion_git.repository import Git

from .conftest import PROGRAM, Repo

HOOKS = ("post-index-change", "pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction",
         "post-checkout", "pre-auto-gc", "post-rewrite")  # fmt: skip


class Traps:
    """Programs that write down that they ran, in `marks`."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self.repo, self._folder = repo, folder
        self._marks = folder / "marks"
        self._marks.mkdir(parents=True)

    def program(self, name: str, then: str = "exit 0") -> str:
        file = self._folder / name
        file.write_text(f"#!/bin/sh\n: > {self._marks / name}\n{then}\n")
        file.chmod(0o755)
        return str(file)

    def sprung(self) -> set[str]:
        """Those that ran since it was last asked."""
        found = {file.name for file in self._marks.iterdir()}
        for file in self._marks.iterdir():
            file.unlink()
        return found

    def arm(self) -> None:
        repo = self.repo
        settings = repo.root / ".git" / "more"
        settings.write_text(f"[diff]\n\texternal = {self.program('included')}\n")
        for key, value in {
            "core.fsmonitor": self.program("fsmonitor"),
            "filter.evil.clean": self.program("clean", "cat"),
            "filter.evil.smudge": self.program("smudge", "cat"),
            "filter.process.process": self.program("process", "exit 1"),
            "diff.evil.command": self.program("command"),
            "diff.text.textconv": self.program("textconv", 'cat "$1"'),
            "core.pager": self.program("pager", "cat"),
            "pager.status": self.program("status_pager", "cat"),
            "core.sshCommand": self.program("ssh", "exit 1"),
            "core.editor": self.program("editor"),
            "alias.st": f"!{self.program('alias')}",
            "gpg.program": self.program("gpg", "exit 1"),
            "log.showSignature": "true",
            "remote.origin.url": "ssh://example.invalid/x",
            "remote.origin.promisor": "true",
            "extensions.partialClone": "origin",
            "core.repositoryformatversion": "1",
            "merge.evil.driver": self.program("merge"),
            "credential.helper": self.program("helper"),
            "include.path": "more",
        }.items():
            repo.git("config", key, value)
        for hook in HOOKS:
            (repo.root / ".git" / "hooks").mkdir(exist_ok=True)
            (repo.root / ".git" / "hooks" / hook).symlink_to(self.program(hook))

    def tempt(self, *arguments: str, terminal: bool = False) -> set[str]:
        """What the program runs with its defaults."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.repo.home), "TERM": "xterm"}
        ours, theirs = os.openpty()
        try:
            out = theirs if terminal else subprocess.DEVNULL
            subprocess.run(
                [PROGRAM, *arguments], cwd=self.repo.root, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.DEVNULL, timeout=60, check=False,
            )  # fmt: skip
        finally:
            os.close(ours)
            os.close(theirs)
        return self.sprung()


def touch(repo: Repo) -> None:
    """Every file differs from the index by its time, and one by its content."""
    for name in ("a.evil", "b.process", "c.text", "d.command", "plain"):
        os.utime(repo.root / name, (5, 5))
    repo.write("a.evil", "changed\n")
    repo.write("b.process", "c0ntent\n")
    repo.write("c.text", "another\n")
    repo.write("d.command", "further\n")


@pytest.fixture
def traps(repo: Repo, tmp_path: Path, home: Path) -> Traps:
    other = Repo(tmp_path / "other", home).begin()
    other.write("x")
    other.commit()
    attributes = "*.evil filter=evil merge=evil\n*.process filter=process\n*.text diff=text\n*.command diff=evil\n"
    repo.write(".gitattributes", attributes)
    for name in ("a.evil", "b.process", "c.text", "d.command", "plain"):
        repo.write(name, "content\n")
    repo.git("submodule", "--quiet", "add", str(other.root), "sub")
    repo.commit("one")
    repo.write("plain", "two\n")
    repo.commit("two")
    traps = Traps(repo, tmp_path / "traps")
    Repo(repo.root / "sub", home).git("config", "core.fsmonitor", traps.program("inner"))
    (repo.root / "sub" / "x").write_text("changed\n")
    traps.arm()
    touch(repo)
    return traps


def test_git_alone_would_run_each(traps: Traps) -> None:
    """So that the test below could fail."""
    without = ("-c", "filter.process.process=")  # git may end when it fails
    assert "process" in traps.tempt("status")
    touch(traps.repo)
    assert {"fsmonitor", "inner", "post-index-change", "clean"} <= traps.tempt(*without, "status")
    assert {"command", "included"} <= traps.tempt(*without, "diff")
    assert "textconv" in traps.tempt(*without, "diff", "--no-ext-diff")
    assert "textconv" in traps.tempt("blame", "c.text")
    assert "pager" in traps.tempt("log", terminal=True)
    assert "status_pager" in traps.tempt("status", terminal=True)
    assert "alias" in traps.tempt("st")
    assert "ssh" in traps.tempt("show", "1" * 40) | traps.tempt("fetch")
    for key in ("filter.process.process", "extensions.partialClone", "remote.origin.promisor"):
        traps.repo.git("config", "--unset", key)
    traps.repo.write("plain", "three\n")
    hooks = {"pre-commit", "commit-msg", "post-commit", "reference-transaction"}
    assert hooks <= traps.tempt("commit", "-m", "x", "plain")


async def test_none_of_it_runs_when_it_is_looked_at(traps: Traps, git: Git) -> None:
    ground = traps.repo.ground()
    for each in (False, True):
        found = await git.status(ground, AskedStatus(each))
        assert {change.path for change in found.changes} >= {"a.evil", "c.text", "sub"}
    for asked in (AskedDiff(), AskedDiff(staged=True), AskedDiff(base="HEAD"), AskedDiff(base="HEAD~1", to="HEAD")):
        await git.diff(ground, asked)
    await git.log(ground, AskedLog(path="plain"))
    await git.show(ground, AskedShow("HEAD"))
    with contextlib.suppress(ToolError):
        await git.show(ground, AskedShow("1" * 40))
    for name in ("c.text", "a.evil", "plain"):
        await git.blame(ground, AskedBlame(name))
    await git.branches(ground, AskedBranches(True))
    assert traps.sprung() == set()


async def test_settings_of_a_repository_lead_nowhere_else(git: Git, repo: Repo, tmp_path: Path) -> None:
    """Its work tree, its ignore file and its attributes can't be files of the user's elsewhere."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "diary").write_text("dear diary\n")
    repo.write("a")
    repo.commit()
    repo.git("config", "core.worktree", str(tmp_path / "private"))
    assert (await git.status(repo.ground())).changes == []


def private(tmp_path: Path, home: Path) -> Repo:
    found = Repo(tmp_path / "private", home).begin()
    found.write("diary", "dear diary\n")
    found.commit("secret")
    return found


async def refused(git: Git, root: Path, home: Path) -> None:
    ground = Repo(root, home).ground()
    for looking in (git.status(ground), git.log(ground, AskedLog()), git.diff(ground, AskedDiff())):
        with pytest.raises(ToolError, match=r"not followed|no repository"):
            await looking


@pytest.mark.parametrize("how", ["file", "link"])
async def test_a_git_that_leads_elsewhere_is_not_followed(git: Git, tmp_path: Path, home: Path, how: str) -> None:
    there = private(tmp_path, home)
    (tmp_path / "work").mkdir()
    if how == "file":
        (tmp_path / "work" / ".git").write_text(f"gitdir: {there.root / '.git'}\n")
    else:
        (tmp_path / "work" / ".git").symlink_to(there.root / ".git")
    assert b"secret" in Repo(tmp_path / "work", home).git("log")  # git does
    await refused(git, tmp_path / "work", home)


@pytest.mark.parametrize("what", ["objects", "refs", "HEAD", "index", "packed-refs", "commondir"])
async def test_parts_that_lead_elsewhere_are_not_followed(
    git: Git, repo: Repo, tmp_path: Path, home: Path, what: str
) -> None:
    there = private(tmp_path, home)
    there.git("pack-refs", "--all")
    repo.write("a")
    repo.commit()
    part = repo.root / ".git" / what
    if what == "commondir":
        part.write_text(str(there.root / ".git"))
    else:
        part.rename(tmp_path / "old") if part.exists() else None
        part.symlink_to(there.root / ".git" / what)
    await refused(git, repo.root, home)


@pytest.mark.parametrize("how", ["alternates", "quoted", "deeper", "pack"])
async def test_objects_of_another_repository_are_not_read(
    git: Git, repo: Repo, tmp_path: Path, home: Path, how: str
) -> None:
    """Though a branch names a commit of it."""
    there = private(tmp_path, home)
    repo.write("a")
    repo.commit()
    objects, theirs = repo.root / ".git" / "objects", there.root / ".git" / "objects"
    if how == "pack":
        there.git("repack", "-q", "-a", "-d")
        (objects / "pack").rmdir()
        (objects / "pack").symlink_to(theirs / "pack")
    elif how == "deeper":
        (repo.root / "lent" / "info").mkdir(parents=True)
        (repo.root / "lent" / "info" / "alternates").write_text(f"{theirs}\n")
        (objects / "info" / "alternates").write_text("../../lent\n")
    else:
        (objects / "info" / "alternates").write_text(f'"{theirs}"\n' if how == "quoted" else f"# lent\n{theirs}\n")
    (repo.root / ".git" / "refs" / "heads" / "theirs").write_text(there.head() + "\n")
    assert b"dear diary" in repo.git("show", "theirs")
    with pytest.raises(ToolError, match="not followed"):
        await git.show(repo.ground(), AskedShow("theirs"))


async def test_what_a_trusted_repository_borrows_is_read(git: Git, repo: Repo, tmp_path: Path, home: Path) -> None:
    there = private(tmp_path, home)
    repo.git("clone", "-q", "--shared", str(there.root), str(tmp_path / "clone"))
    ground = repo.ground()
    ground.workspace = LocalWorkspace(tmp_path / "clone", lenders=("/",))
    assert (await git.show(ground, AskedShow(there.head()))).commit.id == there.head()


async def test_objects_that_are_lent_within_the_folder_are_read(git: Git, repo: Repo) -> None:
    repo.write("a")
    repo.commit("lent")
    (repo.root / ".git" / "objects").rename(repo.root / ".git" / "lent")
    (repo.root / ".git" / "objects" / "info").mkdir(parents=True)
    (repo.root / ".git" / "objects" / "info" / "alternates").write_text("../lent\n")
    assert (await git.show(repo.ground(), AskedShow())).commit.title == "lent"


async def test_a_git_folder_in_the_workspace_is_followed_and_runs_nothing(
    git: Git, repo: Repo, tmp_path: Path, home: Path
) -> None:
    repo.write("a")
    repo.commit()
    (repo.root / ".git").rename(repo.root / "kept.git")
    (repo.root / ".git").write_text("gitdir: kept.git\n")
    assert [change.path for change in (await git.status(repo.ground())).changes] == ["kept.git/"]


async def test_a_fifo_in_place_of_a_file_holds_up_nobody(repo: Repo, home: Path) -> None:
    repo.write("a")
    repo.commit()
    for name in ("config", "info/exclude"):
        (repo.root / ".git" / name).unlink(missing_ok=True)
        os.mkfifo(repo.root / ".git" / name)
    os.mkfifo(repo.root / ".gitattributes")
    os.mkfifo(repo.root / ".gitignore")
    repo.write("a", "changed\n")
    found = await Git("", {"HOME": str(home)}).status(repo.ground())
    assert [change.path for change in found.changes] == ["a"]
