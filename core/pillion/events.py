"""The kernel's events and their codec. Fields are only ever added, with defaults; a new meaning is a new type.

Whole events are numbered and kept. Text that grows is an *item*: one event opens it (its number names the item),
deltas grow it, and one event closes it: `….finished` and `….interrupted` hold its whole text, `….voided` takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct

from .positions import TextEdit
from .roles import Roles
from .shown import ContextReference, SelectedCode
from .values import Limits, Message, Usage


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """A fact in a session's log. A plugin's own is `class PlanDrawn(Event, frozen=True, tag="plan.drawn")`.

    `step` numbers the step of the turn, from 1; 0: outside any step.
    """

    opens: ClassVar[str] = ""
    """What grows from here: the type of its deltas."""
    closes: ClassVar[bool] = False

    step: int = 0


def type_of(event: Event | type[Event]) -> str:
    """The event's dotted name."""
    tag = event.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


class ImageRef(Struct, frozen=True, tag="image_ref"):
    """An image stored once: `hash` is the SHA-256 (hex) of its bytes, `size` their number."""

    media_type: str
    hash: str
    size: int


class TextRef(Struct, frozen=True):
    """A long text stored once: `hash` is the SHA-256 (hex) of its UTF-8, `size` the number of those bytes."""

    hash: str
    size: int
    characters: int


# ── the session ──


class SessionOpened(Event, frozen=True, tag="session.opened"):
    """Always event 1."""

    workspace: str
    model: str = ""
    strategy: str = ""
    labels: Mapping[str, str] = {}
    parent: str = ""
    trusted: bool = False
    limits: Limits | None = None
    roles: Roles = {}


class SessionChanged(Event, frozen=True, tag="session.changed"):
    """What the session is called or answers with, from now on; null is as before. A running turn keeps its model.

    `archived`: it is put aside, or taken up again.
    """

    title: str | None = None
    labels: Mapping[str, str] | None = None
    model: str | None = None
    strategy: str | None = None
    archived: bool | None = None
    roles: Roles | None = None


class SessionSeeded(Event, frozen=True, tag="session.seeded"):
    """The conversation begins with these messages; a child's, from its parent."""

    messages: tuple[Message, ...]


class SessionForked(Event, frozen=True, tag="session.forked"):
    """The conversation begins as that of session `origin` was behind its event `at`; that session may be gone.

    `messages` are those, in order: each the SHA-256 (hex) of a message's JSON, which is kept once for all sessions.
    `outputs` are the whole results, by call, of which the messages hold beginning and end.
    """

    origin: str
    at: int
    messages: tuple[str, ...]
    outputs: dict[str, TextRef] = {}


class SessionRewound(Event, frozen=True, tag="session.rewound"):
    """The conversation is from now on what it was behind event `to`; what came since stays in the log.

    Where a turn or a step began next behind that event it is exact, else the last such place before it counts. A later
    event may take it forward again, to what it was before this one.
    """

    to: int


class PromptQueued(Event, frozen=True, tag="prompt.queued"):
    """A prompt is accepted; `prompt` is the id of the turn it will start, unless it joins the running turn `joins`.

    With `tool` it is one call of that tool, with `arguments` (JSON), and no part of the conversation; without a tool
    they are for the strategy, and it is no part of the conversation either. `schema` is the
    JSON Schema that the turn's answer must fit. With `resumes`, the id of a turn that was interrupted or failed, it has
    no words of a person: that turn is gone on with. `open_files` (paths), `selected_code` and `context` are what the
    person had before them; the model is told of it before `text`.
    """

    prompt: str
    text: str
    images: tuple[ImageRef, ...] = ()
    model: str = ""
    strategy: str = ""
    when: str = "queue"
    joins: str = ""
    tool: str = ""
    arguments: str = ""
    schema: Mapping[str, Any] | None = None
    resumes: str = ""
    roles: Roles = {}
    open_files: tuple[str, ...] = ()
    selected_code: tuple[SelectedCode, ...] = ()
    context: tuple[ContextReference, ...] = ()


class PromptJoined(Event, frozen=True, tag="prompt.joined"):
    """A waiting prompt became the user's next message in this turn; `when`: steer, break."""

    prompt: str
    when: str


class PromptDropped(Event, frozen=True, tag="prompt.dropped"):
    """A waiting prompt will not run; `why`: withdrawn, imported (it came with a session from elsewhere), or
    store_failed (it was refused, and the store had kept it).
    """

    prompt: str
    why: str


class ChildStarted(Event, frozen=True, tag="child.started"):
    """A turn opened a session of its own."""

    child: str
    title: str = ""


