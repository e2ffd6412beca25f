"""A repository as dulwich reads it: made of objects, branches and index. No settings of it are read, so none count."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from dulwich.errors import ChecksumMismatch, NotGitRepository
from dulwich.index import EXTENDED_FLAG_INTEND_TO_ADD, ConflictedIndexEntry, Index, IndexEntry
from dulwich.object_format import SHA1, SHA256
from dulwich.object_store import DiskObjectStore, iter_tree_contents
from dulwich.objects import Blob, Commit, Tag, Tree
from dulwich.objectspec import parse_object
from dulwich.refs import DiskRefsContainer, Ref, SymrefLoop, check_ref_format
from dulwich.repo import BaseRepo

from .choices import Choices
from .conversion import Conversion
from .place import GitFault, Place, read
from .renames import Leaf

LARGEST = 256 * 1024 * 1024
"""Bytes of a file of git's own that is read."""
HEAD = Ref(b"HEAD")
_OF_HEAD = re.compile(r"HEAD([~^@].*)?")
LINK, SUBMODULE = 0o120000, 0o160000


class _Repository(BaseRepo):
    """What dulwich's functions want: no folder and no settings."""

    def __init__(self, place: Place, choices: Choices) -> None:
        form = SHA256 if choices.objectformat == "sha256" else SHA1
        objects = DiskObjectStore(os.path.join(place.common, "objects"), object_format=form)
        super().__init__(objects, DiskRefsContainer(place.common, worktree_path=place.folder), form)
        self._common = place.common

    def get_named_file(self, path: str) -> BinaryIO | None:
        said = read(os.path.join(self._common, path), LARGEST) if path == "shallow" else None
        return None if said is None else BytesIO(said.encode())


class Opened:
    """Made by `opened`."""

    def __init__(self, place: Place, choices: Choices) -> None:
        if choices.refstorage != "files":
            raise GitFault("Its branches are kept as a reftable, which only the git program reads.")
        self.place, self.choices = place, choices
        self.repository = _Repository(place, choices)
        self.objects = self.repository.object_store
        self.refs = self.repository.refs
        self.form = self.repository.object_format
        self.top = os.fsencode(place.top)
        self.prefix = os.fsencode(place.prefix)
        self.conversion = Conversion(self.top, place.common, choices)

    def head(self) -> Commit | None:
        """The last commit; None where there is none yet. Raises GitFault where there should be one."""
        try:
            names, id = self.refs.follow(HEAD)
            found = self.repository[id] if id else None
        except (KeyError, ValueError, AssertionError, SymrefLoop):
            names, found = [HEAD], None
        if isinstance(found, Commit):
            return found
        place = os.path.join(self.place.common, os.fsdecode(names[-1]))
        if found is None and check_ref_format(names[-1]) and not os.path.isfile(place):
            return None
        raise GitFault("The repository is damaged: HEAD leads to no commit. See `git fsck` and `git reflog`.")

    def branch(self) -> str:
        """The one that is checked out, "" where HEAD names a commit."""
        said = (self.refs.read_ref(HEAD) or b"").removeprefix(b"ref: ").strip()
        return said.removeprefix(b"refs/heads/").decode("utf-8", "replace") if said.startswith(b"refs/heads/") else ""

    def commit(self, revision: str) -> Commit:
        """Raises GitFault."""
        if _OF_HEAD.fullmatch(revision) and self.head() is None:
            raise GitFault("Nothing has been committed yet.")
        try:
            found = parse_object(self.repository, revision.encode())  # type: ignore[arg-type]
            while isinstance(found, Tag):
                found = self.repository[found.object[1]]
        except (KeyError, ValueError, AttributeError, NotImplementedError, NotGitRepository):
            raise GitFault(f"There is no commit {revision!r}.") from None
        if not isinstance(found, Commit):
            raise GitFault(f"{revision!r} is no commit.")
        return found

    def index(self) -> Index:
        """Raises GitFault."""
        path = os.path.join(self.place.folder, "index")
        try:
            return Index(path, object_format=self.form)
        except ChecksumMismatch:  # what it does not know it takes for the end
            said = "The index is split or sparse, which only the git program reads, or it is damaged."
            raise GitFault(said) from None
        except (
            ValueError,
            AssertionError,
            OSError,
            LookupError,
            TypeError,
            NotImplementedError,
            struct.error,
        ) as error:
            raise GitFault(f"The index can't be read: {error}.") from None

    def leaves(self, tree: bytes) -> dict[bytes, Leaf]:
        """All files of a tree."""
        found = iter_tree_contents(self.objects, tree)  # type: ignore[arg-type]
        return {entry.path: Leaf(entry.mode, entry.sha) for entry in found if entry.path and entry.mode and entry.sha}

    def file(self, commit: Commit, path: bytes) -> Leaf | None:
        """A file of a commit."""
        try:
            mode, id = self._tree(commit.tree).lookup_path(self.objects.__getitem__, path)
        except (KeyError, NotGitRepository, ValueError):
            return None
        return None if mode == 0o040000 else Leaf(mode, id)

    def data(self, leaf: Leaf) -> bytes:
        """What a file holds, as git would keep it; of a submodule the line that stands for it."""
        if leaf.mode == SUBMODULE:
            return b"Subproject commit " + leaf.id + b"\n"
        if leaf.place is not None:
            return self.conversion.read(leaf.place, leaf.mode)
        try:
            found = self.objects[leaf.id]  # type: ignore[index]
        except KeyError:
            raise GitFault(f"The content {leaf.id.decode()} is missing here.") from None
        return found.data if isinstance(found, Blob) else b""

    def _tree(self, id: bytes) -> Tree:
        found = self.objects[id]  # type: ignore[index]
        if not isinstance(found, Tree):
            raise GitFault(f"{id.decode()} is no tree.")
        return found


@contextmanager
def opened(place: Place, choices: Choices) -> Iterator[Opened]:
    """For as long as the block runs."""
    found = Opened(place, choices)
    try:
        yield found
    finally:
        found.objects.close()


def entries(index: Index) -> tuple[dict[bytes, IndexEntry], dict[bytes, ConflictedIndexEntry]]:
    """Those that are plain, and those in conflict."""
    plain: dict[bytes, IndexEntry] = {}
    conflicts: dict[bytes, ConflictedIndexEntry] = {}
    for path, entry in index.items():
        if isinstance(entry, ConflictedIndexEntry):
            conflicts[path] = entry
        else:
            plain[path] = entry
    return plain, conflicts


def intended(entry: IndexEntry) -> bool:
    """Is it only named in the index, to be added later?"""
    return bool(entry.extended_flags & EXTENDED_FLAG_INTEND_TO_ADD)
