"""What a model reads of it: short, the likely first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from .values import Blame, Branches, Change, Commit, Diff, Log, Patch, Shown, Stashes, Status


def status(found: Status, room: int) -> str:
    where = f"On branch {found.branch}" if found.branch else f"HEAD is at {found.head[:10]}, on no branch"
    lines = [where + ("" if found.head else ", nothing committed yet") + "."]
    for name, words in _GROUPS:
        mine = [change for change in found.changes if words(change)]
        lines += [f"{name}:", *(f"  {_change(change, name)}" for change in mine)] if mine else []
    if len(lines) == 1:
        lines.append("Nothing to commit, the folder is as the last commit.")
    return _fitting(lines, room, "")


_GROUPS = (
    ("In conflict", lambda change: change.staged == "conflict"),
    ("Staged", lambda change: change.staged not in ("", "conflict")),
    ("Not staged", lambda change: change.unstaged not in ("", "conflict", "untracked")),
    ("Untracked", lambda change: change.unstaged == "untracked"),
)


def _change(change: Change, group: str) -> str:
    if group in ("In conflict", "Untracked"):
        return change.path
    word = change.staged if group == "Staged" else change.unstaged
    return f"{word}: {change.origin} -> {change.path}" if word == "renamed" else f"{word}: {change.path}"


def diff(found: Diff, room: int) -> str:
    if not found.files:
        return "No difference."
    lines = [f"{_files(len(found.files))} +{_sum(found)[0]} -{_sum(found)[1]}"]
    left = room - len(lines[0]) - 1
    for number, patch in enumerate(found.files):
        said = _patch(patch)
        if len(said) + 1 > left:
            rest = found.files[number:]
            names = _fitting([_counted(patch) for patch in rest], max(left, room // 4), "")
            lines.append(f"[{_files(len(rest))} more; ask for them by `path`]\n{names}")
            break
        left -= len(said) + 1
        lines.append(said)
    return "\n".join(lines if found.complete else [*lines, "[there are more files]"])


def _sum(found: Diff) -> tuple[int, int]:
    return sum(patch.added for patch in found.files), sum(patch.removed for patch in found.files)


def _patch(patch: Patch) -> str:
    if patch.text is None:
        return f"{_counted(patch)}: {patch.reason}"
    return "\n".join(line for line in patch.text.rstrip("\n").split("\n") if not line.startswith("index "))


def _counted(patch: Patch) -> str:
    size = "binary" if patch.binary else f"+{patch.added} -{patch.removed}"
    return f"{patch.kind} {patch.path} {size}"


def _files(count: int) -> str:
    return f"{count} file" + "s" * (count != 1)


def log(found: Log, room: int) -> str:
    if not found.commits:
        return "No commit."
    lines = [f"{commit.id[:10]} {date(commit)[:10]} {commit.author}: {commit.title}" for commit in found.commits]
    return _fitting(lines, room, "" if found.complete else "[there are older ones; go on with `skip`]")


def show(found: Shown, room: int) -> str:
    commit = found.commit
    head = [f"commit {commit.id}", f"Author: {commit.author} <{commit.email}>", f"Date: {date(commit)}"]
    if len(commit.parents) > 1:
        head.append("Merge: " + " ".join(parent[:10] for parent in commit.parents) + " (shown against the first)")
    said = "\n".join([*head, "", commit.title, *(["", commit.body] if commit.body else []), ""])
    return said + "\n" + diff(found.diff, max(room - len(said), room // 2))


def blame(found: Blame, room: int) -> str:
    lines = []
    for part in found.parts:
        who = f"{part.commit[:10]} {_day(part.time)} {part.author}: {part.title}" if part.commit else "not committed"
        lines.append(f"[{who}]")
        lines += [f"{part.start + number}: {line}" for number, line in enumerate(part.lines)]
    return _fitting(lines, room, "") or "[empty]"


def branches(found: Branches, room: int) -> str:
    lines = [f"{' *'[branch.head]} {branch.name} {branch.commit[:10]} {branch.title}" for branch in found.data]
    return _fitting(lines, room, "" if found.complete else "[there are more]") or "No branch."


def stashes(found: Stashes, room: int) -> str:
    lines = [f"{one.commit[:10]} {_day(one.time)} {one.title}" for one in found.data]
    return _fitting(lines, room, "") or "No stash."


def _day(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).date().isoformat()


def date(commit: Commit) -> str:
    """When it was written, in its author's zone, RFC 3339."""
    try:
        zone = timezone(timedelta(minutes=commit.zone))
        return datetime.fromtimestamp(commit.time, zone).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{commit.time} s since 1970"


def _fitting(lines: Sequence[str], room: int, note: str) -> str:
    size = len(note)
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > room:
            return "\n".join([*lines[:number], f"[{len(lines) - number} more lines]"])
    return "\n".join([*lines, note] if note else lines)