class ChildFinished(Event, frozen=True, tag="child.finished"):
    """The child is over; `usage` is what it used, which counts in this turn, too."""

    child: str
    usage: Usage = Usage()


class ChildInterrupted(Event, frozen=True, tag="child.interrupted"):
    """The child was ended before it was done, since the turn that opened it ended, or the process did."""

    child: str


# ── the turn ──


class TurnStarted(Event, frozen=True, tag="turn.started"):
    """The turn of a prompt begins, with what was chosen for it."""

    prompt: str
    strategy: str
    model: str
    limits: Limits = Limits()


class TurnStopping(Event, frozen=True, tag="turn.stopping"):
    """Somebody asked the turn to stop; `turn.cancelled` follows when nothing of it is left."""

    by: str = ""


class TurnCancelled(Event, frozen=True, tag="turn.cancelled"):
    """The turn has stopped, and nothing of it is left; `usage` is what it used."""

    usage: Usage = Usage()
    leftovers: bool = False
    """A plugin did not let go in time; what it still runs can no longer write here."""


class TurnInterrupted(Event, frozen=True, tag="turn.interrupted"):
    """The process ended in mid-turn; written by the one that opened the log again."""


class TurnFailed(Event, frozen=True, tag="turn.failed"):
    """`code` names the error for programs, `message` says it to people."""

    code: str
    message: str
    retryable: bool = False
    usage: Usage = Usage()


class TurnFinished(Event, frozen=True, tag="turn.finished"):
    """`reason`: done, question, limit:steps, limit:seconds, limit:tokens, limit:cost, or limit: and a plugin's budget.

    `answer`: the JSON value that the prompt's `schema` asked for; left out where there is none.
    """

    reason: str = "done"
    steps: int = 0
    usage: Usage = Usage()
    answer: Any = msgspec.UNSET


class StepStarted(Event, frozen=True, tag="step.started"):
    """The model is asked."""

    model: str


class UsageRecorded(Event, frozen=True, tag="usage.recorded"):
    """What one model call used; `role` is set for calls that are not history.

    `seconds` it took, `first` of them until the first piece came; `finish` as in `message.finished`, `error` the code
    of one that failed, or `cancelled`: it is told with the turn's end. `request` and `answer` name what was sent and
    what came (SHA-256, hex), where `defaults.keep_requests` has it kept: first the system prompt and tools, then each
    message.
    """

    model: str
    usage: Usage
    role: str = ""
    seconds: float = 0.0
    first: float = 0.0
    finish: str = ""
    error: str = ""
    request: tuple[str, ...] = ()
    answer: str = ""


class ModelPassedOver(Event, frozen=True, tag="model.passed_over"):
    """`model` could not answer, with the error `code` and because of `why`; the call goes to the model `next`.

    What it had said is voided. `role` is set for calls that are not history.
    """

    model: str
    code: str
    why: str
    next: str
    role: str = ""


class ModelTold(Event, frozen=True, tag="model.told"):
    """The runtime says `text` to the model, in a message of the user that no person wrote.

    `why`: `resume`, after the answer to a `break`; `restart`, the turn goes on with one that did not come to its end;
    `schema`, the answer is to be JSON; `misfit`, it did not fit.
    """

    text: str
    why: str


class HistoryCompacted(Event, frozen=True, tag="history.compacted"):
    """From now on models are sent less of the conversation than the log has.

    `text` is sent instead of the first `messages` messages, of which those numbered in `kept`, from 0, stand before it
    as they are. Tools' results in the messages before number `shortened` are sent up to `characters` each. What is
    sent had `before` tokens and has `after`, counted `by`. `why`: `window`, it would soon be too long; `overflow`, the
    vendor said that it is; `asked`. `model` wrote the summary; `""`: it was left to code, since none could.
    """

    messages: int
    text: str
    before: int
    after: int
    by: str
    why: Literal["window", "overflow", "asked"]
    model: str = ""
    kept: tuple[int, ...] = ()
    shortened: int = 0
    characters: int = 0


class HistoryCompactionFailed(Event, frozen=True, tag="history.compaction_failed"):
    """The conversation, of `before` tokens, could not be made shorter: it is sent as before. `code` names the error."""

    why: Literal["window", "overflow", "asked"]
    code: str
    message: str
    before: int


class MessageFinished(Event, frozen=True, tag="message.finished"):
    """The model's message is whole: its parts are `items`, in order."""

    items: tuple[int, ...]
    finish: Literal["stop", "tool_calls", "length", "filtered"]


