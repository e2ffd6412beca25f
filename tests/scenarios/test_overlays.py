"""An editor's unsaved texts, over HTTP: they win over the disk, and what a tool writes to them comes back as edits."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillion.positions import TextEdit, applied
from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing.echo import Echo

from .serverprocess import ServerProcess, riding

UNSAVED = "def price():\n    return '😀 unsaved'\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    work = tmp_path / "work"
    work.mkdir()
    (work / "shop.py").write_text("def price():\n    return 'on disk'\n")
    (work / "other.py").write_text("disk = True\n")
    (work / ".gitignore").write_text("build/\n")
    async with riding(tmp_path, Echo()) as (_, server):
        yield server


async def put(server: ServerProcess, session: str, path: str, text: str, **fields: Any) -> dict[str, Any]:
    return dict(await server.client.call("PUT", f"/api/sessions/{session}/overlays/{path}", {"text": text} | fields))


async def ran(server: ServerProcess, session: str, tool: str, **arguments: Any) -> tuple[str, list[dict[str, Any]]]:
    """The result of a tool that the model calls, and the turn's events."""
    events = await server.ride(session, f"call {tool} {msgspec.json.encode(arguments).decode()}")
    return next(event["text"] for event in events if event["type"] == "tool.finished"), events


@pytest.mark.promise("overlays.win")
async def test_reads_and_searches_see_the_unsaved_text(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path / "work")
    await put(server, session, "shop.py", UNSAVED)
    await put(server, session, "new/[draft].py", "unsaved = 'a file that is not there yet'\n")
    await put(server, session, "build/new.py", "unsaved = 'ignored'\n")
    await put(server, session, ".hidden", "unsaved = 'hidden'\n")
    assert "😀 unsaved" in (await ran(server, session, "read_file", path="shop.py"))[0]
    hits = (await ran(server, session, "search", pattern="unsaved|disk"))[0].splitlines()
    assert [hit.rpartition(":")[0] for hit in hits] == ["new/[draft].py:1", "other.py:1", "shop.py:2"], hits
    assert set((await ran(server, session, "glob", pattern="*.py"))[0].splitlines()) == {
        "new/[draft].py",
        "shop.py",
        "other.py",
    }
    told = await ran(server, session, "run_command", command="cat shop.py")
    assert "on disk" in told[0] and "Unsaved in the editor" in told[0]
    await server.client.call("DELETE", f"/api/sessions/{session}/overlays/shop.py")
    assert "on disk" in (await ran(server, session, "read_file", path="shop.py"))[0]


@pytest.mark.promise("overlays.edits")
async def test_a_write_comes_back_as_edits_and_leaves_the_disk_alone(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path / "work")
    await put(server, session, "shop.py", UNSAVED, version=7)
    _, events = await ran(server, session, "edit_file", path="shop.py", old="unsaved'", new="mended'\n    # 𝒳")
    wanted = next(event for event in events if event["type"] == "file.edit_wanted")
    after = UNSAVED.replace("unsaved'", "mended'\n    # 𝒳")
    assert applied(UNSAVED, msgspec.convert(wanted["edits"], list[TextEdit])) == after
    assert (wanted["path"], wanted["version"]) == ("shop.py", 7)
    assert [wanted["before"], wanted["after"]] == [hashlib.sha256(t.encode()).hexdigest() for t in (UNSAVED, after)]
    assert "on disk" in (tmp_path / "work" / "shop.py").read_text()
    assert "# 𝒳" in (await ran(server, session, "read_file", path="shop.py"))[0], "the next read sees it"


@pytest.mark.promise("overlays.unseen")
async def test_what_a_tool_changed_is_not_lost_unseen(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path / "work")
    before = await put(server, session, "shop.py", UNSAVED)
    _, events = await ran(server, session, "edit_file", path="shop.py", old="unsaved'", new="mended'")
    wanted = next(event for event in events if event["type"] == "file.edit_wanted")
    path = f"/api/sessions/{session}/overlays/shop.py"
    now = await server.client.call("GET", path)
    assert (now["text"], now["hash"], now["edited"]) == (UNSAVED.replace("unsaved'", "mended'"), wanted["after"], True)
    typed = UNSAVED + "# typed meanwhile\n"
    for method, body in (("PUT", {"text": typed}), ("DELETE", None)):
        assert await refused(server, method, path, body) == (428, "precondition_required")
        assert await refused(server, method, path, body, before["hash"]) == (412, "precondition_failed")
    async with server.client.open("PUT", path, {"text": typed}, {"if-match": f'"{wanted["after"]}"'}) as answer:
        assert (answer.status, msgspec.json.decode(await answer.whole())["edited"]) == (200, False)
    await put(server, session, "shop.py", UNSAVED)
    _, events = await ran(server, session, "edit_file", path="shop.py", old="unsaved'", new="mended'")
    after = await put(server, session, "shop.py", UNSAVED.replace("unsaved'", "mended'"))
    assert after["edited"] is False, "who sends the very text has seen it"
    await server.client.call("DELETE", path)


async def refused(server: ServerProcess, method: str, path: str, body: Any, tag: str = "") -> tuple[int, str]:
    with pytest.raises(ServerSaid) as error:
        async with server.client.open(method, path, body, {"if-match": f'"{tag}"'} if tag else {}):
            pass
    return error.value.status, error.value.code


@pytest.mark.promise("overlays.guarded")
async def test_an_overlay_stays_inside_and_is_replaced_only_as_known(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path / "work")
    with pytest.raises(ServerSaid, match="leads out of the workspace"):
        await put(server, session, "..%2Fout.py", "x")
    with pytest.raises(ServerSaid, match="There is nothing at this path"):
        await put(server, session, "%2Fetc%2Fpasswd", "x")
    first = await put(server, session, "shop.py", UNSAVED)
    assert await overlays(server, session) == [first]
    path = f"/api/sessions/{session}/overlays/shop.py"
    assert await refused(server, "PUT", path, {"text": "y"}, "0000") == (412, "precondition_failed")
    assert await refused(server, "PUT", path + "/x", {"text": "y"}) == (422, "not_a_file")
    with pytest.raises(ServerSaid, match=r"No text of other\.py is unsaved"):
        await server.client.call("DELETE", f"/api/sessions/{session}/overlays/other.py")


async def overlays(server: ServerProcess, session: str) -> list[dict[str, Any]]:
    return list((await server.client.call("GET", f"/api/sessions/{session}/overlays"))["data"])
