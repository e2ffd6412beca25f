"""A repository that is broken, or newer than what is known here: a clear word, no wrong answer, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pillion import ToolError
from pillion_git.asked import AskedCommit, AskedShow
from pillion_git.repository import Git

from .conftest import PROGRAM, Repo

HEADLESS = "The repository is damaged: HEAD leads to no commit."
NEWER = "[core]\nrepositoryformatversion = {}\n[extensions]\nfancy = 1\n"


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "an empty HEAD": (lambda git: (git / "HEAD").write_text(""), HEADLESS),
    "a HEAD of bytes": (lambda git: (git / "HEAD").write_bytes(b"\xff\xfe\x00"), HEADLESS),
    "a HEAD that names itself": (lambda git: (git / "HEAD").write_text("ref: HEAD\n"), HEADLESS),
    "a HEAD at what is not there": (lambda git: (git / "HEAD").write_text("1" * 40 + "\n"), HEADLESS),
    "a branch at what is not there": (lambda git: (git / "refs/heads/main").write_text("2" * 40 + "\n"), HEADLESS),
    "an empty branch": (lambda git: (git / "refs/heads/main").write_text(""), HEADLESS),
    "a cut index": (lambda git: cut(git / "index"), "The index can't be read"),
    "an index of nonsense": (lambda git: (git / "index").write_bytes(b"nonsense" * 9), "The index can't be read"),
    "broken settings": (lambda git: (git / "config").write_bytes(b"[[[core\n\0=\n"), "config can't be read"),
    "a later format": (lambda git: (git / "config").write_text(NEWER.format(2)), "the format 2, which is not known"),
    "a strange extension": (lambda git: (git / "config").write_text(NEWER.format(1)), "the extension fancy, which"),
    "no objects": (lambda git: (git / "objects").rename(git / "gone"), "has no objects"),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_what_is_damaged_is_told_and_left_as_it_is(repo: Repo, home: Path, name: str) -> None:
    repo.write("a.txt")
    repo.commit()
    repo.write("a.txt", "more\n")
    repo.git("add", "-A")
    spoil, said = DAMAGES[name]
    spoil(repo.root / ".git")
    before = {path: path.read_bytes() for path in repo.root.rglob("*") if path.is_file()}
    git, ground = Git("", {"HOME": str(home)}), repo.ground()
    for ask in (git.status, lambda ground: git.commit(ground, AskedCommit("a", 1, 0))):
        with pytest.raises(ToolError, match=said):
            await ask(ground)
    assert {path: path.read_bytes() for path in repo.root.rglob("*") if path.is_file()} == before
    if not name.startswith(("a cut", "a branch", "an empty")):  # of which the program itself may make something
        with pytest.raises(ToolError, match=said):
            await Git(PROGRAM, {"HOME": str(home)}).status(ground)


async def test_a_branch_that_is_yet_to_be_is_no_damage(repo: Repo, git: Git) -> None:
    repo.write("a.txt")
    found = await git.status(repo.ground())
    assert (found.branch, found.head, [change.path for change in found.changes]) == ("main", "", ["a.txt"])
    with pytest.raises(ToolError, match="Nothing has been committed yet"):
        await git.show(repo.ground(), AskedShow("HEAD"))
    repo.commit("one")
    repo.git("branch", "HEADLINE")
    repo.git("symbolic-ref", "HEAD", "refs/heads/yet-to-be")
    assert (await git.show(repo.ground(), AskedShow("HEADLINE"))).commit.title == "one"
    with pytest.raises(ToolError, match="Nothing has been committed yet"):
        await git.show(repo.ground(), AskedShow("HEAD~1"))


async def test_a_submodule_without_a_head_is_one_that_differs(repo: Repo, home: Path, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner", home).begin()
    inner.write("b.txt")
    inner.commit()
    repo.git("submodule", "--quiet", "add", str(inner.root), "inner")
    repo.commit()
    (repo.root / ".git/modules/inner/HEAD").write_text("1" * 40 + "\n")
    for program in (PROGRAM, ""):
        found = await Git(program, {"HOME": str(home)}).status(repo.ground())
        assert [(change.path, change.unstaged) for change in found.changes] == [("inner", "changed")]
