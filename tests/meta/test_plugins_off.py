"""Each first-party plugin switched off, one at a time: everything else is as before. Processes: tests/scenarios."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import ConfigError
from pillion.kernel import Kernel, open_kernel
from pillion.settings import load
from pillion_runtime.hookspecs import HostHooks

from ..canaries import KEYS

SHIPPED = list(load(environ={}).plugins)
ENVIRON = {**KEYS, "PATH": os.environ["PATH"]}


def offered(kernel: Kernel) -> dict[str, set[str]]:
    """What there is, by kind."""
    catalog = kernel.catalog
    return {
        "provider": set(catalog.providers),
        "strategy": set(catalog.strategies),
        "tool": {tool.name for tool, _ in kernel.tools()},
        "store": set(catalog.stores),
        "check": set(catalog.checks),
    }


async def opened(folder: Path, *off: str) -> tuple[dict[str, set[str]], dict[str, str]]:
    """What the shipped plugins offer and how each is, without those that are off."""
    flags: dict[str, Any] = {f"plugins.{name}.enabled": name not in off for name in SHIPPED}
    if "storage" in off:
        flags["defaults.store"] = "memory"
    settings = load(data_dir=folder, environ=ENVIRON, flags=flags)
    with trio.fail_after(60):
        async with open_kernel(settings, hookspecs=[HostHooks]) as kernel:
            states = kernel.host.states()
            faults = {s.name: s.reason for s in states if s.state == "quarantined" or (s.state == "on" and s.reason)}
            assert faults == {}
            return offered(kernel), {state.name: state.state for state in states}


async def test_with_all_of_them_on_nothing_is_wrong(tmp_path: Path) -> None:
    found, states = await opened(tmp_path)
    assert set(states.values()) <= {"on", "missing"}
    assert {"agent", "chat"} <= found["strategy"]
    assert {"read_file", "edit_file", "run_command"} <= found["tool"]


@pytest.mark.parametrize("name", SHIPPED)
async def test_without_one_the_others_are_as_before(name: str, tmp_path: Path) -> None:
    everything, before = await opened(tmp_path)
    left, states = await opened(tmp_path, name)
    assert states == before | {name: "off"}
    assert all(left[kind] <= everything[kind] for kind in everything)
    only, _ = await opened(tmp_path, *(other for other in SHIPPED if other != name))
    for kind in everything:
        assert left[kind] | only[kind] == everything[kind], "what is gone is what the plugin brought"
        assert left[kind] & only[kind] == set()


async def test_without_the_store_that_the_settings_name_nothing_opens(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, environ=ENVIRON, flags={"plugins.storage.enabled": False})
    with pytest.raises(ConfigError, match=r"brings the store 'storage'.*Switch that plugin on.*memory") as caught:
        async with open_kernel(settings, hookspecs=[HostHooks]):
            pass
    assert caught.value.path == "defaults.store"


async def test_with_all_of_them_off_the_kernel_still_opens(tmp_path: Path) -> None:
    found, states = await opened(tmp_path, *SHIPPED)
    assert set(states.values()) == {"off"}
    assert not any(found.values())


TESTS = Path(__file__).parents[1] / "plugins"
LONG = bool(os.environ.get("PILLION_LONG"))
PAIRS = [(off, [o for o in SHIPPED if o != off]) for off in SHIPPED] if LONG else [("terminal", ["edit", "approvals"])]
"""What is off, and whose tests run then. All of them take minutes, so that is the long form."""


@pytest.mark.parametrize(("off", "others"), PAIRS, ids=[off for off, _ in PAIRS])
def test_the_others_tests_pass_without_one(off: str, others: list[str], tmp_path: Path) -> None:
    folders = [str(TESTS / other) for other in others if (TESTS / other).is_dir()]
    switched = {f"PILLION__PLUGINS__{off.upper()}__ENABLED": "false", "PILLION_LONG": ""}
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", f"--basetemp={tmp_path / 'others'}", *folders]
    done = subprocess.run(command, env=os.environ | switched, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
