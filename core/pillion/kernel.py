"""open_kernel(): nurseries, sessions by id, order of stopping."""

from __future__ import annotations

import logging
import re
import secrets
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from msgspec import structs

from . import events as e
from .allreader import AllReader, AllReaders
from .budget import Budget
from .catalog import Catalog
from .completions import Completions
from .contracts.store import Opened, Page, Record, SessionInfo, SessionQuery, Store
from .contracts.workspace import origin_of
from .errors import ConfigError, NotFound, OwnedElsewhere, PillionError, StoreFailed
from .eventlog import EventLog
from .exporting import children, export
from .flusher import Flusher
from .forking import branch
from .history import History
from .hookspecs import TurnInfo
from .importing import Import
from .lives import Lives, open_lives
from .localworkspace import LocalWorkspace
from .memorystore import MemoryStore
from .onlooker import Onlooker
from .plugins import PluginHost
from .portable import More
from .processes import Processes
from .recovery import recall
from .roles import Line, check_roles
from .roster import Roster
from .rulebook import Rulebook
from .session import Session
from .settings import Settings
from .switchboard import Switchboard
from .values import Limits, Message, ToolSpec
from .watchdog import Watchdog

if TYPE_CHECKING:
    from .contracts.tool import Tool
    from .turn import Turn

CHECK_SECONDS = 5.0
READ = 1000
ID = re.compile(r"[0-9a-f]{32}")


