"""The rule that `always` would write: as narrow as what the person looks at, and in this workspace alone."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Sequence

from pillion.contracts.policy import JudgedCall

from .commands import begins_with, simple_words
from .rule import Rule

BEGINNINGS = (
    "cargo build", "cargo check", "cargo clippy", "cargo test", "git blame", "git diff", "git log", "git show",
    "git status", "go build", "go test", "go vet", "mypy", "npm test", "pnpm test", "pytest", "python -m pytest",
    "python3 -m pytest", "ruff check", "uv run pytest", "yarn test",
)  # fmt: skip
"""Commands whose further words say what to look at, build or test. Of all others just the same command is allowed:
`rm -rf build` must not come to cover `rm -rf build /`."""
_PREFIXES = [beginning.split() for beginning in BEGINNINGS]


def proposal(call: JudgedCall, places: Sequence[str], command: str | None) -> Rule | None:
    """For a call whose paths lead to `places`. None: no rule would cover it."""
    workspace = str(call.workspace.root)
    if command is not None:
        words = simple_words(command)
        if not words:
            return None
        prefix = next((prefix for prefix in _PREFIXES if begins_with(words, prefix)), None)
        said = shlex.join(prefix or words)
        return Rule(verdict="allow", tool=call.tool, command=said, exact=prefix is None, workspace=workspace)
    folders = {posixpath.dirname(place) for place in places}
    if len(folders) > 1 or any(letter in place for place in places for letter in "*?\\["):
        return None
    folder = next(iter(folders), None)
    path = "" if folder is None else f"{folder}/**" if folder else places[0]
    return Rule(verdict="allow", tool=call.tool, path=path, workspace=workspace)
