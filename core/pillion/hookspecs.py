"""The kernel's hooks. A hook is sync, called at a known moment, and returns values; it never waits.

The kernel asks plugin by plugin: one that raises loses only its own answer, and its state says so.
A plugin takes only the arguments it wants. A plugin with an extension point of its own has an attribute
`hookspecs`, a module or class of hookspecs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pluggy
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .contracts.code import CodeIndex
    from .contracts.compactor import Compactor
    from .contracts.confinement import Confinement
    from .contracts.context import ContextProvider
    from .contracts.forks import Forks, Snapshots
    from .contracts.observer import Observer
    from .contracts.policy import Policy
    from .contracts.provider import Provider
    from .contracts.store import Store
    from .contracts.strategy import Strategy
    from .contracts.tool import Tool
    from .contracts.witness import Witness
    from .contracts.workspace import Workspace
    from .events import Event
    from .kernel import Kernel
    from .plugins import PluginHost
    from .settings import Environment, Settings
    from .values import ModelInfo

hookspec = pluggy.HookspecMarker("pillion")
hookimpl = pluggy.HookimplMarker("pillion")


class TurnInfo(Struct, frozen=True):
    """What is known when a turn begins: `labels` of its session, `trusted` says whether its folder is, `roles` are
    those for which its prompt or session names models."""

    session: str
    turn: str
    strategy: str
    model: ModelInfo | None
    workspace: Workspace
    trusted: bool
    labels: Mapping[str, str] = {}
    roles: frozenset[str] = frozenset()


class Kernelhooks:
    """Called once, when the plugin comes, except where it says *turn*."""

    @hookspec
    def register_providers(self, environment: Environment) -> Sequence[Provider]:
        """Sources of models. `environment.secret("NAME")` reads a key and registers it as a secret.

        While a plugin is on whose attribute `only_source` is true, nobody else's providers count.
        """

    @hookspec
    def wrap_provider(self, provider: Provider, bare: Provider) -> Provider | None:
        """A provider round `provider` with the same name and models, or None to leave it. `bare` is the one that is
        innermost, as its plugin brought it.

        Ordered by the plugin's attribute `wrap_order` (default 50): the lowest is the outermost. By convention:
        10 record and replay, 20 money, 40 retries, 45 limits. Called again for each provider when another
        plugin that wraps comes or goes; what a wrapper must remember is kept by the plugin.
        """

    @hookspec
    def register_strategies(self) -> Sequence[Strategy]:
        """Ways to run a turn."""

    @hookspec
    def register_stores(self, settings: Settings, host: PluginHost) -> Mapping[str, Callable[[], Awaitable[Store]]]:
        """Makers of stores by the name that `defaults.store` uses. `host` is for those with hooks of their own."""

    @hookspec
    def register_workspaces(self) -> Mapping[str, Callable[[str], Workspace]]:
        """Makers of workspaces by URL scheme; each gets the whole URL. A plain path is a local folder."""

    @hookspec
    def register_observers(self) -> Sequence[Observer]:
        """Watchers of all sessions' new records, each in a task of its own."""

    @hookspec
    def register_events(self) -> Sequence[type[Event]]:
        """The plugin's own events, for the documented schema."""

    @hookspec
    def register_code(self) -> Sequence[CodeIndex]:
        """Who knows what the files of a workspace define and use. Plugins that need it ask the first of all, which
        `kernel.catalog.code()` gives."""

    @hookspec
    def register_snapshots(self) -> Sequence[Snapshots]:
        """Who keeps what workspaces were; `kernel.catalog.snapshots()` gives the first of all."""

    @hookspec
    def register_forks(self) -> Sequence[Forks]:
        """Who makes workspaces that begin as a snapshot of another one; `kernel.catalog.forks()` gives the first."""

    @hookspec
    def register_confinements(self) -> Sequence[Confinement]:
        """Where programs run that a model, or the files of a workspace, choose. A plugin that starts one starts what
        `wrap` of the first of all makes of it, which `kernel.catalog.confinement()` gives."""

    @hookspec
    def register_checks(self) -> Mapping[str, Callable[[], Awaitable[str]]]:
        """Health checks by name: each returns "" when well, else a sentence. They get 5 seconds."""

    @hookspec
    def lifespan(self, kernel: Kernel) -> AbstractAsyncContextManager[None]:
        """Entered when the plugin comes, in a task of its own, before it is asked for anything of a turn. Left when it
        goes and the turns that ran then are over; at the end in reverse order. It gets 30 s for each."""

    @hookspec
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        """*Turn*: what the model may call."""

    @hookspec
    def register_contexts(self, turn: TurnInfo) -> Sequence[ContextProvider]:
        """*Turn*: what the model should know before it answers."""

    @hookspec
    def register_compactors(self, turn: TurnInfo) -> Sequence[Compactor]:
        """*Turn*: who makes a conversation shorter before it fills the model's window; the first one is asked."""

    @hookspec
    def register_witnesses(self, turn: TurnInfo) -> Sequence[Witness]:
        """*Turn*: who keeps what a step may change: told when a step begins, waited for before its first call that
        writes or executes, and when the turn's work is over."""

    @hookspec
    def register_policies(self, turn: TurnInfo) -> Sequence[Policy]:
        """*Turn*: judges of tool calls; the strictest answer wins."""
