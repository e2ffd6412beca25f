"""The names that models know tools and parameters by from other agents, and what is meant by them here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec import Struct

from .values import ToolSpec

TOOLS: Mapping[str, tuple[str, ...]] = {
    "grep_string": ("search",),
    "search_files": ("search",),
    "find_file": ("glob",),
    "code_edit_input": ("code_edit",),
    "execute_command": ("editor_terminal", "run_command"),
    "ask_followup_question": ("ask_person",),
    "str_replace_editor": ("str_replace_based_edit_tool",),
    "test_runner": ("run_tests",),
    "write_to_file": ("write_file",),
    "repo_map_generation": ("repo_map",),
}
"""Others' names -> ours, the first of which that is there is meant."""
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "fs_file_path": ("path",),
    "directory_path": ("folder",),
    "path": ("folder",),
    "regex_pattern": ("pattern",),
    "regex": ("pattern",),
    "file_pattern": ("glob",),
    "start_line": ("start",),
    "end_line": ("end",),
    "recursive": ("depth",),
    "wait_for_exit": ("wait", "background"),
    "fs_file_paths": ("select",),
    "search_query": ("question",),
}
SPOKEN = {"attempt_completion": "result", "ask_followup_question": "question"}
"""Tools of other agents that are words here, and the parameter that holds the words."""
YES = ("true", "yes", "1")
DEEP = "20"
CONVERTED: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("recursive", "depth"): lambda value: DEEP if value.lower() in YES else "1",
    ("wait_for_exit", "background"): lambda value: "false" if value.lower() in YES else "true",
}


class Meant(Struct, frozen=True):
    """What a tag calls. `spoken`: it is no call, and the text of that parameter are words."""

    tool: str
    properties: Mapping[str, Any]
    required: Collection[str] = ()
    spoken: str = ""

    def parameter(self, name: str) -> str:
        """The tool's own name of a parameter; what it does not know stays."""
        if name in self.properties:
            return name
        return next((ours for ours in PARAMETERS.get(name, ()) if ours in self.properties), name)

    def converts(self, name: str) -> Callable[[str], str] | None:
        """How the value of a parameter of that name becomes what the tool takes."""
        return CONVERTED.get((name, self.parameter(name)))


def meant(name: str, tools: Mapping[str, ToolSpec]) -> Meant | None:
    """What the tag `name` calls; None: nothing."""
    ours = next((one for one in (name, *TOOLS.get(name, ())) if one in tools), "")
    if ours:
        schema = tools[ours].schema
        return Meant(ours, schema.get("properties", {}), schema.get("required", ()))
    return Meant("", {SPOKEN[name]: {}}, (SPOKEN[name],), SPOKEN[name]) if name in SPOKEN else None
