"""Each first-party plugin switched off, one at a time: the server starts and is well, and so says doctor."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion.settings import shipped_file

from .serverprocess import BOUND, COMMAND, bare_environment, server_process

SHIPPED = tomllib.loads(shipped_file().read_text())["plugins"]
FIRST_PARTY = sorted(SHIPPED)
OFF = {name for name, section in SHIPPED.items() if section.get("enabled") is False}
"""Those that are off unless somebody switches them on."""


async def doctor(folder: Path) -> dict[str, Any]:
    """What `pillion doctor --json` says of the settings of `folder`, and of the server that runs on them."""
    command = [
        *COMMAND,
        "doctor",
        "--json",
        "--config",
        str(folder / "plugins.toml"),
        "--data-dir",
        str(folder / "data"),
    ]
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False, env=bare_environment(folder)
        )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return dict(msgspec.json.decode(done.stdout))


@pytest.mark.promise("plugins.off")
@pytest.mark.parametrize("plugin", FIRST_PARTY)
async def test_without_one_plugin_all_is_well(tmp_path: Path, plugin: str) -> None:
    kept = '[defaults]\nstore = "memory"\n' if plugin == "storage" else ""
    async with server_process(tmp_path, f"{kept}[plugins.{plugin}]\nenabled = false\n") as server:
        health = await server.client.call("GET", "/api/health")
        said = await doctor(tmp_path)
    assert (health["done"], health["status"]) == (True, "ok"), health
    states = {told["name"]: told["state"] for told in health["plugins"]}
    assert {name for name, state in states.items() if state == "off"} == OFF | {plugin}
    assert not {name for name, state in states.items() if state == "quarantined"}
    assert said["ok"] is True
    assert [found["said"] for found in said["findings"] if found["about"] == f"plugin {plugin}"] == ["Switched off."]
