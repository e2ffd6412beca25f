"""A session's repository over HTTP and as tools, from a server on a real port."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct

from pillion.testing.scripted import calls, says
from pillion_git import changeroutes, routes
from pillion_git.plugin import Config, Plugin
from pillion_git.values import Blame, Branches, Diff, Done, Log, Shown, Stashes, Status

from ...meta import pages
from ...runtime.conftest import Serving, serving
from .conftest import Repo

ROUTES = pages.sections(pages.text("docs/howto/git.md"), "###")


@pytest.fixture
async def server(tmp_path: Path, repo: Repo) -> AsyncIterator[Serving]:
    repo.write("shop.py", "a = 1\n")
    repo.commit("A shop")
    repo.write("shop.py", "a = 1\nb = 2\nc = 3\n")
    async with serving(tmp_path, plugins={"git": Plugin(Config())}) as running:
        yield running


@pytest.mark.parametrize(
    ("route", "query", "answer"),
    [
        ("status", routes.StatusQuery, Status),
        ("diff", routes.DiffQuery, Diff),
        ("log", routes.LogQuery, Log),
        ("commits/{revision}", routes.PathQuery, Shown),
        ("blame/{path}", routes.BlameQuery, Blame),
        ("branches", routes.BranchesQuery, Branches),
        ("stashes", None, Stashes),
    ],
)
def test_the_page_has_every_field(route: str, query: type[Struct] | None, answer: type[Struct]) -> None:
    tables = pages.tables(ROUTES[f"GET /api/sessions/{{id}}/git/{route}"])
    given = {"query": set(query.__struct_fields__)} if query else {}
    assert tables == given | {"answer": set(answer.__struct_fields__)}


@pytest.mark.parametrize(
    ("route", "what", "given"),
    [
        ("POST {}/stage", "body", changeroutes.NewStaged),
        ("POST {}/commits", "body", changeroutes.NewCommit),
        ("POST {}/stashes", "body", changeroutes.NewStash),
        ("POST {}/stashes/{{stash}}/apply", "query", changeroutes.UnstashQuery),
        ("DELETE {}/stashes/{{stash}}", "", Done),
    ],
)
def test_the_page_has_every_field_of_changes(route: str, what: str, given: type[Struct]) -> None:
    tables = pages.tables(ROUTES[route.format("/api/sessions/{id}/git")])
    told = {what: set(given.__struct_fields__)} if what else {}
    assert tables == told | {"answer": set(Done.__struct_fields__)}


async def test_each_example_of_the_page_is_answered_as_it_says(server: Serving, repo: Repo) -> None:
    session, stash = await server.session(workspace=str(repo.root)), ""
    repo.git("config", "user.name", "Ann")
    repo.git("config", "user.email", "ann@example.org")
    for route, text in ROUTES.items():
        (example,) = pages.blocks(text, "http")
        asked, _, answered = example.partition("\n\n")
        line, _, body = asked.partition("\n")
        method, path = line.split()
        if "/sessions/" not in path:
            continue  # it needs a database
        place = path.replace("{id}", session).replace("{stash}", stash)
        answer = await server.client.request(method, place, json=json.loads(body) if body else None)
        status, _, shown = answered.partition("\n")
        assert answer.status_code == int(status), (route, answer.text)
        assert json.loads(shown).keys() == answer.json().keys()
        stash = answer.json()["commit"] if route.endswith("/stashes") and method == "POST" else stash
    assert repo.git("log", "-1", "--format=%s") == b"Count further\n" and repo.git("status", "--porcelain") == b""
    page = await server.client.get(f"/api/sessions/{session}/events", headers={"accept": "application/json"})
    told = [event for event in page.json()["data"] if event["type"] == "file.changed"]
    assert [(event["path"], event.get("turn", "")) for event in told] == [("shop.py", "")] * 2


async def test_what_can_not_be_told_is_a_problem(server: Serving, repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    bare = await server.session(workspace=str(tmp_path / "bare"))
    answer = await server.client.get(f"/api/sessions/{bare}/git/status")
    assert (answer.status_code, answer.json()["code"]) == (422, "tool")
    session = await server.session(workspace=str(repo.root))
    for path in ("log?revision=nowhere", "diff?path=../..", "commits/--help", "log?limit=0", "diff?to=HEAD"):
        answer = await server.client.get(f"/api/sessions/{session}/git/{path}")
        assert answer.status_code == 422, path


async def test_a_model_looks_into_the_repository(server: Serving, repo: Repo) -> None:
    session = await server.session(workspace=str(repo.root))
    names = ("git_status", "git_diff", "git_log", "git_show", "git_blame", "git_branches")
    arguments = {"git_blame": {"path": "shop.py"}}
    server.provider.script(calls(*((name, json.dumps(arguments.get(name, {}))) for name in names)), says("done"))
    await server.prompt(session, "go")
    async with server.watch(session) as watch:
        seen = await watch.until("turn.finished", "turn.failed")
    said = {event["tool"]: event["text"] for event in seen if event["type"] == "tool.finished"}
    assert set(said) == set(names)
    assert "changed: shop.py" in said["git_status"] and "+b = 2" in said["git_diff"]
    assert "Ann: A shop" in said["git_log"] and "+a = 1" in said["git_show"]
    assert "[not committed]\n2: b = 2" in said["git_blame"] and said["git_branches"].startswith("* main ")
