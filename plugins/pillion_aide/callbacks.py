"""What an editor answers to what is asked of it, by the names that cross."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from .asked import Range


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


class Location(Struct, frozen=True):
    fs_file_path: str
    range: Range


class Found(Struct, frozen=True):
    """/go_to_…: each has a name of its own for the list."""

    definitions: tuple[Location, ...] | None = None
    implementation_locations: tuple[Location, ...] | None = None
    reference_locations: tuple[Location, ...] | None = None

    def __post_init__(self) -> None:
        if self.definitions is self.implementation_locations is self.reference_locations is None:
            raise ValueError("there is no list in it")

    @property
    def places(self) -> Sequence[Location]:
        return self.definitions or self.implementation_locations or self.reference_locations or ()


class Diagnostic(Struct, frozen=True):
    message: str
    range: Range
    fs_file_path: str = ""
    quick_fix_labels: tuple[str, ...] | None = None


class Diagnostics(Struct, frozen=True):
    """/diagnostics and /file_diagnostics."""

    diagnostics: tuple[Diagnostic, ...]


class Place(Struct, frozen=True):
    line: int
    character: int = 0


class Symbol(Struct, frozen=True, rename="camel"):
    """As the editor's own interface has it: `range` is a list of two places."""

    name: str
    range: tuple[Place, Place]
    children: tuple[Symbol, ...] = ()


class Outline(Struct, frozen=True):
    """/get_outline_nodes."""

    outline_nodes: tuple[Symbol, ...]


class Fix(Struct, frozen=True):
    label: str
    index: int


class QuickFixes(Struct, frozen=True):
    """/select_quick_fix."""

    options: tuple[Fix, ...]


class Invoked(Struct, frozen=True):
    """/invoke_quick_fix."""

    invocation_success: bool


class Ran(Struct, frozen=True):
    """/execute_terminal_command."""

    output: str


class Edited(Struct, frozen=True):
    fs_file_path: str
    diff: str
    updated_timestamp_ms: int = 0


class RecentEdits(Struct, frozen=True):
    """/recent_edits."""

    changed_files: tuple[Edited, ...]


class Screenshot(Struct, frozen=True):
    """/devtools_screenshot; `data` is base64."""

    media_type: str
    data: str
