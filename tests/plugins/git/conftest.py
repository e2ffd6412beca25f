"""Repositories made by the git program, and both engines that look into them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pillion.localworkspace import LocalWorkspace
from pillion.processes import Processes
from pillion_git.repository import Git

ANN = "Ann <ann@example.org>"
PROGRAM = shutil.which("git") or ""


@dataclass
class Ground:
    workspace: LocalWorkspace
    processes: Processes


class Repo:
    """A work tree. `home` has the user's settings, which count for the program, too."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home
        root.mkdir(parents=True, exist_ok=True)

    def git(self, *arguments: str, data: bytes | None = None, env: Mapping[str, str] = {}) -> bytes:
        """What the program prints, with its own settings as the user would have them."""
        found = subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.root,
            input=data,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8", **env},
            check=False,
        )
        assert found.returncode == 0, (arguments, found.stderr)
        return found.stdout

    def begin(self) -> Repo:
        self.git("init", "-q", "-b", "main")
        return self

    def write(self, path: str, data: str | bytes = "x\n", mode: int = 0o644) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        file.chmod(mode)

    def commit(self, message: str = "change", *, time: int = 1_700_000_000, author: str = ANN) -> str:
        self.git("add", "-A")
        name, _, email = author.partition(" <")
        env = {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email.rstrip(">"),
            "GIT_AUTHOR_DATE": f"{time} +0130",
            "GIT_COMMITTER_DATE": f"{time} +0000",
        }
        self.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message, env=env)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").decode().strip()

    def ground(self, folder: str = "") -> Ground:
        processes = Processes({"PATH": os.environ["PATH"], "HOME": str(self.home)})
        return Ground(LocalWorkspace(self.root / folder), processes)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    text = '[user]\n\tname = Me\n\temail = me@example.org\n[protocol "file"]\n\tallow = always\n'
    (tmp_path / "home" / ".gitconfig").write_text(text)
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path, home: Path) -> Repo:
    return Repo(tmp_path / "work", home).begin()


@pytest.fixture(params=["dulwich", "program"])
def git(request: pytest.FixtureRequest, home: Path) -> Git:
    """Each engine in turn."""
    return Git(PROGRAM if request.param == "program" else "", {"HOME": str(home)})
