"""One message of the person: the turn that answers it, told to the editor while it goes on."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import trio
from msgspec.structs import replace

from pillion import Conflict, NotFound, PillionError, Session
from pillion import events as e
from pillion.errors import Gone
from pillion.frames import Frame
from pillion.logreader import Reader
from pillion.shown import ContextReference, Shown

from . import uievents, wording
from .anchored import NAME, Selected
from .asked import Chat, Variable
from .bridge import Bridge
from .editorfaults import EditorFailed
from .editortools import recent
from .events import AideAsked, AideEditorLost, AideJudged, AideReplied, Kind, State
from .folders import Folder, expanded, folders_of
from .grants import Grant
from .shrinking import shrunk
from .streaming import Source, Told
from .telling import Teller
from .widening import Ground, lines_of, widened

if TYPE_CHECKING:
    from .rider import Rider

STRATEGY: dict[Kind, str] = {"chat": "chat", "tool": "agent", "edit": NAME}
ARCHITECT = "architect"
EDITING = ("edit", "title", "compact")
SMALL = ("fast", *EDITING)
"""The roles of the editor's fast model. With `fast` it also judges what a search finds, which is many calls."""
LOST = e.type_of(AideEditorLost)
RECENT = 5
"""Diffs of recent edits that an edit is told."""
DROPPED = e.type_of(e.PromptDropped)
ENDS = {e.type_of(kind) for kind in e.TURN_ENDS}
_log = logging.getLogger("pillion.plugin.aide")


