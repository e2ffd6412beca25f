"""Forks over HTTP and at the command line, from one server process."""

from __future__ import annotations

import json
from pathlib import Path

import trio

from pillion_runtime.testing import Reply, call, replies, vendor_server

from ...scenarios.serverprocess import MODELS, server_process
from ..checkpoints.test_undo_http import ALLOW, asked, told

RULE = ALLOW + 'workspace = "{folder}"\n'


async def test_a_fork_from_its_making_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "kept.txt").write_text("one\n")
    makes = Reply(calls=(call("write_file", path="made.txt", content="of the model\n"),))
    async with vendor_server(replies(makes, *(Reply(text=("Yes.",)) for _ in range(4)))) as vendor:
        settings = MODELS.format(url=vendor.url) + RULE.format(folder=folder)
        async with server_process(tmp_path, settings) as server:
            # a session in a fork, where the rule of its origin holds
            status, session = await asked(server, "POST", "/api/sessions", {"workspace": str(folder), "fork": True})
            assert status == 201 and session["workspace"].startswith("fork://")
            both = {"workspace": str(folder), "fork": True, "worktree": True}
            assert (await asked(server, "POST", "/api/sessions", both))[0] == 422
            await server.ride(session["id"], "make it")
            status, listed = await asked(server, "GET", f"/api/forks?workspace={folder}")
            (fork,) = listed["data"]
            assert (status, fork["address"], fork["origin"]) == (200, session["workspace"], str(folder))
            assert (await asked(server, "GET", f"/api/forks/{fork['fork'][:6]}"))[1] == fork
            status, diff = await asked(server, "GET", f"/api/forks/{fork['fork']}/diff")
            assert [(one["path"], one["kind"]) for one in diff["data"]] == [("made.txt", "created")]
            assert not (folder / "made.txt").exists()
            elsewhere = await asked(server, "POST", f"/api/forks/{fork['fork']}/merge", {"session": session["id"]})
            assert elsewhere[0] == 409
            # merged and dropped at the command line, and taken back
            code, out, err = await told(tmp_path, "forks", "merge", fork["fork"][:6], "--drop")
            assert (code, out) == (0, "1 file merged:\n  made.txt\n"), err
            assert (folder / "made.txt").read_text() == "of the model\n"
            assert not await trio.Path(fork["folder"]).exists()
            assert (await asked(server, "GET", f"/api/sessions/{session['id']}/tree"))[0] == 404
            assert (await told(tmp_path, "undo"))[0] == 0 and not (folder / "made.txt").exists()
            # another one, by hand
            code, out, _ = await told(tmp_path, "forks", "new")
            name, place, address = out.splitlines()
            assert code == 0 and address == f"fork://{name}"
            await trio.Path(place, "kept.txt").write_text("two\n")
            (folder / "kept.txt").write_text("three\n")
            code, out, _ = await told(tmp_path, "forks", "diff", name)
            assert code == 0 and "-one\n+two\n" in out
            code, out, err = await told(tmp_path, "forks", "merge", name)
            assert code == 1 and "Left as it is: kept.txt (changed here, too" in out and "--prefer fork" in err
            code, out, _ = await told(tmp_path, "forks", "merge", name, "--prefer", "fork", "--json")
            assert (code, json.loads(out)["paths"], (folder / "kept.txt").read_text()) == (0, ["kept.txt"], "two\n")
            code, out, _ = await told(tmp_path, "forks", "list", "--here")
            assert code == 0 and out.startswith(name)
            assert (await told(tmp_path, "forks", "drop", name))[0] == 0
            assert (await asked(server, "GET", "/api/forks"))[1] == {"data": []}
            assert (await asked(server, "DELETE", f"/api/forks/{name}"))[0] == 404
