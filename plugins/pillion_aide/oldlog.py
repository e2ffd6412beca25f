"""A session of the sidecar's as a log of Pillion's: the file that an import takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import msgspec

from pillion import Event
from pillion import events as e
from pillion.portable import FORMAT, VERSION, End, Entry, Kept, Piece, Start, encode

from . import wording
from .asked import Chat, ModelConfiguration
from .events import AideAsked, AideJudged, AideMoved, AideReplied, Kind, State
from .oldsession import OldExchange, OldSession, tagged, text
from .oldtools import SAID, called
from .sessions import LABEL, id_of

TITLE = 80
STATES: Mapping[str, State] = {state: state for state in get_args(State)}
LACKS = "The session's file holds no result of this call."
KINDS: Mapping[str, Kind] = {"HumanChat": "chat", "Edit": "edit", "Plan": "chat"}


def lines(session: OldSession, moment: int) -> Iterator[bytes]:
    """The export of it, line by line; `moment` is when it was last written, ms since 1970."""
    return _Log(session, moment).lines()


class _Log:
    def __init__(self, session: OldSession, moment: int) -> None:
        self._session, self._moment = session, moment
        self._lines: list[bytes] = []
        self._seq = 0
        self._blobs: set[str] = set()
        self._turn = ""
        self._step = 0
        self._kept = 0
        """The event behind which a run of compressed exchanges began; 0: none."""
        self._queued = 0
        """That of the last prompt; its turn begins behind it."""

    def lines(self) -> Iterator[bytes]:
        old = self._session
        title = next((one.query for one in old.exchanges if one.person and one.query), "")
        labels = {LABEL: old.session_id}
        kept = Kept(
            id_of(old.session_id), old.folder, self._moment, title=" ".join(title.split())[:TITLE], labels=labels
        )
        self._lines.append(encode(Start(FORMAT, VERSION, kept)))
        self._add(e.SessionOpened(workspace=old.folder, labels=labels))
        places: dict[int, int] = {}
        """By exchange, the event behind which its turn or step began."""
        for number, exchange in enumerate(old.exchanges):
            self._compressed(exchange)
            places[number] = self._seq
            if exchange.person:
                self._end(self._outcome(number))
                self._begin(exchange, number, KINDS[exchange.kind])
                places[number] = self._queued
                if exchange.is_compressed and not self._kept:
                    self._kept = self._queued
            else:
                self._answer(exchange, number)
        self._end(self._outcome(len(old.exchanges)))
        self._compressed(None)
        self._hide(places)
        self._lines.append(encode(End(len(self._lines))))
        yield from self._lines

    # ── exchanges ──

    def _begin(self, one: OldExchange, number: int, kind: Kind) -> None:
        """A turn, with what the person said."""
        later = self._session.exchanges[number + 1 :]
        first = next((next_ for next_ in later if next_.person or next_.kind == "AgentChat"), None)
        if kind == "chat" and first is not None and tagged(first.payload.get("reply"))[0] == "Tool":
            kind = "tool"
        self._turn = hashlib.sha256(f"{self._session.session_id}/{number}".encode()).hexdigest()[:32]
        self._step = 0
        chat = Chat(
            session_id=self._session.session_id,
            exchange_id=one.exchange_id,
            editor_url="",
            query=one.query,
            user_context=one.context,
            repo_ref=self._session.repo_ref,
            root_directory=self._session.folder,
            model_configuration=ModelConfiguration(),
            project_labels=self._session.project_labels,
        )
        shown = wording.shown(chat)
        images = []
        for image in wording.images(chat):
            name = hashlib.sha256(image.data).hexdigest()
            if name not in self._blobs:
                self._blobs.add(name)
                self._lines.append(encode(Piece(name, image.data)))
            images.append(e.ImageRef(image.media_type, name, len(image.data)))
        queued = e.PromptQueued(
            prompt=self._turn,
            text=one.query,
            images=tuple(images),
            selected_code=shown.selected_code,
            context=shown.context,
        )
        turn, self._turn = self._turn, ""
        self._queued = self._add(queued)
        self._turn = turn
        strategy = "agent" if kind == "tool" else "chat"
        self._add(e.TurnStarted(prompt=turn, strategy=strategy, model=""))
        self._add(AideAsked(exchange=one.exchange_id, began=turn, kind=kind))

    def _answer(self, one: OldExchange, number: int) -> None:
        if one.kind == "ToolOutput":
            return  # stands with its call
        if not self._turn:  # an answer to nothing
            self._begin(OldExchange(one.exchange_id + ".asked", {"HumanChat": {}}), number - 1, "chat")
        kind, reply = tagged(one.payload.get("reply"))
        self._step += 1
        self._add(e.StepStarted(step=self._step, model=""))
        self._add(AideReplied(began=self._turn, reply=one.exchange_id, at=self._step))
        if kind == "Tool":
            self._call(one, reply, number)
        else:
            self._message(_words(kind, reply, one))
        if (state := STATES.get(one.exchange_state)) is not None:
            self._add(AideJudged(reply=one.exchange_id, state=state))

    def _message(self, words: str, calls: Sequence[tuple[str, str, str]] = ()) -> None:
        """What the model said, and called: id, tool, arguments."""
        items = []
        if words or not calls:
            items.append(self._add(e.TextStarted(step=self._step)))
            self._add(e.TextFinished(item=items[-1], text=words, step=self._step))
        for id, tool, arguments in calls:
            items.append(self._add(e.CallStarted(step=self._step, call=id, tool=tool)))
            self._add(e.CallFinished(item=items[-1], call=id, tool=tool, text=arguments, step=self._step))
        finish = "tool_calls" if calls else "stop"
        self._add(e.MessageFinished(step=self._step, items=tuple(items), finish=finish))  # type: ignore[arg-type]

    def _call(self, one: OldExchange, reply: Mapping[str, Any], number: int) -> None:
        name, given = tagged(reply.get("tool_input_partial"))
        thought = text(reply.get("thinking"))
        if not name:
            self._message("\n\n".join(filter(None, (thought, _raw(reply)))))
            return
        if name in SAID:
            self._message("\n\n".join(filter(None, (thought, text(given.get(SAID[name]))))))
            return
        tool, arguments = called(name, given)
        id = f"call_{self._turn[:12]}_{self._step}"
        self._message(thought, [(id, tool, msgspec.json.encode(arguments).decode())])
        item = self._add(e.ToolStarted(step=self._step, call=id, tool=tool))
        output = self._output(one, text(reply.get("tool_use_id")), number)
        said = {"text": LACKS, "error": True, "code": "tool"} if output is None else {"text": output}
        self._add(e.ToolFinished(step=self._step, item=item, call=id, tool=tool, **said))

    def _output(self, one: OldExchange, use: str, number: int) -> str | None:
        """The result: the next output that is its own, before the person speaks."""
        for later in self._session.exchanges[number + 1 :]:
            if later.person or later.kind == "AgentChat":
                return None
            said = later.payload
            if later.kind == "ToolOutput" and (not use or said.get("tool_use_id") in (use, "", None)):
                return text(said.get("output"))
        return None

    def _outcome(self, number: int) -> str:
        """The state of the last answer before that exchange."""
        before = [one for one in self._session.exchanges[:number] if one.kind == "AgentChat"]
        return before[-1].exchange_state if before else ""

    def _end(self, state: str) -> None:
        if self._turn:
            self._add(e.TurnCancelled() if state == "Cancelled" else e.TurnFinished(steps=self._step))
            self._turn = ""

    # ── what is left out of the conversation ──

    def _compressed(self, one: OldExchange | None) -> None:
        """A run of compressed exchanges stays in the log alone: behind it the conversation is what it was before."""
        if self._kept and (one is None or (one.person and not one.is_compressed)):
            self._end("")
            self._add(e.SessionRewound(to=self._kept))
            self._kept = 0

    def _hide(self, places: Mapping[int, int]) -> None:
        """Those behind a checkpoint: they come back when the person goes forward again."""
        hidden = [number for number, one in enumerate(self._session.exchanges) if one.is_hidden]
        if not hidden:
            return
        self._add(e.SessionRewound(to=places[hidden[0]]))
        target = self._session.exchanges[max(hidden[0] - 1, 0)]
        self._add(AideMoved(exchange=target.exchange_id))

    def _add(self, event: Event) -> int:
        self._seq += 1
        data = msgspec.Raw(e.encode(event))
        self._lines.append(encode(Entry(self._seq, e.type_of(event), self._turn, self._moment, data)))
        return self._seq


def _words(kind: str, reply: Mapping[str, Any], one: OldExchange) -> str:
    match kind:
        case "Chat":
            return text(reply.get("reply"))
        case "Edit":
            return f"```diff\n{text(reply.get('edits_made_diff'))}\n```"
        case "Plan":
            steps = [step for step in reply.get("plan_steps") or () if isinstance(step, dict)]
            told = [
                f"## {n}. {text(step.get('title'))}\n\n{text(step.get('description'))}"
                for n, step in enumerate(steps, 1)
            ]
            return "\n\n".join(["The plan was dropped."] * bool(reply.get("plan_discarded")) + told) or _raw(reply)
        case _:
            return _raw(one.exchange_type)


def _raw(value: Any) -> str:
    """What is not known, as it stands in the file."""
    return f"```json\n{msgspec.json.encode(value).decode()}\n```"
