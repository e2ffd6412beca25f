"""Sessions at the command line: go on, list, show, watch, delete."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pillion_runtime.cli.ages import age
from pillion_runtime.cli.client import Client
from pillion_runtime.cli.screen import one_line
from pillion_runtime.testing import Reply, Status, call

WRITES = Reply(text="I write it down.", calls=(call("write_note", path="note.txt", text="remember"),))


def client(cli: Any, url: str) -> Client:
    return Client(url, json.loads((cli.data_dir / "server.json").read_text())["token"])


@pytest.mark.promise("cli.go_on")
async def test_it_goes_on_with_the_newest_session_of_the_folder(cli: Any) -> None:
    first = await cli.run("run", "one", "-w", str(cli.folder))
    second = await cli.run("run", "two")
    third = await cli.run("run", "-c", "three")
    assert (first.code, second.code, third.code) == (0, 0, 0), third
    said = [message.text for message in cli.vendor.asked[-1].messages if message.role == "user"]
    assert said == ["two", "three"]
    listed = json.loads((await cli.run("sessions", "list", "--json")).out)
    assert [session["title"] for session in listed] == ["two", "one"]
    older = await cli.run("run", "--resume", listed[1]["id"][:12].upper(), "four")
    said = [message.text for message in cli.vendor.asked[-1].messages if message.role == "user"]
    assert (older.code, said) == (0, ["one", "four"])


@pytest.mark.promise("cli.go_on")
async def test_where_nothing_goes_on_it_says_so(cli: Any) -> None:
    for words, told in (
        (("-c",), "There is no session on "),
        (("--resume", "abc"), "There is no session 'abc'"),
        (("--resume", "0" * 32), "0" * 32),
        (("-c", "--ephemeral"), "one that goes on is to stay"),
    ):
        ended = await cli.run("run", "hello", *words)
        assert (ended.code, ended.out) == (2, ""), ended
        assert told in ended.err and "Traceback" not in ended.err and "unexpected" not in ended.err, ended


@pytest.mark.promise("cli.go_on")
async def test_the_beginning_of_two_ids_names_both(cli: Any) -> None:
    async with cli.serving() as said:
        server = client(cli, said["url"])
        ids = [(await server.call("POST", "/api/sessions", {"workspace": str(cli.folder)}))["id"] for _ in range(17)]
        letter, number = Counter(id[0] for id in ids).most_common(1)[0]
        ended = await cli.run("chat", "--resume", letter)
    assert ended.code == 2, ended
    assert f"{number} sessions begin with '{letter}'" in ended.err
    assert sum(id in ended.err for id in ids if id[0] == letter) == min(number, 8)


@pytest.mark.promise("cli.sessions")
async def test_sessions_are_listed_shown_and_deleted(cli: Any, scripted: Any) -> None:
    scripted.says(WRITES, Reply(text="It is **written**."))
    async with cli.serving():
        empty = await cli.run("sessions", "list")
        assert (empty.code, empty.out) == (0, "") and "There is no session yet." in empty.err
        assert (await cli.run("run", "write it", "--yes")).code == 0
        assert (await cli.run("run", "elsewhere", "-w", str(cli.folder))).code == 0
        here = await cli.run("sessions", "list", "-w", ".")
        id = here.out.partition("\t")[0]
        assert here.out.count("\n") == 1
        assert here.out.split("\t")[2:] == ["idle", "auto", "write it", f"{cli.workspace}\n"]
        shown = await cli.run("sessions", "show", id[:10])
        lines = ("write it\n", "\n> write it\n", "\nI write it down.\n● write_note note.txt", "\nIt is **written**.\n")
        assert all(line in shown.out for line in lines), shown
        told = json.loads((await cli.run("sessions", "show", id, "--json")).out)
        assert (told["id"], [message["role"] for message in told["messages"]][:2]) == (id, ["user", "assistant"])
        kept = await cli.run("sessions", "delete", id)
        assert kept.code == 130 and "Delete" in kept.err, kept  # nobody answered
        gone = await cli.run("sessions", "delete", "--yes", "--json", id)
        assert (gone.code, json.loads(gone.out)) == (0, {"deleted": [id]})
        missing = await cli.run("sessions", "show", id)
        assert missing.code == 2, missing


@pytest.mark.promise("cli.sessions")
async def test_sessions_are_renamed_and_forked(door: Any) -> None:
    assert (await door.run("run", "hello")).code == 0
    id = json.loads((await door.run("sessions", "list", "--json")).out)[0]["id"]
    assert (await door.run("sessions", "rename", id[:12], "A lamp")).code == 0
    told = json.loads((await door.run("sessions", "fork", id, "--json")).out)
    assert (told["title"], told["origin"]) == ("A lamp", id)
    assert "> hello" in (await door.run("sessions", "show", told["id"])).out
    refused = await door.run("sessions", "fork", id, "--at", "9999")
    assert refused.code == 2 and "can't be forked at event 9999" in refused.err


@pytest.mark.promise("cli.sessions")
async def test_sessions_are_put_aside_and_found(cli: Any) -> None:
    async with cli.serving():
        for text in ("A lamp", "flickers"):
            assert (await cli.run("run", text)).code == 0
        ids = [session["id"] for session in json.loads((await cli.run("sessions", "list", "--json")).out)]
        assert (await cli.run("sessions", "archive", *ids)).code == 0
        assert (await cli.run("sessions", "unarchive", ids[1][:12])).code == 0
        listed = [(await cli.run("sessions", "list", "--json", *more)).out for more in ([], ["--archived"])]
        assert [[session["id"] for session in json.loads(out)] for out in listed] == [[ids[1]], [ids[0]]]
        found = await cli.run("sessions", "list", "-q", "LAMP")
        assert found.out.startswith(ids[1]) and found.out.endswith("\tA lamp\n")  # the passage
        none = await cli.run("sessions", "list", "-q", "zeppelin")
        assert (none.code, none.out) == (0, "") and "no such session" in none.err


@pytest.mark.promise("sessions.exported", "cli.sessions")
async def test_a_session_goes_out_as_a_file_and_in_again(door: Any, tmp_path: Path) -> None:
    assert (await door.run("run", "hello")).code == 0
    id = json.loads((await door.run("sessions", "list", "--json")).out)[0]["id"]
    file = tmp_path / "kept.jsonl"
    ended = await door.run("sessions", "export", id[:12], "-o", str(file))
    assert (ended.code, ended.out, ended.err) == (0, "", ""), ended
    assert file.stat().st_mode & 0o777 == 0o600
    assert [name for name in os.listdir(tmp_path) if "kept" in name] == ["kept.jsonl"]
    taken = await door.run("sessions", "import", str(file))
    assert taken.code != 0 and "--new-ids" in taken.err and "Traceback" not in taken.err, taken
    assert (await door.run("sessions", "delete", "-y", id)).code == 0
    taken = await door.run("sessions", "import", str(file))
    assert (taken.code, taken.out) == (0, f"{id}\n"), taken
    assert (await door.run("sessions", "export", id)).out.encode() == file.read_bytes()


@pytest.mark.promise("sessions.exported", "cli.sessions")
async def test_a_session_goes_through_a_pipe_and_gets_a_twin(door: Any) -> None:
    assert (await door.run("run", "hello")).code == 0
    id = json.loads((await door.run("sessions", "list", "--json")).out)[0]["id"]
    file = (await door.run("sessions", "export", id)).out.encode()
    twin = json.loads((await door.run("sessions", "import", "-", "--new-ids", "--json", stdin=file)).out)
    assert (twin["title"], twin["id"] != id) == ("hello", True)


@pytest.mark.promise("sessions.import_whole")
async def test_a_file_that_is_no_export_is_told_in_one_line(door: Any, tmp_path: Path) -> None:
    (tmp_path / "wrong.jsonl").write_text("{}\n" * 100_000)
    for words, told in (
        (("import", str(tmp_path / "wrong.jsonl")), "Line 1: This is no export of sessions."),
        (("import", str(tmp_path / "none.jsonl")), "does not exist"),
        (("export", "0" * 32, "-o", str(tmp_path / "out.jsonl")), "There is no session 000"),
        (("export", "0" * 32, "-o", str(tmp_path / "none" / "out.jsonl")), "No such file or directory"),
    ):
        ended = await door.run("sessions", *words)
        assert (ended.code, ended.out) == (2, ""), ended
        assert told in ended.err and "Traceback" not in ended.err and "unexpected" not in ended.err, ended
    assert not [name for name in os.listdir(tmp_path) if "out.jsonl" in name]


@pytest.mark.promise("cli.resume")
@pytest.mark.parametrize("live", [False, True], ids=["in process", "at a server"])
async def test_a_failed_turn_is_shown_and_resumed(cli: Any, scripted: Any, live: bool) -> None:
    scripted.says(WRITES, Reply(fault=Status(401, kind="key")), Reply(text="It is written."))
    async with cli.serving() if live else nullcontext():
        assert (await cli.run("run", "write it", "--yes")).code == 5
        id = json.loads((await cli.run("sessions", "list", "--json")).out)[0]["id"]
        shown = await cli.run("sessions", "show", id)
        assert "last turn: failed (provider_refused): " in shown.out, shown
        assert f"`pillion sessions resume {id[:8]}` goes on with it" in shown.out
        resumed = await cli.run("sessions", "resume", id[:8])
        assert (resumed.code, resumed.out) == (0, "It is written.\n"), resumed
        assert "The model goes on where it was interrupted." in resumed.err
        assert "last turn: finished (done)" in (await cli.run("sessions", "show", id)).out
        again = await cli.run("sessions", "resume", id)
        assert (again.code, again.out) == (1, "") and "There is nothing to resume" in again.err, again
    assert (cli.workspace / "note.txt").read_text() == "remember"


@pytest.mark.promise("cli.watch")
async def test_a_session_is_watched_from_the_start_and_from_anywhere(cli: Any, scripted: Any) -> None:
    async with cli.serving() as said:
        assert (await cli.run("run", "hello")).code == 0
        server = client(cli, said["url"])
        id = (await server.call("GET", "/api/sessions"))["data"][0]["id"]
        async with cli.started("watch", id[:6]) as watching, cli.started("watch", "--all", "--json") as all_:
            await watching.until("Hello there.")
            await all_.until("session.cursor")
            assert (await cli.run("run", "-c", "again")).code == 0
            await watching.until("› again\nHello there.")
            await all_.until('"turn.finished"')
            await server.call("DELETE", f"/api/sessions/{id}")
            assert await watching.end() == 0, watching.seen
            assert "the session is gone" in watching.seen
        assert all(json.loads(line)["session"] == id for line in all_.seen.splitlines())
        assert (await cli.run("run", "third")).code == 0
        newest = (await server.call("GET", "/api/sessions"))["data"][0]["id"]
        async with cli.started("watch", "--all") as plain:
            await plain.until(f"{newest[:8]}  {one_line(f'third · {cli.workspace}')}\n")
            assert (await cli.run("run", "-c", "fourth")).code == 0
            await plain.until(f"{newest[:8]}  › fourth\n{newest[:8]}  Hello there.\n")
        async with cli.started("watch", newest, "--after", "3", "--json") as late:
            await late.until('"turn.finished"')
        assert json.loads(late.seen.partition("\n")[0])["id"] == "4"
    ended = await cli.run("watch", newest)
    assert ended.code == 2 and "No server runs" in ended.err
    assert (await cli.run("watch")).code == 2
    assert (await cli.run("watch", newest, "--all")).code == 2


@pytest.mark.promise("cli.watch")
async def test_a_watcher_at_a_terminal_leaves_by_ctrl_c(cli: Any) -> None:
    async with cli.serving():
        session = str((await cli.run("run", "--json", "hello")).events()[0]["session"])
        async with cli.terminal("watch", session[:8]) as screen:
            await screen.until("Hello there.")
            assert "› hello" in screen.seen
            await cli.run("run", "--resume", session, "second")
            await screen.until("› second")
            await screen.type("\x03")
            assert await screen.end() == 130


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        ("2026-01-31T12:00:00.000Z", "just now"),
        ("2026-01-31T11:59:15.000Z", "45 s ago"),
        ("2026-01-31T11:10:00.000Z", "50 min ago"),
        ("2026-01-30T13:00:00.000Z", "23 h ago"),
        ("2026-01-01T12:00:00.000Z", "30 d ago"),
        ("2023-01-31T12:00:00.000Z", "3 a ago"),
        ("2026-01-31T12:00:30.000Z", "just now"),
    ],
)
def test_ages(stamp: str, told: str) -> None:
    assert age(stamp, datetime(2026, 1, 31, 12, tzinfo=UTC)) == told
