"""Whole files: a path on a line, then the content in a fence. For small files, and for models that write no diffs."""

from __future__ import annotations

import re

from pillion.errors import ToolError

from ..hunk import FileEdit

_FENCED = re.compile(
    r"^[ #*`\"'>]*(?:File(?:name)?: *)?(?P<path>[^\s`\"'*:<>|]+)[`\"':* ]*\n+"
    r"(?P<fence>`{3,}|~{3,})[\w+.-]*[^\n]*\n(?P<content>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


def read_whole(text: str) -> list[FileEdit]:
    """Each file of a reply, its content as it stands in the fence. Raises ToolError when there is none."""
    text = text.replace("\r\n", "\n")
    found = [FileEdit(one["path"], "write", content=one["content"]) for one in _FENCED.finditer(text)]
    if not found:
        raise ToolError("There is no file: write its path on a line, and its content in a fence of ``` below.")
    return found