class Kernel:
    """The sessions of one process. Made by open_kernel()."""

    log = logging.getLogger("pillion")

    def __init__(self, settings: Settings, host: PluginHost, catalog: Catalog, store: Store) -> None:
        self.host, self.catalog, self.store = host, catalog, store
        self.ephemeral = MemoryStore()
        """Keeps the sessions that end with this process."""
        self.secrets = settings.secrets
        self.rulebook = Rulebook(settings, host)
        self.processes = Processes(settings.environment.pick(settings.execution.environment))
        self.roster = Roster()
        self._flusher = Flusher(self.roster)
        self._all_readers = AllReaders()
        self.arriving: set[str] = set()
        """Sessions that are being imported: nobody sees them yet."""
        self._nursery: trio.Nursery
        self.store_plugin = ""
        """The plugin that brings the store."""
        self.completions = Completions(self)
        self.lives: Lives
        self.switchboard: Switchboard

    @property
    def settings(self) -> Settings:
        """Those in force; plugins that were switched meanwhile included."""
        return self.host.settings

    @property
    def lost(self) -> Mapping[str, int]:
        """Records that each observer missed, because it was too slow."""
        return self.lives.lost

    # ── sessions ──

    async def create(
        self,
        workspace: str,
        *,
        model: str = "",
        strategy: str = "",
        labels: Mapping[str, str] = {},
        limits: Limits | None = None,
        ephemeral: bool = False,
        roles: Mapping[str, Line] = {},
        id: str = "",
    ) -> Session:
        """Opens a new session on a workspace, an absolute path or a URL. Raises NotFound for unknown names.

        An `ephemeral` one is kept in memory alone, and so are its children. `roles` are its own models, in order for
        each role; `model` is short for one of the role `default`. `id`, 32 hexadecimal digits, is for who finds it by
        that again. Raises Conflict where there is such a session, ValueError where it is no id.
        """
        check_roles(roles, at="roles")
        self.catalog.workspace(workspace)
        for name in (model, *chain(*roles.values())):
            if name not in ("", "auto"):
                self.catalog.model(name)
        if strategy not in ("", "auto"):
            self.catalog.strategy(strategy, None)
        info = self._info(workspace, model, strategy, labels, ephemeral=ephemeral, roles=roles)
        if id:
            if not ID.fullmatch(id):
                raise ValueError(f"{id!r} is no session's id: those are 32 hexadecimal digits.")
            info = structs.replace(info, id=id)
        return await self._begin(info, limits or self.settings.limits, self._nursery)

    async def fork(self, id: str, at: int | None = None) -> Session:
        """A new session that begins with the conversation as it was behind event `at`, by default the last one.

        It lasts as the other one does, and does without it. Raises NotFound; BadCursor where there is no such event.
        """
        grown = await branch(self._keeper(id), id, at, self.secrets)
        old, limits = grown.info, grown.limits or self.settings.limits
        info = self._info(old.workspace, old.model, old.strategy, old.labels, ephemeral=old.ephemeral)
        info = structs.replace(info, title=old.title, origin=id, branched=grown.at, roles=grown.roles)
        return await self._begin(info, limits, self._nursery, begins=grown.events(), blobs=grown.blobs)

    async def export(self, id: str) -> AsyncGenerator[bytes, None]:
        """The lines of a file with the session, what it refers to, and its children (portable.py). Raises NotFound."""
        store = self._keeper(id)
        async with aclosing(export(store, await store.info(id))) as lines:
            async for some in lines:
                yield some

    async def import_(self, more: More, *, new_ids: bool = False) -> Session:
        """The first session of a file that `more` brings, which is here from now on with its children, or not at all.

        Raises BadExport, TooLarge, StoreFailed; Conflict when a session of one of its ids is here, unless `new_ids`.
        """
        return await self.session(await Import(self, more, new_ids=new_ids).run())

    async def open_child(
        self,
        turn: Turn,
        budget: Budget,
        *,
        workspace: str,
        strategy: str,
        model: str,
        seed: Sequence[Message],
        tools: frozenset[str] | None,
    ) -> Session:
        """A session that lives in a turn of another. Called by Turn.child."""
        parent = turn.session
        info = self._info(workspace or parent.info.workspace, model or parent.info.model, strategy, {}, parent)
        begins = [e.SessionSeeded(messages=tuple(seed))] if seed else []
        return await self._begin(
            info, budget.limits, turn.nursery, parent=parent, budget=budget, tools=tools, begins=begins
        )

    async def open_records(self, parent: str) -> Session:
        """A session for records that belong to none; no list shows it that does not ask for children of `parent`."""
        info = structs.replace(self._info("", "", "", {}), parent=parent)
        return await self._begin(info, self.settings.limits, self._nursery)

    async def session(self, id: str) -> Session:
        """The live session, or the one that its log brings back. Raises NotFound, OwnedElsewhere."""
        while (session := self.roster.live(id)) is None:
            async with self.roster.lock(id):
                if self.roster.live(id) is None:
                    await self._open(id)
        session.touch()
        return session

    async def _open(self, id: str) -> None:
        store = self._keeper(id)
        opened = await store.open(id)
        history, limits, _ = await recall(id, store)
        opened = structs.replace(opened, info=structs.replace(opened.info, roles=history.roles))
        session = self.roster.held(id)
        if session is None:
            session = self._actor(opened, store, history, limits or self.settings.limits)
        else:
            session.wake(opened, history)
            self._all_readers.add(id, partial(session.follow, keeps=False))
        await session.recover(opened)
        await self._nursery.start(session.run)

    async def look(self, id: str) -> Session | Onlooker:
        """As `session`; one that another process has is only looked at, and stays there. Raises NotFound."""
        try:
            return await self.session(id)
        except OwnedElsewhere:
            info = await self.store.info(id)
            history, _, head = await recall(id, self.store)
            return Onlooker(structs.replace(info, roles=history.roles), self.store, history, head)

    async def sessions(
        self,
        query: SessionQuery = SessionQuery(),  # noqa: B008 - frozen
        *,
        ephemeral: bool = False,
    ) -> Page:
        """A page of sessions, newest first: those that last, or the ephemeral ones. A parent's children either way."""
        store = self.ephemeral if ephemeral or query.parent in self.ephemeral else self.store
        page = await store.sessions(query)
        shown = [info for info in page.data if info.id not in self.arriving]
        return page if len(shown) == len(page.data) else structs.replace(page, data=shown)

    def live(self) -> list[Session]:
        """The sessions that are in memory."""
        return list(self.roster)

    def follow(self) -> AllReader:
        """A reader of all live sessions from now on, and of those that are opened later. To be closed."""
        return self._all_readers.open({session.id: session.follow("latest", keeps=False) for session in self.roster})

    async def delete(self, id: str) -> None:
        """Stops and forgets a session, and all that its turns opened. Raises NotFound, OwnedElsewhere."""
        store = self._keeper(id)
        await store.info(id)
        async with self.roster.lock(id):
            if session := self.roster.held(id):
                await session.aclose()
            for child in await children(store, id):
                await self.delete(child.id)
            await store.delete(id)
            self.roster.forget(id)

    # ── what there is ──

    def tools(self, workspace: Path | None = None) -> list[tuple[Tool, ToolSpec]]:
        """The tools that a turn would get in a folder, by default one that says nothing of itself."""
        folder = LocalWorkspace(workspace or Path(tempfile.gettempdir()))
        kit = self.catalog.kit(TurnInfo("", "", "", None, folder, False))
        return list(zip(kit.tools.values(), kit.specs(), strict=True))

    async def checks(self) -> dict[str, str]:
        """The health checks by name: "" when well, else a sentence."""
        said: dict[str, str] = {}

        async def one(name: str, check: Callable[[], Awaitable[str]]) -> None:
            said[name] = f"It did not answer within {CHECK_SECONDS:g} s."
            with trio.move_on_after(CHECK_SECONDS):
                try:
                    said[name] = self.secrets.redact(str(await check()))
                except Exception as error:  # a plugin's fault is what the check says
                    said[name] = f"The check failed with {type(error).__name__}."

        async with trio.open_nursery() as nursery:
            for name, check in self.catalog.checks.items():
                nursery.start_soon(one, name, check)
        return said

    # ── making sessions ──

    def _keeper(self, session: str) -> Store:
        """The store that has it, if any has. Raises NotFound for one that nobody is to see yet."""
        if session in self.arriving:
            raise NotFound(f"There is no session {session}.")
        return self.ephemeral if session in self.ephemeral else self.store

    def _info(
        self,
        workspace: str,
        model: str,
        strategy: str,
        labels: Mapping[str, str],
        parent: Session | None = None,
        *,
        ephemeral: bool = False,
        roles: Mapping[str, Line] = {},
    ) -> SessionInfo:
        now = time.time_ns() // 1_000_000
        trusted = parent.info.trusted if parent else self._trusts(workspace)
        return SessionInfo(
            id=secrets.token_hex(16),
            workspace=workspace,
            created=now,
            updated=now,
            model=model,
            strategy=strategy,
            labels=dict(labels),
            parent=parent.id if parent else "",
            trusted=trusted,
            ephemeral=parent.info.ephemeral if parent else ephemeral,
            roles=parent.info.roles if parent else roles,
        )

    def _trusts(self, workspace: str) -> bool:
        """Does the user? A fork is trusted as what it was made from is."""
        if "://" not in workspace:
            return self.settings.trust.includes(workspace)
        return self.settings.trust.includes(origin_of(self.catalog.workspace(workspace)))

    async def _begin(
        self,
        info: SessionInfo,
        limits: Limits,
        nursery: trio.Nursery,
        *,
        parent: Session | None = None,
        budget: Budget | None = None,
        tools: frozenset[str] | None = None,
        begins: Sequence[e.Event] = (),
        blobs: Mapping[str, bytes] = {},
    ) -> Session:
        store: Store = self.ephemeral if info.ephemeral else self.store
        # A cancel takes effect afterwards: it would leave a session without its first event, and the actor of a child,
        # which is shielded, in the nursery that starts it.
        seconds = self.settings.deadlines.store
        async with self.roster.lock(info.id):  # a list shows it as soon as it is made
            with trio.CancelScope(shield=True, relative_deadline=seconds) as patience:
                opened = await store.create(info)
            if patience.cancelled_caught:
                raise StoreFailed(f"The store did not answer within {seconds:g} s.")
            session = self._actor(opened, store, History(), limits, parent=parent, budget=budget, tools=tools)
            with trio.CancelScope(shield=True):
                await nursery.start(session.run)
        with trio.CancelScope(shield=True):  # bounded by the log's own deadline
            try:
                await session.note(session.opening(), *begins, blobs=blobs)
            except PillionError:
                await session.aclose()
                raise
        return session

    def _actor(
        self,
        opened: Opened,
        store: Store,
        history: History,
        limits: Limits,
        *,
        parent: Session | None = None,
        budget: Budget | None = None,
        tools: frozenset[str] | None = None,
    ) -> Session:
        log = EventLog(
            opened.info.id,
            opened,
            store,
            self.secrets,
            store_deadline=self.settings.deadlines.store,
            on_shown=self._shown,
            on_grown=self._flusher.grew,
            on_changed=self._all_readers.ring,
            on_lost=self._lost,
        )
        session = Session(
            self,
            opened.info,
            log,
            history,
            limits=limits,
            parent=parent,
            budget=budget,
            tools=tools,
            desks=self.roster.desks(opened.info.id),
        )
        self._all_readers.add(session.id, partial(session.follow, keeps=False))
        return session

    # ── the kernel's own tasks ──

    def _shown(self, session: str, records: Sequence[Record]) -> None:
        self.lives.show(session, records, session in self.ephemeral)

    def _lost(self, session: str) -> None:
        if found := self.roster.live(session):
            found.let_go()

    async def _stop_sessions(self) -> None:
        """Each session's turn is cancelled and gets its time to let go; all at once."""
        async with trio.open_nursery() as nursery:
            for session in self.live():
                nursery.start_soon(session.aclose)


