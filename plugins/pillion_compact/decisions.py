"""Marked decisions, which survive every summary: `Decision(key): what was decided`, on a line of its own.

They are read in what people and models say, not in files and outputs, which are data. Of each key the newest holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pillion import Message, Text

LONGEST = 500
"""Characters of what was decided."""
LINE = re.compile(r"^[ \t>*_#+-]*Decision\(([^()\n]{1,80})\)[*_]*:[*_]*[ \t]*(.*?)[ \t]*$", re.M)


def decisions(messages: Iterable[Message]) -> Mapping[str, str]:
    """By key, in the order in which they were made last. One that says nothing takes its key back."""
    found: dict[str, tuple[str, str]] = {}
    for message in messages:
        for part in message.parts:
            for key, said in LINE.findall(part.text) if isinstance(part, Text) else ():
                found.pop(_folded(key), None)
                if said:
                    found[_folded(key)] = key.strip(), said[:LONGEST]
    return dict(found.values())


def line(key: str, said: str) -> str:
    return f"Decision({key}): {said}"


def without(text: str) -> str:
    """The text without such lines: what a summary says of decisions may be old."""
    return LINE.sub("", text)


def _folded(key: str) -> str:
    return " ".join(key.split()).casefold()
