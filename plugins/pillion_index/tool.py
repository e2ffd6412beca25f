"""find_code: files of the workspace by words, or by all that says which matter."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect
from pillion.contracts.workspace import unsaved_of

from .searches import Asked, By, Found, Searches

SECONDS = 600.0
"""For the first look at a large workspace."""


class SearchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    question: Annotated[str, Meta(min_length=1, description="Words: what the code is about, names, parts of names.")]
    limit: Annotated[int, Meta(ge=1, le=50, description="Files.")] = 10
    by: Annotated[
        By,
        Meta(
            description="meaning: also what is alike. all: also who uses whom, what changes often and lately, and what "
            "is open, so that files count for a task that share no word with it."
        ),
    ] = "words"
    files: Annotated[list[str], Meta(description="With `all`: paths that the task is about.")] = []


class FindCode:
    """Files by words, the best first."""

    name = "find_code"
    description = (
        "Find the files of the workspace that are about some words, the best first, each with its best lines. Names "
        "count by their parts, so `retry policy` finds RetryPolicy. For an exact text or pattern use search."
    )
    effect: Effect = "read"
    Arguments = SearchArguments

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    def seconds(self, arguments: SearchArguments) -> float:
        return SECONDS

    async def run(self, arguments: SearchArguments, call: Call) -> str:
        opened = (*arguments.files, *unsaved_of(call.workspace))
        asked = Asked(arguments.question, arguments.limit, arguments.by, opened)
        found = await self._searches.find(call.workspace, asked, call.progress)
        return "\n".join(map(told, found))[: call.max_output] or "[nothing is about that]"


def told(one: Found) -> str:
    """A file in a few lines, for a model or a person."""
    place = f":{one.first}-{one.last}" if one.first else ""
    return "\n    ".join([f"{one.path}{place} ({'; '.join(one.reasons)})", *one.heads])
