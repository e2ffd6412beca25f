"""The command line as a process of its own, a vendor's server for its model, and one plugin with a tool that writes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio

from pillion_runtime.testing import Program, Reply, Vendor, replies, vendor_server

BOUND = 40
"""Seconds that any wait of these tests may take."""
COMMAND = (sys.executable, "-m", "pillion_runtime.cli.main")
DESK = '''
import trio
from msgspec import Struct
from pillion.events import FileChanged
from pillion.hookspecs import hookimpl


class Arguments(Struct, frozen=True):
    path: str
    text: str


class WriteNote:
    """Writes a file."""

    name = "write_note"
    description = "Writes a file."
    effect = "write"
    Arguments = Arguments

    async def preview(self, arguments, call):
        return f"+{arguments.text}"

    async def run(self, arguments, call):
        if arguments.path == "never.txt":  # a plugin that does not let go
            with trio.CancelScope(shield=True):
                call.output("holding on")
                await trio.sleep_forever()
        await call.workspace.write(arguments.path, arguments.text.encode())
        diff = f"--- /dev/null\\n+++ b/{arguments.path}\\n@@ -0,0 +1 @@\\n+{arguments.text}\\n"
        await call.emit(FileChanged(path=arguments.path, kind="created", diff=diff, added=1, call=call.id))
        call.output("one line written")
        return "written"


class Plugin:
    """A desk to write on."""

    @hookimpl
    def register_tools(self):
        return [WriteNote()]
'''
SETTINGS = """
[host]
bind = "127.0.0.1:0"
[defaults]
model = "local/scripted"
strategy = "loop"
[plugins]
agent = {{ enabled = false }}
anthropic = {{ enabled = false }}
embedded = {{ enabled = false }}
files = {{ enabled = false }}
edit = {{ enabled = false }}
terminal = {{ enabled = false }}
approvals = {{ enabled = false }}
retry = {{ enabled = false }}
loop = {{ use = "pillion.testing.kit:StrategyPlugin" }}
desk = {{ use = "./desk.py:Plugin" }}
[plugins.openai.servers.local]
base_url = "{url}/v1"
api = "chat"
models = ["scripted"]
"""


class Cli:
    """A folder with settings, and the program on it. `variables` is the whole environment that it gets."""

    def __init__(self, folder: Path, vendor: Vendor) -> None:
        self.folder, self.vendor = folder, vendor
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.data_dir = folder / "data"
        (folder / "desk.py").write_text(DESK)
        (folder / "plugins.toml").write_text(SETTINGS.format(url=vendor.url))
        passed = ("PATH", "PYTHONPATH", "LANG")
        self.variables = {name: os.environ[name] for name in passed if name in os.environ} | {
            "HOME": str(folder),
            "PILLION_CONFIG": str(folder / "plugins.toml"),
            "PILLION_DATA_DIR": str(self.data_dir),
            "COLUMNS": "100",
        }

    async def run(self, *arguments: str, stdin: bytes = b"", within: tuple[str, ...] = (), **variables: str) -> Ended:
        """Runs the program to its end on the workspace; `within` is a program that runs it."""
        with trio.fail_after(BOUND):
            done = await trio.run_process(
                [*within, *COMMAND, *arguments], stdin=stdin, capture_stdout=True, capture_stderr=True, check=False,
                cwd=self.workspace, env=self.variables | variables,
            )  # fmt: skip
        return Ended(done)

    @asynccontextmanager
    async def serving(self, *arguments: str) -> AsyncIterator[Mapping[str, str]]:
        """A live server of the same data directory; what it announced."""
        async with trio.open_nursery() as nursery:
            start = partial(trio.run_process, stdout=subprocess.PIPE, check=False)
            start = partial(start, [*COMMAND, "serve", *arguments], cwd=self.folder, env=self.variables)
            server: trio.Process = await nursery.start(start)
            assert server.stdout is not None
            with trio.fail_after(BOUND):
                yield msgspec.json.decode(await server.stdout.receive_some(4096))
                server.terminate()

    @asynccontextmanager
    async def started(self, *arguments: str, **variables: str) -> AsyncIterator[Terminal]:
        """The program without a terminal; what it prints, on stdout and stderr, is seen as it comes."""
        printed, prints = os.pipe()
        async with trio.open_nursery() as nursery:
            start = partial(trio.run_process, stdin=b"", stdout=prints, stderr=prints, check=False)
            there = {"cwd": self.workspace, "env": self.variables | variables}
            process: trio.Process = await nursery.start(partial(start, **there), [*COMMAND, *arguments])
            os.close(prints)
            terminal = Terminal(printed, process)
            yield terminal
            nursery.cancel_scope.cancel()
            await terminal.aclose()

    @asynccontextmanager
    async def terminal(self, *arguments: str, **variables: str) -> AsyncIterator[Terminal]:
        """The program on a pseudo-terminal of its own, 100 columns wide."""
        keyboard, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        async with trio.open_nursery() as nursery:
            there = {"cwd": self.workspace, "env": self.variables | {"TERM": "xterm-256color"} | variables}
            start = partial(trio.run_process, stdin=screen, stdout=screen, stderr=screen, check=False, **there)
            start = partial(start, start_new_session=True, preexec_fn=_take_terminal)
            process: trio.Process = await nursery.start(start, [*COMMAND, *arguments])
            os.close(screen)
            terminal = Terminal(keyboard, process)
            yield terminal
            nursery.cancel_scope.cancel()
            await terminal.aclose()


def _take_terminal() -> None:
    """In the new process: what is typed there sends signals here."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A pseudo-terminal with the program on it. `raw` is all that came, escape sequences included."""

    def __init__(self, keyboard: int, process: trio.Process) -> None:
        self._stream = trio.lowlevel.FdStream(keyboard)
        self.process = process
        self.raw = ""

    @property
    def seen(self) -> str:
        """All that was printed, without escape sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.raw)

    async def until(self, text: str, times: int = 1) -> None:
        """Waits until the terminal has shown `text` so many times."""
        with trio.move_on_after(BOUND):
            while self.seen.count(text) < times and await self._more():
                pass
        assert self.seen.count(text) >= times, self.seen

    async def end(self) -> int:
        """Waits for the program's end; its exit code."""
        with trio.fail_after(BOUND):
            while await self._more():
                pass
            return await self.process.wait()

    async def type(self, keys: str) -> None:
        await self._stream.send_all(keys.encode())

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _more(self) -> bool:
        try:
            piece = await self._stream.receive_some(65536)
        except (trio.BrokenResourceError, OSError):
            return False  # how Linux says that nobody holds the other side any more
        self.raw += piece.decode("utf-8", "replace")
        return bool(piece)


class Ended:
    """A process at its end."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    @property
    def last(self) -> str:
        """The last line on stderr."""
        return self.err.rstrip("\n").rpartition("\n")[2]

    def events(self) -> list[dict[str, object]]:
        """stdout's JSON lines."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]

    def __repr__(self) -> str:
        return f"code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Scripted:
    """A program that can be changed while the vendor's server runs."""

    def __init__(self) -> None:
        self.program: Program = replies(Reply(text=("Hello ", "there.")))

    def says(self, *given: Reply) -> None:
        self.program = replies(*given)

    def __call__(self, asked: object) -> Reply:
        return self.program(asked)  # type: ignore[arg-type]


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
async def cli(tmp_path: Path, scripted: Scripted) -> AsyncIterator[Cli]:
    """The program without a server: it opens a kernel of its own."""
    async with vendor_server(scripted) as vendor:
        yield Cli(tmp_path, vendor)


@pytest.fixture(params=["in process", "live server"])
async def door(request: pytest.FixtureRequest, cli: Cli) -> AsyncIterator[Cli]:
    """The program at both doors: without and with a live server."""
    if request.param == "in process":
        yield cli
    else:
        async with cli.serving():
            yield cli