# ── items: text, thinking, a call's arguments, a tool's output ──


class Closing(Event, frozen=True):
    closes: ClassVar[bool] = True
    item: int


class TextStarted(Event, frozen=True, tag="text.started"):
    """The model begins to speak."""

    opens: ClassVar[str] = "text.delta"


class TextFinished(Closing, frozen=True, tag="text.finished"):
    """`text` is all that the item grew to."""

    text: str


class TextInterrupted(Closing, frozen=True, tag="text.interrupted"):
    """The model was stopped; `text` is what there was."""

    text: str


class TextVoided(Closing, frozen=True, tag="text.voided"):
    """What the item grew to is taken back: the model begins again, because of `why`."""

    why: str = ""


class ThinkingStarted(Event, frozen=True, tag="thinking.started"):
    """The model begins to think."""

    opens: ClassVar[str] = "thinking.delta"


class ThinkingFinished(Closing, frozen=True, tag="thinking.finished"):
    """`text` is all of it; `signature` is the vendor's seal."""

    text: str
    signature: str = ""


class ThinkingInterrupted(Closing, frozen=True, tag="thinking.interrupted"):
    """The model was stopped; `text` is what there was."""

    text: str


class ThinkingVoided(Closing, frozen=True, tag="thinking.voided"):
    """What the item grew to is taken back."""

    why: str = ""


class CallStarted(Event, frozen=True, tag="call.started"):
    """The model begins to write a tool call; its arguments grow."""

    opens: ClassVar[str] = "call.delta"
    call: str
    tool: str


class CallFinished(Closing, frozen=True, tag="call.finished"):
    """`text` is the arguments' JSON as the model wrote it."""

    call: str
    tool: str
    text: str


class CallInterrupted(Closing, frozen=True, tag="call.interrupted"):
    """The model was stopped; `text` is what there was of the arguments. The call is not run."""

    text: str


class CallVoided(Closing, frozen=True, tag="call.voided"):
    """The call is taken back, and not run."""

    why: str = ""


class ToolStarted(Event, frozen=True, tag="tool.started"):
    """The runtime takes up a call; its shown output grows. Policies, approval and the run follow."""

    opens: ClassVar[str] = "tool.output"
    call: str
    tool: str
    effect: str = ""


class ToolFinished(Closing, frozen=True, tag="tool.finished"):
    """The one result of a call. `text` is what the model reads; `code` names the failure when `error`. Where `text` is
    only its beginning and end, `whole` is where the rest is: `GET …/outputs/{call}`."""

    call: str
    tool: str
    text: str
    error: bool = False
    code: str = ""
    images: tuple[ImageRef, ...] = ()
    seconds: float = 0.0
    whole: TextRef | None = None


class ToolInterrupted(Closing, frozen=True, tag="tool.interrupted"):
    """The call was running when its turn or the process ended; this is its result."""

    call: str
    tool: str
    text: str


# ── approvals, questions, files ──


class ApprovalWanted(Event, frozen=True, tag="approval.wanted"):
    """In the root session's log. `preview` is the diff or command; `deadline` is ms since 1970, `default` follows it.

    `path` holds the ids of the sessions from the root's child down to the one that asks. `rule` is what allowing it
    `always` adds to the user's settings; left out, it can't be allowed always.
    """

    approval: str
    call: str
    tool: str
    effect: str
    reason: str
    preview: str
    deadline: int
    default: Literal["deny"] = "deny"
    path: tuple[str, ...] = ()
    rule: Mapping[str, Any] = {}


class ApprovalDecided(Event, frozen=True, tag="approval.decided"):
    """`by`: person, flag, rule, deadline, cancel, restart, break."""

    approval: str
    decision: Literal["allow", "deny"]
    by: str
    reason: str = ""
    remember: Literal["once", "session", "always"] = "once"


class QuestionAsked(Event, frozen=True, tag="question.asked"):
    """In the root session's log: the person is asked. `deadline` is ms since 1970; `path` as in `approval.wanted`.

    `free`: any text is an answer, else one of `options`. `default` is what counts without an answer; null: nothing.
    `call` is the tool call that asks, if one does.
    """

    question: str
    text: str
    deadline: int
    options: tuple[str, ...] = ()
    free: bool = True
    default: str | None = None
    call: str = ""
    path: tuple[str, ...] = ()


class QuestionAnswered(Event, frozen=True, tag="question.answered"):
    """`answer` is null where nobody gave one. `by`: person, flag, deadline, cancel, restart, break."""

    question: str
    answer: str | None
    by: str


