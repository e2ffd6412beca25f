"""A confinement is where programs run that a model, or the files of a workspace, choose: e.g. a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from .workspace import Workspace


@runtime_checkable
class Confinement(Protocol):
    """Whoever starts such a program starts what `wrap` makes of it. What Pillion starts for itself needs none."""

    @property
    def confines(self) -> bool:
        """Can such programs change the workspace alone, and use no network? For a tool's `confined`."""
        ...

    def wrap(
        self, argv: Sequence[str], *, workspace: Workspace, folder: Path, writable: Sequence[Path] = ()
    ) -> Sequence[str]:
        """What is started instead of `argv`, in `folder`, an absolute path in the workspace. `writable`: folders of the
        caller in which it has to write, too. ToolError where it must not run."""
        ...

    def note(self) -> str:
        """A line, after a line's end, for a person who is asked: where it runs. "" where there is nothing to say."""
        ...
