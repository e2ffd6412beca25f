"""What is staged, and commits of it, by dulwich. No hook and no filter is run, and nothing is signed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from dulwich.file import FileLocked, GitFile
from dulwich.index import (
    ConflictedIndexEntry,
    Index,
    IndexChecksumWriter,
    IndexEntry,
    commit_tree,
    index_entry_from_stat,
    write_index_dict,
)
from dulwich.objects import Blob, Commit, ObjectID
from dulwich.reflog import format_reflog_line
from dulwich.refs import DiskRefsContainer

from pillion import mountview

from .asked import AskedCommit, AskedStage
from .opened import HEAD, LINK, SUBMODULE, Opened, entries
from .place import GitFault, read
from .renames import Leaf
from .scanning import submodule, time_of
from .values import Done

LOG = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
MERGE = ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE")
UNFINISHED = {
    "rebase-merge": "rebase", "rebase-apply": "rebase", "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert",
}  # fmt: skip
CONVERTED = (b"filter", b"ident", b"working-tree-encoding")
"""Attributes by which git would keep another content than the folder's."""
BUSY = "Another git is at work in this repository, or one was broken off: {} is there."


def stage(found: Opened, asked: AskedStage) -> Done:
    head = found.head()
    with _changing(found) as index:
        for path in asked.paths:
            name = os.fsencode(found.place.prefix + path)
            if asked.undo:
                leaf = found.file(head, name) if head else None
                entry = IndexEntry(0, 0, 0, 0, leaf.mode, 0, 0, 0, ObjectID(leaf.id)) if leaf else None
            else:
                entry = entry_of(found, index, name)
            if entry is not None:
                index[name] = entry
            elif name in index:
                del index[name]
    count = len(asked.paths)
    return Done(f"{'Unstaged' if asked.undo else 'Staged'} {count} file{'s' * (count != 1)}.")


def commit(found: Opened, asked: AskedCommit) -> Done:
    """Of what is staged, on the branch that is checked out."""
    who = identity(found)
    check_places(found)
    if (at_work := _unfinished(found)) is not None:
        raise GitFault(f"A {at_work} is under way: finish it with git.")
    plain, conflicts = entries(found.index())
    if conflicts:
        raise GitFault(f"{len(conflicts)} files are in conflict: resolve and stage them first.")
    head = found.head()
    merged = [ObjectID(line.encode()) for line in (read(_place(found, "MERGE_HEAD")) or "").split()]
    kept = [(path, entry.sha, entry.mode) for path, entry in plain.items()]
    tree = commit_tree(found.objects, kept)
    if tree == (head.tree if head else commit_tree(found.objects, [])) and not merged:
        raise GitFault("Nothing is staged.")
    made = Commit()
    made.tree, made.parents = tree, [*([head.id] if head else []), *merged]
    made.author = made.committer = who
    made.author_time = made.commit_time = asked.time
    made.author_timezone = made.commit_timezone = asked.zone * 60
    made.message = asked.message.strip().encode() + b"\n"
    made.encoding = None
    found.objects.add_object(made)
    title = asked.message.strip().split("\n")[0]
    kind = "commit (merge)" if merged else "commit" if head else "commit (initial)"
    _move(found, head.id if head else None, made.id, who, asked, f"{kind}: {title}")
    for name in MERGE if merged else ():
        with suppress(FileNotFoundError):
            os.unlink(_place(found, name))
    return Done(f"Committed {made.id[:10].decode()} on {found.branch() or 'no branch'}: {title}", made.id.decode())


