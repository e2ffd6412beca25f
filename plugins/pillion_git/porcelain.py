"""What the git program prints, read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from .values import Blamed, Change, Commit, Count, Counted, Patch, Status, What

FIELDS = "%H%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B%x00"
"""Of `git log -z --date=raw`; `commits` reads it."""
_COUNT = 9
CONFLICT = "It is in conflict: see the file."
_WORDS: dict[str, What] = {
    ".": "", "M": "changed", "T": "type", "A": "added", "D": "deleted", "R": "renamed", "C": "added", "U": "conflict",
    "X": "changed",
}  # fmt: skip


def text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def status(data: bytes, prefix: str) -> Status:
    """Of `git status --porcelain=v2 --branch -z`."""
    branch = head = ""
    changes: list[Change] = []
    lines = iter(text(data).split("\0"))
    for line in lines:
        kind, _, rest = line.partition(" ")
        match kind:
            case "#":
                name, _, value = rest.partition(" ")
                branch = value if name == "branch.head" and value != "(detached)" else branch
                head = value if name == "branch.oid" and value != "(initial)" else head
            case "1":
                marks, path = rest[:2], rest.split(" ", 7)[7]
                changes.append(Change(inside(path, prefix), _WORDS[marks[0]], _WORDS[marks[1]]))
            case "2":
                marks, path = rest[:2], rest.split(" ", 8)[8]
                origin = inside(next(lines), prefix)
                changes.append(Change(inside(path, prefix), _WORDS[marks[0]], _WORDS[marks[1]], origin))
            case "u":
                changes.append(Change(inside(rest.split(" ", 9)[9], prefix), "conflict", "conflict"))
            case "?":
                changes.append(Change(inside(rest, prefix), "", "untracked"))
    return Status(branch, head, sorted(changes, key=lambda change: change.path))


def inside(path: str, prefix: str) -> str:
    """A path of the repository as one of the folder that it is seen from."""
    if path.startswith(prefix):
        return path[len(prefix) :] or "./"
    return "./" if prefix.startswith(path) and path.endswith("/") else "../" * prefix.count("/") + path


class _Raw(Struct):
    old: str
    new: str
    letter: str
    path: str
    origin: str


def patches(data: bytes, prefix: str) -> list[Patch]:
    """Of `git diff --raw --numstat -p -z`."""
    raws, at = _raws(data)
    counts, at = _counts(data, at)
    if data[at : at + 1] == b"\0":
        at += 1
    pieces = _pieces(data[at:])
    told: list[Patch] = []
    for raw in raws:
        piece = None if raw.letter == "::" else next(pieces, b"")
        if raw.letter == "T" and piece is not None:
            piece += next(pieces, b"")  # one goes, one comes
        if raw.letter in ("U", "::"):
            told.append(Patch(inside(raw.path, prefix), "conflict", None, reason=CONFLICT))
            continue
        added, removed, binary = counts.get(raw.path, (0, 0, False))
        told.append(
            Patch(
                inside(raw.path, prefix),
                _WORDS[raw.letter],
                None if piece is None else text(piece),
                added,
                removed,
                binary,
                inside(raw.origin, prefix) if raw.origin else "",
                raw.old.replace("000000", ""),
                raw.new.replace("000000", ""),
            )
        )
    return told


def _raws(data: bytes) -> tuple[list[_Raw], int]:
    found: list[_Raw] = []
    at = 0
    while data[at : at + 1] == b":":
        end = data.index(b"\0", at)
        if data.startswith(b"::", at):  # in conflict: each side is told
            at, end = end + 1, data.index(b"\0", end + 1)
            found.append(_Raw("", "", "::", text(data[at:end]), ""))
            at = end + 1
            continue
        old, new, _, _, letter = text(data[at + 1 : end]).split(" ")
        names = []
        for _ in range(2 if letter[0] in "RC" else 1):
            at, end = end + 1, data.index(b"\0", end + 1)
            names.append(text(data[at:end]))
        found.append(_Raw(old, new, letter[0], names[-1], names[0] if len(names) > 1 else ""))
        at = end + 1
    return found, at


_NUMBERS = re.compile(rb"(\d+|-)\t(\d+|-)\t([^\0]*)\0(?:([^\0]*)\0([^\0]*)\0)?")
_PLAIN = re.compile(rb"(\d+|-)\t(\d+|-)\t([^\0]+)\0")


def _counts(data: bytes, at: int) -> tuple[dict[str, tuple[int, int, bool]], int]:
    found: dict[str, tuple[int, int, bool]] = {}
    while match := _PLAIN.match(data, at) or _NUMBERS.match(data, at):
        added, removed, path = match[1], match[2], match[3] or match[5]
        binary = added == b"-"
        found[text(path)] = (0, 0, True) if binary else (int(added), int(removed), False)
        at = match.end()
    return found, at


def _pieces(data: bytes) -> Iterator[bytes]:
    """A patch of each file. Only a header begins so: all lines of contents begin with a sign of their own."""
    starts = [match.start() for match in re.finditer(rb"^(?:diff --git |\* Unmerged path )", data, re.M)]
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        yield data[start:end]


def commits(data: bytes) -> list[Commit]:
    """Of `git log -z --date=raw --format=` FIELDS."""
    parts = data.split(b"\0")
    step = _COUNT + 1  # and what ends each
    return [_commit([text(part) for part in parts[at : at + _COUNT]]) for at in range(0, len(parts) - _COUNT, step)]


def _commit(parts: Sequence[str]) -> Commit:
    id, parents, author, email, authored, committer, committer_email, committed, message = parts
    time, _, zone = authored.partition(" ")
    then = int(committed.partition(" ")[0] or 0)
    who = (author, email, int(time or 0), minutes(zone), committer, committer_email, then)
    return Commit(id, parents.split(), *who, *parted(message))


def minutes(zone: str) -> int:
    """Of a zone such as `-0330`."""
    if not re.fullmatch(r"[+-]\d{4,}", zone):
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:-2]) * 60 + int(zone[-2:]))


def parted(message: str) -> tuple[str, str]:
    """Title and body: the first paragraph, its lines joined, and what follows."""
    lines = message.lstrip("\n").split("\n")
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    title = " ".join(line.strip() for line in lines[:end])
    return title, "\n".join(lines[end:]).strip("\n")


def counted(data: bytes, mark: bytes) -> list[Counted]:
    """Of `git log -z --numstat --date=raw --format=` the mark and FIELDS."""
    told = []
    for piece in data.split(mark)[1:]:
        *parts, rest = piece.split(b"\0", _COUNT)
        numbers = rest.lstrip(b"\0\n")
        files = [Count(path, added, removed) for path, (added, removed, _) in _counts(numbers, 0)[0].items()]
        told.append(Counted(_commit([text(part) for part in parts]), files))
    return told


_HEADER = re.compile(rb"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?")


def blame(data: bytes) -> list[Blamed]:
    """Of `git blame --porcelain`."""
    known: dict[bytes, dict[bytes, bytes]] = {}
    parts: list[tuple[bytes, int, list[str]]] = []
    id, number = b"", 0
    for line in data.split(b"\n"):
        if line.startswith(b"\t"):
            if not (parts and parts[-1][0] == id):
                parts.append((id, number, []))
            parts[-1][2].append(text(line[1:]))
        elif match := _HEADER.fullmatch(line):
            id, number = match[1], int(match[2])
            known.setdefault(id, {})
        elif id:
            key, _, value = line.partition(b" ")
            known[id][key] = value
    return [_blamed(id, number, lines, known[id]) for id, number, lines in parts]


def _blamed(id: bytes, number: int, lines: Sequence[str], said: dict[bytes, bytes]) -> Blamed:
    if not id.strip(b"0"):
        return Blamed(number, lines, "", "", 0, "")
    time = int(said.get(b"author-time", b"0"))
    return Blamed(number, lines, id.decode(), text(said.get(b"author", b"")), time, text(said.get(b"summary", b"")))
