"""`pillion plugins new`: what it writes is a distribution whose tests pass at once."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
import trio

from ...meta.source import TOP

LONG = bool(os.environ.get("PILLION_LONG"))
"""Then the environment has nothing of ours: Pillion itself is built and installed with all that it needs."""


def environment(folder: Path) -> Path:
    """A new environment's Python. In the short form it also sees what this one has."""
    venv.create(folder, with_pip=True)
    if not LONG:
        paths = [sysconfig.get_path("purelib"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "ours.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in paths))
    return folder / "bin" / "python"


async def ran(python: Path, folder: Path, *words: str) -> str:
    with trio.fail_after(900 if LONG else 120):
        done = await trio.run_process(
            [str(python), *words],
            cwd=folder,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


@pytest.mark.promise("plugins.new")
async def test_a_new_plugin_passes_its_tests_in_a_fresh_environment_and_is_listed(cli: Any, tmp_path: Path) -> None:
    ended = await cli.run("plugins", "new", "word-count", "--json")
    written = json.loads(ended.out)
    folder = Path(written["folder"])
    assert (ended.code, folder.name, written["plugin"]) == (0, "pillion-word-count", "word_count"), ended
    python = await trio.to_thread.run_sync(environment, tmp_path / "fresh")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if LONG:
        await ran(python, folder, *install, str(TOP), ".[test]")
    else:
        await ran(python, folder, *install, "--no-deps", "--no-index", "--no-build-isolation", ".")
    assert "9 passed" in await ran(python, folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    pillion = ["-m", "pillion_runtime.cli.main", "plugins"]
    there = ["--data-dir", str(tmp_path / "fresh-data")]
    listed = await ran(python, folder, *pillion, "list", "--json", "--config", "plugins.toml", *there)
    state = next(state for state in json.loads(listed) if state["name"] == "word_count")
    assert (state["state"], state["version"], state["summary"]) == ("on", "0.1.0", "Tool: count_words.")
    checked = await ran(python, folder, *pillion, "check", "word_count", *there)
    assert checked == "word_count is on. tools: count_words\n", "installed is enough to be checked"


@pytest.mark.promise("plugins.new")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Word Count", "can't be a plugin's name"),
        ("class", "can't be a plugin's name"),
        ("match", "can't be a plugin's name"),
        ("9lives", "can't be a plugin's name"),
        ("../up", "can't be a plugin's name"),
        ("a" * 41, "40 at most"),
        ("files", "There is a plugin 'files' already"),
        ("desk", "There is a plugin 'desk' already"),
        ("runtime", "There is a package 'pillion_runtime' already"),
        ("taken", "exists and is not empty"),
    ],
)
async def test_a_name_or_place_that_is_taken_is_refused(cli: Any, name: str, said: str) -> None:
    (cli.workspace / "pillion-taken").mkdir()
    (cli.workspace / "pillion-taken" / "mine.txt").touch()
    ended = await cli.run("plugins", "new", name)
    assert (ended.code, ended.out) == (2, ""), ended
    assert said in ended.err
