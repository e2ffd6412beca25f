"""The stash, by dulwich: commits as `git stash` makes them, and what they say the folder is to be.

Nothing of the folder is written here. Whoever asks gets the files, each with the hash of what it replaces, and writes
them through the workspace.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress

from dulwich.file import FileLocked, GitFile
from dulwich.index import commit_tree
from dulwich.line_ending import line_ending_filter_for_action
from dulwich.objects import Commit, ObjectID
from dulwich.reflog import format_reflog_line, parse_reflog_line
from dulwich.refs import Ref

from .asked import AskedDrop, AskedStash, AskedStashes, AskedUnstash
from .comparing import between, named, staged, there
from .opened import LINK, SUBMODULE, Opened, entries, intended
from .place import GitFault, read
from .porcelain import text
from .renames import Leaf
from .scanning import scan
from .values import Done, Laid, Laying, Stash, Stashes
from .writing import BUSY, CONVERTED, append, check_places, entry_of, identity, is_inside

REF = Ref(b"refs/stash")
LARGEST_LOG = 4 * 1024 * 1024
TOLD = 20
"""Files that are named when they hinder."""
NEW = 0o755
"""The permission bits of a file that was none, and can be run."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def stash(found: Opened, asked: AskedStash) -> Laying:
    """Keeps what is staged and what is changed below the workspace; the files are those of the last commit."""
    who, head = identity(found), found.head()
    check_places(found)
    if head is None:
        raise GitFault("Nothing has been committed yet: there is nothing to go back to.")
    plain, conflicts = entries(found.index())
    if conflicts:
        raise GitFault(f"{len(conflicts)} files are in conflict: resolve and stage them first.")
    changed = [path for path in scan(found, found.index(), untracked=False).changed if plain[path].mode != SUBMODULE]
    pairs = [pair for pair in staged(found, head.tree) if SUBMODULE not in (_mode(pair.old), _mode(pair.new))]
    touched = sorted({*changed, *(pair.path for pair in pairs)})
    if not touched:
        raise GitFault("There is nothing to stash.")
    _check_kinds(touched)
    before = {path: _hash(found, path) for path in touched}
    index = {path: (path, entry.sha, entry.mode) for path, entry in plain.items() if not intended(entry)}
    whole = dict(index)
    for path in changed:
        entry = entry_of(found, found.index(), path)
        if entry is None:
            whole.pop(path, None)
        else:
            whole[path] = (path, entry.sha, entry.mode)
    if {path: _hash(found, path) for path in touched} != before:
        raise GitFault("Files change right now: nothing was stashed.")
    named_ = f"{found.branch() or '(no branch)'}: {head.id[:7].decode()} {_title(head)}"
    said = f"On {found.branch() or '(no branch)'}: {asked.message}" if asked.message else f"WIP on {named_}"
    inner = _commit(found, asked, who, index.values(), [head.id], f"index on {named_}\n")
    made = _commit(found, asked, who, whole.values(), [head.id, inner], said)
    files = [one for path in touched if (one := _laid(found, path, found.file(head, path), before[path])) is not None]
    _push(found, made, who, asked, said)
    paths = [_told(found, path) for path in touched]
    return Laying(f"Stashed {len(paths)} file{'s' * (len(paths) != 1)}. {said}", made.decode(), files, paths)


def stashes(found: Opened, asked: AskedStashes) -> Stashes:
    return Stashes(
        [
            Stash(entry.new_sha.decode(), text(entry.message), int(entry.timestamp))
            for entry in map(parse_reflog_line, reversed(_log(found)))
        ]
    )


