"""A policy judges one tool call. Of all answers the strictest wins, so their order never matters."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from .tool import Effect
from .workspace import Workspace


class Allow(Struct, frozen=True):
    """May run."""

    reason: str = ""


class Ask(Struct, frozen=True):
    """Somebody must agree first."""

    reason: str = ""


class Deny(Struct, frozen=True):
    """Must not run; the model reads the reason."""

    reason: str = ""


Verdict = Allow | Ask | Deny


class JudgedCall(Struct, frozen=True):
    """A call as policies see it. `arguments` is the checked Struct of the tool, `trusted` says so of the workspace."""

    session: str
    turn: str
    tool: str
    effect: Effect
    arguments: Any
    workspace: Workspace
    trusted: bool


@runtime_checkable
class Policy(Protocol):
    """No answer at all: `read` is allowed, the rest is asked for. One that raises or hangs counts as Ask."""

    async def decide(self, call: JudgedCall, /) -> Verdict | None: ...
