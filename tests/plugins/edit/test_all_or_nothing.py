"""An edit through the tools of a running kernel is made whole or not at all: killed anywhere, or on a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .editedfiles import EDITS, OLD, edited, fill, found

KILLED = Path(__file__).with_name("killedediting.py")
LONG = bool(os.environ.get("PILLION_LONG"))


@pytest.mark.parametrize("format", EDITS)
async def test_it_is_made(tmp_path: Path, format: str) -> None:
    fill(tmp_path)
    result = await edited(tmp_path, format)
    assert not result.error, result.text
    assert found(tmp_path) == EDITS[format][2]


@pytest.mark.promise("files.all")
@pytest.mark.parametrize("format", EDITS if LONG else ("patch", "replace"))
def test_a_kill_at_any_call_leaves_all_files_old_or_all_new(tmp_path: Path, format: str) -> None:
    """At every fourth; at every one, and in each format, in the long form: a process for each takes its time."""
    command = [sys.executable, str(KILLED), str(tmp_path), format, "1" if LONG else "4"]
    ran = subprocess.run(command, capture_output=True, timeout=280)
    assert ran.returncode == 0, ran.stderr.decode()
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    seen = []
    for number, one in enumerate(told, 1):
        # A file alone is written without a journal, which would take what a kill leaves beside it away.
        left = [name for name in one["files"] if name.startswith(".pillion-") and name.endswith(".tmp")]
        files = {name: text for name, text in one["files"].items() if name not in left}
        assert files in (OLD, EDITS[format][2]), (number, files.keys())
        assert not left or format in ("replace", "editor"), (number, left)
        seen.append(files == OLD)
    assert [one["killed"] for one in told] == [True] * (len(told) - 1) + [False]
    assert seen[0] and not seen[-1] and len(told) > 5


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """4 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.promise("files.all")
@pytest.mark.parametrize("format", EDITS)
async def test_a_disk_that_is_full_at_any_write_leaves_all_files_as_they_were(small_disk: Path, format: str) -> None:
    """Room for no page, for one, for two …, until there is enough."""
    refused = 0
    for room in range(40):
        fill(small_disk)
        (small_disk / "filler").unlink(missing_ok=True)
        disk = os.statvfs(small_disk)
        (small_disk / "filler").write_bytes(b"x" * ((disk.f_bavail - room) * disk.f_frsize))
        result = await edited(small_disk, format)
        files = found(small_disk)
        del files["filler"]
        if not result.error:
            break
        assert "No space left" in result.text
        assert files == OLD, room
        refused += 1
    assert files == EDITS[format][2]
    assert refused > 3
