"""list_files, and the tree of names that it and a route show."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect
from pillion.errors import NotAFile

from .ripgrep import Ground, Ripgrep, place_of
from .standing import names_there

MOST_FILES = 50_000
SECONDS = 30.0


class Tree(Struct, frozen=True):
    """`names` by path: a file's with 0, a folder's, which ends with `/`, with how many files are below it that are not
    named themselves. A folder that has none, or only ignored ones, is there if it stands at the top. `folder` is the
    real place; not `complete`: there are more than MOST_FILES."""

    folder: str
    names: dict[str, int]
    complete: bool


async def tree(
    ripgrep: Ripgrep, ground: Ground, folder: str, depth: int, *, hidden: bool = False, ignored: bool = False
) -> Tree:
    """What lies in `folder`, `depth` levels deep, without hidden and ignored files unless they are wanted.

    Raises NoSuchFile, NotAFile, ProtectedPath.
    """
    entry = await ground.workspace.stat(folder)
    place = place_of(ground, folder, entry)
    if entry is None or entry.kind != "folder":
        raise NotAFile(f"{folder} is a file, not a folder.")
    deepest = depth + (entry.path.count("/") + 1 if entry.path else 0)
    names: dict[str, int] = {}
    files = 0

    def take(paths: Sequence[str]) -> bool:
        nonlocal files
        files += len(paths)
        _count(names, sorted(paths), deepest)
        return files < MOST_FILES

    also = ["--hidden", "--glob=!.git"] * hidden + ["--no-ignore"] * ignored
    complete = await ripgrep.files(ground, also, place, take)
    start = len(entry.path) + 1 if entry.path else 0
    tops = {name[start:].partition("/")[0] for name in names}
    for inner in await ground.workspace.list(entry.path):
        name = inner.path[start:]
        if inner.kind == "folder" and name not in tops and (hidden or not name.startswith(".")):
            names[inner.path + "/"] = 0
    there = await names_there(ground, sorted(names))
    return Tree(entry.path, {name: names[name] for name in there}, complete)


def _count(names: dict[str, int], paths: Sequence[str], deepest: int) -> None:
    """Adds those that are at most `deepest` names long, and the folders of that length that hold the others.

    `paths` are sorted, so what is in one folder stands together: a step for each folder, not for each of its files.
    """
    at = 0
    while at < len(paths):
        *above, rest = paths[at].split("/", deepest)
        if len(above) < deepest:
            names[paths[at]] = 0
            at += 1
            continue
        folder = paths[at][: -len(rest)]
        after = bisect_left(paths, f"{folder[:-1]}0", at)  # 0 comes next after /
        names[folder] = names.get(folder, 0) + after - at
        at = after


class ListArguments(Struct, frozen=True, forbid_unknown_fields=True):
    folder: Annotated[str, Meta(description="The folder, relative to the workspace; by default its top.")] = ""
    depth: Annotated[int, Meta(ge=1, le=20, description="How many levels down are shown.")] = 2


class ListFiles:
    """A tree of names; folders deeper than `depth` with the number of their files."""

    name = "list_files"
    description = (
        "List the files and folders in a folder of the workspace, `depth` levels deep. "
        "Ignored and hidden files are left out; name a hidden folder to see into it."
    )
    effect: Effect = "read"
    Arguments = ListArguments

    def __init__(self, ripgrep: Ripgrep) -> None:
        self._ripgrep = ripgrep

    def seconds(self, arguments: ListArguments) -> float:
        return SECONDS

    async def run(self, arguments: ListArguments, call: Call) -> str:
        found = await tree(self._ripgrep, call, arguments.folder, arguments.depth)
        return _written(found.names, call.max_output, "" if found.complete else f"[more than {MOST_FILES} files]")


def _written(names: dict[str, int], room: int, note: str) -> str:
    if not names:
        return "[no files]"
    lines: list[str] = []
    size = len(note)
    for number, name in enumerate(sorted(names)):
        count = names[name]
        line = f"{name} ({count} files)" if name.endswith("/") and count else name
        if name.endswith("/") and not count:
            line = f"{name} (empty or ignored)"
        size += len(line) + 1
        if size > room:
            lines.append(f"[{len(names) - number} more; list a folder of them]")
            break
        lines.append(line)
    return "\n".join([*lines, note] if note else lines)
