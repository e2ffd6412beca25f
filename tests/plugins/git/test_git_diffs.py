"""Diffs, commits and blame, by both engines, are what the git program says of the same repository."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from pillion import ToolError
from pillion_git.asked import AskedBlame, AskedBranches, AskedDiff, AskedLog, AskedShow
from pillion_git.repository import Git
from pillion_git.values import Diff

from .conftest import PROGRAM, Repo

SOURCE = (Path(__file__).parents[3] / "core" / "pillion" / "processes.py").read_text("utf-8")


def whole(diff: Diff) -> str:
    return "".join(patch.text or "" for patch in diff.files)


def said(repo: Repo, *arguments: str) -> str:
    found = repo.git("-c", "core.quotepath=false", "diff", "--no-color", "--full-index", *arguments)
    return found.decode("utf-8", "replace")


async def same(git: Git, repo: Repo, asked: AskedDiff, *arguments: str) -> Diff:
    found = await git.diff(repo.ground(), asked)
    assert whole(found) == said(repo, *arguments)
    counted = {patch.path: (patch.added, patch.removed) for patch in found.files if not patch.binary}
    lines = repo.git("-c", "core.quotepath=false", "diff", "--numstat", "-z", *arguments).decode("utf-8", "replace")
    told = re.findall(r"(\d+)\t(\d+)\t(?:([^\0]+)|\0[^\0]+\0([^\0]+))\0", lines)
    assert counted == {plain or renamed: (int(added), int(removed)) for added, removed, plain, renamed in told}
    return found


def change(repo: Repo) -> None:
    """A commit, and changes of each kind since: one staged, one not."""
    repo.write("code.py", SOURCE)
    repo.write("moved.py", SOURCE.replace("self", "me"))
    repo.write("end", "no newline")
    repo.write("binary", bytes(range(256)))
    repo.write("gone", "1\n2\n")
    repo.write("empty", "")
    repo.write("run", "x\n")
    repo.write("with space", "x\n")
    repo.write('quo"te\t', "x\n")
    repo.write("latin", "caf\xe9\n".encode("latin-1"))
    (repo.root / "link").symlink_to("code.py")
    repo.write("kind", "a file\n")
    repo.write("crlf", "one\r\ntwo\r\n")
    repo.commit()
    lines = SOURCE.split("\n")
    lines[10:10] = ["", "def added() -> None:", '    """New."""', ""]
    del lines[100:120]
    lines[200] += "  # changed"
    repo.write("code.py", "\n".join(lines))
    repo.git("mv", "moved.py", "new place.py")
    repo.write("new place.py", SOURCE.replace("self", "me").replace("async", "sync"))
    repo.write("end", "with newline\n")
    repo.write("binary", bytes(range(255)))
    for name in ("gone", "link", "kind"):
        (repo.root / name).unlink()
    (repo.root / "link").symlink_to("elsewhere")
    (repo.root / "kind").symlink_to("code.py")
    (repo.root / "run").chmod(0o755)
    for name in ("with space", 'quo"te\t'):
        repo.write(name, "y\n")
    repo.write("latin", "caf\xe8\n".encode("latin-1"))
    repo.write("crlf", "one\r\n2\r\n")
    repo.write("empty", "no more\n")


async def test_the_folder_and_the_index(git: Git, repo: Repo) -> None:
    change(repo)
    found = await same(git, repo, AskedDiff())
    kinds = {patch.path: patch.kind for patch in found.files}
    assert kinds["kind"] == "type" and kinds["gone"] == "deleted" and kinds["run"] == "changed"


async def test_what_is_staged(git: Git, repo: Repo) -> None:
    change(repo)
    repo.git("add", "-A")
    found = await same(git, repo, AskedDiff(staged=True), "--cached")
    assert ("renamed", "moved.py") in [(patch.kind, patch.origin) for patch in found.files]
    assert await same(git, repo, AskedDiff()) == Diff([])


async def test_the_folder_and_a_commit_and_two_commits(git: Git, repo: Repo) -> None:
    change(repo)
    await same(git, repo, AskedDiff(base="HEAD"), "HEAD")
    repo.commit()
    await same(git, repo, AskedDiff(base="HEAD~1", to="HEAD"), "HEAD~1", "HEAD")
    await same(git, repo, AskedDiff(base="main", to="HEAD^", path="code.py"), "main", "HEAD^", "--", "code.py")


async def test_submodules_that_are_ahead_and_that_are_dirty(git: Git, repo: Repo, tmp_path: Path, home: Path) -> None:
    other = Repo(tmp_path / "other", home).begin()
    other.write("in")
    other.commit()
    for name in ("clean", "ahead", "dirty", "both", "messy"):
        repo.git("submodule", "--quiet", "add", str(other.root), name)
    repo.commit()
    for name in ("ahead", "both"):
        Repo(repo.root / name, home).commit("more")
    for name in ("dirty", "both"):
        (repo.root / name / "in").write_text("changed\n")
    (repo.root / "messy" / "new").write_text("new\n")
    found = await same(git, repo, AskedDiff())
    assert [patch.path for patch in found.files] == ["ahead", "both", "dirty"]
    assert "-dirty" in (found.files[2].text or "")
    await same(git, repo, AskedDiff(base="HEAD"), "HEAD")
    await same(git, repo, AskedDiff(path="dirty"), "--", "dirty")


async def test_line_ends_that_only_seem_to_differ(git: Git, repo: Repo) -> None:
    repo.write(".gitattributes", "*.txt text\n*.dat -diff\n")
    repo.write("a.txt", "one\ntwo\n")
    repo.write("b.dat", "one\n")
    repo.commit()
    repo.write("a.txt", "one\r\ntwo\r\n")
    repo.write("b.dat", "two\n")
    found = await same(git, repo, AskedDiff())
    assert [(patch.path, patch.binary) for patch in found.files] == [("b.dat", True)]


@pytest.mark.parametrize("seed", range(6))
async def test_any_change_of_a_text(git: Git, repo: Repo, seed: int) -> None:
    """Moved, repeated and dropped blocks, and lines that stand there often."""
    chance = random.Random(seed)
    for number in range(12):
        lines = SOURCE.split("\n") if number % 2 else [chance.choice("abcdefgh}") for _ in range(120)]
        repo.write(f"f{number}", "\n".join(lines))
    repo.commit()
    for number in range(12):
        lines = (repo.root / f"f{number}").read_text().split("\n")
        for _ in range(chance.randrange(1, 10)):
            at = chance.randrange(len(lines))
            block = lines[at : at + chance.randrange(1, 12)]
            if chance.random() < 0.4:
                del lines[at : at + len(block)]
            else:
                to = chance.randrange(len(lines))
                lines[to:to] = block
        repo.write(f"f{number}", "\n".join(lines))
    await same(git, repo, AskedDiff())


def nested(chance: random.Random) -> list[str]:
    """A block of code in which many lines are the same at different depths."""
    lines: list[str] = []
    for _ in range(chance.randrange(1, 4)):
        depth = chance.randrange(3)
        lines.append("    " * depth + chance.choice(("if a:", "for a in b:", "try:")))
        lines += ["    " * (depth + 1) + chance.choice(("a()", "b()", "end")) for _ in range(chance.randrange(1, 4))]
        lines += ["    " * depth + "end"] * chance.randrange(2) + [""] * chance.randrange(3)
    return lines


@pytest.mark.parametrize("seed", range(2))
async def test_a_change_that_could_stand_in_several_places_stands_where_git_has_it(
    git: Git, repo: Repo, seed: int
) -> None:
    chance = random.Random(seed)
    blocks = [nested(chance) for _ in range(8)]
    for number in range(30):
        repo.write(f"f{number}", "".join(f"{line}\n" for _ in range(20) for line in chance.choice(blocks)))
    repo.commit()
    for number in range(30):
        lines = (repo.root / f"f{number}").read_text().splitlines(keepends=True)
        for _ in range(3):
            at = chance.randrange(len(lines))
            lines[at:at] = [f"{line}\n" for line in chance.choice(blocks)]
        repo.write(f"f{number}", "".join(lines))
    await same(git, repo, AskedDiff())


async def test_a_file_that_is_new_and_only_announced(git: Git, repo: Repo) -> None:
    repo.write("a")
    repo.commit()
    repo.write("b", "one\ntwo\n")
    repo.git("add", "-N", "b")
    await same(git, repo, AskedDiff())


async def test_a_conflict_is_named(git: Git, repo: Repo) -> None:
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
    for asked in (AskedDiff(), AskedDiff(staged=True)):
        found = await git.diff(repo.ground(), asked)
        assert [(patch.path, patch.kind) for patch in found.files] == [("a", "conflict")]
    await same(git, repo, AskedDiff(base="HEAD"), "HEAD")


async def test_keys_are_named_and_not_shown(git: Git, repo: Repo) -> None:
    repo.write(".env", "KEY=1\n")
    repo.commit()
    repo.write(".env", "KEY=canary\n")
    (patch,) = (await git.diff(repo.ground(), AskedDiff())).files
    assert (patch.path, patch.text, patch.added) == (".env", None, 1)
    with pytest.raises(ToolError):
        await git.blame(repo.ground(), AskedBlame(".env"))


FORMAT = "%H|%P|%an|%ae|%at|%cn|%ce|%ct|%s|%b"


def listed(repo: Repo, *arguments: str) -> list[str]:
    found = repo.git("log", "-z", f"--format={FORMAT}", *arguments).decode("utf-8", "replace")
    return found.removesuffix("\0").split("\0")


async def logged(git: Git, repo: Repo, asked: AskedLog) -> list[str]:
    return [
        f"{c.id}|{' '.join(c.parents)}|{c.author}|{c.email}|{c.time}|{c.committer}|{c.committer_email}|{c.committed}"
        f"|{c.title}|{c.body}" + ("\n" if c.body else "")
        for c in (await git.log(repo.ground(), asked)).commits
    ]


def history(repo: Repo) -> None:
    """Merges, a file that is renamed, messages of several lines and of none, names that are no UTF-8."""
    for number in range(4):
        repo.write("a", "".join(f"{line}\n" for line in range(number * 3, 30)))
        repo.commit(f"Number {number}\nstill the title\n\nA body.\n\nIts second part.", time=1_700_000_000 + number)
    repo.git("checkout", "-q", "-b", "side", "HEAD~2")
    repo.write("b", "1\n2\n3\n")
    repo.commit("side", time=1_700_000_010)
    repo.write("a", (repo.root / "a").read_text() + "at the end\n")
    repo.commit("both", time=1_700_000_011)
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "joined", "side", env={"GIT_COMMITTER_DATE": "1700000020 +0000"})
    repo.git("mv", "a", "c")
    repo.commit("", time=1_700_000_030)
    repo.write("c", (repo.root / "c").read_text().replace("20\n", "twenty\n"))
    repo.git("add", "-A")
    tree = repo.git("write-tree").decode().strip()
    raw = f"tree {tree}\nparent {repo.head()}\nauthor ".encode() + b"Andr\xe9 <a@b> 1700000040 +0200\n"
    raw += b"committer Andr\xe9 <a@b> 1700000040 +0200\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n"
    id = repo.git("hash-object", "-t", "commit", "-w", "--stdin", data=raw).decode().strip()
    repo.git("reset", "-q", "--hard", id)


async def test_commits(git: Git, repo: Repo) -> None:
    history(repo)
    found = await logged(git, repo, AskedLog(limit=50))
    assert found == listed(repo) and "Grüße" in found[0]
    assert await logged(git, repo, AskedLog(path="a", limit=50)) == listed(repo, "--", "a")
    assert await logged(git, repo, AskedLog("side", limit=1, skip=1)) == listed(repo, "-1", "--skip=1", "side")
    assert not (await git.log(repo.ground(), AskedLog(limit=2))).complete


async def test_a_commit_with_its_diff(git: Git, repo: Repo) -> None:
    history(repo)
    for revision in (
        "HEAD",
        "HEAD~1",
        "main~2",
        "side",
        repo.git("rev-list", "--max-parents=0", "HEAD").decode().strip(),
    ):
        found = await git.show(repo.ground(), AskedShow(revision))
        arguments = ["show", "--first-parent", "--format=", "--full-index", "-m", revision]
        assert whole(found.diff) == repo.git(*arguments).decode()
        assert found.commit.id == repo.git("rev-parse", revision).decode().strip()


async def test_who_wrote_which_line(git: Git, repo: Repo) -> None:
    history(repo)
    repo.write("c", "mine\n" + (repo.root / "c").read_text())
    for asked, arguments in (
        (AskedBlame("c"), []),
        (AskedBlame("c", "HEAD"), ["HEAD"]),
        (AskedBlame("c", "HEAD", 3, 9), ["-L3,9", "HEAD"]),
    ):
        found = await git.blame(repo.ground(), asked)
        told = [(part.commit[:30], line) for part in found.parts for line in part.lines]
        lines = repo.git("blame", "-l", "-s", "--root", *arguments, "c").decode().splitlines()
        ids = [re.match(r"\^?([0-9a-f]+)", line)[1] for line in lines]  # type: ignore[index]
        assert [id or "0" * 30 for id, _ in told] == [id[:30] for id in ids]


async def test_branches(git: Git, repo: Repo) -> None:
    history(repo)
    found = (await git.branches(repo.ground(), AskedBranches())).data
    assert [(branch.name, branch.head) for branch in found] == [("main", True), ("side", False)]
    assert found[1].commit == repo.git("rev-parse", "side").decode().strip()


@pytest.mark.parametrize("revision", ["nowhere", "--output=/tmp/x", "a..b", "^HEAD", "HEAD:a", ":/one", "0" * 40])
async def test_what_is_no_commit_is_refused(git: Git, repo: Repo, revision: str) -> None:
    repo.write("a")
    repo.commit()
    with pytest.raises(ToolError):
        await git.show(repo.ground(), AskedShow(revision))
    with pytest.raises(ToolError):
        await git.diff(repo.ground(), AskedDiff(base=revision))


async def test_a_packed_repository_and_a_shallow_one(git: Git, repo: Repo, tmp_path: Path, home: Path) -> None:
    history(repo)
    repo.git("gc", "-q")
    assert await logged(git, repo, AskedLog(limit=50)) == listed(repo)
    repo.git("clone", "-q", "--depth=2", f"file://{repo.root}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow", home)
    assert await logged(git, shallow, AskedLog(limit=50)) == listed(shallow)


async def test_a_folder_without_a_repository_says_so(git: Git, tmp_path: Path, home: Path) -> None:
    bare = Repo(tmp_path / "none", home)
    with pytest.raises(ToolError, match="no git repository"):
        await git.status(bare.ground())


def test_the_program_is_here() -> None:
    assert PROGRAM, "these tests compare with the git program"
