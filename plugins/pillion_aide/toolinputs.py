"""Calls of Pillion's tools as the editor knows tools: a name and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

SHOWN = (
    "fs_file_path", "directory_path", "instruction", "result", "question", "command", "regex_pattern", "file_pattern",
)  # fmt: skip
"""The parameters that the editor shows while they come."""
Given = Mapping[str, Any]


def tool_input(tool: str, arguments: str, root: Path) -> dict[str, Any]:
    """`{name: parameters}`. What has no counterpart is shown as a tool of an MCP server named pillion."""
    try:
        given = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        given = None
    shape = SHAPES.get(tool)
    if isinstance(given, dict) and shape is not None:
        return shape(given, root)
    return {"McpTool": {"full_name": f"mcp::pillion::{tool}", "json": given if given is not None else arguments}}


def shown(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters that are shown, in order."""
    (parameters,) = given.values()
    return [(name, value) for name in SHOWN if isinstance(value := parameters.get(name), str) and value]


def type_of(given: Mapping[str, Any]) -> str | dict[str, str]:
    (name,) = given
    return {"McpTool": given["McpTool"]["full_name"]} if name == "McpTool" else name


def _path(given: Given, root: Path, key: str = "path") -> str:
    return str(root / str(given.get(key) or ""))


def _read(given: Given, root: Path) -> dict[str, Any]:
    files = given.get("files") or [given]
    first = files[0] if isinstance(files, list) and isinstance(files[0], dict) else given
    return {
        "OpenFile": {
            "fs_file_path": _path(first, root),
            "start_line": first.get("start"),
            "end_line": first.get("end"),
        }
    }


def _list(given: Given, root: Path) -> dict[str, Any]:
    return {"ListFiles": {"directory_path": _path(given, root, "folder"), "recursive": given.get("depth", 2) != 1}}


def _search(given: Given, root: Path) -> dict[str, Any]:
    return {
        "SearchFileContentWithRegex": {
            "directory_path": _path(given, root, "folder"),
            "regex_pattern": str(given.get("pattern", "")),
            "file_pattern": given.get("glob") or None,
        }
    }


def _editor(given: Given, root: Path, command: str = "") -> dict[str, Any]:
    names = ("file_text", "insert_line", "new_str", "old_str", "view_range")
    parameters = {name: given.get(name) for name in names}
    parameters["new_str"] = given.get("insert_text", parameters["new_str"])
    return {
        "CodeEditorParameters": {"command": command or given.get("command", "view"), "path": _path(given, root)}
        | parameters
    }


def _write(given: Given, root: Path) -> dict[str, Any]:
    return _editor({"path": given.get("path"), "file_text": given.get("content")}, root, "create")


def _replace(given: Given, root: Path) -> dict[str, Any]:
    changed = {"path": given.get("path"), "old_str": given.get("old"), "new_str": given.get("new")}
    return _editor(changed, root, "str_replace")


SHAPES: dict[str, Callable[[Given, Path], dict[str, Any]]] = {
    "read_file": _read,
    "list_files": _list,
    "search": _search,
    "glob": lambda given, root: {"FindFile": {"pattern": str(given.get("pattern", ""))}},
    "write_file": _write,
    "edit_file": _replace,
    "str_replace_based_edit_tool": _editor,
    "code_edit": lambda given, root: {
        "CodeEditing": {"fs_file_path": _path(given, root), "instruction": str(given.get("instruction", ""))}
    },
    "semantic_search": lambda given, root: {"SemanticSearch": {"search_query": str(given.get("question", ""))}},
    "repo_map": lambda given, root: {"RepoMapGeneration": {"directory_path": _path(given, root, "folder")}},
    "run_tests": lambda given, root: {
        "TestRunner": {"fs_file_paths": [str(root / str(one)) for one in given.get("select") or ()]}
    },
    "get_diagnostics": lambda given, root: {"LSPDiagnostics": {}},
    "request_screenshot": lambda given, root: {"RequestScreenshot": {}},
    "editor_terminal": lambda given, root: {
        "TerminalCommand": {"command": str(given.get("command", "")), "wait_for_exit": bool(given.get("wait", True))}
    },
    "run_command": lambda given, root: {
        "TerminalCommand": {
            "command": str(given.get("command", "")),
            "wait_for_exit": not given.get("background", False),
        }
    },
}
