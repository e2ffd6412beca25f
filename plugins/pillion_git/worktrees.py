"""A linked worktree of the last commit, on a branch of its own, by dulwich: as `git worktree add -b` makes it, with no
hook and no filter run."""

from __future__ import annotations

import os
import shutil

from dulwich.index import IndexChecksumWriter, IndexEntry, index_entry_from_stat, write_index_dict
from dulwich.line_ending import line_ending_filter_for_action
from dulwich.objects import Commit, ObjectID
from dulwich.refs import Ref

from .asked import AskedWorktree
from .conversion import Conversion
from .opened import LINK, SUBMODULE, Opened
from .place import GitFault
from .renames import Leaf
from .values import Done
from .writing import is_inside

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def worktree(found: Opened, asked: AskedWorktree) -> Done:
    """In the folder `asked.folder`, which must not be there. Raises GitFault, and leaves nothing then."""
    head = found.head()
    if head is None:
        raise GitFault("Nothing has been committed yet: there is nothing to make a worktree of.")
    branch = Ref(f"refs/heads/pillion/{asked.name}".encode())
    own = os.path.join(found.place.common, "worktrees", asked.name)
    if not (is_inside(found, found.refs.refpath(branch)) and is_inside(found, os.fsencode(own))):  # type: ignore[attr-defined]
        raise GitFault("The repository keeps branches or worktrees behind a link: they are not written.")
    if not found.refs.add_if_new(branch, head.id):
        raise GitFault(f"There is a branch pillion/{asked.name} already.")
    try:
        _link(found, own, asked.folder, branch)
        _fill(found, head, own, asked.folder)
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        shutil.rmtree(asked.folder, ignore_errors=True)
        found.refs.remove_if_equals(branch, head.id)
        raise
    return Done(f"A worktree on the branch pillion/{asked.name}.", head.id.decode())


def _link(found: Opened, own: str, folder: str, branch: bytes) -> None:
    """The two folders that name one another."""
    os.makedirs(folder)
    os.makedirs(own)
    for path, said in (
        (os.path.join(own, "HEAD"), f"ref: {branch.decode()}\n"),
        (os.path.join(own, "commondir"), "../..\n"),
        (os.path.join(own, "gitdir"), os.path.join(folder, ".git") + "\n"),
        (os.path.join(folder, ".git"), f"gitdir: {own}\n"),
    ):
        with open(os.open(path, _NEW, 0o666), "w") as file:
            file.write(said)


def _fill(found: Opened, head: Commit, own: str, folder: str) -> None:
    """The files of the commit, and the index."""
    top = os.fsencode(folder)
    leaves = found.leaves(head.tree)
    for path in leaves:
        _check(path)
    said = [path for path in leaves if path.endswith(b".gitattributes") and leaves[path].mode != LINK]
    for path in said:  # first and as they are kept: they say how the others lie here
        _put(os.path.join(top, path), found.data(leaves[path]), leaves[path].mode)
    conversion = Conversion(top, found.place.common, found.choices)
    for path in sorted(leaves, key=lambda path: (leaves[path].mode == LINK, path)):  # so that none is written through
        _write(found, conversion, path, os.path.join(top, path), leaves[path])
    entries: dict[bytes, IndexEntry] = {}
    for path, leaf in leaves.items():
        entries[path] = index_entry_from_stat(os.lstat(os.path.join(top, path)), ObjectID(leaf.id), leaf.mode)
    with open(os.open(os.path.join(own, "index"), _NEW, 0o666), "wb") as file:
        writer = IndexChecksumWriter(file, found.form)
        write_index_dict(writer, entries, version=2, object_format=found.form)
        writer.close()


def _check(path: bytes) -> None:
    if any(part.lower() in (b"", b".", b"..", b".git") or b"\0" in part for part in path.split(b"/")):
        raise GitFault(f"The commit has a file {os.fsdecode(path)!r}, which can't be written.")


def _write(found: Opened, conversion: Conversion, path: bytes, place: bytes, leaf: Leaf) -> None:
    if leaf.mode == SUBMODULE:
        os.makedirs(place, exist_ok=True)
        return
    data = found.data(leaf)
    if leaf.mode == LINK and found.choices.symlinks:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(data, place)
        return
    ends = line_ending_filter_for_action(conversion.action(path))
    laid = ends.smudge(data, path) if ends is not None and leaf.mode != LINK else data
    if os.path.lexists(place):
        if laid == data:
            return
        os.unlink(place)
    _put(place, laid, leaf.mode)


def _put(place: bytes, data: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(os.open(place, _NEW, 0o777 if mode & 0o100 else 0o666), "wb") as file:
        file.write(data)
