"""Tools of the sidecar's as Pillion's: what the sessions that it left behind called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Given = Mapping[str, Any]


def called(name: str, given: Given) -> tuple[str, dict[str, Any]]:
    """The tool and its arguments; what has no counterpart keeps its name."""
    shape = SHAPES.get(name)
    if shape is not None:
        tool, arguments = shape(given)
        return tool, {key: value for key, value in arguments.items() if value is not None}
    if name == "McpTool":
        body = given.get("json")
        return _named(str(given.get("full_name", ""))), dict(body) if isinstance(body, dict) else {}
    return _named(name), dict(given)


def _named(name: str) -> str:
    """As every vendor takes a tool's name."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unknown"


def _search(given: Given) -> tuple[str, dict[str, Any]]:
    found = {
        "pattern": given.get("regex_pattern"),
        "folder": given.get("directory_path"),
        "glob": given.get("file_pattern"),
    }
    return "search", found


SHAPES: dict[str, Callable[[Given], tuple[str, dict[str, Any]]]] = {
    "OpenFile": lambda given: (
        "read_file",
        {"path": given.get("fs_file_path"), "start": given.get("start_line"), "end": given.get("end_line")},
    ),
    "ListFiles": lambda given: (
        "list_files",
        {"folder": given.get("directory_path"), "depth": 20 if given.get("recursive") else 1},
    ),
    "SearchFileContentWithRegex": _search,
    "FindFile": lambda given: ("glob", {"pattern": given.get("pattern")}),
    "CodeEditing": lambda given: (
        "code_edit",
        {"path": given.get("fs_file_path"), "instruction": given.get("instruction")},
    ),
    "CodeEditorParameters": lambda given: ("str_replace_based_edit_tool", dict(given)),
    "TerminalCommand": lambda given: (
        "run_command",
        {"command": given.get("command"), "background": True if given.get("wait_for_exit") is False else None},
    ),
    "AskFollowupQuestions": lambda given: ("ask_person", {"question": given.get("question")}),
    "LSPDiagnostics": lambda given: ("get_diagnostics", {}),
    "RequestScreenshot": lambda given: ("request_screenshot", {}),
    "SemanticSearch": lambda given: ("semantic_search", {"question": given.get("search_query")}),
    "RepoMapGeneration": lambda given: ("repo_map", {}),
    "TestRunner": lambda given: ("run_tests", {"select": given.get("fs_file_paths")}),
}
SAID = {
    "AttemptCompletion": "result",
    "Thinking": "thought",
    "Reasoning": "user_instruction",
    "ContextCrunching": "summary",
}
"""What was no call but words, and the parameter that holds them."""
