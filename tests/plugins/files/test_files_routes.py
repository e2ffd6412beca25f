"""A session's files over HTTP, from a server on a real port."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec import Struct

from pillion import Call, Home
from pillion.testing.kit import Anything, FunctionTool, ToolPlugin
from pillion.testing.scripted import calls, says
from pillion_approvals.plugin import Config as ApprovalsConfig
from pillion_approvals.plugin import Plugin as Approvals
from pillion_checkpoints.plugin import Config as CheckpointsConfig
from pillion_checkpoints.plugin import Plugin as Checkpoints
from pillion_edit.plugin import Config as EditConfig
from pillion_edit.plugin import Plugin as Edit
from pillion_files.changes import Changes, DiffQuery
from pillion_files.plugin import Config, Plugin
from pillion_files.routes import FileText, FileWritten, NewFile
from pillion_files.treeroute import TreePage, TreeQuery
from pillion_storage.plugin import Config as StorageConfig
from pillion_storage.plugin import Plugin as Storage

from ...meta import pages
from ...runtime.conftest import Serving, serving

BYTES = "application/octet-stream"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    agrees = Approvals(ApprovalsConfig(write="allow"))
    brought = {"files": Plugin(Config()), "edit": Edit(EditConfig()), "approvals": agrees}
    (tmp_path / "work").mkdir()
    async with serving(tmp_path, plugins=brought) as running:
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


class Files:
    """Those of one session."""

    def __init__(self, server: Serving, session: str) -> None:
        self.server, self.session = server, session
        self._at = f"/api/sessions/{session}"

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """`body`: a text is sent as JSON, bytes as they are."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, str):
            return await self.server.client.request(method, f"{self._at}/{path}", json={"text": body}, headers=named)
        if isinstance(body, bytes):
            named |= {"content-type": BYTES}
        return await self.server.client.request(method, f"{self._at}/{path}", content=body, headers=named)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.ask("GET", path, **headers)

    async def put(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        return await self.ask("PUT", f"files/{path}", body, **headers)

    async def diff(self, query: str = "") -> dict[str, Any]:
        answer = await self.get(f"diff{query}")
        assert answer.status_code == 200, answer.text
        return {one["path"]: one for one in answer.json()["data"]}

    async def run(self, *steps: Any) -> None:
        """A turn in which the model says these."""
        self.server.provider.script(*steps)
        await self.server.prompt(self.session, "go")
        async with self.server.watch(self.session) as watch:
            await watch.until("turn.finished", "turn.failed")


@pytest.fixture
async def files(server: Serving, work: Path) -> Files:
    return Files(server, await server.session(workspace=str(work)))


def tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()}"'


