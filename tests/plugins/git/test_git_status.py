"""Status, by both engines, is what the git program says of the same repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pillion import ToolError
from pillion_git.asked import AskedStatus
from pillion_git.repository import Git
from pillion_git.values import Change

from .conftest import Repo

LETTERS = {"": " ", "added": "A", "changed": "M", "deleted": "D", "renamed": "R", "type": "T"}


def short(change: Change) -> str:
    """As `git status --porcelain` writes it."""
    if change.unstaged == "untracked":
        return f"?? {change.path}"
    if change.staged == "conflict":
        return f"UU {change.path}"
    origin = f"{change.origin} -> " if change.origin else ""
    return f"{LETTERS[change.staged]}{LETTERS[change.unstaged]} {origin}{change.path}"


async def told(git: Git, repo: Repo, folder: str = "", *, each: bool = False) -> list[str]:
    found = await git.status(repo.ground(folder), AskedStatus(each))
    return sorted(map(short, found.changes))


def said(repo: Repo, *arguments: str) -> list[str]:
    lines = repo.git("-c", "core.quotepath=false", "status", "--porcelain", *arguments).decode().splitlines()
    return sorted(line.replace('"', "") for line in lines)


async def same(git: Git, repo: Repo) -> list[str]:
    found = said(repo)
    assert await told(git, repo) == found
    assert await told(git, repo, each=True) == said(repo, "--untracked-files=all")
    return found


async def test_a_repository_without_a_commit(git: Git, repo: Repo) -> None:
    repo.write("a")
    repo.write("b")
    repo.git("add", "a")
    assert await same(git, repo) == ["?? b", "A  a"]
    found = await git.status(repo.ground())
    assert (found.branch, found.head) == ("main", "")


async def test_what_is_staged_changed_and_gone(git: Git, repo: Repo) -> None:
    for name in ("a", "b", "c", "d", "deep/e", "deep/f"):
        repo.write(name, name * 40)
    repo.commit()
    repo.write("a", "other\n")
    repo.git("add", "a")
    repo.write("a", "again\n")
    repo.write("b", "x" * 40)
    (repo.root / "c").unlink()
    repo.git("rm", "-q", "--cached", "deep/e")
    repo.write("new file")
    repo.write("é/ü")
    assert await same(git, repo) == [
        " D c", " M b", "?? deep/e", "?? new file", "?? é/", "D  deep/e", "MM a",
    ]  # fmt: skip


async def test_a_change_of_the_same_size_at_the_same_moment(git: Git, repo: Repo) -> None:
    """As young as the index, it may have been written after it."""
    repo.git("config", "core.trustctime", "false")
    repo.write("a", "1\n")
    os.utime(repo.root / "a", (4_000_000_000, 4_000_000_000))
    repo.commit()
    repo.write("a", "2\n")
    os.utime(repo.root / "a", (4_000_000_000, 4_000_000_000))
    assert await told(git, repo) == [" M a"]  # before git itself looks, and writes what it has found
    assert await same(git, repo) == [" M a"]


async def test_nested_rules_of_what_is_ignored(git: Git, repo: Repo) -> None:
    repo.write(
        ".gitignore",
        "*.log\n/build/\n!keep.log\ndoc/*.txt\n**/cache\nfoo\\ bar\n\\#hash\n[ab].z\ntrail   \n/top/**/x\n",
    )
    repo.write("sub/.gitignore", "!*.log\n/only\n*.o\n")
    repo.write("sub/deep/.gitignore", "*\n!*/\n!.gitignore\n!*.py\n")
    for path in (
        "a.log", "keep.log", "build/x", "sub/build/x", "doc/a.txt", "doc/in/a.txt", "x/cache/y", "x/cachet", "foo bar",
        "#hash", "a.z", "c.z", "trail", "top/x", "top/1/2/x", "top/y", "sub/b.log", "sub/only", "sub/x/only", "sub/k.o",
        "sub/deep/a.py", "sub/deep/b.txt", "sub/deep/in/c.py", "sub/deep/in/d.txt", "empty/in/x.log",
    ):  # fmt: skip
        repo.write(path)
    (repo.root / "void" / "folder").mkdir(parents=True)
    found = await same(git, repo)
    assert "?? keep.log" in found and "?? a.log" not in found


async def test_a_gitignore_that_is_a_link_a_folder_or_has_odd_lines(git: Git, repo: Repo) -> None:
    for folder in ("link", "folder", "odd"):
        repo.write(f"{folder}/kept")
    repo.write("rules", "new\n")
    repo.commit()
    (repo.root / "link" / ".gitignore").symlink_to("../rules")
    repo.write("folder/.gitignore/new")
    repo.write("odd/.gitignore", "some\rnew\nother\r\n")
    for path in ("link/new", "odd/new", "odd/other"):
        repo.write(path)
    found = await same(git, repo)
    assert found == ["?? folder/.gitignore/", "?? link/.gitignore", "?? link/new", "?? odd/.gitignore", "?? odd/new"]


async def test_rules_that_take_letters_of_either_case(git: Git, repo: Repo) -> None:
    repo.git("config", "core.ignorecase", "true")
    (repo.root / ".git" / "info" / "exclude").write_text("*.Local\n")
    repo.write("sub/kept")
    repo.commit()
    repo.write("sub/.gitignore", "*.Log\n")
    for path in ("sub/a.LOG", "b.LOCAL"):
        repo.write(path)
    assert await same(git, repo) == ["?? sub/.gitignore"]


async def test_files_that_are_tracked_though_they_are_ignored(git: Git, repo: Repo) -> None:
    repo.write("out/a")
    repo.write("b.log")
    repo.commit()
    repo.write(".gitignore", "out/\n*.log\n")
    repo.write("out/a", "changed\n")
    repo.write("out/new")
    repo.write("b.log", "changed\n")
    assert await same(git, repo) == [" M b.log", " M out/a", "?? .gitignore"]


@pytest.mark.parametrize("setting", ["excludesfile = ~/mine", "pager = less"])
async def test_the_users_own_rules_and_those_of_the_repository(git: Git, repo: Repo, home: Path, setting: str) -> None:
    with (home / ".gitconfig").open("a") as file:
        file.write(f"[core]\n\t{setting}\n")
    (home / "mine").write_text("*.mine\n")
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "ignore").write_text("*.standard\n")
    (repo.root / ".git" / "info" / "exclude").write_text("*.local\n")
    for name in ("a.mine", "a.standard", "a.local", "a"):
        repo.write(name)
    assert len(await same(git, repo)) == 2


async def test_renames(git: Git, repo: Repo) -> None:
    lines = [f"line {number}\n" for number in range(60)]
    repo.write("same", "".join(lines))
    repo.write("like", "".join(reversed(lines)))
    repo.write("far", "".join(lines[:30]))
    repo.write("in/name.py", "".join(f"{line}#\n" for line in lines))
    repo.commit()
    for old, new in (("same", "moved/same"), ("like", "alike"), ("far", "near"), ("in/name.py", "other/name.py")):
        (repo.root / new).parent.mkdir(exist_ok=True)
        repo.git("mv", old, new)
    repo.write("alike", "".join(reversed(lines)).replace("line 7", "row 7"))
    repo.write("near", "entirely different\n" * 30)
    repo.git("add", "-A")
    found = await same(git, repo)
    assert "R  like -> alike" in found and "A  near" in found


async def test_modes_links_and_kinds(git: Git, repo: Repo) -> None:
    for name in ("run", "plain", "to_link", "to_folder", "dir/x"):
        repo.write(name)
    (repo.root / "link").symlink_to("plain")
    (repo.root / "to_file").symlink_to("plain")
    (repo.root / "lost").symlink_to("nowhere")
    repo.commit()
    (repo.root / "run").chmod(0o755)
    for name in ("to_link", "to_folder", "link", "to_file", "dir/x"):
        (repo.root / name).unlink()
    (repo.root / "to_link").symlink_to("plain")
    repo.write("to_folder/in")
    (repo.root / "link").symlink_to("elsewhere")
    repo.write("to_file")
    (repo.root / "dir").rmdir()
    (repo.root / "dir").symlink_to("/etc")
    os.mkfifo(repo.root / "fifo")
    found = await same(git, repo)
    assert " M run" in found and " T to_link" in found and " M link" in found
    repo.git("config", "core.filemode", "false")
    assert " M run" not in await same(git, repo)


async def test_line_ends_that_are_converted(git: Git, repo: Repo) -> None:
    repo.write(".gitattributes", "*.txt text\n*.bin -text\n*.auto text=auto\n*.keep text eol=crlf\n")
    repo.write("in/.gitattributes", "*.txt -text\n")
    names = ("a.txt", "b.bin", "c.auto", "d.keep", "e", "in/f.txt")
    for name in names:
        repo.write(name, "one\r\ntwo\r\n")
    repo.commit()
    for name in names:
        repo.write(name, "one\r\ntwo\r\n")
        os.utime(repo.root / name, (1, 1))
    assert await same(git, repo) == []
    repo.git("config", "core.autocrlf", "true")
    assert await same(git, repo) == []
    for name in names:
        repo.write(name, "one\r\ntwo \n")
        os.utime(repo.root / name, (2, 2))
    assert len(await same(git, repo)) == len(names)


async def test_a_conflict(git: Git, repo: Repo) -> None:
    repo.write("a", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.write("a", "2\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("a", "3\n")
    repo.commit()
    with pytest.raises(AssertionError):
        repo.git("merge", "side")
    assert await same(git, repo) == ["UU a"]


async def test_submodules_and_other_repositories(git: Git, repo: Repo, tmp_path: Path, home: Path) -> None:
    other = Repo(tmp_path / "other", home).begin()
    other.write("in")
    other.commit()
    for name in ("clean", "ahead", "dirty", "messy", "empty"):
        repo.git("submodule", "--quiet", "add", str(other.root), name)
    repo.commit()
    Repo(repo.root / "ahead", home).commit("more")
    (repo.root / "dirty" / "in").write_text("changed\n")
    (repo.root / "messy" / "new").write_text("new\n")
    repo.git("submodule", "--quiet", "deinit", "-f", "empty")
    nested = Repo(repo.root / "nested", home).begin()
    nested.write("x")
    nested.commit()
    assert await same(git, repo) == [" M ahead", " M dirty", " M messy", "?? nested/"]


async def test_a_file_that_is_only_announced(git: Git, repo: Repo) -> None:
    repo.write("a")
    repo.commit()
    repo.write("b")
    repo.git("add", "-N", "b")
    repo.git("update-index", "--assume-unchanged", "a")
    repo.write("a", "other\n")
    assert await same(git, repo) == [" A b"]


@pytest.mark.parametrize("how", ["split", "sparse"])
async def test_an_index_that_dulwich_can_not_read_is_named(git: Git, repo: Repo, how: str) -> None:
    repo.write("d/a")
    repo.write("e/b")
    repo.commit()
    if how == "split":
        repo.git("update-index", "--split-index")
    else:
        repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "d")
    repo.write("d/a", "changed\n")
    if git._program:
        assert [change.path for change in (await git.status(repo.ground())).changes] == ["d/a"]
    else:
        with pytest.raises(ToolError, match="split or sparse"):
            await git.status(repo.ground())


async def test_a_folder_within_a_repository_sees_itself(git: Git, repo: Repo) -> None:
    repo.write("in/a")
    repo.write("in/deep/c")
    repo.write("b")
    repo.commit()
    for name in ("in/a", "in/deep/c", "b"):
        repo.write(name, "changed\n")
    repo.write("in/new")
    assert await told(git, repo, "in") == [" M a", " M deep/c", "?? new"]


async def test_a_linked_worktree(git: Git, repo: Repo, tmp_path: Path, home: Path) -> None:
    repo.write("a")
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    tree = Repo(tmp_path / "tree", home)
    tree.write("a", "changed\n")
    assert await same(git, tree) == [" M a"]
    assert (await git.status(tree.ground())).branch == "side"
