"""What the model is told of the editor's context."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pillion import LocalWorkspace
from pillion.contracts.workspace import Workspace
from pillion_aide import folders
from pillion_aide.asked import Chat
from pillion_aide.folders import expanded, folders_of
from pillion_aide.wording import images, shown

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
        "images": [
            {"type": "base64", "media_type": "image/jpg", "data": "aGk="},
            {"type": "base64", "media_type": "image/png", "data": "not base64"},
        ],
    }
    asked = chat(
        user_context=context, aide_rules="Use tabs.", project_labels=["python", "python"], all_files=["/w/a.py"]
    )
    told = shown(asked)
    said = told.before(asked.query)
    for once in ("Use tabs.", "python.", "exit 1", "y = 2", "Lines 5 to 7 of `a.py`", "````python"):
        assert said.count(once) == 1, once
    assert told.open_files == ("a.py",) and told.selected_code[0].first == 5
    assert said.endswith("Why?")
    assert [(image.media_type, image.data) for image in images(asked)] == [("image/jpeg", b"hi")]


def test_a_request_without_context_goes_as_it_is() -> None:
    assert shown(chat()).before("Why?") == "Why?"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A folder `src` with what belongs into a prompt, and what does not."""
    (tmp_path / ".gitignore").write_text("*.log\n!kept.log\n/src/made/\n")
    for name, text in {
        "src/a.py": "\n".join(f"line {n}" for n in range(80)),
        "src/kept.log": "kept",
        "src/left.log": "ignored",
        "src/.env": "hidden",
        "src/made/b.py": "made",
        "src/node_modules/c.js": "made",
        "src/deep/d.py": "deep",
        "src/deep/.gitignore": "e.py",
        "src/deep/e.py": "ignored",
        "src/deep/empty.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "src/f.bin").write_bytes(b"\x00\x01\x02")
    (tmp_path / "src/link").symlink_to("/etc")
    return LocalWorkspace(tmp_path)


async def test_a_folder_brings_the_beginnings_of_its_files(workspace: Workspace) -> None:
    root = workspace.root
    paths = [f"{root}/src", f"{root}/src", f"{root}/../elsewhere", f"{root}/src/a.py"]
    assert await folders_of(workspace, paths) == [f"{root}/src"]
    found = await expanded(workspace, paths)
    src, *wrong = found
    assert [one.path for one in src.files] == [
        "src/a.py", "src/f.bin", "src/kept.log", "src/deep/d.py", "src/deep/empty.py",
    ]  # fmt: skip
    assert src.files[0].text.count("line ") == 50 and src.files[0].text.endswith("[30 more lines]")
    assert [one.why for one in src.files] == ["", "binary", "", "", "empty"] and src.whole
    assert [bool(one.wrong) for one in wrong] == [True, True]
    said = shown(chat(), found).before("Why?")
    assert said.count("# The folder `src`, whose files begin so") == 1 and "- src/f.bin (binary)" in said


async def test_a_folder_is_told_within_bounds(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FILES", 1)
    monkeypatch.setattr(folders, "NAMES", 3)
    (found,) = await expanded(workspace, ["src"])
    assert [bool(one.text) for one in found.files] == [True, False, False] and not found.whole
    assert [one.why for one in found.files[1:]] == ["left out", "left out"]
