"""The scratch pad over HTTP and at the command line, from a server process."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion_notes.pad import ScratchpadWritten
from pillion_notes.routes import NewScratchpad, Scratchpad
from pillion_notes.tools import AddNote, ReadNotes, WriteNotes
from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing import Reply, Vendor, call, replies, vendor_server

from ...meta import pages
from ...scenarios.serverprocess import BOUND, COMMAND, MODELS, ServerProcess, bare_environment, server_process

STORAGE = MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n')
LIMIT = 64 * 1024


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """A model that notes something, and then talks for as long as it is asked."""
    notes = Reply(calls=(call("add_note", text="of the model"),))
    async with vendor_server(replies(notes, *(Reply(text=("Yes.",)) for _ in range(8)))) as vendor:
        yield vendor


@pytest.fixture
async def server(vendor: Vendor, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with server_process(tmp_path, MODELS.format(url=vendor.url)) as server:
        yield server


async def asked(
    server: ServerProcess, method: str, session: str, body: Any = None, **headers: str
) -> tuple[int, str, Any]:
    """Status, tag and JSON of an answer about the pad."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/api/sessions/{session}/scratchpad"
    try:
        async with server.client.open(method, path, body, headers=named) as answer:
            data = await answer.whole()
            return answer.status, answer.headers.get("etag", ""), json.loads(data) if data else None
    except ServerSaid as error:
        return error.status, error.code, str(error)


@pytest.mark.promise("notes.person")
@pytest.mark.parametrize("ephemeral", [False, True])
async def test_a_person_writes_what_the_next_turn_is_given(
    server: ServerProcess, vendor: Vendor, tmp_path: Path, ephemeral: bool
) -> None:
    session = await server.session(tmp_path, strategy="agent", ephemeral=ephemeral)
    assert await asked(server, "GET", session) == (200, '"0"', {"text": "", "updated": None, "by": None})
    status, tag, put = await asked(server, "PUT", session, {"text": "of a person"})
    assert (status, put["text"], put["by"]) == (200, "of a person", "person")
    await server.ride(session, "go")
    assert "of a person" in vendor.asked[0].system
    _, later, got = await asked(server, "GET", session)
    assert (got["text"], got["by"]) == ("of a person\nof the model", "model")
    assert got["updated"] >= put["updated"] and int(later.strip('"')) > int(tag.strip('"'))
    assert (await asked(server, "GET", session, if_none_match=later))[:2] == (304, later)


@pytest.mark.promise("notes.not_over_anothers")
async def test_of_many_who_replace_the_same_notes_one_does(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path)
    _, tag, _ = await asked(server, "PUT", session, {"text": "first"}, if_match='"0"')
    found: list[tuple[int, str, Any]] = []

    async def put(number: int) -> None:
        found.append(await asked(server, "PUT", session, {"text": f"of {number}"}, if_match=tag))

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(put, number)
    won = [answer for answer in found if answer[0] == 200]
    assert len(won) == 1
    assert {answer[:2] for answer in found if answer[0] != 200} == {(412, "precondition_failed")}
    assert (await asked(server, "GET", session))[2] == won[0][2]
    assert (await asked(server, "PUT", session, {"text": "whatever it was"}, if_match="*"))[0] == 200


