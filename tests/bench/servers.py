"""The processes of a bench: the vendor server, Pillion, and the bare floor. And what the kernel knows of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio
from wire import Api

SETTINGS = """
[defaults]
model = "local/scripted"
strategy = "chat"
store = "{store}"
rest_after = {rest_after}
[limits]
steps = 1000
[plugins.openai.servers.local]
base_url = "{url}/v1"
api = "chat"
models = ["scripted"]
"""


class Server:
    """A running process that announced itself on stdout."""

    def __init__(self, process: trio.Process, said: dict[str, Any]) -> None:
        self.process, self.url = process, str(said["url"])
        token = msgspec.json.decode(Path(said["token_file"]).read_bytes())["token"] if "token_file" in said else ""
        self.api = Api(self.url, token)

    def cpu(self) -> float:
        """Seconds of processor time so far, all threads."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self) -> float:
        """Resident MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 2**20


@asynccontextmanager
async def started(*argv: str) -> AsyncIterator[Server]:
    """Runs this Python with `argv` until left."""
    command = [sys.executable, *argv]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        line = b""
        with trio.fail_after(30):
            while not line.endswith(b"\n"):
                data = await process.stdout.receive_some()
                if not data:
                    raise RuntimeError(f"{' '.join(argv)} ended before it listened")
                line += data
        server = Server(process, msgspec.json.decode(line))
        yield server
        await server.api.aclose()
    finally:
        process.terminate()
        with trio.move_on_after(15, shield=True) as late:
            await process.wait()
        if late.cancelled_caught:
            process.kill()


def vendor() -> Any:
    return started("-m", "pillion_runtime.testing", "--program", "echo")


def pillion(folder: Path, vendor: Server, store: str = "memory", rest_after: float = 300) -> Any:
    """A server with the shipped plugins whose default model is the vendor server's."""
    config = folder / "plugins.toml"
    config.write_text(SETTINGS.format(url=vendor.url, store=store, rest_after=rest_after))
    data = folder / "data"
    command = ["-m", "pillion_runtime.cli.main", "serve", "--config", str(config), "--data-dir", str(data)]
    return started(*command, "--port", "0")


def quart() -> Any:
    return started(str(Path(__file__).with_name("quartfloor.py")))


def bare(vendor: Server) -> Any:
    return started(str(Path(__file__).with_name("bare.py")), vendor.url.rpartition(":")[2])