def failed(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_file_is_read_as_text_as_bytes_and_by_lines(files: Files, work: Path) -> None:
    data = b"\xef\xbb\xbfone\r\ntwo\r\nthree"
    (work / "a b").mkdir()
    (work / "a b" / "f.txt").write_bytes(data)
    whole = await files.get("files/a%20b/f.txt")
    assert whole.headers["etag"] == tag(data)
    assert whole.json() == {
        "path": "a b/f.txt", "hash": hashlib.sha256(data).hexdigest(), "size": len(data), "encoding": "utf-8",
        "unsaved": False, "lines": 3, "start": 1, "end": 3, "text": "one\r\ntwo\r\nthree",
    }  # fmt: skip
    some = (await files.get("files/a%20b/f.txt?start=2&end=9")).json()
    assert (some["text"], some["start"], some["end"]) == ("two\r\nthree", 2, 3)
    raw = await files.get("files/a%20b/f.txt", accept=BYTES)
    assert (raw.content, raw.headers["content-type"]) == (data, BYTES)
    assert (await files.get("files/a%20b/f.txt?end=1", accept=BYTES)).content == b"\xef\xbb\xbfone\r\n"
    assert {answer.headers["vary"] for answer in (whole, raw)} == {"Accept"}
    same = await files.get("files/a%20b/f.txt", if_none_match=f'"other", {tag(data)}')
    assert (same.status_code, same.headers["etag"], same.content) == (304, tag(data), b"")
    assert (await files.get("files/a%20b/f.txt", if_none_match='"other"')).status_code == 200
    liked = await files.get("files/a%20b/f.txt", accept=f"application/json;q=0.5, {BYTES}, text/html")
    assert liked.headers["content-type"] == BYTES
    assert failed(await files.get("files/a%20b/f.txt", accept="text/html")) == (406, "not_acceptable")
    for query in ("start=4", "start=3&end=2", "start=0", "end=x"):
        assert failed(await files.get(f"files/a%20b/f.txt?{query}")) == (422, "invalid")


async def test_what_can_not_be_read_says_why_by_its_code(files: Files, work: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for you")
    (work / "out").symlink_to("../secret")
    (work / "binary").write_bytes(b"\x7fELF\0\0")
    (work / "latin").write_bytes(b"caf\xe9\n")
    (work / ".env").write_text("KEY=1")
    os.mkfifo(work / "fifo")
    with (work / "sparse").open("wb") as sparse:
        sparse.truncate(20 * 1024**3)
    for path, code in {
        "missing": (404, "no_such_file"), "fifo": (422, "not_a_file"), "sparse": (422, "file_too_large"),
        "binary": (422, "not_text"), "latin": (422, "not_text"), "out": (422, "outside_workspace"),
        ".env": (403, "protected_path"), "..%2Fsecret": (422, "outside_workspace"), "latin/x": (422, "not_a_file"),
    }.items():  # fmt: skip
        assert failed(await files.get(f"files/{path}")) == code, path
        form = {"accept": BYTES}
        expected = 200 if path in ("binary", "latin") else code[0]
        assert (await files.get(f"files/{path}", **form)).status_code == expected
    for method in ("PUT", "DELETE"):
        for path in ("out", ".env", ".git/config", "fifo", ".husky/x"):
            answer = await files.ask(method, f"files/{path}", "x" if method == "PUT" else None, if_match="*")
            assert answer.status_code in (403, 404, 412, 422), (method, path, answer.text)
    assert failed(await files.put(".git/hooks/x", "x", if_none_match="*")) == (403, "protected_path")
    assert failed(await files.put(".husky/x", "x", if_none_match="*")) == (403, "protected_path")
    assert (tmp_path / "secret").read_text() == "not for you"
    assert sorted(os.listdir(work)) == [".env", "binary", "fifo", "latin", "out", "sparse"]


async def test_what_makes_programs_run_is_read_and_neither_written_nor_taken_away(files: Files, work: Path) -> None:
    for path in (".husky/pre-commit", ".git/hooks/pre-commit", "src/.git/HEAD", ".hg/hgrc", ".githooks/x"):
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text("one\n")
        read = await files.get(f"files/{path}")
        assert read.json()["text"] == "one\n"
        for answer in (
            await files.put(path, "two\n", if_match=read.headers["etag"]),
            await files.ask("DELETE", f"files/{path}", if_match=read.headers["etag"]),
        ):
            assert failed(answer) == (403, "protected_path"), path
        assert (work / path).read_text() == "one\n"


@pytest.mark.promise("files.person")
async def test_a_person_writes_only_over_what_he_has_seen(files: Files, work: Path) -> None:
    assert failed(await files.put("x/f", "one\n")) == (428, "precondition_required")
    made = await files.put("x/f", "one\n", if_none_match="*")
    assert (made.status_code, made.headers["etag"]) == (201, tag(b"one\n"))
    assert made.json() == {
        "path": "x/f", "hash": hashlib.sha256(b"one\n").hexdigest(), "size": 4, "added": 1, "removed": 0,
        "unsaved": False,
    }  # fmt: skip
    assert failed(await files.put("x/f", "two\n", if_none_match="*")) == (412, "precondition_failed")
    assert failed(await files.put("x/f", "two\n", if_match=tag(b"other"))) == (412, "precondition_failed")
    assert failed(await files.put("missing", "two\n", if_match="*")) == (412, "precondition_failed")
    (work / "x" / "f").chmod(0o751)
    assert (await files.put("x/f", b"\xff\0", if_match=tag(b"one\n"))).status_code == 200
    assert ((work / "x" / "f").read_bytes(), (work / "x" / "f").stat().st_mode & 0o777) == (b"\xff\0", 0o751)
    assert (await files.put("x/f", b"\xff\0", if_match="*")).json()["added"] == 0
    assert failed(await files.ask("DELETE", "files/x/f")) == (428, "precondition_required")
    assert failed(await files.ask("DELETE", "files/x/f", if_match=tag(b"one\n"))) == (412, "precondition_failed")
    assert (await files.ask("DELETE", "files/x/f", if_match=tag(b"\xff\0"))).status_code == 204
    assert not (work / "x" / "f").exists()
    assert failed(await files.ask("DELETE", "files/x/f", if_match="*")) == (404, "no_such_file")
    page = await files.get("events?limit=100", accept="application/json")
    changed = [(event["path"], event["kind"]) for event in page.json()["data"] if event["type"] == "file.changed"]
    assert changed == [("x/f", "created"), ("x/f", "changed"), ("x/f", "deleted")]
    answer = await files.server.client.put(
        f"/api/sessions/{files.session}/files/y", content=b"{", headers={"if-none-match": "*"}
    )
    assert failed(answer) == (415, "not_json")


async def test_text_that_is_written_keeps_the_encoding(files: Files, work: Path) -> None:
    (work / "f").write_bytes(b"\xff\xfe" + "één\r\n".encode("utf-16-le"))
    read = await files.get("files/f")
    assert (read.json()["text"], read.json()["encoding"]) == ("één\r\n", "utf-16-le")
    await files.put("f", "twee\r\n", if_match=read.headers["etag"])
    assert (work / "f").read_bytes() == b"\xff\xfe" + "twee\r\n".encode("utf-16-le")


async def test_an_editors_text_is_what_is_read_and_gets_what_is_written(files: Files, work: Path) -> None:
    (work / "f").write_text("disk\n")
    await files.ask("PUT", "overlays/f", "editor\n")
    read = await files.get("files/f")
    assert (read.json()["text"], read.json()["unsaved"], read.headers["etag"]) == ("editor\n", True, tag(b"editor\n"))
    written = await files.put("f", "person\n", if_match=tag(b"editor\n"))
    assert (written.status_code, written.json()["unsaved"]) == (200, True)
    assert (work / "f").read_text() == "disk\n"
    assert (await files.get("overlays/f")).json()["text"] == "person\n"
    assert failed(await files.ask("DELETE", "files/f", if_match="*")) == (409, "conflict")
    page = await files.get("events?limit=100", accept="application/json")
    assert {"file.edit_wanted", "file.changed"} <= {event["type"] for event in page.json()["data"]}
    assert (await files.diff())["f"]["diff"].endswith("-editor\n+person\n")


async def test_a_tree_in_pages_without_what_is_ignored(files: Files, work: Path) -> None:
    for name in ("a.py", "src/b.py", "src/deep/c.py", "src/deep/er/d.py", "log/x.log", ".hidden/h", ".git/config"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text("x")
    (work / ".gitignore").write_text("*.log\n")
    await files.ask("PUT", "overlays/new%2Fdraft.py", "x")
    whole = (await files.get("tree")).json()
    assert [(one["path"], one["kind"], one["files"]) for one in whole["data"]] == [
        ("a.py", "file", 0), ("log", "folder", 0), ("new", "folder", 0), ("new/draft.py", "file", 0),
        ("src", "folder", 0), ("src/b.py", "file", 0), ("src/deep", "folder", 2),
    ]  # fmt: skip
    assert (whole["folder"], whole["complete"], whole["next_cursor"]) == ("", True, None)
    found, cursor = [], ""
    while cursor is not None:
        page = (await files.get(f"tree?limit=2&cursor={cursor}")).json()
        assert page["data"] and page["data"] not in (found[-2:], found[:2]), "it goes on"
        found += page["data"]
        cursor = page["next_cursor"]
    assert found == whole["data"]
    below = (await files.get("tree?folder=src&depth=1")).json()
    assert [one["path"] for one in below["data"]] == ["src/b.py", "src/deep"]
    everything = {one["path"] for one in (await files.get("tree?hidden=true&ignored=true&depth=9")).json()["data"]}
    assert {".hidden/h", "log/x.log", ".gitignore"} <= everything and ".git/config" not in everything
    assert failed(await files.get("tree?folder=missing")) == (404, "no_such_file")
    assert failed(await files.get("tree?folder=a.py")) == (422, "not_a_file")
    assert failed(await files.get("tree?folder=..")) == (422, "outside_workspace")
    assert failed(await files.get("tree?depth=0")) == (422, "invalid")


@pytest.mark.promise("files.diff")
async def test_a_diff_tells_what_became_of_the_files_since_the_session_opened(server: Serving, work: Path) -> None:
    (work / "edited").write_text("one\ntwo\n")
    (work / "back").write_text("same\n")
    (work / "gone").write_text("bye\n")
    old = time.time() - 1000
    (work / "untouched").write_text("still\n")
    os.utime(work / "untouched", (old, old))
    files = Files(server, await server.session(workspace=str(work)))
    await files.run(
        calls(("write_file", '{"path": "./edited", "content": "one\\n2\\n"}')),
        calls(("edit_file", '{"path": "edited", "old": "2", "new": "three"}')),
        calls(("write_file", '{"path": "made", "content": "new\\n"}')),
        calls(("write_file", '{"path": "back", "content": "other\\n"}')),
        calls(("write_file", '{"path": "back", "content": "same\\n"}')),
        says("done"),
    )
    await files.ask("DELETE", "files/gone", if_match="*")
    (work / "by_command").write_text("whatever\n")
    found = await files.diff()
    assert {path: (one["kind"], one["added"], one["removed"]) for path, one in found.items()} == {
        "edited": ("changed", 1, 1), "made": ("created", 1, 0), "gone": ("deleted", 0, 1),
        "by_command": ("changed", 0, 0),
    }  # fmt: skip
    assert found["edited"]["diff"] == "--- a/edited\n+++ b/edited\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n"
    assert found["by_command"]["diff"] is None
    assert "otherwise than by this session's edits" in found["by_command"]["reason"]
    assert [*await files.diff("?path=made")] == ["made"]
    assert await files.diff("?path=nowhere") == {}
    assert failed(await files.get("diff?path=..")) == (422, "outside_workspace")


async def test_where_checkpoints_are_kept_a_diff_knows_what_commands_did_also_after_a_restart(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in ("edited", "deleted", "back", "put", "still"):
        (work / name).write_text(f"{name}\n")

    async def command(arguments: Anything, call: Call) -> str:
        (work / "edited").write_text("by a command\n")
        (work / "back").write_text("by a command\n")
        (work / "made").write_text("by a command\n")
        (work / "deleted").unlink()
        (work / "link").symlink_to("made")
        (work / ".gitignore").write_text("ignored\n")
        (work / "ignored").write_text("x\n")
        return "ran"

    def brought() -> dict[str, object]:
        return {
            "files": Plugin(Config()),
            "storage": Storage(StorageConfig()),
            "edit": Edit(EditConfig()),
            "approvals": Approvals(ApprovalsConfig(write="allow", execute="allow")),
            "command": ToolPlugin(FunctionTool("command", command, "execute")),
            "checkpoints": Checkpoints(CheckpointsConfig(), Home("checkpoints", tmp_path / "data")),
        }

    async with serving(tmp_path, plugins=brought(), defaults__store="storage") as running:
        files = Files(running, await running.session(workspace=str(work)))
        await files.ask("PUT", "files/put", "by a person\n", if_match="*")
        await files.run(
            calls(("command", "{}")),
            calls(("write_file", '{"path": "edited", "content": "by the model\\n"}')),
            calls(("write_file", '{"path": "back", "content": "back\\n"}')),
            calls(("write_file", '{"path": "put", "content": "by the model\\n"}')),
            says("done"),
        )
        first = await files.diff()
    async with serving(tmp_path, plugins=brought(), defaults__store="storage") as running:
        again = await Files(running, files.session).diff()
    assert first == again
    assert {path: (one["kind"], (one["diff"] or "").splitlines()[3:]) for path, one in first.items()} == {
        "edited": ("changed", ["-edited", "+by the model"]),
        "deleted": ("deleted", ["-deleted"]),
        "put": ("changed", ["-put", "+by the model"]),
        "made": ("created", ["+by a command"]),
        "link": ("created", ["+made", "\\ No newline at end of file"]),
        ".gitignore": ("created", ["+ignored"]),
    }


PAGE = pages.text("docs/howto/files.md")
ROUTES = pages.sections(PAGE, "###")


@pytest.mark.parametrize(
    ("route", "table", "kind"),
    [
        ("GET files/{path}", "answer", FileText),
        ("PUT files/{path}", "request", NewFile),
        ("PUT files/{path}", "answer", FileWritten),
        ("GET tree", "query", TreeQuery),
        ("GET tree", "answer", TreePage),
        ("GET diff", "query", DiffQuery),
        ("GET diff", "answer", Changes),
    ],
)
def test_the_page_has_every_field(route: str, table: str, kind: type[Struct]) -> None:
    method, path = route.split()
    assert pages.tables(ROUTES[f"{method} /api/sessions/{{id}}/{path}"])[table] == set(kind.__struct_fields__)


async def test_each_example_of_the_page_is_answered_as_it_says(files: Files, work: Path) -> None:
    (work / "src").mkdir()
    await files.put("src/shop.py", "a = 1\n", if_none_match="*")
    await files.put("src/shop.py", "a = 1\nb = 2\nc = 3\n", if_match="*")
    for route in sorted(ROUTES, key=lambda route: route.startswith("DELETE")):
        (example,) = pages.blocks(ROUTES[route], "http")
        asked, _, answered = example.partition("\n\n")
        first, *rest = asked.splitlines()
        headers = dict(line.split(": ", 1) for line in rest if not line.startswith("{"))
        body = next((json.loads(line) for line in rest if line.startswith("{")), None)
        method, path = first.split()
        answer = await files.server.client.request(
            method, path.replace("{id}", files.session), json=body, headers=headers
        )
        status, _, shown = answered.partition("\n")
        assert answer.status_code == int(status), answer.text
        if shown.strip():
            assert json.loads(shown).keys() == answer.json().keys()
    assert not (work / "notes" / "new.txt").exists()
