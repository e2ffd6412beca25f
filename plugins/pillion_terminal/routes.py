"""A person's way to terminals: /api/sessions/{id}/terminals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, cast

from msgspec import Meta, Struct
from quart import Blueprint, Response, abort, request

from pillion import Kernel, Session
from pillion.processes import Size
from pillion_http.routes import answer, read_body

from .events import TerminalTyped, Why
from .output import Output
from .shell import Shell
from .starting import By, Starter
from .terminal import Order, Terminal
from .terminals import Terminals

EVENTS = "text/event-stream"
COLOURS = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
Count = Annotated[int, Meta(ge=1, le=1000)]
View = Callable[..., Awaitable[Response]]


class NewTerminal(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/terminals. It is the person's: nobody is asked, and the model can't type into it or end it."""

    command: str = ""
    """What a shell runs; empty: a shell to type into."""
    folder: str = ""
    """Where, relative to the workspace."""
    pty: bool = True
    """It gets a terminal of its own, of that size."""
    rows: Count = 24
    columns: Count = 80
    shared: bool = False
    """The model may read what it prints."""


class NewInput(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/terminals/{n}. What a person types."""

    text: Annotated[str, Meta(max_length=1024 * 1024)] = ""
    """As it is sent: Enter is `\\r` in a terminal of its own, else `\\n`."""
    key: Literal["", "interrupt", "end"] = ""
    """Behind the text: an interrupt, as Ctrl-C; or the end of input, as Ctrl-D."""


class NewSize(Struct, frozen=True, forbid_unknown_fields=True):
    """PATCH …/terminals/{n}."""

    rows: Count
    columns: Count


class TerminalView(Struct, frozen=True):
    """One terminal."""

    number: int
    """That of the event `terminal.started` which tells of it."""
    kind: Literal["shell", "command"]
    """A shell that the model runs commands in, or one command."""
    command: str
    """What runs, or ran last; empty in a shell that nothing runs in."""
    name: str
    """What the model calls its shell."""
    by: By
    folder: str
    """Where it began, relative to the workspace."""
    pty: bool
    rows: int | None
    columns: int | None
    shared: bool
    """The model may read what it prints."""
    started: str
    """RFC 3339."""
    alive: bool
    waits: bool
    """It waits for input right now, as far as that can be seen."""
    why: Why | None
    """Why it ended; null while it lives."""
    code: int | None
    """Its exit status, negative for a signal; null while it lives."""
    output: int
    """Bytes that it has written."""
    kept: int
    """How many of these, the last ones, can still be read."""


class TerminalList(Struct, frozen=True):
    """In the order in which they began."""

    data: Sequence[TerminalView]


class Following(Struct, frozen=True):
    """GET …/terminals/{n}/output."""

    after: Annotated[int, Meta(ge=0)] = 0
    """Only what comes behind so many bytes."""


def blueprint(kernel: Kernel, terminals: Terminals, starter: Starter, shell: str) -> Blueprint:
    routes = Blueprint("terminals", __name__, url_prefix="/api/sessions/<id>/terminals")
    door = _Door(kernel, terminals)
    routes.get("")(_listing(door))
    routes.post("")(_opening(door, starter, shell))
    routes.get("/<int:n>")(_showing(door))
    routes.post("/<int:n>")(_typing(door))
    routes.patch("/<int:n>")(_resizing(door))
    routes.delete("/<int:n>")(_ending(door))
    routes.get("/<int:n>/output")(_following(door))
    return routes


class _Door:
    """What the routes share."""

    def __init__(self, kernel: Kernel, terminals: Terminals) -> None:
        self.kernel, self.terminals = kernel, terminals

    async def session(self, id: str) -> Session:
        return await self.kernel.session(id)

    async def found(self, id: str, number: int) -> tuple[Session, Terminal]:
        session = await self.kernel.session(id)
        return session, self.terminals.get(session, number)


def _listing(door: _Door) -> View:
    async def list_terminals(id: str) -> Response:
        """The session's terminals: shells and commands that go on, the model's and the person's."""
        session = await door.session(id)
        return answer(TerminalList([await _view(one) for one in door.terminals.all(session)]))

    list_terminals.openapi = {"answers": {200: TerminalList}, "errors": (409,)}  # type: ignore[attr-defined]
    return list_terminals


def _opening(door: _Door, starter: Starter, shell: str) -> View:
    async def open_terminal(id: str) -> Response:
        """Starts a terminal of the person's own; nobody is asked. It ends with the session."""
        wanted, session = await read_body(NewTerminal), await door.session(id)
        workspace = door.kernel.catalog.workspace(session.info.workspace)
        entry = await workspace.stat(wanted.folder)
        if entry is None or entry.kind != "folder":
            abort(422, f"There is no folder {wanted.folder}.")
        argv = (shell, "-c", wanted.command) if wanted.command else (shell, "-i")
        order = Order(
            wanted.command,
            argv,
            workspace,
            entry.path,
            by="person",
            size=Size(wanted.rows, wanted.columns) if wanted.pty else None,
            extra=COLOURS if wanted.pty else {},
            shared=wanted.shared,
        )
        terminal = await door.terminals.open(session, Terminal(order, starter, door.kernel.processes))
        return answer(await _view(terminal), 201)

    open_terminal.openapi = {  # type: ignore[attr-defined]
        "body": NewTerminal,
        "answers": {201: TerminalView},
        "errors": (403, 409, 410, 422, 429),
        "example": {"command": "npm run dev", "rows": 40, "columns": 120},
    }
    return open_terminal


def _showing(door: _Door) -> View:
    async def show_terminal(id: str, n: int) -> Response:
        """One terminal, also one that has ended, as long as its session is in memory."""
        _, terminal = await door.found(id, n)
        return answer(await _view(terminal))

    show_terminal.openapi = {"answers": {200: TerminalView}, "errors": (409,)}  # type: ignore[attr-defined]
    return show_terminal


def _typing(door: _Door) -> View:
    async def type_into_terminal(id: str, n: int) -> Response:
        """Types into a terminal, also into one of the model's. What is typed is recorded, but for what is not shown."""
        typed = await read_body(NewInput)
        session, terminal = await door.found(id, n)
        hidden = terminal.hides
        if typed.text:
            await terminal.write(typed.text.encode(errors="replace"))
        if typed.key == "interrupt":
            await terminal.interrupt()
        elif typed.key == "end":
            await terminal.close_input()
        said = typed.text + {"interrupt": "\x03", "end": "\x04", "": ""}[typed.key]
        await session.record(TerminalTyped(terminal=n, text="" if hidden else said, size=len(said.encode())))
        response = Response(b"", 204)
        del response.headers["content-type"]
        return response

    type_into_terminal.openapi = {  # type: ignore[attr-defined]
        "body": NewInput,
        "answers": {204: None},
        "errors": (409, 410, 422),
        "example": {"text": "y\r"},
    }
    return type_into_terminal


def _resizing(door: _Door) -> View:
    async def resize_terminal(id: str, n: int) -> Response:
        """Gives a terminal of its own another size; programs that draw on it are told so."""
        size = await read_body(NewSize)
        _, terminal = await door.found(id, n)
        terminal.resize(Size(size.rows, size.columns))
        return answer(await _view(terminal))

    resize_terminal.openapi = {  # type: ignore[attr-defined]
        "body": NewSize,
        "answers": {200: TerminalView},
        "errors": (409, 422),
        "example": {"rows": 50, "columns": 132},
    }
    return resize_terminal


def _ending(door: _Door) -> View:
    async def end_terminal(id: str, n: int) -> Response:
        """Ends a terminal with all that it started; answers when that is so. One that has ended is left as it is."""
        _, terminal = await door.found(id, n)
        await terminal.stop()
        return answer(await _view(terminal))

    end_terminal.openapi = {"answers": {200: TerminalView}, "errors": (409,)}  # type: ignore[attr-defined]
    return end_terminal


def _following(door: _Door) -> View:
    async def follow_terminal(id: str, n: int) -> Response:
        """Follows what a terminal prints, escape sequences and all, to its end.

        Each `output` has `at`, the place of its first byte, `text`, and `dropped`: bytes before it that were not kept.
        Its id is the place behind it, to come back with. `ended` has `why` and `code`, and is the last one.
        """
        if request.headers.get("Accept") and not request.accept_mimetypes.quality(EVENTS):
            abort(406, f"This is {EVENTS}.")
        try:
            after = int(request.headers.get("Last-Event-ID") or request.args.get("after") or 0)
        except ValueError:
            abort(400, "The place to begin at must be a number.")
        session, terminal = await door.found(id, n)
        output = Output(session, terminal, max(after, 0))
        headers = {"content-type": f"{EVENTS}; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}
        response = Response(cast("str", output), 200, headers)
        response.timeout = None
        return response

    follow_terminal.openapi = {  # type: ignore[attr-defined]
        "query": Following,
        "headers": {"Last-Event-ID": "Go on behind this event; beats `after`."},
        "answers": {200: {EVENTS: str}},
        "errors": (400, 406, 409),
    }
    return follow_terminal


async def _view(terminal: Terminal) -> TerminalView:
    order, size = terminal.order, terminal.size
    shell = isinstance(terminal, Shell)
    running = terminal.running.command if isinstance(terminal, Shell) and terminal.running else ""
    return TerminalView(
        number=terminal.number,
        kind="shell" if shell else "command",
        command=running if shell else order.command,
        name=order.name,
        by=order.by,
        folder=order.folder,
        pty=size is not None,
        rows=size.rows if size else None,
        columns=size.columns if size else None,
        shared=order.shared,
        started=datetime.fromtimestamp(terminal.began, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        alive=not terminal.over.is_set(),
        waits=terminal.busy and await terminal.waits() is not None,
        why=terminal.why,
        code=terminal.code,
        output=terminal.ring.end,
        kept=terminal.ring.end - terminal.ring.start,
    )
