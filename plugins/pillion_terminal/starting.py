"""What every program of this plugin goes through before it is started: one-off commands, shells, jobs, a person's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pillion import Workspace

from .sandbox import Sandbox

By = Literal["model", "person"]


class Starter:
    """Made by the plugin; all that start something share it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def argv_of(self, argv: Sequence[str], *, workspace: Workspace, folder: Path, by: By) -> Sequence[str]:
        """What is really started for `argv`, in `folder` of the workspace. ToolError where it must not be.

        It must hand on descriptors and signals, and stay in the session (of the operating system) that it is started
        in: shells are told what to run by descriptors, and stopped by signals. A person's own is not in the sandbox.
        """
        return argv if by == "person" else self.sandbox.wrap(argv, workspace=workspace, folder=folder)