@pytest.mark.promise("notes.bounded")
async def test_what_does_not_fit_is_told_as_a_problem(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path)
    for body, status, code, said in [
        ({"text": "ä" * (LIMIT // 2) + "x"}, 413, "too_large", "64 KiB"),
        ({"txt": "x"}, 422, "invalid", "txt"),
        ({"text": 1}, 422, "invalid", "$.text"),
        ([], 422, "invalid", "array"),
        (msgspec.Raw(b"{"), 400, "bad_request", "no JSON"),
        (None, 415, "not_json", "application/json"),
    ]:
        answer = await asked(server, "PUT", session, body)
        assert answer[:2] == (status, code) and said in answer[2], answer
    assert (await asked(server, "PUT", session, {"text": "ä" * (LIMIT // 2)}))[0] == 200
    assert (await asked(server, "GET", "nobody"))[:2] == (404, "not_found")
    assert (await asked(server, "PUT", "nobody", {"text": "x"}))[:2] == (404, "not_found")


@pytest.mark.promise("notes.last")
async def test_notes_last_across_a_restart_and_are_given_to_the_model_again(vendor: Vendor, tmp_path: Path) -> None:
    settings = STORAGE.format(url=vendor.url)
    async with server_process(tmp_path, settings) as server:
        session = await server.session(tmp_path, strategy="agent")
        await server.ride(session, "go")
        before = await asked(server, "GET", session)
        assert before[2]["text"] == "of the model"
        await server.kill()
    async with server_process(tmp_path, settings) as server:
        assert await asked(server, "GET", session) == before
        await server.ride(session, "and now?")
        assert "of the model" in vendor.asked[-1].system


async def test_notes_are_written_while_a_turn_runs(tmp_path: Path) -> None:
    async with (
        vendor_server(replies(Reply(text=("begun", "never said"), pause=BOUND))) as vendor,
        server_process(tmp_path, MODELS.format(url=vendor.url)) as server,
    ):
        session = await server.session(tmp_path)
        async with server.watch(session, await server.prompt(session, "go")) as watch:
            await watch.until("text.delta")
            assert (await asked(server, "PUT", session, {"text": "meanwhile"}))[0] == 200
            assert (await watch.until("scratchpad.written"))[-1]["text"] == "meanwhile"
            await server.cancel(session)
            await watch.until("turn.cancelled")


async def test_switched_off_it_takes_its_route_along_and_leaves_the_notes(
    server: ServerProcess, tmp_path: Path
) -> None:
    session = await server.session(tmp_path)
    before = await asked(server, "PUT", session, {"text": "kept"})
    assert before[2]["text"] == "kept"
    await server.client.call("PATCH", "/api/plugins/notes", {"enabled": False})
    assert (await asked(server, "GET", session))[0] == 404
    await server.client.call("PATCH", "/api/plugins/notes", {"enabled": True})
    assert await asked(server, "GET", session) == before


async def pillion(server: ServerProcess, *words: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command on the server's data directory."""
    places = ("--config", str(server.folder / "plugins.toml"), "--data-dir", str(server.folder / "data"))
    environment = bare_environment(server.folder, **variables)
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            [*COMMAND, *words, *places], capture_stdout=True, capture_stderr=True, check=False, env=environment
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_the_command_shows_and_edits_them(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path)
    assert (await pillion(server, "notes", session[:8]))[:2] == (0, "")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "\\033[2Jby hand\\n" >> "$1"\n')
    editor.chmod(0o700)
    assert (await pillion(server, "notes", session, "--edit", EDITOR=str(editor)))[0] == 0
    code, out, said = await pillion(server, "notes", session[:8])
    assert (code, out) == (0, "\N{REPLACEMENT CHARACTER}[2Jby hand\n")
    assert said.startswith("Written by the person, ")
    code, out, _ = await pillion(server, "notes", session, "--json")
    assert msgspec.json.decode(out) == (await asked(server, "GET", session))[2]
    assert (await pillion(server, "notes", "nobody"))[0] == 1


async def test_what_was_edited_in_vain_is_not_lost(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path)
    editor, open_, go = tmp_path / "editor", tmp_path / "open", tmp_path / "go"
    os.mkfifo(open_)
    os.mkfifo(go)
    editor.write_text(f'#!/bin/sh\necho "by hand" > "$1"\necho open > "{open_}"\ncat "{go}"\n')
    editor.chmod(0o700)
    found: list[tuple[int, str, str]] = []

    async def edit() -> None:
        found.append(await pillion(server, "notes", session, "--edit", EDITOR=str(editor)))

    with trio.fail_after(BOUND):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(edit)
            await trio.to_thread.run_sync(open_.read_text, abandon_on_cancel=True)
            await asked(server, "PUT", session, {"text": "somebody was first"})
            await trio.to_thread.run_sync(go.write_text, "on", abandon_on_cancel=True)
    ((code, _, said),) = found
    assert code == 1 and "other ones than If-Match names" in said and "by hand" in said
    assert (await asked(server, "GET", session))[2]["text"] == "somebody was first"


def test_the_page_has_every_field_and_tool() -> None:
    text = pages.text("docs/howto/notes.md")
    sections = pages.sections(text, "###")
    route = "/api/sessions/{id}/scratchpad"
    assert pages.tables(sections[f"GET {route}"])["answer"] == set(Scratchpad.__struct_fields__)
    assert pages.tables(sections[f"PUT {route}"])["request"] == set(NewScratchpad.__struct_fields__)
    assert pages.tables(sections["`scratchpad.written`"])["field"] == {*ScratchpadWritten.__struct_fields__} - {"step"}
    tools = pages.tables(pages.sections(text, "##")["What the model does"])["tool"]
    assert tools == {tool.name for tool in (ReadNotes, WriteNotes, AddNote)}
