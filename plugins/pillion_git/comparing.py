"""Status and diffs by dulwich."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from dulwich.diff_tree import tree_changes
from dulwich.index import ConflictedIndexEntry

from .asked import AskedDiff, AskedStatus
from .opened import LINK, Opened, entries, intended
from .patching import DIRTY, patch
from .porcelain import CONFLICT, inside, text
from .renames import Leaf, Pair, with_renames
from .scanning import scan
from .values import Change, Diff, Patch, Status, What

Pairs = list[Pair]


def status(found: Opened, asked: AskedStatus) -> Status:
    index = found.index()
    head = found.head()
    seen = scan(found, index, untracked=True, each=asked.each)
    pairs = with_renames(staged(found, head.tree if head else None), found.data)
    indexed = {pair.path: pair for pair in pairs}
    plain, conflicts = entries(index)
    unstaged: dict[bytes, What] = dict.fromkeys(seen.dirty, "changed")
    for path, leaf in seen.changed.items():
        unstaged[path] = "added" if leaf and intended(plain[path]) else _word(Leaf(plain[path].mode, b""), leaf)
    changes: list[Change] = []
    for path in {*indexed, *unstaged}:
        pair = indexed.get(path)
        origin = text(pair.origin) if pair and pair.origin else ""
        changes.append(
            Change(
                _told(found, path),
                _what(pair) if pair else "",
                unstaged.get(path, ""),
                inside(origin, found.place.prefix) if origin else "",
            )
        )
    changes += [Change(_told(found, path), "conflict", "conflict") for path in conflicts if _mine(found, path)]
    changes += [Change(_told(found, path), "", "untracked") for path in seen.untracked]
    return Status(found.branch(), head.id.decode() if head else "", sorted(changes, key=lambda change: change.path))


def diff(found: Opened, asked: AskedDiff) -> Diff:
    path = os.fsencode(found.place.prefix + asked.path).rstrip(b"/")
    pairs, conflicts = _pairs(found, asked, path)
    told = [patch(found, pair) for pair in with_renames(pairs, found.data)]
    told += [Patch(_told(found, name), "conflict", None, reason=CONFLICT) for name in conflicts]
    return Diff(sorted(told, key=lambda one: one.path))


def between(found: Opened, old: bytes | None, new: bytes, path: bytes = b"") -> Pairs:
    """What differs between two trees, below `path`."""
    pairs = []
    for change in tree_changes(found.objects, old, new, change_type_same=True):  # type: ignore[arg-type]
        before, after = _leaf(change.old), _leaf(change.new)
        name = (change.new if after else change.old).path  # type: ignore[union-attr]
        if name is not None and _is_in(name, path):
            pairs.append(Pair(name, before, after))
    return pairs


def _leaf(entry: object) -> Leaf | None:
    mode, id = getattr(entry, "mode", None), getattr(entry, "sha", None)
    return Leaf(mode, id) if mode and id else None


def _pairs(found: Opened, asked: AskedDiff, path: bytes) -> tuple[Pairs, list[bytes]]:
    if asked.to:
        return between(found, found.commit(asked.base).tree, found.commit(asked.to).tree, path), []
    index = found.index()
    head = found.commit(asked.base) if asked.base else found.head()
    conflicts = [name for name in entries(index)[1] if _is_in(name, path)]
    if asked.staged:
        return [pair for pair in staged(found, head.tree if head else None) if _is_in(pair.path, path)], conflicts
    seen = scan(found, index, untracked=False)
    plain = {name: Leaf(e.mode, e.sha) for name, e in entries(index)[0].items()}
    changed = seen.changed | {name: _dirty(seen.changed.get(name) or plain[name]) for name in seen.dirty}
    new = {name for name, e in entries(index)[0].items() if intended(e)}
    if asked.base and head is not None:
        kept = found.leaves(head.tree)
        lying = {name: there(found, name) for name in conflicts}
        now: dict[bytes, Leaf | None] = {**plain, **changed, **lying}
        names = [name for name in {*kept, *now} if _is_in(name, path)]
        return _differing(Pair(name, kept.get(name), named(found, now.get(name))) for name in names), []
    wanted = [(name, leaf) for name, leaf in changed.items() if _is_in(name, path)]
    pairs = [Pair(name, None if name in new else plain[name], named(found, leaf)) for name, leaf in wanted]
    return _differing(pairs), conflicts


def _dirty(leaf: Leaf) -> Leaf:
    """A submodule in which something is changed, as git names it in diffs."""
    return leaf._replace(id=leaf.id + DIRTY)


def _differing(pairs: Iterable[Pair]) -> Pairs:
    """Those that don't only seem to, e.g. by their time."""
    return [pair for pair in pairs if (pair.old and pair.old[:2]) != (pair.new and pair.new[:2])]


def there(found: Opened, path: bytes) -> Leaf | None:
    """What lies in the folder, whatever the index has."""
    try:
        mode = os.lstat(os.path.join(found.top, path)).st_mode
    except OSError:
        return None
    if stat.S_ISLNK(mode):
        return Leaf(LINK, b"", path)
    return Leaf(0o100755 if mode & stat.S_IXUSR else 0o100644, b"", path) if stat.S_ISREG(mode) else None


def named(found: Opened, leaf: Leaf | None) -> Leaf | None:
    """With the name of its content, which the scan may not have needed."""
    if leaf is None or leaf.id:
        return leaf
    try:
        return leaf._replace(id=found.conversion.name(found.data(leaf)))
    except OSError:
        return None


def staged(found: Opened, tree: bytes | None) -> Pairs:
    """How the index differs from a tree."""
    kept = found.leaves(tree) if tree else {}
    index = found.index()
    pairs = []
    seen: set[bytes] = set()
    for path, entry in index.items():
        seen.add(path)
        if isinstance(entry, ConflictedIndexEntry) or not _mine(found, path) or intended(entry):
            continue
        old, new = kept.get(path), Leaf(entry.mode, entry.sha)
        if old is None or (old.mode, old.id) != (new.mode, new.id):
            pairs.append(Pair(path, old, new))
    pairs += [Pair(path, leaf, None) for path, leaf in kept.items() if path not in seen and _mine(found, path)]
    return pairs


def _mine(found: Opened, path: bytes) -> bool:
    return path.startswith(found.prefix)


def _is_in(path: bytes, folder: bytes) -> bool:
    return not folder or path == folder or path.startswith(folder + b"/")


def _told(found: Opened, path: bytes) -> str:
    return inside(text(path), found.place.prefix)


def _what(pair: Pair) -> What:
    return "renamed" if pair.origin is not None else _word(pair.old, pair.new)


def _word(old: Leaf | None, new: Leaf | None) -> What:
    if old is None:
        return "added"
    if new is None:
        return "deleted"
    return "changed" if stat.S_IFMT(old.mode) == stat.S_IFMT(new.mode) else "type"
