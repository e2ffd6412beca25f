"""Edits of several files, worked out before anything is written: what each file is, and what it is to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

import trio
from msgspec import Struct, structs

from pillion.contracts.workspace import Workspace, Write
from pillion.errors import Conflict, NoSuchFile, ToolError
from pillion.known import Known
from pillion.textform import text_form

from .applying import Applied, applied, meant
from .document import Document
from .ellipsis import leaves_out
from .hunk import FileEdit, lines_of
from .likeness import Level
from .locating import Ambiguous, Index, located
from .refusals import Refused, Why, otherwise, written_over
from .replacing import replaced
from .splicing import spliced

LOOSE = "The lines given are not quite those of the file; the file's were kept where nothing changes."

SMALL = 8_000
"""Bytes of a file that is worked on without a thread: that takes less than the way there and back."""


class Change(Struct, frozen=True):
    """One file: `before` and `hash` of what is there (None and "": nothing), `after` (None: it goes).

    `origin`: where it was, when it is moved here. `notes`: what a model should know. `whole`: all of it was given.
    """

    path: str
    before: bytes | None
    hash: str
    after: bytes | None
    origin: str = ""
    notes: tuple[str, ...] = ()
    whole: bool = False

    @property
    def write(self) -> Write:
        return Write(self.path, self.after, self.hash, like=self.origin)


class Draft:
    """Edits of several files, worked out in memory one after the other; nothing is written."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.edits: list[FileEdit] = []
        self._files: dict[str, _File] = {}
        self._faults: list[ToolError] = []
        self._unread = False
        """One of its files could not be read."""

    async def add(self, edit: FileEdit) -> ToolError | None:
        """Works one more out. Returns why it can't be made."""
        self.edits.append(edit)
        try:
            for path in filter(None, (edit.path, edit.moved)):
                await self.read(path)
            if len(self._files[edit.path].after or b"") < SMALL:
                _do(edit, self._files)
            else:
                await trio.to_thread.run_sync(_do, edit, self._files)
        except ToolError as error:
            self._faults.append(error)
            return error
        return None

    async def read(self, path: str) -> bytes | None:
        """What the file held when it was first read for this draft; None: there was none. Raises ToolError."""
        if path not in self._files:
            self._unread = True
            self._files[path] = await _File.read(path, self._workspace)
            self._unread = False
        return self._files[path].before

    @property
    def size(self) -> int:
        """Bytes that it holds, about."""
        return sum(len(file.before or b"") for file in self._files.values())

    @property
    def before(self) -> dict[str, bytes | None]:
        """What its files held when they were read, by path; None: there was none."""
        return {file.path: file.before for file in self._files.values()}

    def check(self, known: Known, root: Path) -> None:
        """Raises Conflict where a file that is written as a whole or by its lines' numbers, or that goes, is another
        one than the model knows."""
        for edit in self.edits:
            file = self._files.get(edit.path)
            if file is None or not file.hash or edit.action not in ("write", "bytes", "delete"):
                continue
            if known.hash(root, edit.path) not in (None, file.hash):
                raise Conflict(f"{edit.path} has been changed since it was read. Read it again, then write.")

    async def is_stale(self) -> bool:
        """Is one of its files another one by now?"""
        for path, file in self._files.items():
            if (await _File.read(path, self._workspace)).before != file.before:
                return True
        return self._unread

    def changes(self) -> list[Change]:
        """The change of each file, none for those that are as wanted already. Raises ToolError, which says all that
        can't be done: then nothing is to be."""
        if self._faults:
            raise _all_of(self._faults)
        changes = [file.change() for file in self._files.values() if file.after != file.before]
        if not changes:
            raise Refused("Nothing is changed: what the edit wants is there already, it is already applied.", "already")
        return changes


async def drafted(edits: Sequence[FileEdit], workspace: Workspace, begun: Draft | None = None) -> Draft:
    """All of them; `begun` is gone on with where it is a beginning of them, and nobody has changed a file since."""
    draft = begun
    if draft is None or draft.edits != list(edits[: len(draft.edits)]) or await draft.is_stale():
        draft = Draft(workspace)
    for edit in edits[len(draft.edits) :]:
        await draft.add(edit)
    return draft


async def planned(edits: Sequence[FileEdit], workspace: Workspace) -> list[Change]:
    """What becomes of each file. Raises ToolError."""
    return (await drafted(edits, workspace)).changes()


class _File:
    """A file while its edits are worked out."""

    def __init__(self, path: str, before: bytes | None, hash: str) -> None:
        self.path, self.before, self.hash = path, before, hash
        self.after = before
        self.origin = ""
        self.notes: list[str] = []
        self.whole = False

    @classmethod
    async def read(cls, path: str, workspace: Workspace) -> _File:
        try:
            content = await workspace.read(path)
        except NoSuchFile:
            return cls(path, None, "")
        return cls(path, content.data, content.hash)

    def change(self) -> Change:
        return Change(self.path, self.before, self.hash, self.after, self.origin, tuple(self.notes), self.whole)


