"""What an editor answers to what is asked of it, by the names that cross."""

from __future__ import annotations

from msgspec import Struct


class NewExchange(Struct, frozen=True):
    """/new_exchange."""

    exchange_id: str | None


class OpenedFile(Struct, frozen=True):
    """/file_open: the text as the editor has it, saved or not."""

    file_contents: str
    exists: bool = True


class Did(Struct, frozen=True):
    """/apply_edits, /apply_edits_streamed, /undo_session_changes."""

    success: bool


class Created(Struct, frozen=True):
    """/create_file. Editors answer by the one name, the sidecar expects the other."""

    done: bool | None = None
    success: bool | None = None
