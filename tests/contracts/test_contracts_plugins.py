"""The first-party tools, policies and strategies keep the contracts that a stranger's must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from pillion import Request
from pillion.contracts.policy import JudgedCall, Policy
from pillion.contracts.strategy import Strategy
from pillion.contracts.tool import Tool
from pillion.contracts.workspace import Workspace
from pillion.hookspecs import TurnInfo
from pillion.localworkspace import LocalWorkspace
from pillion.testing.contracts import PolicyContract, StrategyContract, ToolContract
from pillion.testing.scripted import Answer, calls, says
from pillion_agent.agent import Agent
from pillion_agent.chat import Chat
from pillion_approvals import plugin as approvals
from pillion_approvals.rule import Rule
from pillion_edit import plugin as edit
from pillion_files import plugin as files
from pillion_syntax import plugin as syntax
from pillion_terminal import plugin as terminal

ANY_TURN = TurnInfo("", "", "", None, LocalWorkspace("/"), False)


class OnFiles(ToolContract):
    """A workspace with one file, and the tool `name` of the plugin files."""

    name = ""

    def tool(self) -> Tool:
        return next(tool for tool in self.tools() if tool.name == self.name)

    def tools(self) -> Sequence[Tool]:
        return files.Plugin(files.Config()).register_tools(ANY_TURN)

    def prepare(self, folder: Path) -> None:
        (folder / "src").mkdir()
        (folder / "src/a.py").write_text("one = 1\ntwo = 2\n", "utf-8")


class TestReadFile(OnFiles):
    name = "read_file"

    def arguments(self) -> Mapping[str, Any]:
        return {"path": "src/a.py"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"path": "src/none.py"}, {"path": "src"}, {"path": "src/a.py", "start": 99}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"path": path}


class TestOutline(TestReadFile):
    name = "outline"

    def tools(self) -> Sequence[Tool]:
        return syntax.Plugin().register_tools(ANY_TURN)

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"path": "src/none.py"}, {"path": "src"}]


class TestListFiles(OnFiles):
    name = "list_files"

    def arguments(self) -> Mapping[str, Any]:
        return {}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"folder": "none"}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"folder": path}


class TestGlob(OnFiles):
    name = "glob"

    def arguments(self) -> Mapping[str, Any]:
        return {"pattern": "*.py"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"pattern": "*", "folder": "none"}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"pattern": "*", "folder": path}


class TestSearch(OnFiles):
    name = "search"

    def arguments(self) -> Mapping[str, Any]:
        return {"pattern": "two"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"pattern": "("}, {"pattern": "two", "folder": "none"}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"pattern": "line", "folder": path}


class TestWriteFile(OnFiles):
    name = "write_file"

    def arguments(self) -> Mapping[str, Any]:
        return {"path": "src/new/b.py", "content": "three = 3\n"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"path": "src", "content": "x"}, {"path": ".git/hooks/pre-commit", "content": "x"}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"path": path, "content": "overwritten"}


class Editing(OnFiles):
    """A tool of the plugin edit, where a model writes edits in the format `kind`."""

    kind = ""

    def tools(self) -> Sequence[Tool]:
        return edit.Plugin(edit.Config({"*": self.kind})).register_tools(ANY_TURN)  # type: ignore[dict-item]


class TestEditFile(Editing):
    name = "edit_file"
    kind = "replace"

    def arguments(self) -> Mapping[str, Any]:
        return {"path": "src/a.py", "old": "two = 2", "new": "two = 3"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [self.path_arguments("src/none.py"), {"path": "src/a.py", "old": "four", "new": ""}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"path": path, "old": "a line", "new": "my line"}


class TestEditor(Editing):
    name = "str_replace_based_edit_tool"
    kind = "editor"

    def arguments(self) -> Mapping[str, Any]:
        return {"command": "str_replace", "path": "src/a.py", "old_str": "two = 2", "new_str": "two = 3"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [
            {"command": "insert", "path": "src/a.py", "insert_line": 9, "insert_text": "x"},
            {"command": "create", "path": "src/b.py"},
            {"command": "undo_edit", "path": "src/a.py"},
            {"command": "view", "path": "src/none.py"},
            {"command": "view", "path": "src/a.py", "view_range": [3, 9]},
        ]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"command": "create", "path": path, "file_text": "overwritten"}


class TestApplyPatch(Editing):
    name = "apply_patch"
    kind = "patch"

    def arguments(self) -> Mapping[str, Any]:
        return _patch("*** Update File: src/a.py\n one = 1\n-two = 2\n+two = 3")

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"patch": "nonsense"}, _patch("*** Update File: src/none.py\n-x\n+y"), _patch("*** Delete File: none")]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return _patch(f"*** Update File: {path}\n-a line\n+my line")


class TestEditFiles(Editing):
    name = "edit_files"
    kind = "blocks"

    def arguments(self) -> Mapping[str, Any]:
        return _block("src/a.py", "two = 2", "two = 3")

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"text": "<<<<<<< SEARCH\nx"}, _block("src/none.py", "x", "y"), _block("src/a.py", "four", "")]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return _block(path, "a line", "my line")


class TestApplyDiff(Editing):
    name = "apply_diff"
    kind = "unified"

    def arguments(self) -> Mapping[str, Any]:
        return _diff("src/a.py", "@@\n one = 1\n-two = 2\n+two = 3")

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"text": "nonsense"}, _diff("src/none.py", "@@\n-x\n+y"), _diff("src/a.py", "@@\n-four\n+five")]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return _diff(path, "@@\n-a line\n+my line")


class TestWriteFiles(Editing):
    name = "write_files"
    kind = "whole"

    def arguments(self) -> Mapping[str, Any]:
        return {"text": "src/a.py\n```\none = 1\n```\n"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"text": "nonsense"}, {"text": "src\n```\nx\n```\n"}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"text": f"{path}\n```\noverwritten\n```\n"}


def _patch(body: str) -> Mapping[str, Any]:
    return {"patch": f"*** Begin Patch\n{body}\n*** End Patch"}


def _block(path: str, old: str, new: str) -> Mapping[str, Any]:
    return {"text": f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"}


def _diff(path: str, body: str) -> Mapping[str, Any]:
    return {"text": f"--- a/{path}\n+++ b/{path}\n{body}\n"}


class TestRunCommand(OnFiles):
    name = "run_command"

    def tools(self) -> Sequence[Tool]:
        return terminal.Plugin(terminal.Config()).register_tools(None)  # type: ignore[arg-type]

    def arguments(self) -> Mapping[str, Any]:
        return {"command": "cat src/a.py"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"command": "true", "folder": "none"}, {"command": "exit 3"}]

    def slow(self) -> Mapping[str, Any]:
        return {"command": "sleep 1000 & setsid sleep 1000 & wait"}


class TestApprovals(PolicyContract):
    def policy(self) -> Policy:
        rules = (Rule("allow", command="git status"), Rule("deny", path="secrets/**"), Rule("deny", command="rm"))
        (policy,) = approvals.Plugin(approvals.Config(rules)).register_policies(None)  # type: ignore[arg-type]
        return policy

    def calls(self, workspace: Workspace) -> Sequence[JudgedCall]:
        return [
            JudgedCall("s", "t", "run_command", "execute", Command(command), workspace, True)
            for command in ("git status", "git status; rm -rf /", "rm x", "'unended")
        ] + [
            JudgedCall("s", "t", "write_file", "write", Place(path), workspace, False)
            for path in ("a.py", "secrets/key", "../out", "\0")
        ]


class Command(Struct):
    command: str


class Place(Struct):
    path: str


class TestAgent(StrategyContract):
    def strategy(self) -> Strategy:
        return Agent()

    def answers(self, request: Request) -> Answer:
        """Calls a tool that is not there, reads that, and answers."""
        return says("None is here.") if len(request.messages) % 4 == 3 else calls(("look", "{}"))


class TestChat(StrategyContract):
    def strategy(self) -> Strategy:
        return Chat()