def _do(edit: FileEdit, files: dict[str, _File]) -> None:
    file = files[edit.path]
    match edit.action:
        case "create":
            _create(edit, file)
        case "write":
            _write(edit, file)
        case "bytes":
            file.after = edit.data
        case "replace":
            _replace(edit, file)
        case "delete":
            if file.after is None and file.before is None:
                raise Refused(f"There is no {edit.path} to delete.", "already")
            if edit.hunks and file.after is not None and not _holds_all(edit, file.after):
                raise otherwise(edit.path)
            file.after = None
        case "change":
            _change(edit, file)
        case _:
            assert_never(edit.action)
    if edit.moved:
        _move(edit, file, files[edit.moved])


def _create(edit: FileEdit, file: _File) -> None:
    data = edit.content.encode()
    if file.after is not None and file.after != data:
        raise Refused(f"{edit.path} exists already. To change it, give lines of it that are there now.", "placeless")
    file.after = data


def _write(edit: FileEdit, file: _File) -> None:
    form = text_form(file.after or b"")
    if form and file.after and leaves_out(lines_of(form.decode(file.after)), lines_of(edit.content)):
        raise Refused(
            f"The new content of {edit.path} has an ellipsis in the place of lines that are there now: they would be "
            "lost. Give all lines, or change only a part of the file.",
            "unsure",
        )
    file.after = form.encode(edit.content) if form else edit.content.encode()
    file.whole = True


def _change(edit: FileEdit, file: _File) -> None:
    if file.after is None:
        raise Refused(f"There is no {edit.path}.")
    if not any(hunk.others for hunk in edit.hunks) and (file.after is file.before or _are_old(edit, file.before)):
        data = spliced(file.after, edit.hunks, ordered=edit.ordered)
        if data is not None:
            file.after = data
            return
    document = Document.of(edit.path, file.after)
    edit = structs.replace(edit, hunks=tuple(meant(document, hunk) for hunk in edit.hunks))
    if file.before is not None and file.after is not file.before:
        _check_written(edit, Document.of(edit.path, file.before), document)
    if not document.form.valid and not all(line.isascii() for hunk in edit.hunks for line in hunk.new):
        raise ToolError(f"{edit.path} is not UTF-8; only plain ASCII can be written into it.")
    done = applied(document, edit.hunks, ordered=edit.ordered)
    file.after = done.document.data()
    file.notes += _told(edit, done)


def _are_old(edit: FileEdit, before: bytes | None) -> bool:
    """Were the lines to change there before any change of them?"""
    texts = ("".join(f"{line}\n" for line in hunk.old) for hunk in edit.hunks)
    return before is not None and all(text.encode("utf-8", "surrogatepass") in before for text in texts)


def _check_written(edit: FileEdit, before: Document, document: Document) -> None:
    """Raises Refused for lines that another change has only just written, where they can be meant as they were before.

    A change of what the one before it wrote is none of these.
    """
    there, now = Index(before.lines, edit.path), Index(document.lines, edit.path)
    for hunk in edit.hunks:
        if hunk.old and now.runs(hunk.old, Level.EXACT) and not there.runs(hunk.old, Level.EXACT):
            try:
                found = located(there, hunk, range(len(before.lines) + 1))
            except Ambiguous:
                raise written_over(edit.path) from None
            if found:
                raise written_over(edit.path)


def _holds_all(edit: FileEdit, data: bytes) -> bool:
    """Is what the hunks take away all of the file?"""
    gone = [line.rstrip() for hunk in edit.hunks for line in hunk.old]
    return [line.rstrip() for line in Document.of(edit.path, data).lines] == gone


def _replace(edit: FileEdit, file: _File) -> None:
    if file.after is None:
        raise Refused(f"There is no {edit.path}.")
    assert edit.snippet is not None
    file.after, loose = replaced(edit.path, file.after, edit.snippet)
    file.notes += [LOOSE] if loose else []


def _told(edit: FileEdit, done: Applied) -> list[str]:
    notes = []
    if done.already and len(done.already) < len(edit.hunks):
        notes.append(f"Already applied: change {', '.join(map(str, done.already))} of {len(edit.hunks)}.")
    if done.loose:
        notes.append(LOOSE)
    return notes


def _move(edit: FileEdit, file: _File, target: _File) -> None:
    if target.after is not None:
        raise Refused(f"{edit.moved} exists already; {edit.path} can't be moved there.", "placeless")
    target.after, target.origin, target.notes = file.after, edit.path, file.notes
    file.after, file.notes = None, []


def _all_of(faults: Sequence[ToolError]) -> ToolError:
    if len(faults) == 1:
        return faults[0]
    said = "\n\n".join(map(str, faults))
    why: Why = next((fault.why for fault in faults if isinstance(fault, Refused)), "missing")
    return Refused(f"Nothing was changed, in no file, since {len(faults)} edits can't be made:\n\n{said}", why)
