"""What a person has before them with a prompt: open files, selected code, other context; and how the model is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Meta, Struct

NAMES = 200
"""Files that are named."""
LONGEST = 100_000
"""Characters of one text that the model gets."""
Line = Annotated[int, Meta(ge=0)]


class SelectedCode(Struct, frozen=True, omit_defaults=True):
    """Lines `first` to `last` (from 1, both included; 0: all of it) of the file `path`, as they were: `text`. `name` is
    that of the definition they are, if they are one.
    """

    path: str
    first: Line = 0
    last: Line = 0
    text: str = ""
    name: str = ""
    language: str = ""


class ContextReference(Struct, frozen=True, omit_defaults=True):
    """Something that the prompt is about: `title` says what, a path or a few words; `text` is what it holds, "" where
    it is only named. What has a `language` is code or output; the rest is prose.
    """

    title: str
    text: str = ""
    language: str = ""


class Shown(Struct, frozen=True, omit_defaults=True):
    """`open_files` are paths, those in sight first."""

    open_files: tuple[str, ...] = ()
    selected_code: tuple[SelectedCode, ...] = ()
    context: tuple[ContextReference, ...] = ()

    def before(self, text: str) -> str:
        """The message for the model: all this, each once, and what is asked, last."""
        parts = list(dict.fromkeys(_parts(self)))
        return "\n\n".join([*parts, f"# What is asked\n\n{text}"]) if parts else text


NOTHING = Shown()


def _parts(shown: Shown) -> Iterator[str]:
    for reference in shown.context:
        if reference.text and not reference.language:
            yield f"# {reference.title}\n\n{cut(reference.text)}"
    if shown.open_files:
        yield named("Files that are open in the editor", shown.open_files)
    for code in shown.selected_code:
        yield fenced(_place(code), code.language, code.text)
    for reference in shown.context:
        if reference.text and reference.language:
            yield fenced(f"{reference.title}:", reference.language, reference.text)
    if titles := [reference.title for reference in shown.context if not reference.text]:
        yield named("The request is about", titles)


def _place(code: SelectedCode) -> str:
    lines = f"ines {code.first} to {code.last} of `{code.path}`" if code.first else ""
    if code.name:
        return f"`{code.name}`, l{lines}:" if lines else f"`{code.name}` of `{code.path}`:"
    return f"L{lines}, which are selected:" if lines else f"The file `{code.path}`:"


def named(title: str, names: Sequence[str]) -> str:
    """A list of names, each once."""
    unique = list(dict.fromkeys(names))
    more = [f"- and {len(unique) - NAMES} more"] if len(unique) > NAMES else []
    return "\n".join([f"{title}:", *(f"- {name}" for name in unique[:NAMES]), *more])


def fenced(title: str, language: str, text: str) -> str:
    """A text in a fence that is longer than any in it."""
    longest = max((len(line) - len(line.lstrip("`")) for line in text.splitlines()), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{title}\n{fence}{language}\n{cut(text)}\n{fence}"


def cut(text: str) -> str:
    """At most LONGEST characters of it, and how many are missing."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n[{len(text) - LONGEST} more characters are left out]"
