"""What all requests of editors share: settings, sessions, keys, and the nursery in which their turns are minded."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated, Literal

import trio
from msgspec import Meta, Struct
from msgspec.structs import replace

from pillion import Kernel, NotFound, PillionError, Session
from pillion import events as e
from pillion.contracts.provider import Finish, Request
from pillion.errors import Conflict, Gone
from pillion.streamguard import GuardedProvider
from pillion.values import Message, Text
from pillion.verifying import verify

from . import uievents
from .anchored import Selections
from .asked import Cancel, Feedback, ModelConfiguration, Place
from .bridge import Bridge, Bridges
from .editor import SECONDS, Editor
from .editorfaults import EditorFailed
from .editorworkspace import EditorWorkspace
from .events import AideEditorLost, AideJudged, AideMoved
from .exchanges import Books
from .grants import Grants
from .sessions import Sessions
from .streaming import Told
from .vendors import TAGGED, Target, target

CANCELLING = 30.0
"""Seconds in which a cancelled turn lets go."""
SETTLING = 2.0
"""Seconds in which a turn whose end was told is gone."""
VERIFYING = 30.0
EDITORS = 16
WORD = 16
"""Tokens of the answer by which a model is tried; less is refused by a vendor."""
_log = logging.getLogger("pillion.plugin.aide")
Answered = Literal["write", "execute", "network"]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`approve`: effects of tools that are allowed without asking, since the editor has no way to ask. `demand_token`:
    nothing is answered without the server's token. `model`: a model of Pillion's that answers instead of those that the
    editor names; `fall_back`: those that are asked, in order, where the editor's can't answer. `addresses` are base
    URLs by the editor's names of providers, `models` vendors' names of models by the editor's. `tool_tags`: patterns of
    `provider/model`, in the editor's names, of models that have no tools of their own: they are told of them in words,
    and write calls as tags. `editor_hosts`: where an editor may be besides this machine; `editor_seconds`: what it gets
    for an answer. `apply_directly`: edits are written to the disk, not made in the editor. `hot_streak`: when an edit
    is accepted, a model says what is likely to be edited next. `image_width`: pixels to which wider images are shrunk,
    0: none. `reported_version`: what editors are told. `cancel_on_disconnect`: an editor that goes away ends its run.
    """

    approve: tuple[Answered, ...] = ("write",)
    demand_token: bool = False
    model: str = ""
    fall_back: tuple[str, ...] = ()
    addresses: Mapping[str, str] = {}
    models: Mapping[str, str] = {}
    tool_tags: tuple[str, ...] = TAGGED
    editor_hosts: tuple[str, ...] = ()
    editor_seconds: Annotated[float, Meta(gt=0, le=600)] = SECONDS
    apply_directly: bool = False
    hot_streak: bool = True
    image_width: Annotated[int, Meta(ge=0, le=10_000)] = 1080
    reported_version: str = ""
    cancel_on_disconnect: bool = False


class Verdict(Struct, frozen=True):
    """`error` says what is wrong, null when all is well."""

    valid: bool
    error: str | None = None


