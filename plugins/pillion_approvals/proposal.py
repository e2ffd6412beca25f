"""The rule that `always` would write: as narrow as what the person looks at, and in this workspace alone."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Sequence

from pillion.contracts.policy import JudgedCall
from pillion.contracts.workspace import origin_of

from .judge import Case
from .line import Command
from .matching import begins_with
from .programs import ASSIGNMENT
from .rule import Rule

BEGINNINGS = (
    "cargo build", "cargo check", "cargo clippy", "cargo test", "git blame", "git diff", "git log", "git show",
    "git status", "go build", "go test", "go vet", "mypy", "npm test", "pnpm test", "pytest", "python -m pytest",
    "python3 -m pytest", "ruff check", "uv run pytest", "yarn test",
)  # fmt: skip
"""Commands whose further words say what to look at, build or test. Of all others just the same command is allowed:
`rm -rf build` must not come to cover `rm -rf build /`."""
_PREFIXES = [beginning.split() for beginning in BEGINNINGS]


def proposals(call: JudgedCall, places: Sequence[str], case: Case | None, uncovered: Sequence[Command]) -> list[Rule]:
    """For a call whose paths lead to `places`, the narrower ones behind those that a person can overlook at a glance:
    for a line with one command that no rule allows that command, else just this line."""
    workspace = origin_of(call.workspace)
    if case is not None:
        return [rule for rule in _of_line(case, uncovered, call.tool, workspace) if _readable(rule)]
    host = getattr(call.arguments, "host", None)
    if isinstance(host, str):
        return [Rule(verdict="allow", tool=call.tool, host=host, workspace=workspace)] if host else []
    folders = {posixpath.dirname(place) for place in places}
    if len(folders) > 1 or any(letter in place for place in places for letter in "*?\\["):
        return []
    folder = next(iter(folders), None)
    path = "" if folder is None else f"{folder}/**" if folder else places[0]
    return [Rule(verdict="allow", tool=call.tool, path=path, workspace=workspace)]


def _of_line(case: Case, uncovered: Sequence[Command], tool: str, workspace: str) -> Iterator[Rule]:
    if len(uncovered) == 1:
        words = uncovered[0].words
        prefix = next((prefix for prefix in _PREFIXES if begins_with(words, prefix)), None)
        if prefix is not None:
            yield Rule(verdict="allow", tool=tool, command=shlex.join(prefix), workspace=workspace)
        if all(each.sure for each in words):
            said = shlex.join([each.text for each in words])
            said = said if not ASSIGNMENT.match(words[0].text) else case.text.strip()
            yield Rule(verdict="allow", tool=tool, command=said, exact=True, workspace=workspace)
    if "$" not in case.text and "`" not in case.text:  # what those become, nobody sees who agrees
        yield Rule(verdict="allow", tool=tool, command=case.text.strip(), exact=True, workspace=workspace)


def _readable(rule: Rule) -> bool:
    try:
        return bool(rule.prefix)
    except ValueError:
        return False
