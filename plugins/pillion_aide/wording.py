"""What the model is told of the editor's context, before the person's words."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from pillion import Image
from pillion.shown import ContextReference, SelectedCode, Shown, cut, fenced

from .anchored import Selected
from .asked import Chat, Variable
from .folders import Folder
from .vendors import Unusable

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
RULES = "The project's rules, from its file .aiderules"


def shown(asked: Chat, folders: Sequence[Folder] = (), named: Collection[str] = ()) -> Shown:
    """What the person has before them, each once: what the editor shows, and what they point at. Variables that are
    `named` are folders."""
    root = asked.root_directory.rstrip("/") + "/"
    return Shown(
        open_files=tuple(path.removeprefix(root) for path in dict.fromkeys((*asked.open_files, *asked.all_files))),
        selected_code=tuple(dict.fromkeys(_code(asked, root, named))),
        context=tuple(dict.fromkeys((*_context(asked), *_folders(folders)))),
    )


EDIT = """\
{asked}

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


def edit(asked: Chat, chosen: Selected, text: str) -> str:
    """The words of an edit in place, in the file with that text."""
    now = fenced("", "", _lines(chosen, text)).lstrip("\n")
    return EDIT.format(asked=asked.query, first=chosen.first, last=chosen.last, path=chosen.path, now=now)


def beside(chosen: Selected, text: str, recent: Sequence[str]) -> list[ContextReference]:
    """What else it is told: the whole file, and what was changed lately, as diffs."""
    told = [ContextReference(RECENT, text="\n".join(map(cut, recent)), language="diff")] if recent else []
    if _lines(chosen, text) != text:
        told.append(ContextReference(f"The file `{chosen.path}`", text=text, language="text"))
    return told


def _lines(chosen: Selected, text: str) -> str:
    return "\n".join(text.split("\n")[chosen.first - 1 : chosen.last])


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


def _context(asked: Chat) -> Iterator[ContextReference]:
    if asked.aide_rules:
        yield ContextReference(RULES, text=asked.aide_rules)
    if labels := list(dict.fromkeys(asked.project_labels)):
        yield ContextReference("The project's kinds", text=f"The project is of these kinds: {', '.join(labels)}.")
    if asked.shell:
        yield ContextReference("The shell", text=f"Commands are run by {asked.shell}.")
    if asked.user_context.terminal_selection:
        yield ContextReference("Marked in the terminal", text=asked.user_context.terminal_selection, language="text")


def _code(asked: Chat, root: str, folders: Collection[str]) -> Iterator[SelectedCode]:
    context = asked.user_context
    for variable in context.variables:
        if variable.fs_file_path not in folders:
            yield _pointed(variable, root)
    given = {variable.fs_file_path for variable in context.variables if variable.type == "File"}
    for file in context.file_content_map:
        if file.file_path not in given:
            yield SelectedCode(file.file_path.removeprefix(root), text=file.file_content, language=file.language)


def _pointed(variable: Variable, root: str) -> SelectedCode:
    code = SelectedCode(variable.fs_file_path.removeprefix(root), text=variable.content, language=variable.language)
    if variable.type not in ("Selection", "CodeSymbol"):
        return code
    name = variable.name if variable.type == "CodeSymbol" else ""
    first, last = max(variable.start_position.line, 0) + 1, max(variable.end_position.line, 0) + 1
    return replace(code, first=first, last=last, name=name)


def _folders(folders: Sequence[Folder]) -> Iterator[ContextReference]:
    for folder in folders:
        if folder.wrong:
            yield ContextReference(f"The folder `{folder.path}`: {folder.wrong}")
            continue
        bare = [f"- {file.path} ({file.why})" for file in folder.files if not file.text]
        if not folder.whole:
            bare.append("- and more")
        texts = [fenced(f"`{file.path}`:", "", file.text) for file in folder.files if file.text]
        said = "\n\n".join(filter(None, ("\n".join(bare), *texts))) or "It is empty."
        yield ContextReference(f"The folder `{folder.path}`, whose files begin so", text=said)
