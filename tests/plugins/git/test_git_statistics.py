"""Statistics are what `git log --numstat --first-parent -M` says, by both engines, also after history has changed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pillion import NotFound
from pillion.testing.kit import kernel_host
from pillion_git import statistics, statisticsroute
from pillion_git.plugin import Config, Plugin
from pillion_git.scores import FileScore, FileTogether, scores, together
from pillion_runtime.hookspecs import HostHooks
from pillion_storage.plugin import Config as StorageConfig
from pillion_storage.plugin import Plugin as Storage

from ...meta import pages
from ...runtime.conftest import Serving, serving
from .conftest import PROGRAM, Repo
from .test_git_diffs import SOURCE, change, history

Row = tuple[str, str, str, int, str, str, int, int, int]


@pytest.fixture(params=["off", PROGRAM])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Serving]:
    brought = {"storage": Storage(StorageConfig()), "git": Plugin(Config(program=request.param))}
    async with serving(tmp_path, plugins=brought, defaults__store="storage") as running:
        yield running


async def told(server: Serving, root: Path, **query: Any) -> dict[str, Any]:
    given = {"workspace": str(root), "commits": 1000, "files": 5000, "wait": 120} | query
    answer = await server.client.get("/api/git/statistics", params=given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(found: dict[str, Any]) -> set[Row]:
    keys = ("commit", "author", "email", "time", "title", "body", "files", "insertions", "deletions")
    return {tuple(commit[key] for key in keys) for commit in found["commits"]}  # type: ignore[misc]


def said(repo: Repo) -> tuple[set[Row], dict[str, tuple[int, int, int]]]:
    """The rows, and by file commits, insertions and deletions."""
    form = "@@@%H%x00%an%x00%ae%x00%ct%x00%s%x00%b%x00"
    data = repo.git("log", "-z", "--numstat", "--first-parent", "-M", f"--format={form}").decode("utf-8", "replace")
    found, files = set(), {}
    for piece in data.split("@@@")[1:]:
        *parts, rest = piece.split("\0", 6)
        counted = re.findall(r"(\d+|-)\t(\d+|-)\t(?:([^\0]+)|\0[^\0]+\0([^\0]+))\0", rest.lstrip("\0\n"))
        numbers = [(int(a.replace("-", "0")), int(d.replace("-", "0")), plain or new) for a, d, plain, new in counted]
        id, author, email, time, title, body = parts
        sums = (len(numbers), sum(n[0] for n in numbers), sum(n[1] for n in numbers))
        found.add((id, author, email, int(time), title, body.strip("\n"), *sums))
        for added, removed, path in numbers:
            before = files.get(path, (0, 0, 0))
            files[path] = (before[0] + 1, before[1] + added, before[2] + removed)
    return found, files


async def same(server: Serving, repo: Repo) -> dict[str, Any]:
    found = await told(server, repo.root)
    commits, files = said(repo)
    assert found["complete"] and found["counted"] == len(commits)
    assert rows(found) == commits
    here = {
        path: counts for path, counts in files.items() if (repo.root / path).is_symlink() or (repo.root / path).exists()
    }
    assert {f["path"]: (f["commits"], f["insertions"], f["deletions"]) for f in found["files"]} == here
    return found


async def test_root_merges_renames_binaries_and_odd_messages(server: Serving, repo: Repo) -> None:
    change(repo)
    repo.commit("changed")
    history(repo)
    repo.write("big.py", SOURCE)
    repo.commit("grown")
    found = await same(server, repo)
    assert {"", "Grüße", "joined"} <= {commit["title"] for commit in found["commits"]}


async def test_what_is_new_is_counted_and_what_is_gone_forgotten(
    server: Serving, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "TOGETHER", 3)
    for number in range(8):
        repo.write(f"f{number % 3}", f"{number}\n" * (number + 1))
        repo.commit(f"{number}", time=1_700_000_000 + number)
    session = await server.session(workspace=str(repo.root))
    await same(server, repo)
    async with server.watch(session) as watch:
        while (await watch.until("git.counted"))[-1]["done"] < 8:
            pass  # the last one says that all are
    repo.write("f1", "once more\n")
    repo.commit("later")
    await same(server, repo)
    repo.git("reset", "-q", "--hard", "HEAD~4")
    repo.write("other")
    repo.commit("instead")
    assert (await same(server, repo))["counted"] == 6


async def test_files_are_scored_by_how_often_and_how_lately(server: Serving, repo: Repo) -> None:
    for number, names in enumerate([("in/often", "old", "gone"), ("in/often",), ("in/often", "new"), ("new",)]):
        for name in names:
            repo.write(name, f"{number}\n")
        repo.commit(str(number), time=1_700_000_000 + number)
    repo.git("rm", "-q", "gone")
    repo.commit("less", time=1_700_000_010)
    found = (await told(server, repo.root))["files"]
    scores = {file["path"]: (file["activity"], file["recency"]) for file in found}
    assert scores == {"in/often": (1.0, 2 / 3), "new": (2 / 3, 1.0), "old": (1 / 3, 1 / 3)}
    assert [file["path"] for file in found] == ["in/often", "new", "old"]
    assert [file["path"] for file in (await told(server, repo.root / "in"))["files"]] == ["often"]


async def test_other_plugins_get_the_scores_by_a_door(tmp_path: Path, repo: Repo) -> None:
    brought = {"storage": Storage(StorageConfig()), "git": Plugin(Config())}
    async with kernel_host(tmp_path, plugins=brought, hookspecs=[HostHooks], defaults__store="storage") as host:
        kernel = host.kernel
        assert await scores(kernel, str(tmp_path), 20) == []
        repo.write("in/a", "1\n")
        repo.commit("first")
        (first,) = await scores(kernel, str(repo.root), 20)
        assert (first.path, first.commits, first.insertions, first.score) == ("in/a", 1, 1, 1.0)
        assert [file.path for file in await scores(kernel, str(repo.root / "in"), 20)] == ["a"]
        with pytest.raises(NotFound):
            await scores(kernel, "/nowhere")
        repo.write("in/a", "2\n")
        repo.write("in/b", "1\n")
        repo.write("c", "1\n")
        repo.commit("three of them")
        repo.write("in/a", "3\n")
        for number in range(30):
            repo.write(f"many/{number}", "1\n")
        repo.commit("too many to say anything")
        found = await together(kernel, str(repo.root), ["in/a"], 20)
        assert found == {"in/a": [FileTogether("c", 1, 1 / 3), FileTogether("in/b", 1, 1 / 3)]}
        assert await together(kernel, str(repo.root / "in"), ["a"], 20) == {"a": [FileTogether("b", 1, 1 / 3)]}
    async with kernel_host(tmp_path, plugins={"git": Plugin(Config())}, hookspecs=[HostHooks]) as host:
        assert await scores(host.kernel, str(repo.root)) == (), "its store is no database"


async def test_a_repository_without_a_commit_and_a_folder_without_one(
    server: Serving, repo: Repo, tmp_path: Path
) -> None:
    found = await told(server, repo.root)
    assert (found["complete"], found["commits"], found["files"]) == (True, [], [])
    (tmp_path / "bare").mkdir()
    answer = await server.client.get("/api/git/statistics", params={"workspace": str(tmp_path / "bare")})
    assert (answer.status_code, answer.json()["code"]) == (422, "tool")
    answer = await server.client.get("/api/git/statistics", params={"workspace": "/nowhere"})
    assert answer.status_code == 404


async def test_without_a_database_there_are_none(tmp_path: Path, repo: Repo) -> None:
    async with serving(tmp_path, plugins={"git": Plugin(Config())}) as running:
        answer = await running.client.get("/api/git/statistics", params={"workspace": str(repo.root)})
    assert (answer.status_code, answer.json()["code"]) == (422, "config")


def test_the_page_has_every_field() -> None:
    routes = pages.sections(pages.text("docs/howto/git.md"), "###")
    tables = pages.tables(routes["GET /api/git/statistics"])
    query, answer = statisticsroute.StatisticsQuery, statisticsroute.StatisticsPage
    assert tables == {"query": set(query.__struct_fields__), "answer": set(answer.__struct_fields__)}
    assert set(FileScore.__struct_fields__) >= {"activity", "recency", "score"}
