"""A policy judges one tool call. Of all answers the strictest wins, so their order never matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from .tool import Effect
from .workspace import Workspace


class Allow(Struct, frozen=True):
    """May run."""

    reason: str = ""


class Ask(Struct, frozen=True):
    """Somebody must agree first. `rule` is what, added to the list `rules` of the plugin's settings, allows this call
    and those like it from now on; empty: nothing does."""

    reason: str = ""
    rule: Mapping[str, Any] = {}


class Deny(Struct, frozen=True):
    """Must not run; the model reads the reason."""

    reason: str = ""


Verdict = Allow | Ask | Deny


class JudgedCall(Struct, frozen=True):
    """A call as policies see it. `arguments` is the checked Struct of the tool, `trusted` says so of the workspace;
    `confined`: its tool says that it can change the workspace alone and uses no network."""

    session: str
    turn: str
    tool: str
    effect: Effect
    arguments: Any
    workspace: Workspace
    trusted: bool
    confined: bool = False


@runtime_checkable
class Policy(Protocol):
    """No answer at all: `read` is allowed, the rest is asked for. One that raises or hangs counts as Ask.

    One whose Ask carries a `rule` also has `def learn(rule)`: called when somebody said `always` and the rule stands
    in the user's settings, so that it counts from the next call on.
    """

    async def decide(self, call: JudgedCall, /) -> Verdict | None: ...
