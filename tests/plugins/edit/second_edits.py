"""An edit of the second corpus: what a model wrote, the file it wrote it for, and what a careful person makes of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from .second_files import File

REFUSED = "refused: nothing is changed"
ALREADY = "already applied: nothing is changed, and that is said"


class Either(NamedTuple):
    """Refusing is right, too; if it is applied, it is this."""

    after: str | bytes


class Edit(NamedTuple):
    """`kind`: the format; `said`: the tool's arguments, where `{path}` stands for the file's path."""

    kind: str
    said: dict[str, Any]

    def arguments(self, path: str) -> dict[str, Any]:
        return {
            key: value.replace("{path}", path) if isinstance(value, str) else value for key, value in self.said.items()
        }


class Case(NamedTuple):
    name: str
    file: File
    edit: Edit
    want: str | bytes | Either
    before: bytes | None = None

    @property
    def data(self) -> bytes:
        return self.file.text.encode() if self.before is None else self.before


def blocks(*pairs: tuple[str, str]) -> Edit:
    """Search/replace blocks; each text ends with a line feed, or is empty."""
    said = "".join(f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n\n" for old, new in pairs)
    return Edit("blocks", {"text": "{path}\n" + said})


def patch(body: str) -> Edit:
    return Edit("patch", {"patch": "*** Begin Patch\n*** Update File: {path}\n" + body + "*** End Patch"})


def unified(body: str) -> Edit:
    return Edit("unified", {"text": "--- a/{path}\n+++ b/{path}\n" + body})


def swap(old: str, new: str, everywhere: bool = False) -> Edit:
    return Edit("replace", {"path": "{path}", "old": old, "new": new, "replace_all": everywhere})


def editor(old: str, new: str) -> Edit:
    return Edit("editor", {"command": "str_replace", "path": "{path}", "old_str": old, "new_str": new})


def insert(line: int, text: str) -> Edit:
    return Edit("editor", {"command": "insert", "path": "{path}", "insert_line": line, "insert_text": text})
