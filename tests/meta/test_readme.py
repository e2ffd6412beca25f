"""The README's server blocks do what they say, as written: only the place of the data and the patience differ."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import Reply, Vendor, replies, vendor_server

from . import pages

BOUND = 40
SETTINGS = """
[host]
bind = "127.0.0.1:0"
[plugins.openai.servers.local]
base_url = "{url}/v1"
models = ["scripted"]
"""
AROUND = """
{serve}
server=$!
trap 'kill $server; wait $server' EXIT TERM
until [ -s "{data}/server.json" ]; do kill -0 $server || exit 1; sleep 0.1; done
{client}
"""


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with vendor_server(replies(Reply(text=("It lights ", "the way.")))) as vendor:
        yield vendor


def script(data: Path) -> str:
    section = pages.sections(pages.text("README.md"), "##")["The server"]
    serve, client = pages.blocks(section, "sh")
    put = {"/tmp/pillion": str(data), "--max-time 20": "--max-time 5"}
    for written, instead in put.items():
        assert written in client
        serve, client = serve.replace(written, instead), client.replace(written, instead)
    return AROUND.format(serve=serve, data=data, client=client)


def environment(folder: Path, vendor: Vendor) -> dict[str, str]:
    """No key, the settings where a user has them, and `pillion` as it is installed."""
    (folder / "config" / "pillion").mkdir(parents=True)
    (folder / "config" / "pillion" / "plugins.toml").write_text(SETTINGS.format(url=vendor.url))
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return kept | {"PATH": path, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's examples use curl")
async def test_the_server_blocks(vendor: Vendor, tmp_path: Path) -> None:
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            ["bash", "-c", script(tmp_path / "data")],
            cwd=tmp_path,
            env=environment(tmp_path, vendor),
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    said = done.stdout.decode()
    assert re.search(r'^\{"event":"listening"', said, re.M), said
    assert '{"done":true,"status":"ok"}' in said, said
    assert "event: turn.finished" in said, said
    (messages,) = re.findall(r'^\{"data":\[\{"role".*\]\}', said, re.M)
    assert json.loads(messages)["data"][-1]["parts"] == [{"type": "text", "text": "It lights the way."}]
    assert not (tmp_path / "data" / "server.json").exists(), "it was not taken back"
