"""Thousands of requests made from the API's own description, good ones and bad: whatever comes, no answer surprises.

`PILLION_FUZZ=200 pytest tests/scenarios/test_schemathesis.py` looks longer: so many examples for each operation, and
with them chains of requests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import Echo

from .serverprocess import ServerProcess, bare_environment, riding

EXAMPLES = int(os.environ.get("PILLION_FUZZ", "0"))
"""For each operation; 0: those that the types suggest, and a few."""
TOP = Path(__file__).parents[2]
SETTINGS = """
[limits]
seconds = 5
"""
CONFIG = """
request-timeout = 30.0
max-stream-events = 3
seed = 20261122
[checks.positive_data_acceptance]
enabled = false  # no type says which folders and models there are
[[operations]]
include-operation-id-regex = "follow_.*events"
request-timeout = 1.0
[[operations]]
include-operation-id = "import_sessions"
checks.allow_header_conformance.enabled = false  # `import` is also looked for as a session's id
"""


@pytest.mark.promise("description.contract", "door.problems", "door.token")
async def test_every_answer_to_made_up_requests_is_as_described(tmp_path: Path) -> None:
    async with riding(tmp_path, Echo(), SETTINGS) as (_, server):
        said = await fuzzed(server, tmp_path, "examples,fuzzing")  # the door answers before anything is read
        assert said == "", said
        phases = "examples,coverage,fuzzing" + (",stateful" if EXAMPLES else "")
        said = await fuzzed(server, tmp_path, phases, "-H", f"Authorization: Bearer {server.found.token}")
        assert said == "", said
        errors = [line for line in server.log() if line["level"] in ("error", "critical")]
        assert not [line for line in errors if line["logger"] != "pillion.watchdog"]  # which a busy machine wakes


async def fuzzed(server: ServerProcess, folder: Path, phases: str, *more: str) -> str:
    """What schemathesis found wrong; "" when all is well."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    for name, path in (("openapi.json", "/openapi.json"), ("events.json", "/api/events/schema")):
        async with server.client.open("GET", path) as body:
            (folder / name).write_bytes(await body.whole())
    environment = bare_environment(
        folder,
        PYTHONPATH=str(TOP),
        SCHEMATHESIS_HOOKS="tests.scenarios.schemathesis_hooks",
        FUZZ_SESSION=await server.session(folder),
        FUZZ_FOLDER=str(folder),
    )
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml")]
    command += ["run", f"{server.found.url}/openapi.json", "--phases", phases, "--max-examples", str(EXAMPLES or 5)]
    done = await trio.run_process(
        [*command, "--generation-database", "none", "--no-color", "--warnings", "off", *more],
        cwd=folder,
        env=environment,
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout.decode("utf-8", "replace")
