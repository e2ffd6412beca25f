"""Commits and branches by dulwich."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dulwich.objects import Commit as Kept
from dulwich.walk import Walker

from . import patching
from .asked import AskedBranches, AskedChain, AskedCounts, AskedLog, AskedShow
from .comparing import between
from .opened import Opened
from .patching import patch
from .porcelain import parted, text
from .renames import with_renames
from .values import Branch, Branches, Chain, Commit, Count, Counted, Counts, Diff, Log, Shown

MOST_BRANCHES = 1000


def log(found: Opened, asked: AskedLog) -> Log:
    start = found.commit(asked.revision) if asked.revision else found.head()
    if start is None:
        return Log((), True)
    path = os.fsencode(found.place.prefix + asked.path).rstrip(b"/")
    walker = Walker(
        found.objects,
        [start.id],
        max_entries=asked.skip + asked.limit + 1,
        paths=[path] if path else None,
        simplify_history=bool(path),
        get_parents=lambda commit: found.repository.get_parents(commit.id, commit),
    )
    commits = [commit_of(found, entry.commit) for entry in walker][asked.skip :]
    return Log(commits[: asked.limit], len(commits) <= asked.limit)


def show(found: Opened, asked: AskedShow) -> Shown:
    commit = found.commit(asked.revision)
    path = os.fsencode(found.place.prefix + asked.path).rstrip(b"/")
    pairs = with_renames(between(found, tree_before(found, commit), commit.tree, path), found.data)
    return Shown(commit_of(found, commit), Diff([patch(found, pair) for pair in pairs]))


def tree_before(found: Opened, commit: Kept) -> bytes | None:
    """That of the first parent; None of a root."""
    parents = found.repository.get_parents(commit.id, commit)
    if not parents:
        return None
    parent = found.repository[parents[0]]
    return parent.tree if isinstance(parent, Kept) else None


def commit_of(found: Opened, commit: Kept) -> Commit:
    """Of a shallow clone the last ones have no parents."""
    title, body = parted(_decoded(commit, commit.message))
    author, email = _person(_decoded(commit, commit.author))
    committer, committer_email = _person(_decoded(commit, commit.committer))
    return Commit(
        commit.id.decode(),
        [parent.decode() for parent in found.repository.get_parents(commit.id, commit)],
        author,
        email,
        commit.author_time,
        commit.author_timezone // 60,
        committer,
        committer_email,
        commit.commit_time,
        title,
        body,
    )


def _decoded(commit: Kept, data: bytes) -> str:
    """In the encoding that the commit names; else what is no UTF-8 is replaced."""
    try:
        return data.decode((commit.encoding or b"utf-8").decode("ascii"))
    except (LookupError, UnicodeDecodeError):
        return text(data)


def _person(said: str) -> tuple[str, str]:
    name, _, rest = said.partition("<")
    return name.strip(), rest.partition(">")[0].strip()


def chain(found: Opened, asked: AskedChain) -> Chain:
    return Chain([commit.id.decode() for commit in _first_parents(found, found.head(), asked.limit)])


def counts(found: Opened, asked: AskedCounts) -> Counts:
    told = []
    for commit in _first_parents(found, found.commit(asked.revision), asked.limit):
        pairs = with_renames(between(found, tree_before(found, commit), commit.tree), found.data)
        files = [Count(text(pair.path), *patching.counts(found, pair)[:2]) for pair in pairs]
        told.append(Counted(commit_of(found, commit), files))
    return Counts(told)


def _first_parents(found: Opened, start: Kept | None, limit: int) -> Iterator[Kept]:
    for _ in range(limit):
        if start is None:
            return
        yield start
        parents = found.repository.get_parents(start.id, start)
        before = found.repository[parents[0]] if parents else None
        start = before if isinstance(before, Kept) else None


def branches(found: Opened, asked: AskedBranches) -> Branches:
    head = found.branch()
    told = [_branch(found, name, head) for name in _names(found, b"refs/heads/")]
    if asked.remote:
        told += [_branch(found, name, "") for name in _names(found, b"refs/remotes/") if not name.endswith(b"/HEAD")]
    known = [branch for branch in told if branch is not None]
    return Branches(known[:MOST_BRANCHES], len(known) <= MOST_BRANCHES)


def _names(found: Opened, base: bytes) -> list[bytes]:
    return sorted(base + name for name in found.refs.subkeys(base))[: MOST_BRANCHES + 1]  # type: ignore[arg-type]


def _branch(found: Opened, ref: bytes, head: str) -> Branch | None:
    try:
        commit = found.repository[found.refs[ref]]  # type: ignore[index]
    except KeyError:
        return None
    if not isinstance(commit, Kept):
        return None
    remote = ref.startswith(b"refs/remotes/")
    name = text(ref.removeprefix(b"refs/heads/").removeprefix(b"refs/remotes/"))
    told = commit_of(found, commit)
    return Branch(name, told.id, told.title, told.committed, bool(head) and name == head, remote)