def entry_of(found: Opened, index: Index, path: bytes) -> IndexEntry | None:
    """As it lies in the folder, its content put among the objects; None: it is gone."""
    check_places(found)
    before = index[path] if path in index else None  # noqa: SIM401 - it has no get
    known = before if isinstance(before, IndexEntry) else None
    place = os.path.join(found.top, path)
    _check_parents(found, path)
    try:
        status = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(status.st_mode):
        return _submodule_entry(found, known, path, status)
    mode = LINK if stat.S_ISLNK(status.st_mode) else 0o100755 if status.st_mode & stat.S_IXUSR else 0o100644
    if not (stat.S_ISLNK(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise GitFault(f"{os.fsdecode(path)} is no file that git keeps.")
    if mode != LINK and not found.choices.filemode:
        mode = known.mode if known and stat.S_ISREG(known.mode) else 0o100644
    said = found.conversion.attributes(path)
    if mode != LINK and (named := next((name for name in CONVERTED if said.get(name)), None)):
        raise GitFault(f"{os.fsdecode(path)} goes through `{named.decode()}` of .gitattributes: only git stages it.")
    kept = found.data(Leaf(known.mode, known.sha)) if known and known.mode not in (LINK, SUBMODULE) else None
    blob = Blob.from_string(found.conversion.read(path, mode, kept))
    found.objects.add_object(blob)
    return index_entry_from_stat(status, blob.id, mode)


def _submodule_entry(found: Opened, known: IndexEntry | None, path: bytes, status: os.stat_result) -> IndexEntry | None:
    inner = submodule(found, path)
    if known is None or known.mode != SUBMODULE or inner is None:
        if inner is None:
            return None  # a file was there, and a folder is now
        raise GitFault(f"{os.fsdecode(path)} is a repository of its own.")
    with inner as there:
        head = there.head()
    return index_entry_from_stat(status, head.id, SUBMODULE) if head else known


def _check_parents(found: Opened, path: bytes) -> None:
    """No part of the way is a link: git keeps links, and nothing behind them."""
    parts = path.split(b"/")
    if b".git" in [part.lower() for part in parts] or b".." in parts:
        raise GitFault(f"{os.fsdecode(path)} is not kept by git.")
    for end in range(1, len(parts)):
        if os.path.islink(os.path.join(found.top, *parts[:end])):
            raise GitFault(f"{os.fsdecode(path)} lies behind a link.")


@contextmanager
def _changing(found: Opened) -> Iterator[Index]:
    """The index, held for us; written whole when the block ends well. Its caches are left out: they are of before."""
    path = os.path.join(found.place.folder, "index")
    try:
        file = GitFile(path, "wb")
    except FileLocked:
        raise GitFault(BUSY.format("index.lock")) from None
    try:
        index = _plain_index(found)
        before, written = dict(index.items()), _written(path)
        yield index
        _mark(found, index, before, written)
        version = index._version if index._version in (2, 3) else 2
        writer = IndexChecksumWriter(file, found.form)
        write_index_dict(writer, dict(index.items()), version=version, object_format=found.form)
        writer.close()
    except BaseException:
        file.abort()
        raise


def _written(path: str) -> int:
    try:
        return int(os.stat(path).st_mtime)
    except FileNotFoundError:
        return 0


def _mark(found: Opened, index: Index, before: Mapping[bytes, IndexEntry | ConflictedIndexEntry], written: int) -> None:
    """A file that was changed in the second in which the index was written is told by its content, as long as that
    is the index's time. The new index has a later one: so it says a size of 0 of each that differs, as git does."""
    for path, entry in before.items():
        if not isinstance(entry, IndexEntry) or path not in index or index[path] is not entry:
            continue
        if entry.mode == SUBMODULE or not entry.size or time_of(entry.mtime)[0] < written:
            continue
        with suppress(OSError):  # it is gone, which is seen without a mark
            kept = found.data(Leaf(entry.mode, entry.sha)) if entry.mode != LINK else None
            if found.conversion.name(found.conversion.read(path, entry.mode, kept)) != entry.sha:
                entry.size = 0


def _plain_index(found: Opened) -> Index:
    index = found.index()
    if any(extension.signature[:1].islower() for extension in index._extensions):
        raise GitFault("The index is split or sparse: only the git program writes such.")
    return index


def identity(found: Opened) -> bytes:
    choices = found.choices
    if not (choices.name and choices.email):
        raise GitFault("Nobody is known as the author: git config --global user.name and user.email say who it is.")
    return "{} <{}>".format(*(_clean(said) for said in (choices.name, choices.email))).encode()


def _clean(said: str) -> str:
    return "".join(sign for sign in said if sign not in "<>\n\r\0").strip()


def _unfinished(found: Opened) -> str | None:
    return next((word for name, word in UNFINISHED.items() if os.path.lexists(_place(found, name))), None)


def _place(found: Opened, name: str) -> str:
    return os.path.join(found.place.folder, name)


def check_places(found: Opened) -> None:
    """What is written lands in the repository. Raises GitFault."""
    objects = os.path.join(found.place.common, "objects")
    with os.scandir(objects) as inner:
        if any(item.is_symlink() for item in inner):
            raise GitFault(f"{objects} has links in it: nothing is written there.")


def _move(found: Opened, old: ObjectID | None, new: ObjectID, who: bytes, asked: AskedCommit, message: str) -> None:
    """HEAD, or the branch that it names, with a line in their logs. Raises GitFault where somebody was first."""
    refs = found.refs
    real = refs.follow(HEAD)[0][-1]
    if not isinstance(refs, DiskRefsContainer) or not is_inside(found, refs.refpath(real)):
        raise GitFault("The branch is kept behind a link: it is not written.")
    try:
        moved = refs.set_if_equals(HEAD, old, new) if old else refs.add_if_new(real, new)
    except FileLocked:
        raise GitFault(BUSY.format(f"{os.fsdecode(real)}.lock")) from None
    if not moved:
        raise GitFault("Somebody else has committed meanwhile.")
    line = format_reflog_line(old, new, who, asked.time, asked.zone * 60, message.encode()) + b"\n"
    for name, folder in ((HEAD, found.place.folder), *([(real, found.place.common)] if real != HEAD else [])):
        append(found, os.path.join(folder, "logs", os.fsdecode(name)), line)


def append(found: Opened, path: str, line: bytes) -> bool:
    """A log is for people: what can't be written of it is left out. Was it?"""
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if is_inside(found, os.fsencode(os.path.dirname(path))):
            with open(os.open(path, LOG, 0o666), "ab") as file:
                file.write(line)
            return True
    return False


def is_inside(found: Opened, path: bytes) -> bool:
    """Does what is written at `path` land in the repository?"""
    real = os.fsencode(mountview.realpath(os.fsdecode(os.path.dirname(path))))
    return any(
        real == os.fsencode(folder) or real.startswith(os.fsencode(folder) + b"/")
        for folder in (found.place.folder, found.place.common)
    )
