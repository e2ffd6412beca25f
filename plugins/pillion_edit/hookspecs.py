"""What other plugins may say of a file that has just been edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pillion import Workspace, hookspec

Finding = tuple[int, int, str]
"""Line and column, both from 1, and what is wrong there, in a few words."""


@runtime_checkable
class Checker(Protocol):
    """Finds errors in text. `path` is relative to the workspace, where `after` stands by now; `before` is None for a
    file that was not there.

    Returns the errors of `after` that `before` had not; none for what it knows nothing of. It gets no text of more than
    2,000,000 characters, and all checkers together 3 seconds for an edit.
    """

    async def check(self, path: str, before: str | None, after: str, /) -> Sequence[Finding]: ...


class EditHooks:
    """Asked after each edit, when its files are written."""

    @hookspec
    def register_checkers(self, workspace: Workspace) -> Sequence[Checker]:
        """Who finds errors in what was edited. Each has a method `async check(path, before, after)`, which returns, as
        tuples of line, column (from 1) and words, what is wrong with the text `after` and was not with `before` (None:
        the file was not there). The model is told of it, in the edit's result; the edit stays.

        All together get 3 seconds for an edit. A plugin that also works without this one marks its answer with
        `@hookimpl(optionalhook=True)`.
        """