@asynccontextmanager
async def open_kernel(
    settings: Settings,
    *,
    hookspecs: Sequence[type] = (),
    plugins: Mapping[str, object] | None = None,
    store: Store | None = None,
    on_store: Callable[[Store], None] | None = None,
) -> AsyncIterator[Kernel]:
    """A kernel with the plugins of the settings, and those that `plugins` gives as objects. `on_store` gets the open
    store before anything else begins; what it raises ends it.

    Stops in this order: sessions, observers and flusher, the plugins' lifespans in reverse, the store. Raises
    ConfigError when the store that the settings name can't be had.
    """
    host = PluginHost(settings, hookspecs)
    with Watchdog(host, settings.deadlines.blocking):
        host.load()
        for name, plugin in (plugins or {}).items():
            host.add(name, plugin)
        catalog = Catalog(settings, host)
        kernel = Kernel(settings, host, catalog, store or await _store(settings, catalog))
        kernel.store_plugin = "" if store else catalog.maker_of_store(settings.defaults.store)
        try:
            if on_store is not None:
                on_store(kernel.store)
            async with open_lives(kernel) as kernel.lives, trio.open_nursery() as background:
                background.start_soon(kernel._flusher.run)
                background.start_soon(kernel.roster.sweep, lambda: kernel.settings.defaults.rest_after)
                kernel.switchboard = Switchboard(kernel, background)
                kernel.switchboard.settle()
                async with trio.open_nursery() as sessions:
                    kernel._nursery = kernel.completions.nursery = sessions
                    try:
                        yield kernel
                    finally:
                        with trio.CancelScope(shield=True):  # each end has its own deadline
                            await kernel.completions.aclose()
                            await kernel._stop_sessions()
                        sessions.cancel_scope.cancel()
                background.cancel_scope.cancel()
        finally:
            with trio.move_on_after(settings.deadlines.store, shield=True):
                await kernel.store.aclose()


async def _store(settings: Settings, catalog: Catalog) -> Store:
    name = settings.defaults.store
    if name == "memory":
        return MemoryStore()
    if name not in catalog.stores:
        known = ", ".join(["memory", *catalog.stores])
        raise ConfigError(
            f"No plugin that is on brings the store {name!r} of defaults.store.",
            key="defaults.store",
            hint=f"Switch that plugin on, or name another store: {known}. With memory, sessions end with the process.",
        )
    return await catalog.stores[name]()
