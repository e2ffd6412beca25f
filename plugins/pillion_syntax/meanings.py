"""What is told of a place in a file: the name there, the function and the class round it, and what is near."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from .lines import Span


class Meaning(Struct, frozen=True):
    """A name: the places that define it in this file, and those that use it. `kind` is "" where the file does not
    define it; then `uses` are those of the same name that it does not define either."""

    name: str
    kind: str
    definitions: Sequence[Span]
    uses: Sequence[Span]


class Nearby(Struct, frozen=True):
    """A name near the place; `line` is where the file defines it, null: nowhere."""

    name: str
    kind: str
    line: int | None


class Brought(Struct, frozen=True):
    """An import."""

    name: str
    line: int


class Function(Struct, frozen=True):
    """A function, with the names of its parameters and variables, and of what it calls, in the order of the text."""

    kind: str
    name: str
    owner: str
    head: str
    doc: str
    span: Span
    body: Span | None
    parameters: Sequence[str]
    variables: Sequence[str]
    calls: Sequence[str]


class Member(Struct, frozen=True):
    """A method or field of a class, or what else stands in it."""

    kind: str
    name: str
    line: int


class Class(Struct, frozen=True):
    """A class, struct, trait and the like; `implementations` are the blocks elsewhere in the file whose members are
    among its own."""

    kind: str
    name: str
    owner: str
    head: str
    doc: str
    span: Span
    implementations: Sequence[Span]
    members: Sequence[Member]
