"""The strangers' distributions, installed as pip installs them, in a place of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DISTRIBUTIONS = "acme_tickets", "acme_files"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the import path of a server; this process does not have it."""
    place = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-index", "--no-build-isolation", "--target", str(place)]
    sources = [str(HERE / name) for name in DISTRIBUTIONS]
    subprocess.run([*command, *sources], check=True, timeout=120, stdin=subprocess.DEVNULL)
    return place


@pytest.fixture
def import_path(installed: Path) -> str:
    """PYTHONPATH of a process that has them."""
    return os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH", ""))))