class FileChanged(Event, frozen=True, tag="file.changed"):
    """`diff` is unified, with `a/` and `b/`; `hash` is of the new content, "" when the file is gone.

    `before` names the blob with what was there, at the session's first change of that file; else, and where it is too
    large to be kept, "".
    """

    path: str
    kind: Literal["created", "changed", "deleted"]
    diff: str
    added: int = 0
    removed: int = 0
    hash: str = ""
    call: str = ""
    before: str = ""


class FileUnsaved(Event, frozen=True, tag="file.unsaved"):
    """From now on tools see an editor's unsaved text of the file, at first the one with this hash (SHA-256, hex, of
    UTF-8); `""`: from now on they see the disk's again. What the text is later says no event.
    """

    path: str
    hash: str = ""
    version: int | None = None


class FileEditWanted(Event, frozen=True, tag="file.edit_wanted"):
    """A tool changed a text that is unsaved in an editor: the disk is as it was, and the editor is to apply `edits`.

    They speak of the text whose hash is `before`, and lead to the one whose hash is `after` (SHA-256, hex, of UTF-8).
    `version` is the editor's number of the text before, where it gave one. Positions are 0-based, characters being
    UTF-16 code units, as in LSP.
    """

    path: str
    edits: tuple[TextEdit, ...]
    before: str
    after: str
    version: int | None = None


# ── facts that need not last: shown as `seq.n`, never replayed ──


class ModelWaiting(Event, frozen=True, tag="model.waiting"):
    """The model call waits `seconds` because of `why`."""

    seconds: float
    why: str


class HistoryCompacting(Event, frozen=True, tag="history.compacting"):
    """The conversation, of `before` tokens, is being made shorter; `why` as in `history.compacted`, which follows, or
    `history.compaction_failed`.
    """

    why: Literal["window", "overflow", "asked"]
    before: int


class ToolProgress(Event, frozen=True, tag="tool.progress"):
    """How far a tool is."""

    call: str
    note: str
    done: float | None = None
    """A share, 0 to 1."""


class LogStalled(Event, frozen=True, tag="log.stalled"):
    """The store can't keep what happens now; `message` says why, and the way out. It is tried again."""

    message: str


LASTING: tuple[type[Event], ...] = (
    SessionOpened, SessionChanged, SessionSeeded, SessionForked, SessionRewound, PromptQueued,
    PromptJoined, PromptDropped,
    ChildStarted, ChildFinished, ChildInterrupted,
    TurnStarted, TurnStopping, TurnCancelled, TurnInterrupted, TurnFailed, TurnFinished,
    StepStarted, UsageRecorded, ModelPassedOver, ModelTold, MessageFinished,
    HistoryCompacted, HistoryCompactionFailed,
    TextStarted, TextFinished, TextInterrupted, TextVoided,
    ThinkingStarted, ThinkingFinished, ThinkingInterrupted, ThinkingVoided,
    CallStarted, CallFinished, CallInterrupted, CallVoided,
    ToolStarted, ToolFinished, ToolInterrupted,
    ApprovalWanted, ApprovalDecided, QuestionAsked, QuestionAnswered, FileChanged, FileUnsaved,
    FileEditWanted,
)  # fmt: skip
PASSING: tuple[type[Event], ...] = (ModelWaiting, HistoryCompacting, ToolProgress, LogStalled)
TURN_ENDS = (TurnCancelled, TurnInterrupted, TurnFailed, TurnFinished)

_encoder = msgspec.json.Encoder()
_decoders = {type_of(kind): msgspec.json.Decoder(kind) for kind in LASTING + PASSING}


def encode(event: Event) -> bytes:
    """The event's JSON object, `type` first, without the envelope. A lone surrogate becomes `?`."""
    return as_json(event)


def as_json(value: object) -> bytes:
    """Any of our values as JSON; a lone surrogate in it becomes `?`."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_mended(msgspec.to_builtins(value)))


def mended(text: str) -> str:
    """`text` as it can be written: a lone surrogate, which no encoding has, becomes `?`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _mended(value: Any) -> Any:
    match value:
        case str():
            return mended(value)
        case dict():
            return {_mended(key): _mended(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_mended(inner) for inner in value]
        case _:
            return value


def is_own(type: str) -> bool:
    """Is it the name of one of the kernel's?"""
    return type in _decoders


def decode(type: str, data: bytes) -> Event | None:
    """The kernel's event, or None where the type is a plugin's. Raises msgspec.ValidationError on nonsense."""
    decoder = _decoders.get(type)
    event: Any = decoder.decode(data) if decoder else None
    assert event is None or isinstance(event, Event)
    return event
