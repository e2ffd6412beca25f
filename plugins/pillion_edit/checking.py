"""Errors that an edit brought, as other plugins find them: told to the model, in bounded time and length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import trio

from pillion.contracts.workspace import Workspace
from pillion.plugins import PluginHost
from pillion.textform import text_form

from .hookspecs import Checker, Finding
from .planning import Change

SECONDS = 3.0
"""For all checkers and all files of an edit."""
LONGEST = 2_000_000
"""Characters of a text that is checked."""
SHOWN = 10
"""Errors of an edit that the model is told of."""
WIDEST = 200
"""Characters of a line, and of what is said of it."""


class Checking:
    """One for all tools of the plugin. `host` is given by the plugin's lifespan; without one nobody is asked."""

    host: PluginHost | None = None

    async def told(self, changes: Sequence[Change], workspace: Workspace) -> list[str]:
        """What the model is told of the errors that these changes brought."""
        checkers = self._checkers(workspace)
        said: list[str] = []
        left = SHOWN
        with trio.move_on_after(SECONDS if checkers else 0):
            for change in changes if checkers else ():
                after = _text(change.after)
                if after is None:
                    continue
                before = _text(_before(change, changes))
                found = [one for checker in checkers for one in await self._found(checker, change.path, before, after)]
                said += _worded(change.path, sorted(set(found)), after, left)
                left = max(0, left - len(found))
        return said

    def _checkers(self, workspace: Workspace) -> list[tuple[str, Checker]]:
        if self.host is None:
            return []
        found = []
        for name, answer in self.host.ask("register_checkers", workspace=workspace):
            if isinstance(answer, list | tuple) and all(isinstance(one, Checker) for one in answer):
                found += [(name, one) for one in answer]
            else:
                self.host.fault(name, "Its hook register_checkers returned no list of checkers.")
        return found

    async def _found(self, checker: tuple[str, Checker], path: str, before: str | None, after: str) -> list[Finding]:
        name, checks = checker
        assert self.host is not None
        try:
            return [_finding(one) for one in await checks.check(path, before, after)]
        except Exception as error:  # a plugin's fault is its own: the edit stands
            self.host.fault(name, f"Its check of an edit raised {type(error).__name__}.", error)
            return []


def _finding(given: Any) -> Finding:
    """Raises TypeError, ValueError for what is none."""
    line, column, words = given
    return int(line), int(column), str(words)


def _text(data: bytes | None) -> str | None:
    """None for what is no text, or too much of it."""
    form = text_form(data) if data is not None and len(data) <= LONGEST * 4 else None
    if data is None or form is None or not form.valid:
        return None
    text = form.decode(data)
    return text if len(text) <= LONGEST else None


def _before(change: Change, changes: Sequence[Change]) -> bytes | None:
    """What the file was, also under another name."""
    if not change.origin:
        return change.before
    return next((one.before for one in changes if one.path == change.origin), None)


def _worded(path: str, found: Sequence[Finding], text: str, most: int) -> list[str]:
    if not found:
        return []
    lines = text.split("\n")
    said = [f"The edit stays, but {path} now has errors that it had not before:"]
    for line, column, words in found[:most]:
        there = lines[line - 1].rstrip("\r")[:WIDEST] if 0 < line <= len(lines) else ""
        said.append(f"line {line}, column {column}: {' '.join(words.split())[:WIDEST]}" + f"\n{there}" * bool(there))
    if len(found) > most:
        said.append(f"and {len(found) - most} more")
    return said