class Ride(Source):
    """The turn goes on without whoever reads: it lives in the plugin's nursery, and only its telling here."""

    def __init__(self, rider: Rider, asked: Chat, kind: Kind, folder: str, opening: str = "") -> None:
        self._rider, self._asked, self._kind, self._folder = rider, asked, kind, folder
        self._opening = opening
        self._selected: Selected | None = None
        self._bridge: Bridge | None = None
        self._began = trio.Event()
        self._replied = trio.Event()
        self._id = ""
        """Of the answer."""
        self._error: PillionError | None = None
        self._first: list[Told] = []
        self._session: Session | None = None
        self._reader: Reader | None = None
        self._teller: Teller | None = None
        self._turn = ""
        self._range: Mapping[str, Any] = {}
        """What is selected, as it crosses."""
        self._left = False
        self._started = False
        self._editor_gone = False
        """Is it told that the editor is gone? The log may have it before the turn."""

    # ── telling ──

    async def more(self) -> list[Told]:
        if not self._started:
            self._started = True
            self._rider.nursery.start_soon(self._live)
        await self._began.wait()
        if self._error is not None:
            raise self._error
        assert self._reader is not None and self._teller is not None
        told, self._first = self._first, []
        while not told and not self._teller.over:
            frames = await self._reader.page()
            for frame in frames:
                if self._is_new_step(frame):
                    await self._new_step(frame)
                if frame.type == LOST and not self._editor_gone:
                    lost = msgspec.json.decode(frame.data, type=AideEditorLost)
                    told += [(self._teller.reply, event) for event in self._teller.lost(lost.message)]
                if self._is_dropped(frame):
                    told += [(self._teller.reply, event) for event in self._teller.dropped()]
                told += [(self._teller.reply, event) for event in self._teller.tell(frame)]
            if not frames:
                raise Gone("The session has ended.")
        return _joined(told)

    def left(self) -> None:
        """The run goes on, unless the setting says otherwise."""
        self._left = True
        if self._rider.config.cancel_on_disconnect and self._turn:
            self._rider.nursery.start_soon(self._cancel)

    async def _cancel(self) -> None:
        if self._session is not None and self._session.turn is not None and self._session.turn.id == self._turn:
            with suppress(PillionError):
                await self._session.cancel(by="disconnect")

    def _is_dropped(self, frame: Frame) -> bool:
        """Will the turn never begin?"""
        return frame.type == DROPPED and msgspec.json.decode(frame.data, type=e.PromptDropped).prompt == self._turn

    def _is_new_step(self, frame: Frame) -> bool:
        return self._kind == "tool" and frame.type == "step.started" and frame.turn == self._turn

    async def _new_step(self, frame: Frame) -> None:
        """Each step but the first is an exchange of its own, if the editor gives it an id."""
        step = e.decode(frame.type, frame.data)
        assert self._teller is not None and self._session is not None and step is not None
        if step.step <= 1:
            return
        try:
            assert self._bridge is not None
            reply = await self._bridge.new_exchange()
        except EditorFailed:
            return
        self._teller.reply = self._bridge.reply = reply
        self._teller.new_step()
        with suppress(PillionError):
            await self._session.note(AideReplied(began=self._turn, reply=reply, at=step.step))

    # ── living ──

    async def _live(self) -> None:
        """Begins the turn, minds it, and forgets its key. Whatever goes wrong is told to who reads."""
        grant: Grant | None = None
        try:
            try:
                grant = await self._begin()
            except PillionError as error:
                self._error = error
                return
            finally:
                self._began.set()
            await self._mind()
        except PillionError as error:
            _log.warning("A turn of the editor's is not minded any more: %s", error)
        finally:
            if grant is not None and self._session is not None:
                await self._rider.grants.release(self._session.id, grant)

    async def _begin(self) -> Grant | None:
        rider, asked = self._rider, self._asked
        models, grant, roles = rider.config.model, None, dict[str, tuple[str, ...]]()
        chosen = wording.selection(asked) if self._kind == "edit" else None
        self._bridge = rider.bridge(asked.session_id, asked.editor_url)
        rider.nursery.start_soon(self._ask_reply)  # the editor answers while the session is looked up
        session = self._session = await rider.sessions.open(asked.session_id, self._folder)
        rider.build(self._bridge, session)
        self._bridge.devtools = asked.is_devtools_context
        if self._answers(session):
            await self._answer(session)
            return None
        if not models:
            said = asked.model_configuration
            slow = rider.target(said, said.slow_model)
            with suppress(PillionError):
                fast = rider.target(said, said.fast_model)
                roles = dict.fromkeys(SMALL if asked.semantic_search else EDITING, (fast.name,))
            grant = rider.grants.open([slow, *([fast] if roles else ())])
            models = slow.name
            if rider.config.fall_back:
                roles["default"] = rider.config.fall_back
            rider.grants.hold(session.id, grant)
        try:
            text, more = (asked.query, []) if chosen is None else await self._selection(session, chosen)
            shown = await self._shown(session, more)
            reply = await self._reply()
            await self._accept_open(session)
            images = await shrunk(wording.images(asked), rider.config.image_width)
            accepted = await session.prompt(
                text, images, strategy=self._strategy(), model=models, roles=roles, shown=shown
            )
            if grant is not None:
                grant.bind(accepted.turn)
            self._follow(session, accepted.turn, accepted.after, reply)
            assert self._teller is not None
            if self._selected is not None:
                self._told_of(self._selected, accepted.turn, reply)
            if asked.editor_url and self._bridge.why:
                self._editor_gone = True
                self._first += [(reply, event) for event in self._teller.lost(self._bridge.why)]
            if self._opening:
                self._first.append((reply, self._teller.open_with(self._opening)))
            await session.note(
                AideAsked(exchange=asked.exchange_id, began=accepted.turn, kind=self._kind),
                AideReplied(began=accepted.turn, reply=reply),
            )
        except BaseException:
            if grant is not None:
                with trio.CancelScope(shield=True):
                    await rider.grants.release(session.id, grant)
            raise
        if self._left:
            self.left()
        return grant

    def _strategy(self) -> str:
        thinks_first = self._asked.reasoning and ARCHITECT in self._rider.kernel.catalog.strategies
        return ARCHITECT if self._kind == "tool" and thinks_first else STRATEGY[self._kind]

    async def _shown(self, session: Session, more: Sequence[ContextReference]) -> Shown:
        """What the person has before them."""
        context = self._asked.user_context
        maybe = [one.fs_file_path for one in context.variables if not one.content]
        unclear, folders = list[str](), list[Folder]()
        if maybe or context.folder_paths:
            workspace = Ground(self._rider.kernel, session).workspace
            unclear = await folders_of(workspace, maybe)
            folders = await expanded(workspace, [*context.folder_paths, *unclear])
        told = wording.shown(self._asked, folders, unclear)
        return replace(told, context=(*more, *told.context))

    async def _selection(self, session: Session, chosen: Variable) -> tuple[str, list[ContextReference]]:
        """Finds what is to be edited; the prompt, and what else is told. Raises Unusable, ToolError."""
        assert self._bridge is not None
        ground = Ground(self._rider.kernel, session)
        self._selected, text = await widened(ground, chosen, self._bridge)
        self._range = lines_of(text, self._selected)
        diffs: list[str] = []
        with suppress(EditorFailed):
            diffs = [one.diff for one in await recent(self._bridge, ground.workspace.root)][:RECENT]
        return wording.edit(self._asked, self._selected, text), wording.beside(self._selected, text, diffs)

    def _told_of(self, selected: Selected, turn: str, reply: str) -> None:
        assert self._teller is not None
        self._rider.selections.put(turn, selected)
        path = f"{self._folder}/{selected.path}"
        edit = self._teller.edit = uievents.Edit(turn, selected.name, path, self._range)
        first = uievents.execution("Inference"), uievents.edits("Loading", [path]), edit.selected()
        self._first += [(reply, event) for event in first]

    def _follow(self, session: Session, turn: str, after: str, reply: str) -> None:
        self._turn = turn
        self._reader = session.follow(after)
        self._teller = Teller(self._asked.session_id, turn, self._kind, Path(self._folder), reply)
        self._teller.waits = frozenset({"write", "execute", "network"} - set(self._rider.config.approve))

    async def _ask_reply(self) -> None:
        """The id of the answer: the editor's, else one of ours."""
        assert self._bridge is not None
        try:
            self._id = await self._bridge.new_exchange()
        except EditorFailed as error:
            _log.info("The answer gets an id of ours: %s", error)
            self._id = secrets.token_hex(16)
        finally:
            self._replied.set()

    async def _reply(self) -> str:
        assert self._bridge is not None
        await self._replied.wait()
        self._bridge.reply = self._id
        return self._id

    def _answers(self, session: Session) -> bool:
        """Does the session wait for the answer to a question?"""
        return session.turn is not None and bool(session.questions.of(session.turn.id))

    async def _answer(self, session: Session) -> None:
        """The words are the answer to the running turn's question; it goes on, and keeps the key that it has."""
        assert session.turn is not None
        turn, after = session.turn.id, str(session.head)
        reply = await self._reply()
        await session.answer(session.questions.of(turn)[0], self._asked.query)
        self._follow(session, turn, after, reply)
        await session.note(AideReplied(began=turn, reply=reply))

    async def _accept_open(self, session: Session) -> None:
        """Who writes on has taken what there is."""
        book = await self._rider.books.of(session)
        for one in book.open():
            if one.kind == "edit":
                files = [f"{self._folder}/{path}" for path in book.files.get(one.turn, ())]
                self._first.append((one.id, uievents.edits("Accepted", files)))
            self._first.append((one.id, uievents.finished(self._asked.session_id, one.id)))
            await session.note(AideJudged(reply=one.id, state="Accepted"))

    async def _mind(self) -> None:
        """Answers the approvals that the setting answers, until the turn is over, or will never be."""
        assert self._session is not None and self._reader is not None
        session = self._session
        reader = session.follow(str(self._reader.cursor))
        while frames := await reader.events():
            for frame in frames:
                if self._is_dropped(frame):
                    await self.judge(session, lambda one: one == self._turn, "Cancelled")
                    return
                if frame.turn != self._turn:
                    continue
                if frame.type == "approval.wanted":
                    wanted = e.decode(frame.type, frame.data)
                    assert isinstance(wanted, e.ApprovalWanted)
                    if wanted.effect in self._rider.config.approve:
                        with suppress(Conflict, Gone, NotFound):
                            await session.decide(wanted.approval, "allow", by="rule")
                if frame.type == "turn.cancelled":
                    await self.judge(session, lambda one: one == self._turn, "Cancelled")
                if frame.type in ENDS:
                    return

    async def judge(self, session: Session, mine: Callable[[str], bool], state: State) -> Sequence[str]:
        """What became of the answers of those turns; their ids."""
        book = await self._rider.books.of(session)
        ids = [one.id for one in book.open() if mine(one.turn)]
        if ids:
            await session.note(*(AideJudged(reply=id, state=state) for id in ids))
        return ids


def _joined(told: Sequence[Told]) -> list[Told]:
    """Of a text that grew while nobody read, one event."""
    short: list[Told] = []
    for exchange, event in told:
        if short and short[-1][0] == exchange and (both := uievents.joined(short[-1][1], event)) is not None:
            short[-1] = (exchange, both)
        else:
            short.append((exchange, event))
    return short
