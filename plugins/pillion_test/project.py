"""How a project's tests are run, as far as its files say so. Nothing of it is run or imported to find out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from pillion import ToolError, Workspace

LARGEST = 256 * 1024
"""Bytes of a file that is looked into; more is no settings file."""
_PYTEST = {"pyproject.toml": "[tool.pytest", "setup.cfg": "[tool:pytest]", "tox.ini": "[pytest]"}
_LOCKS = {"uv.lock": "uv run", "poetry.lock": "poetry run", "pdm.lock": "pdm run", "Pipfile.lock": "pipenv run"}
_JS_LOCKS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun run", "bun.lockb": "bun run"}
_JS_TEST = re.compile(r".+\.(?:test|spec)\.[cm]?[jt]sx?|test\.[cm]?js|test-.+\.[cm]?js")
_PY_TEST = re.compile(r"test_.*\.py|.+_test\.py|conftest\.py")
_TARGET = re.compile(r"^(test|check|tests)[ \t]*:(?!=)", re.MULTILINE)
_NO_TEST = "no test specified"
"""What npm writes into a new project."""


async def commands(workspace: Workspace) -> list[str]:
    """Commands that run all tests, the likeliest first."""
    top = await _names(workspace, "")
    found = [await _pytest(workspace, top), await _javascript(workspace, top)]
    if "go.mod" in top:
        found.append("go test -json ./...")
    if "Cargo.toml" in top:
        found.append("cargo test")
    found.append(await _make(workspace, top))
    return [command for command in found if command]


async def _pytest(workspace: Workspace, top: set[str]) -> str:
    said = "pytest.ini" in top or any(map(_PY_TEST.fullmatch, top))
    for name, section in _PYTEST.items():
        said = said or (name in top and section in await _text(workspace, name))
    if not said:
        folders = [await _names(workspace, folder) for folder in ("tests", "test") if folder in top]
        said = any(_PY_TEST.fullmatch(name) for names in folders for name in names)
    if not said:
        return ""
    for lock, runner in _LOCKS.items():
        if lock in top:
            return f"{runner} pytest"
    for folder in (".venv", "venv"):
        if folder in top and "python" in await _names(workspace, f"{folder}/bin"):
            return f"{folder}/bin/python -m pytest"
    return "python3 -m pytest"


async def _javascript(workspace: Workspace, top: set[str]) -> str:
    if "package.json" not in top:
        return ""
    try:
        package: Any = msgspec.json.decode(await _text(workspace, "package.json"))
        script = package["scripts"]["test"]
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
        script = ""
    if isinstance(script, str) and script.strip() and _NO_TEST not in script:
        runner = next((runner for lock, runner in _JS_LOCKS.items() if lock in top), "npm")
        return f"{runner} test"
    below = [await _names(workspace, folder) for folder in ("test", "tests") if folder in top]
    return "node --test" if any(map(_JS_TEST.fullmatch, _all(top, *below))) else ""


async def _make(workspace: Workspace, top: set[str]) -> str:
    for name in ("GNUmakefile", "makefile", "Makefile"):  # the order in which make looks
        if name in top:
            found = _TARGET.findall(await _text(workspace, name))
            return f"make {'test' if 'test' in found else found[0]}" if found else ""
    return ""


def _all(*names: Iterable[str]) -> Iterable[str]:
    return (name for some in names for name in some)


async def _names(workspace: Workspace, folder: str) -> set[str]:
    """What is in a folder; nothing where it can't be looked into."""
    try:
        return {entry.path.rpartition("/")[2] for entry in await workspace.list(folder)}
    except ToolError:
        return set()


async def _text(workspace: Workspace, path: str) -> str:
    try:
        return (await workspace.read(path, LARGEST)).data.decode("utf-8", "replace")
    except ToolError:
        return ""
