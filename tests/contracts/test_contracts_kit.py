"""What the testing kit brings keeps its own contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trio
from msgspec import Struct

from pillion import Allow, Request, Text, ToolError, ToolSpec, Usage, UsageSeen
from pillion.contracts.policy import JudgedCall, Policy
from pillion.contracts.provider import Provider
from pillion.contracts.store import Store
from pillion.contracts.strategy import Strategy
from pillion.contracts.tool import Tool
from pillion.errors import ProviderDown
from pillion.memorystore import MemoryStore
from pillion.settings import Deadlines
from pillion.streamguard import GuardedProvider
from pillion.testing.contracts import PolicyContract, ProviderContract, StoreContract, StrategyContract, ToolContract
from pillion.testing.kit import FunctionTool, Loop
from pillion.testing.scripted import Answer, Raise, ScriptedProvider, calls, says


def answer(request: Request) -> Answer:
    if request.system == "fail":
        return [Text("half"), Raise(ProviderDown("The connection was cut."))]
    if request.tools:
        return calls(("look", '{"text":"x"}'), ("look", ""))
    return [UsageSeen(Usage(input=5, output=2)), *says("Hello wide world")]


class TestScriptedProvider(ProviderContract):
    def provider(self) -> Provider:
        return ScriptedProvider(otherwise=answer)

    def request_with_tools(self, provider: Provider) -> Request:
        return Request("scripted/one", (), tools=(ToolSpec("look", "Looks.", {}),))

    def failing(self, provider: Provider) -> Sequence[Request]:
        return [Request("scripted/one", (), system="fail")]

    def running(self, provider: Provider) -> int:
        assert isinstance(provider, ScriptedProvider)
        return provider.running


class TestGuardedProvider(TestScriptedProvider):
    """The kernel's own wrapper keeps the contract of what it wraps."""

    def provider(self) -> Provider:
        return GuardedProvider(super().provider(), Deadlines())

    def running(self, provider: Provider) -> int:
        assert isinstance(provider, GuardedProvider)
        return super().running(provider._inner)


class TestMemoryStore(StoreContract):
    async def store(self) -> Store:
        return MemoryStore()


class TestLoop(StrategyContract):
    def strategy(self) -> Strategy:
        return Loop()


class Path_(Struct, frozen=True):
    path: str
    wait: bool = False


async def size(arguments: Path_, call: Any) -> str:
    """How large a file is; with `wait`, never."""

    if arguments.wait:
        await trio.sleep_forever()
    if await call.workspace.stat(arguments.path) is None:
        raise ToolError(f"There is no file {arguments.path}.")
    return str(len((await call.workspace.read(arguments.path)).data))


class TestAToolThatReads(ToolContract):
    def tool(self) -> Tool:
        return FunctionTool("size", size, arguments=Path_)

    def arguments(self) -> Mapping[str, Any]:
        return {"path": "a.txt"}

    def prepare(self, folder: Path) -> None:
        (folder / "a.txt").write_text("abc", "utf-8")

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"path": "none.txt"}]

    def path_arguments(self, path: str) -> Mapping[str, Any]:
        return {"path": path}

    def slow(self) -> Mapping[str, Any]:
        return {"path": "a.txt", "wait": True}


class Allows:
    async def decide(self, call: JudgedCall) -> Allow:
        return Allow()


class TestAPolicyThatAllows(PolicyContract):
    def policy(self) -> Policy:
        return Allows()
