"""A distribution that somebody else installs brings a language, and the files of it are found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CODE = '''
from pathlib import Path

from pillion import hookimpl


class Plugin:
    """Scrolls."""

    @hookimpl(optionalhook=True)
    def register_languages(self):
        return [Path(__file__).parent / "scroll.toml"]
'''
SCROLL = """
name = "scroll"
module = "tree_sitter_python"
extensions = ["scroll"]
outline = "(function_definition) @spell"
"""


def installed(folder: Path) -> None:
    """The files of a wheel that has been unpacked there."""
    files = {
        "scrolls/__init__.py": CODE,
        "scrolls/scroll.toml": SCROLL,
        "scrolls-0.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: scrolls\nVersion: 0.1\n",
        "scrolls-0.1.dist-info/entry_points.txt": "[pillion]\nscroll = scrolls:Plugin\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_a_language_of_an_installed_plugin_is_searched(tmp_path: Path, folder: Path) -> None:
    installed(tmp_path / "site")
    (folder / "a.scroll").write_text("def light_wick():\n    pass\n")
    (tmp_path / "on.toml").write_text("[plugins.scroll]\nenabled = true\n")
    paths = [str(tmp_path / "site"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    argv = [sys.executable, "-m", "pillion_runtime.cli.main", "search", "--json", "--config", str(tmp_path / "on.toml")]
    run = subprocess.run(
        [*argv, "--data-dir", str(tmp_path / "data"), "wick"],
        cwd=folder, capture_output=True, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    (found,) = json.loads(run.stdout)["data"]
    assert (found["path"], found["heads"]) == ("a.scroll", ["def light_wick():"])
