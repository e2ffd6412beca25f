"""What can be wrong with an editor."""

from __future__ import annotations

from pillion import ToolError


class EditorFailed(ToolError):
    """The editor does not do what it was asked."""

    code = "editor"


class EditorAway(EditorFailed):
    """It is not there, or does not answer in time."""

    code = "editor_away"


class EditorLacks(EditorFailed):
    """It has no such endpoint, or one that answers otherwise."""

    code = "editor_lacks"