def unstash(found: Opened, asked: AskedUnstash) -> Laying:
    """What is to be written to have it again. Raises GitFault where a file has changed since."""
    chosen = _chosen(found, asked.stash)
    commit = found.repository[ObjectID(chosen.commit.encode())]
    if not isinstance(commit, Commit) or len(commit.parents) not in (2, 3):
        raise GitFault(f"{chosen.commit[:10]} is no stash.")
    pairs = between(found, found.commit(commit.parents[0].decode()).tree, commit.tree)
    fresh = [pair.path for pair in pairs if pair.old is None]
    if len(commit.parents) == 3:  # what git did not know, with `git stash -u`
        pairs += between(found, None, found.commit(commit.parents[2].decode()).tree)
    if any(SUBMODULE in (_mode(pair.old), _mode(pair.new)) for pair in pairs):
        raise GitFault("It changes a submodule: only git puts that back.")
    if outside := [pair.path for pair in pairs if not pair.path.startswith(found.prefix)]:
        raise GitFault(f"It changes files outside of this workspace: {_some(outside)}.")
    _check_kinds([pair.path for pair in pairs])
    files, hinder = [], []
    for pair in pairs:
        before = _hash(found, pair.path)
        now = _now(found, pair.path)
        if now == _kept(pair.new):
            continue
        if now != _kept(pair.old):
            hinder.append(pair.path)
        elif (one := _laid(found, pair.path, pair.new, before)) is not None:
            files.append(one)
    if hinder:
        raise GitFault(f"Changed since, so nothing was put back: {_some(hinder)}.")
    return Laying(f"Put back: {chosen.title}", chosen.commit, files, [_told(found, path) for path in fresh])


def drop(found: Opened, asked: AskedDrop) -> Done:
    """Forgets one."""
    chosen = _chosen(found, asked.stash)
    place = _place(found)
    try:
        file = GitFile(place, "wb")
    except FileLocked:
        raise GitFault(BUSY.format("logs/refs/stash.lock")) from None
    with file:
        entries_ = [parse_reflog_line(line) for line in _log(found)]
        kept = [entry for entry in entries_ if entry.new_sha.decode() != chosen.commit]
        old = ObjectID(b"0" * len(chosen.commit))
        for entry in kept:
            line = format_reflog_line(
                old, entry.new_sha, entry.committer, entry.timestamp, entry.timezone, entry.message
            )
            file.write(line + b"\n")
            old = ObjectID(entry.new_sha)
    newest = ObjectID(entries_[-1].new_sha)
    if kept and kept[-1].new_sha != newest:
        found.refs.set_if_equals(REF, newest, ObjectID(kept[-1].new_sha))
    elif not kept:
        found.refs.remove_if_equals(REF, newest)
        with suppress(FileNotFoundError):
            os.unlink(place)
    return Done(f"Forgot the stash {chosen.title}", chosen.commit)


def _push(found: Opened, made: ObjectID, who: bytes, asked: AskedStash, said: str) -> None:
    if not is_inside(found, found.refs.refpath(REF)):  # type: ignore[attr-defined]
        raise GitFault("The stash is kept behind a link: it is not written.")
    old = found.refs.read_ref(REF)
    before = ObjectID(old) if old else None
    moved = found.refs.set_if_equals(REF, before, made) if before else found.refs.add_if_new(REF, made)
    if not moved:
        raise GitFault("Somebody else has stashed meanwhile.")
    line = format_reflog_line(before, made, who, asked.time, asked.zone * 60, said.split("\n")[0].encode()) + b"\n"
    if not append(found, _place(found), line):
        if before:
            found.refs.set_if_equals(REF, made, before)
        else:
            found.refs.remove_if_equals(REF, made)
        raise GitFault("The list of stashes can't be written.")


def _commit(
    found: Opened,
    asked: AskedStash,
    who: bytes,
    kept: Iterable[tuple[bytes, ObjectID, int]],
    parents: list[ObjectID],
    message: str,
) -> ObjectID:
    made = Commit()
    made.tree, made.parents = commit_tree(found.objects, list(kept)), parents
    made.author = made.committer = who
    made.author_time = made.commit_time = asked.time
    made.author_timezone = made.commit_timezone = asked.zone * 60
    made.message, made.encoding = message.strip().encode() + b"\n", None
    found.objects.add_object(made)
    return made.id


