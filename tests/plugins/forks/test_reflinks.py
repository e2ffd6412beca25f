"""Files that share their blocks, on file systems that can: xfs and btrfs in a file, mounted for the test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .scene import image, scene

SIZE = 400 * 1024 * 1024
"""Bytes; less xfs does not take. The file is sparse."""


@pytest.fixture(scope="module", params=["xfs", "btrfs"])
def disk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on that file system."""
    kind, place = str(request.param), tmp_path_factory.mktemp("disk")
    make = shutil.which(f"mkfs.{kind}", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if make is None:
        pytest.skip(f"mkfs.{kind} is not installed")
    with (place / "file").open("wb") as file:
        file.truncate(SIZE)
    (place / "disk").mkdir()
    subprocess.run([make, "-q", str(place / "file")], check=True, capture_output=True)
    words = ["mount", "-o", "loop", str(place / "file"), str(place / "disk")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{kind} can't be mounted here: {done.stderr.strip()}")
    yield place / "disk"
    subprocess.run(["umount", str(place / "disk")], check=True)


async def test_a_fork_shares_blocks_until_one_is_written(disk: Path) -> None:
    async with scene(disk) as scene_:
        big = os.urandom(8 * 1024 * 1024)
        scene_.write({"a.txt": "one\n", "node_modules/x.js": "x\n", ".gitignore": "node_modules\n"})
        (scene_.folder / "big").write_bytes(big)
        before = image(scene_.folder)
        one, root = await scene_.make()
        _, other = await scene_.make()
        assert one.way == "reflink" and image(root) == image(other) == before
        assert _shares(scene_.folder / "big") and _shares(root / "big")
        with (root / "big").open("r+b") as file:
            file.write(b"written in place")
        with (root / "node_modules/x.js").open("a") as text:
            text.write("more\n")
        assert image(scene_.folder) == image(other) == before
        assert (await scene_.merge(one)).paths == ("big",)
        assert (scene_.folder / "big").read_bytes() == b"written in place" + big[16:]


def _shares(file: Path) -> bool:
    """Does some of it lie where another file's does?"""
    os.sync()
    return b"shared" in subprocess.run(["filefrag", "-v", str(file)], check=True, capture_output=True).stdout
