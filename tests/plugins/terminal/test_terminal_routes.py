"""A person's terminals over HTTP, from a server process: the page's examples, output that is resumed, and every end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_runtime.cli.exits import ServerLost, ServerSaid
from pillion_runtime.testing import Reply, call, replies, vendor_server
from pillion_terminal.events import TerminalEnded, TerminalStarted, TerminalTyped
from pillion_terminal.plugin import Plugin
from pillion_terminal.routes import NewInput, NewSize, NewTerminal, TerminalView
from pillion_terminal.terminal import KEPT

from ...meta import pages
from ...scenarios.serverprocess import BOUND, COMMAND, MODELS, ServerProcess, bare_environment, server_process
from .terminalkit import appear, running, unique

PAGE = "docs/howto/shells.md"
PLACE = "/api/sessions/{id}/terminals"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    (tmp_path / "work").mkdir()
    runs = Reply(calls=(call("run_command", command="cat", background=True),))
    async with (
        vendor_server(replies(runs, *(Reply(text=("Yes.",)) for _ in range(4)))) as vendor,
        server_process(tmp_path, MODELS.format(url=vendor.url)) as server,
    ):
        yield server


@pytest.fixture
async def session(server: ServerProcess, tmp_path: Path) -> str:
    return await server.session(tmp_path / "work")


class Person:
    """Who sits at one terminal."""

    def __init__(self, server: ServerProcess, session: str, number: int) -> None:
        self.server, self.path = server, f"/api/sessions/{session}/terminals/{number}"
        self.number = number

    @classmethod
    async def opens(cls, server: ServerProcess, session: str, command: str = "", **more: Any) -> Person:
        body = {"command": command} | more
        said = await server.client.call("POST", f"/api/sessions/{session}/terminals", body)
        return cls(server, session, said["number"])

    async def types(self, text: str, **more: str) -> None:
        await self.server.client.call("POST", self.path, {"text": text} | more)

    async def sees(self) -> dict[str, Any]:
        view: dict[str, Any] = await self.server.client.call("GET", self.path)
        return view

    @asynccontextmanager
    async def follows(self, after: int = 0) -> AsyncIterator[Following]:
        async with self.server.client.open("GET", f"{self.path}/output?after={after}") as answer:
            yield Following(answer)


class Following:
    """An open stream of output."""

    def __init__(self, answer: Any) -> None:
        self._answer, self._came = answer, b""
        self.text, self.place, self.dropped = "", 0, 0
        self.ended: dict[str, Any] | None = None

    async def until(self, words: str | None, *, more: bool = False) -> str:
        """All that came up to these words; None: up to the end. `more`: and something behind them."""
        with trio.move_on_after(BOUND):
            while (
                self.ended is None if words is None else words not in self.text or (more and self.text.endswith(words))
            ):
                piece = await self._answer.more()
                assert piece or words is None, (self.text, "the stream has ended")
                self._came += piece
                *events, self._came = self._came.split(b"\n\n")
                for event in events:
                    self._take(dict(line.split(": ", 1) for line in event.decode().splitlines() if ": " in line))
            return self.text
        raise AssertionError(f"{words!r} did not come: {self.text!r}")

    def _take(self, event: dict[str, str]) -> None:
        if event.get("event") == "output":
            said = json.loads(event["data"])
            self.text += said["text"]
            self.dropped += said.get("dropped", 0)
            self.place = int(event["id"])
        elif event.get("event") == "ended":
            self.ended = json.loads(event["data"])


async def refused(server: ServerProcess, method: str, path: str, body: Any = None) -> tuple[int, str]:
    with pytest.raises(ServerSaid) as error:
        await server.client.call(method, path, body)
    return error.value.status, str(error.value)


@pytest.mark.promise("terminals.examples")
async def test_each_example_of_the_page_is_answered_as_it_says(server: ServerProcess, session: str) -> None:
    sections = pages.sections(pages.text(PAGE), "###")
    order = ["POST", "GET", f"GET {PLACE}/{{n}}", f"POST {PLACE}/{{n}}", f"GET {PLACE}/{{n}}/output"]
    order = [f"{one} {PLACE}" if " " not in one else one for one in order]
    order += [f"PATCH {PLACE}/{{n}}", f"DELETE {PLACE}/{{n}}"]
    assert set(order) == {one for one in sections if PLACE in one}
    number = 0
    for route in order:
        (example,) = pages.blocks(sections[route], "http")
        asked, _, answered = example.partition("\n\n")
        head, _, body = asked.partition("\n")
        status, _, shown = answered.partition("\n")
        method, path = head.replace("{id}", session).replace("{n}", str(number)).split()
        async with server.client.open(method, path, json.loads(body) if body else None) as answer:
            assert answer.status == int(status), head
            if path.endswith("/output"):
                expected = json.loads(shown.partition("data: ")[2])["text"]
                assert (await Following(answer).until(expected)) == expected
                continue
            real = await answer.whole()
        if shown.strip():
            example_, said = json.loads(shown), json.loads(real)
            number = said.get("number", number)
            for one, other in zip(example_.get("data", [example_]), said.get("data", [said]), strict=True):
                fixed = {"number", "started", "output", "kept"}
                assert {k: v for k, v in one.items() if k not in fixed}.items() <= other.items(), (head, other)


def test_the_page_has_every_field_tool_and_event() -> None:
    text = pages.text(PAGE)
    sections = pages.sections(text, "###")
    assert pages.tables(sections[f"GET {PLACE}"])["answer"] == set(TerminalView.__struct_fields__)
    for route, kind in (
        (f"POST {PLACE}", NewTerminal),
        (f"POST {PLACE}/{{n}}", NewInput),
        (f"PATCH {PLACE}/{{n}}", NewSize),
    ):
        assert pages.tables(sections[route])["request"] == set(kind.__struct_fields__)
    for event in (TerminalStarted, TerminalTyped, TerminalEnded):
        heading = f"`{event.__struct_config__.tag}`"
        assert pages.tables(sections[heading])["field"] == {*event.__struct_fields__} - {"step"}
    tools = pages.tables(pages.sections(text, "##")["What the model does"])["tool"]
    assert tools == {tool.name for tool in Plugin(Plugin.Config()).register_tools(None)}  # type: ignore[arg-type]


@pytest.mark.promise("terminals.resumed")
async def test_output_is_followed_raw_and_resumed_without_gap_or_double(server: ServerProcess, session: str) -> None:
    person = await Person.opens(
        server, session, "printf '\\033[1mä€'; read x; printf '\\xff𝄞\\033]0;t\\007'; exit 3", pty=False
    )
    async with person.follows() as first:
        assert await first.until("€") == "\x1b[1mä€"
        place = first.place
    await person.types("go\n")
    async with person.follows(place) as second:
        assert await second.until(None) == "\ufffd𝄞\x1b]0;t\x07"
        assert second.ended == {"why": "exited", "code": 3}
    async with person.follows() as again:
        assert await again.until(None) == "\x1b[1mä€\ufffd𝄞\x1b]0;t\x07"


async def test_a_reader_that_comes_late_is_told_what_was_dropped(server: ServerProcess, session: str) -> None:
    person = await Person.opens(server, session, f"yes | head -c {3 * KEPT}", pty=False)
    async with person.follows(5) as whole:
        text = await whole.until(None)
    view = await person.sees()
    assert (view["output"], view["kept"]) == (3 * KEPT, KEPT)
    async with person.follows(5) as late:
        text = await late.until(None)
    assert (len(text), late.dropped, late.place) == (KEPT, 2 * KEPT - 5, 3 * KEPT)


async def test_a_shell_of_a_person_draws_resizes_and_ends(server: ServerProcess, session: str) -> None:
    person = await Person.opens(server, session, rows=30, columns=100)
    async with person.follows() as output:
        await person.types("stty size\r")
        await output.until("30 100")
        await server.client.call("PATCH", person.path, {"rows": 50, "columns": 132})
        await person.types("sh -c 'stty size; sleep 600'\r")  # one group, which is interrupted at whatever it is at
        await output.until("50 132")
        await person.types("", key="interrupt")
        await person.types("echo $((6*7))\r")
        await output.until("42\r\n", more=True)  # a shell that does not ask yet would not see the end
        await person.types("", key="end")
        await output.until(None)
        assert output.ended is not None and output.ended["why"] == "exited"
    assert (await refused(server, "POST", person.path, {"text": "x"}))[0] == 422
    assert (await server.client.call("DELETE", person.path))["why"] == "exited"


@pytest.mark.promise("terminals.recorded")
async def test_what_a_person_types_is_recorded_but_for_what_is_not_shown(server: ServerProcess, session: str) -> None:
    person = await Person.opens(server, session, "read x; read -sp 'password: ' y; echo; sleep 600")
    async with person.follows() as output, server.watch(session) as watch:
        await person.types("seen\r")
        await output.until("password: ")
        await person.types("hidden\r")
        await server.client.call("DELETE", person.path)
        events = await watch.until("terminal.ended")
    typed = [event for event in events if event["type"].startswith("terminal.")]
    assert [event["type"] for event in typed] == [
        "terminal.started",
        "terminal.typed",
        "terminal.typed",
        "terminal.ended",
    ]
    assert int(typed[0]["id"]) == person.number and typed[0]["by"] == "person"
    assert [(event.get("text"), event["size"]) for event in typed[1:3]] == [("seen\r", 5), (None, 7)]
    assert "hidden" not in json.dumps(events)


@pytest.mark.promise("terminals.owner")
async def test_the_model_neither_types_into_a_persons_terminal_nor_reads_one_that_is_not_shared(
    server: ServerProcess, session: str
) -> None:
    own = await Person.opens(server, session, "echo private; cat", pty=False)
    shared = await Person.opens(server, session, "echo public; cat", pty=False, shared=True)

    async def asks(tool: str, number: int) -> str:
        body = {"arguments": {"terminal": number}, "when": "queue"}
        async with server.watch(session, "latest") as watch:
            await server.client.call("POST", f"/api/sessions/{session}/tools/{tool}", body)
            events = await watch.until("approval.wanted", "tool.finished")
            if events[-1]["type"] == "approval.wanted":
                await server.decide(session, events[-1]["approval"], "allow")
                events = await watch.until("tool.finished")
            return str(events[-1]["text"])

    async with shared.follows() as output:
        await output.until("public")
    assert await asks("terminal_read", own.number) == f"Terminal {own.number} is the person's own."
    assert (await asks("terminal_read", shared.number)).startswith("public\n[")
    for tool in ("terminal_write", "terminal_stop"):
        assert await asks(tool, shared.number) == f"Terminal {shared.number} is the person's own."
    listed = await asks("terminal_read", 0)
    assert "public" in listed and "private" not in listed


async def test_a_person_types_into_the_models_job(server: ServerProcess, tmp_path: Path) -> None:
    session = await server.session(tmp_path / "work")
    await server.ride(session, "go")
    (view,) = (await server.client.call("GET", f"/api/sessions/{session}/terminals"))["data"]
    assert (view["by"], view["command"], view["waits"]) == ("model", "cat", True)
    person = Person(server, session, view["number"])
    async with person.follows() as output:
        await person.types("hello\n", key="end")
        assert await output.until(None) == "hello\n"


async def test_what_is_wrong_is_said(server: ServerProcess, session: str, tmp_path: Path) -> None:
    person = await Person.opens(server, session, "sleep 600", pty=False)
    place = f"/api/sessions/{session}/terminals"
    for method, path, body, status in [
        ("GET", f"{place}/99", None, 404),
        ("GET", "/api/sessions/nobody/terminals", None, 404),
        ("POST", place, {"comand": "x"}, 422),
        ("POST", place, {"folder": "missing"}, 422),
        ("POST", place, {"folder": ".."}, 422),
        ("POST", place, {"rows": 0}, 422),
        ("PATCH", person.path, {"rows": 5, "columns": 5}, 422),
        ("POST", person.path, {"key": "x"}, 422),
        ("POST", person.path, {"text": "x" * 300_000}, 422),
    ]:
        assert (await refused(server, method, path, body))[0] == status, (method, path, body)
    for query, accept, status in (("?after=x", "*/*", 400), ("", "text/html", 406)):
        with pytest.raises(ServerSaid) as error:
            async with server.client.open("GET", f"{person.path}/output{query}", headers={"accept": accept}):
                pass
        assert error.value.status == status


@pytest.mark.promise("terminals.end")
async def test_everything_ends_with_the_session_and_with_the_server(tmp_path: Path) -> None:
    one, other, third = unique(), unique(), unique()
    (tmp_path / "work").mkdir()
    async with vendor_server(replies()) as vendor:
        async with server_process(tmp_path, MODELS.format(url=vendor.url)) as server:
            first, second = await server.session(tmp_path / "work"), await server.session(tmp_path / "work")
            await Person.opens(server, first, f"setsid sleep {one} & nohup sleep {one} & trap '' TERM; sleep {one}")
            person = await Person.opens(server, second, f"(setsid sleep {other} &); sleep {other}")
            await appear(one, 3)
            await appear(other, 2)
            await server.client.call("DELETE", f"/api/sessions/{first}")
            assert (running(one), len(running(other))) == ([], 2)
            async with person.follows() as output:
                server.process.terminate()
                with pytest.raises(ServerLost):  # the output's end is its terminal's; this one is the server's
                    await output.until(None)
        assert running(other) == []
        async with server_process(tmp_path, MODELS.format(url=vendor.url)) as server:
            await Person.opens(server, await server.session(tmp_path / "work"), f"setsid sleep {third} & sleep {third}")
            await appear(third, 2)
            await server.kill()
        assert running(third), "nobody has ended it yet"
        async with server_process(tmp_path, MODELS.format(url=vendor.url)):
            with trio.fail_after(BOUND):
                while running(third):  # noqa: ASYNC110 - nobody tells
                    await trio.sleep(0.05)


async def test_the_command_line_tells_of_them(server: ServerProcess, session: str) -> None:
    person = await Person.opens(server, session, "exit 3")
    async with person.follows() as output:
        await output.until(None)
    places = ("--config", str(server.folder / "plugins.toml"), "--data-dir", str(server.folder / "data"))
    lines: list[str] = []
    with trio.fail_after(BOUND):
        async with trio.open_nursery() as nursery:
            watching = await trio.lowlevel.open_process(
                [*COMMAND, "watch", session, *places], stdout=-1, stderr=-1, env=bare_environment(server.folder)
            )
            said = b""

            async def hear(stream: Any) -> None:
                nonlocal said
                async for piece in stream:
                    said += piece
                    if b"has ended" in said:
                        nursery.cancel_scope.cancel()

            try:
                nursery.start_soon(hear, watching.stdout)
                nursery.start_soon(hear, watching.stderr)
                await watching.wait()
            finally:
                watching.kill()
    lines = said.decode().splitlines()
    assert any(f"Terminal {person.number} of the person: exit 3" in line for line in lines), lines
    assert any(f"Terminal {person.number} has ended: exited, exit code 3" in line for line in lines), lines


async def test_a_key_that_a_program_prints_is_masked(server: ServerProcess, session: str, tmp_path: Path) -> None:
    token = server.found.token
    (tmp_path / "work" / "kept").write_text(f"<{token}>")
    person = await Person.opens(server, session, "cat kept", pty=False)
    async with person.follows() as output:
        said = await output.until(None)
    assert token not in said and said[0] == "<" and said[-1] == ">"