def _laid(found: Opened, path: bytes, leaf: Leaf | None, before: str) -> Laid | None:
    """How a file is to lie in the folder; None: it does already."""
    name = _told(found, path)
    if leaf is None:
        return Laid(name, None, "file", None, before) if before else None
    data = found.data(leaf)
    if leaf.mode == LINK:
        one = Laid(name, data, "link", None, before)
        return None if before == hashlib.sha256(b"link:" + data).hexdigest() else one
    said = found.conversion.attributes(path)
    if by := next((key for key in CONVERTED if said.get(key)), None):
        raise GitFault(f"{os.fsdecode(path)} goes through `{by.decode()}` of .gitattributes: only git writes it.")
    ends = line_ending_filter_for_action(found.conversion.action(path))
    data = ends.smudge(data, path) if ends is not None else data
    return Laid(name, data, "file", _bits(os.path.join(found.top, path), leaf.mode), before)


def _bits(place: bytes, mode: int) -> int | None:
    """The permission bits that a file gets, so that it can be run as git keeps it; None: it has them, or will."""
    runs = bool(mode & stat.S_IXUSR)
    try:
        status = os.lstat(place)
    except OSError:
        return NEW if runs else None
    if not stat.S_ISREG(status.st_mode):
        return NEW if runs else NEW & 0o666
    bits = stat.S_IMODE(status.st_mode) & 0o777
    if runs == bool(bits & stat.S_IXUSR):
        return None
    return bits | (bits & 0o444) >> 2 if runs else bits & ~0o111


def _now(found: Opened, path: bytes) -> tuple[int, bytes] | None:
    return _kept(named(found, there(found, path)))


def _kept(leaf: Leaf | None) -> tuple[int, bytes] | None:
    return None if leaf is None else (leaf.mode, leaf.id)


def _hash(found: Opened, path: bytes) -> str:
    """Of what lies there, as a workspace names it; "" of nothing."""
    place = os.path.join(found.top, path)
    try:
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            return hashlib.sha256(b"link:" + os.readlink(place)).hexdigest()
        if stat.S_ISREG(status.st_mode):
            with open(os.open(place, _READ), "rb") as file:
                said: str = hashlib.file_digest(file, "sha256").hexdigest()
                return said
    except (FileNotFoundError, NotADirectoryError):
        pass
    return ""


def _check_kinds(paths: Sequence[bytes]) -> None:
    """No file makes room for a folder, or the other way. Raises GitFault."""
    given = set(paths)
    for path in paths:
        parts = path.split(b"/")
        if any(b"/".join(parts[:end]) in given for end in range(1, len(parts))):
            raise GitFault(f"{os.fsdecode(path)}: a file and a folder change places there, which only git does.")


def _chosen(found: Opened, stash: str) -> Stash:
    """The one whose name begins so; "" the newest. Raises GitFault."""
    known = stashes(found, AskedStashes()).data
    fit = [one for one in known if one.commit.startswith(stash)]
    if not fit or (stash and len(fit) > 1):
        raise GitFault(f"There is no stash {stash}." if stash else "There is no stash.")
    return fit[0]


def _log(found: Opened) -> list[bytes]:
    """The lines, the newest last."""
    return [line for line in os.fsencode(read(_place(found), LARGEST_LOG) or "").split(b"\n") if b"\t" in line]


def _place(found: Opened) -> str:
    place = os.path.join(found.place.common, "logs", "refs", "stash")
    if not is_inside(found, os.fsencode(place)):
        raise GitFault("The list of stashes is kept behind a link: it is not read.")
    return place


def _told(found: Opened, path: bytes) -> str:
    try:
        return path.removeprefix(found.prefix).decode()
    except UnicodeDecodeError:
        raise GitFault(f"{os.fsdecode(path)!r} is no name in UTF-8: only git stashes it.") from None


def _some(paths: Sequence[bytes]) -> str:
    shown = ", ".join(text(path) for path in sorted(paths)[:TOLD])
    return shown + (f" and {len(paths) - TOLD} more" if len(paths) > TOLD else "")


def _mode(leaf: Leaf | None) -> int:
    return leaf.mode if leaf else 0


def _title(commit: Commit) -> str:
    return text(commit.message).split("\n")[0]
