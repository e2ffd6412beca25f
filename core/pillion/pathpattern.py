"""Patterns of paths, relative to a workspace, as in .gitignore."""

from __future__ import annotations

import re
from functools import lru_cache


def fits(path: str, pattern: str) -> bool:
    """Whether `pattern` covers `path`, as in .gitignore: without a slash it names a file or folder at any depth; one
    that covers a folder covers what is in it. `*` and `?` stay within a name, `**` goes over folders."""
    return _compiled(pattern).fullmatch(path) is not None


def expression(pattern: str) -> str:
    """The regular expression that says the same."""
    anywhere = "/" not in pattern.rstrip("/")
    pattern = pattern.strip("/")
    pieces = re.findall(r"\*\*/|/\*\*$|\*\*|\*|\?|[^*?]+", pattern)
    meanings = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(meanings.get(piece) or re.escape(piece) for piece in pieces)
    return ("(?:.*/)?" if anywhere else "") + body + "(?:/.*)?"


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(expression(pattern), re.DOTALL)
