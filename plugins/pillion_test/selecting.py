"""Some tests instead of all: the command, narrowed down in the way of its runner."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from pillion import ToolError, Workspace

_OPERATORS = re.compile(r"[;&|<>()$`\\\n]")
_JS = ("npm", "pnpm", "yarn", "bun")
_BEFORE = ("exec", "env", "time", "command", "nice")
_PYTHONS = ("python", "python3", "uv", "poetry", "pdm", "pipenv", "hatch", "coverage")
"""What may stand before pytest, and runs it on this machine."""


def runner_of(command: str) -> str:
    """Who runs the tests when a command is plainly one of a known runner: pytest, node, javascript, go, cargo."""
    words = _words(command)
    names = [word.rpartition("/")[2] for word in words]
    if not names:
        return ""
    first = re.sub(r"(?<=python3)\.\d+$", "", names[0])
    if first in ("pytest", "py.test") or (first in _PYTHONS and {"pytest", "py.test"} & set(names)):
        return "pytest"
    if first == "node" and "--test" in names:
        return "node"
    if first in _JS and "test" in names:
        return "javascript"
    return first if first in ("go", "cargo") and "test" in names else ""


async def narrowed(command: str, selected: Sequence[str], workspace: Workspace) -> str:
    """The command for those tests: files, folders, or names. Raises ToolError where it can't be said to its runner."""
    if not selected:
        return command
    for one in selected:
        if one.startswith("-") or not one.strip() or "\0" in one:
            raise ToolError(f"{one!r} is no test: name files, folders or tests, no options.")
    files = [one for one in selected if await _there(workspace, one.partition("::")[0])]
    names = [one for one in selected if one not in files]
    match runner_of(command):
        case "pytest":
            return _joined(command, [*files, *(["-k", " or ".join(names)] if names else [])])
        case "node":
            return _joined(command, [*(f"--test-name-pattern={name}" for name in names), *files])
        case "javascript":
            if names:
                raise ToolError("Of this project's tests only files can be selected.")
            return _joined(command, [*([] if command.startswith(("yarn", "pnpm", "bun")) else ["--"]), *files])
        case "go":
            return _go(command, files, names)
        case "cargo":
            if files:
                raise ToolError("Of Rust's tests only names can be selected, or the beginnings of their modules.")
            return _joined(command, ["--", *names])
    raise ToolError(f"It is not known how to select tests of `{command}`: run all of them, or use a command.")


def _go(command: str, files: Sequence[str], names: Sequence[str]) -> str:
    if any(file.endswith(".go") for file in files):
        raise ToolError("Of Go's tests packages (folders) and names can be selected, no files.")
    words = shlex.split(command)
    if files:
        words = [word for word in words if word != "./..."] + [f"./{file.strip('/')}/..." for file in files]
    if names:
        at = words.index("test") + 1
        words[at:at] = ["-run", "^(" + "|".join(map(re.escape, names)) + ")$"]
    return shlex.join(words)


async def _there(workspace: Workspace, path: str) -> bool:
    """Is it a file or folder of the workspace? Raises OutsideWorkspace."""
    return len(path) < 1000 and await workspace.stat(path) is not None


def _joined(command: str, words: Sequence[str]) -> str:
    return f"{command} {shlex.join(words)}"


def _words(command: str) -> list[str]:
    """The words of a single simple command, without what may stand before it; none for anything else."""
    if _OPERATORS.search(command):
        return []
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    while words and (words[0] in _BEFORE or re.match(r"[A-Za-z_][A-Za-z0-9_]*=", words[0])):
        words = words[1:]
    return words
