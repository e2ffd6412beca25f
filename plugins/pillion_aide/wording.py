"""What the model is told of the editor's context, before the person's words."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

from pillion import Image
from pillion.shown import cut, fenced, named

from .anchored import Selected
from .asked import Chat, Variable
from .vendors import Unusable

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def words(asked: Chat) -> str:
    """The prompt: what the editor shows, what the person points at, and the request itself, last."""
    parts = list(_parts(asked))
    if not parts:
        return asked.query
    return "\n\n".join([*parts, f"# What is asked\n\n{asked.query}"])


EDIT = """\
{words}

Change lines {first} to {last} of `{path}` so, which are now:
{now}"""
RECENT = "Changed in the editor lately, the newest first"
NEXT = """\
I have accepted the edit of {files}. What the editor's language servers find wrong now:
{found}

What is likely to be edited next because of that edit? Name at most two places, each by file and line, the likelier \
first, and show in a few lines of code what is to become of it. If nothing is left to do, say so in a sentence."""
OPENING = "Looking at what the language servers find after this edit.\n\n"


def selection(asked: Chat) -> Variable:
    """What the person has selected. Raises Unusable where that is nothing."""
    for variable in asked.user_context.variables:
        if variable.type == "Selection" and (variable.start_position.line or variable.end_position.line):
            return variable
    raise Unusable("Select the code that is to be edited, then ask again.")


def edit(asked: Chat, chosen: Selected, text: str, recent: Sequence[str] = ()) -> str:
    """The prompt of an edit in place, in the file with that text; `recent` are diffs."""
    lines = "\n".join(text.split("\n")[chosen.first - 1 : chosen.last])
    said = [words(asked)]
    if recent:
        said.insert(0, "\n".join([f"{RECENT}:", *(fenced("", "diff", cut(diff)) for diff in recent)]))
    if lines != text:
        said.insert(0, fenced(f"The file `{chosen.path}`:", "", text))
    now = fenced("", "", lines).lstrip("\n")
    return EDIT.format(words="\n\n".join(said), first=chosen.first, last=chosen.last, path=chosen.path, now=now)


def next_edits(files: Sequence[str], found: Sequence[str]) -> str:
    """The prompt that asks what is to be edited next."""
    return NEXT.format(files=", ".join(f"`{file}`" for file in files), found="\n".join(found) or "Nothing.")


def images(asked: Chat) -> list[Image]:
    """Those that can be read."""
    found = []
    for sent in asked.user_context.images:
        kind = "image/jpeg" if sent.media_type == "image/jpg" else sent.media_type
        if kind in IMAGES:
            try:
                found.append(Image(kind, base64.b64decode(sent.data, validate=True)))  # type: ignore[arg-type]
            except binascii.Error:
                continue
    return found


def _parts(asked: Chat) -> Iterator[str]:
    context = asked.user_context
    if asked.aide_rules:
        yield f"# The project's rules, from its file .aiderules\n\n{cut(asked.aide_rules)}"
    if labels := list(dict.fromkeys(asked.project_labels)):
        yield f"The project is of these kinds: {', '.join(labels)}."
    if asked.open_files:
        yield named("Files that are visible in the editor", asked.open_files)
    if asked.all_files:
        yield named("Files that are open in the editor", asked.all_files)
    for variable in dict.fromkeys(context.variables):
        yield _pointed(variable)
    given = {variable.fs_file_path for variable in context.variables if variable.type == "File"}
    for file in context.file_content_map:
        if file.file_path not in given:
            yield fenced(f"The file `{file.file_path}`:", file.language, file.file_content)
    if context.folder_paths:
        yield named("Folders that the request is about", context.folder_paths)
    if context.terminal_selection:
        yield fenced("Marked in the terminal:", "", context.terminal_selection)
    if asked.shell:
        yield f"Commands are run by {asked.shell}."


def _pointed(variable: Variable) -> str:
    first, last = variable.start_position.line + 1, variable.end_position.line + 1
    match variable.type:
        case "Selection":
            title = f"Lines {first} to {last} of `{variable.fs_file_path}`, which are selected:"
        case "CodeSymbol":
            title = f"`{variable.name}`, lines {first} to {last} of `{variable.fs_file_path}`:"
        case _:
            title = f"The file `{variable.fs_file_path}`:"
    return fenced(title, variable.language, variable.content)
