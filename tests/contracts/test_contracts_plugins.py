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
from pillion.testing.contracts import PolicyContract, StrategyContract, ToolContract
from pillion.testing.scripted import Answer, calls, says
from pillion_agent.agent import Agent
from pillion_agent.chat import Chat
from pillion_approvals import plugin as approvals
from pillion_approvals.rule import Rule
from pillion_edit import plugin as edit
from pillion_files import plugin as files
from pillion_terminal import plugin as terminal


class OnFiles(ToolContract):
    """A workspace with one file, and the tool `name` of the plugin files."""

    name = ""

    def tool(self) -> Tool:
        return next(tool for tool in self.tools() if tool.name == self.name)

    def tools(self) -> Sequence[Tool]:
        return files.Plugin(files.Config()).register_tools(None)  # type: ignore[arg-type]

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


class TestEditFile(OnFiles):
    name = "edit_file"

    def tools(self) -> Sequence[Tool]:
        return edit.Plugin(edit.Config()).register_tools(None)  # type: ignore[arg-type]

    def arguments(self) -> Mapping[str, Any]:
        return {"path": "src/a.py", "old": "two = 2", "new": "two = 3"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [self.path_arguments("src/none.py"), {"path": "src/a.py", "old": "four", "new": ""}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"path": path, "old": "a line", "new": "my line"}


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
