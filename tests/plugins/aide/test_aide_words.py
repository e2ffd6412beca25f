"""What the model is told of the editor's context."""

from __future__ import annotations

import msgspec

from pillion_aide.asked import Chat
from pillion_aide.wording import images, words

from .sidecar import models


def chat(**more: object) -> Chat:
    given = {
        "session_id": "s",
        "exchange_id": "e",
        "editor_url": "",
        "query": "Why?",
        "user_context": {},
        "repo_ref": "local/w",
        "root_directory": "/w",
        "model_configuration": models(),
    }
    return msgspec.convert(given | more, Chat)


def selection(content: str) -> dict[str, object]:
    return {
        "name": "selection",
        "start_position": {"line": 4, "character": 0, "byteOffset": 0},
        "end_position": {"line": 6, "character": 2, "byteOffset": 0},
        "fs_file_path": "/w/a.py",
        "type": "Selection",
        "content": content,
        "language": "python",
    }


def test_what_the_editor_shows_stands_once_before_the_request() -> None:
    context = {
        "variables": [selection("x = '```'\n```"), selection("x = '```'\n```")],
        "file_content_map": [{"file_path": "/w/b.py", "file_content": "y = 2", "language": "python"}],
        "terminal_selection": "exit 1",
        "folder_paths": ["/w/src"],
        "images": [
            {"type": "base64", "media_type": "image/jpg", "data": "aGk="},
            {"type": "base64", "media_type": "image/png", "data": "not base64"},
        ],
    }
    asked = chat(
        user_context=context, aide_rules="Use tabs.", project_labels=["python", "python"], all_files=["/w/a.py"]
    )
    said = words(asked)
    for once in ("Use tabs.", "python.", "exit 1", "/w/src", "y = 2", "Lines 5 to 7 of `/w/a.py`", "````python"):
        assert said.count(once) == 1, once
    assert said.endswith("Why?")
    assert [(image.media_type, image.data) for image in images(asked)] == [("image/jpeg", b"hi")]


def test_a_request_without_context_goes_as_it_is() -> None:
    assert words(chat()) == "Why?"