class Rider:
    """`kernel` and `nursery` are there while the plugin is on."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.grants = Grants()
        self.sessions = Sessions()
        self.books = Books()
        self.bridges = Bridges()
        self.selections = Selections()
        self._editors: dict[str, Editor] = {}
        """The last ones, by address: their connections serve all sessions."""
        self.kernel: Kernel
        self.nursery: trio.Nursery

    def start(self, kernel: Kernel, nursery: trio.Nursery) -> None:
        self.kernel, self.nursery = kernel, nursery
        self.grants.kernel = self.sessions.kernel = kernel

    def bridge(self, id: str, url: str) -> Bridge:
        """To the editor that a request of that session names. Raises EditorFailed where it must not be there."""
        bridge = self.bridges.of(id)
        if url:
            bridge.meet(self._editor(url))
        return bridge

    def _editor(self, url: str) -> Editor:
        editor = self._editors.pop(url, None) or Editor(url, self.config.editor_hosts, self.config.editor_seconds)
        while len(self._editors) >= EDITORS:
            self._editors.pop(next(iter(self._editors))).close()
        self._editors[url] = editor
        return editor

    def target(self, said: ModelConfiguration, model: str) -> Target:
        """Whom to ask for that model. Raises Unusable."""
        found = target(said, model, self.config.addresses, self.config.models)
        tagged = any(fnmatchcase(f"{found.provider}/{model}", pattern) for pattern in self.config.tool_tags)
        return replace(found, tags=tagged)

    def build(self, bridge: Bridge, session: Session) -> None:
        """From now on the session's files are read and written through its editor."""
        bridge.tell(lambda error: self.nursery.start_soon(self._lost, session, error))
        session.overlays.through = partial(EditorWorkspace, bridge=bridge, to_disk=self.config.apply_directly)

    async def _lost(self, session: Session, error: EditorFailed) -> None:
        _log.warning("The editor of session %s is gone: %s", session.id, error)
        with suppress(PillionError):
            await session.note(AideEditorLost(message=str(error)))

    async def cancel(self, asked: Cancel) -> list[Told]:
        """Stops the turn of that exchange, or takes its prompt back; tells of it when nothing of it is left."""
        session = await self.sessions.find(asked.session_id)
        book = await self.books.of(session)
        one = book.find(asked.exchange_id)
        running = session.turn
        if one.turn in book.over:
            return []
        if running is not None and running.id == one.turn:
            after = str(book.cursor)  # where it was not over yet
            await session.cancel(by="person")
            with trio.move_on_after(CANCELLING):
                if not isinstance(await session.ended(one.turn, after), e.TurnCancelled):
                    return []
        else:
            try:
                await session.withdraw(one.turn)
            except (NotFound, Conflict, Gone):
                return []  # it is over
        return [(asked.exchange_id, uievents.execution("Cancelled"))]

    async def judge(self, asked: Feedback) -> list[Told]:
        """Takes what the person thinks of an answer."""
        session = await self.sessions.find(asked.session_id)
        book = await self.books.of(session)
        one = book.find(asked.exchange_id)
        await session.note(AideJudged(reply=one.id, state="Accepted" if asked.accepted else "Rejected"))
        told: list[Told] = []
        if one.kind == "edit":
            files = [f"{session.info.workspace}/{path}" for path in book.files.get(one.turn, ())]
            told.append((one.id, uievents.edits("Accepted" if asked.accepted else "Cancelled", files)))
        return [*told, (one.id, uievents.finished(asked.session_id, one.id))]

    async def move(self, asked: Place, *, dropped: bool) -> None:
        """Takes the conversation to behind that exchange, or (`dropped`) to before it. Raises NotFound, Conflict (a
        turn runs)."""
        session = await self.sessions.find(asked.session_id)
        with trio.move_on_after(CANCELLING if session.state == "stopping" else SETTLING):
            await session.idle()  # an editor is told of an end before all that ran is gone
        if session.turn is not None or session.waiting:
            raise Conflict("The session is at work; cancel that first.")
        book = await self.books.of(session)
        to = book.before(asked.exchange_id) if dropped else book.behind(asked.exchange_id)
        await session.note(e.SessionRewound(to=to), AideMoved(exchange=asked.exchange_id, dropped=dropped))
        bridge = self.bridges.of(asked.session_id)
        if dropped and bridge.there:
            try:
                await bridge.undo(asked.exchange_id)
            except EditorFailed as error:
                _log.info("The editor undoes nothing: %s", error)

    async def verify(self, said: ModelConfiguration) -> Verdict:
        """Asks the slow model for a word, or the one that answers in its place. What is wrong is in the answer."""
        try:
            if self.config.model:
                found = await verify(self.kernel, self.config.model, VERIFYING)
                return Verdict(found.ok, None if found.ok else found.detail)
            wanted = self.target(said, said.slow_model)
            grant = self.grants.open([wanted])
        except PillionError as error:
            return Verdict(False, str(error))
        granted = grant.providers[wanted.name]
        provider = GuardedProvider(granted.provider, self.kernel.settings.deadlines)
        question = Message("user", (Text("Answer with the one word: yes."),))
        request = Request(f"{provider.name}/{granted.model}", (question,), max_output=WORD)
        try:
            with trio.move_on_after(VERIFYING):
                async with provider.stream(request) as chunks:
                    async for chunk in chunks:
                        if isinstance(chunk, Finish):
                            return Verdict(True)
        except PillionError as error:
            return Verdict(False, self.kernel.secrets.redact(str(error)))
        finally:
            await grant.aclose()
        return Verdict(False, f"The model did not answer within {VERIFYING:g} s.")
