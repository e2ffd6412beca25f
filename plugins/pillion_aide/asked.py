"""What the editor sends. Unknown fields are ignored; those that may be left out have the sidecar's defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct
from quart import abort

from pillion_http.routes import read_body

T = TypeVar("T", bound=Struct)
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+=@-]{0,127}")
LOCAL = "local/"


class Position(Struct, frozen=True, rename="camel"):
    """Counted from 0."""

    line: int = 0
    character: int = 0
    byte_offset: int = 0


class Range(Struct, frozen=True, rename="camel"):
    start_position: Position = Position()
    end_position: Position = Position()


class Variable(Struct, frozen=True):
    """A file, symbol or selection that the person has put into the conversation."""

    name: str = ""
    start_position: Position = Position()
    end_position: Position = Position()
    fs_file_path: str = ""
    type: str = "File"
    content: str = ""
    language: str = ""


class SentImage(Struct, frozen=True):
    """`data` is base64."""

    media_type: str = "image/png"
    data: str = ""


class SentFile(Struct, frozen=True):
    file_path: str = ""
    file_content: str = ""
    language: str = ""


class UserContext(Struct, frozen=True):
    """What the person has pointed at."""

    variables: tuple[Variable, ...] = ()
    images: tuple[SentImage, ...] = ()
    file_content_map: tuple[SentFile, ...] = ()
    terminal_selection: str | None = None
    folder_paths: tuple[str, ...] = ()


class ModelEntry(Struct, frozen=True):
    """`provider` is a name, or an object whose one key is the name."""

    provider: Any = None
    context_length: int = 0
    temperature: float = 0.0


class ModelConfiguration(Struct, frozen=True):
    """Each of `providers` is an object whose one key is its name, and what it needs."""

    slow_model: str = ""
    fast_model: str = ""
    models: Mapping[str, ModelEntry] = {}
    providers: tuple[Any, ...] = ()


class Chat(Struct, frozen=True):
    """A message of the person: `agent_session_chat`, `agent_tool_use` and those like them."""

    session_id: str
    exchange_id: str
    editor_url: str
    query: str
    user_context: UserContext
    repo_ref: str
    root_directory: str
    model_configuration: ModelConfiguration
    project_labels: tuple[str, ...] = ()
    codebase_search: bool = False
    access_token: str = ""
    all_files: tuple[str, ...] = ()
    open_files: tuple[str, ...] = ()
    shell: str = ""
    aide_rules: str | None = None
    reasoning: bool = False
    semantic_search: bool = False
    is_devtools_context: bool = False


class Cancel(Struct, frozen=True):
    """`cancel_running_event`."""

    exchange_id: str
    session_id: str
    editor_url: str = ""
    access_token: str = ""
    model_configuration: ModelConfiguration = ModelConfiguration()


class Feedback(Struct, frozen=True):
    """`user_feedback_on_exchange`."""

    exchange_id: str
    session_id: str
    accepted: bool
    step_index: Annotated[int, Meta(ge=0)] | None = None
    editor_url: str = ""
    access_token: str = ""
    model_configuration: ModelConfiguration = ModelConfiguration()


class Place(Struct, frozen=True):
    """`user_handle_session_undo` and `move_to_checkpoint`."""

    session_id: str
    exchange_id: str


class Probe(Struct, frozen=True):
    """`probe_request_stop`."""

    request_id: str


class Diagnostics(Struct, frozen=True):
    """`diagnostics`. Editors write their ranges in two ways, so what is in the list is not looked at."""

    fs_file_path: str = ""
    diagnostics: tuple[Any, ...] = ()
    source: str | None = None


class Verify(Struct, frozen=True):
    """`verify_model_config`."""

    model_configuration: ModelConfiguration


async def read(kind: type[T]) -> T:
    """The request's body. Aborts with 415, 400 (no JSON) or 422 (it does not fit, or an id is none)."""
    body = await read_body(kind)
    for name in ("session_id", "exchange_id", "request_id"):
        if not ID.fullmatch(getattr(body, name, "x")):
            abort(422, f"{name} is no id: letters, digits and . _ : + = @ - are, 128 at most.")
    return body


def folder(asked: Chat) -> str:
    """Where the session works. Aborts with 422 when `repo_ref` is no local path."""
    path = asked.repo_ref.removeprefix(LOCAL)
    if not asked.repo_ref.startswith(LOCAL) or not is_plain(path):
        abort(422, "repo_ref is `local/` and an absolute path without . and ..")
    root = asked.root_directory or path
    if not is_plain(root):
        abort(422, "root_directory is an absolute path without . and ..")
    return root


def is_plain(path: str) -> bool:
    """pathlib leaves out single dots by itself."""
    return PurePosixPath(path).is_absolute() and not {".", ".."} & set(path.split("/"))
