"""What a route takes and gives, said where the route stands; `/openapi.json` is made of it.

    @routes.post("/prompts")
    @described(body=NewPrompt, answers={202: PromptAccepted}, sends={"location": "…"}, errors=(409, 429))
    async def post_prompt(id: str) -> Response:
        \"\"\"Asks for something.

        The first line is the summary, the rest the description; the function's name is the operation's id.
        \"\"\"

A plugin, which does not import the host, says the same in a plain attribute of its view function:

    view.openapi = {"body": NewNote, "answers": {201: NoteView}, "errors": (409,)}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

View = TypeVar("View", bound=Callable[..., Any])

Content = Any
"""A type that msgspec knows: JSON of it. A mapping: the type by media type (`str` for text that has no schema,
`bytes` for any bytes). None: no body."""


class Description(Struct, frozen=True, forbid_unknown_fields=True):
    """One route. What follows from it is not said again: 400, 413, 415, 422 of a body, 404 of a path, 401, 403, 500."""

    body: Content = None
    body_optional: bool = False
    query: type[Struct] | None = None
    """Its fields are the parameters that the query takes."""
    headers: Mapping[str, str] = {}
    """Headers of the request that mean something here: name -> a sentence."""
    path: Mapping[str, str] = {}
    """Parts of the path whose names don't say it all: name -> a sentence."""
    answers: Mapping[int, Content] = {}
    """By status, below 400; the first is the usual one."""
    sends: Mapping[str, str] = {}
    """Headers of these answers: name -> a sentence."""
    errors: tuple[int, ...] = ()
    """Statuses from 400 on that this route may answer besides those that follow; always a Problem."""
    example: Any = None
    """A body that works, as JSON values."""
    shows: Any = None
    """An example of the first answer, as JSON values."""

    def __call__(self, view: View) -> View:
        view.openapi = self  # type: ignore[attr-defined]
        return view


described = Description


def description(view: Callable[..., Any]) -> Description | None:
    """What the view says of itself; None: nothing. Raises TypeError for what is no description."""
    said = getattr(view, "openapi", None)
    if said is None or isinstance(said, Description):
        return said
    if not isinstance(said, Mapping):
        raise TypeError(f"openapi must be a mapping, not {said!r}")
    unknown = [key for key in said if key not in Description.__struct_fields__]
    if unknown:
        known = ", ".join(Description.__struct_fields__)
        raise TypeError(f"openapi has no {', '.join(map(repr, unknown))}; known are {known}")
    return msgspec.structs.replace(Description(), **said)
