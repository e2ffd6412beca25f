"""What an event refers to beyond its own log: blobs by their hash, sessions by their id."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import structs

from . import events as e

HOLDS_BLOBS = (e.PromptQueued, e.ToolFinished, e.SessionForked, e.UsageRecorded, e.FileChanged)
HOLDS_SESSIONS = (
    e.SessionOpened, e.SessionForked, e.ChildStarted, e.ChildFinished, e.ChildInterrupted, e.ApprovalWanted,
    e.QuestionAsked,
)  # fmt: skip


def blobs(event: e.Event | None) -> tuple[str, ...]:
    """The hashes of all blobs that it names."""
    match event:
        case e.PromptQueued():
            return tuple(image.hash for image in event.images)
        case e.ToolFinished(whole=whole):
            return (*(image.hash for image in event.images), *([whole.hash] if whole else ()))
        case e.SessionForked():
            return (*event.messages, *(whole.hash for whole in event.outputs.values()))
        case e.UsageRecorded():
            return (*event.request, event.answer) if event.answer else event.request
        case e.FileChanged():
            return (event.before,) if event.before else ()
        case _:
            return ()


def needs_blobs(event: e.Event | None) -> bool:
    """Is the conversation lost without them? What was sent to a model and came, and what a file was, is kept for those
    who look alone."""
    return not isinstance(event, e.UsageRecorded | e.FileChanged)


def readdressed(event: e.Event, session: Callable[[str], str], renamed: Mapping[str, str]) -> e.Event:
    """The event with other ids for the sessions of its own tree, and with the hashes of `renamed` replaced.

    Pictures keep theirs: nothing in them is changed.
    """

    def named(hash: str) -> str:
        return renamed.get(hash, hash)

    def moved(whole: e.TextRef) -> e.TextRef:
        return structs.replace(whole, hash=named(whole.hash))

    match event:
        case e.SessionOpened(parent=str(parent)) if parent:
            return structs.replace(event, parent=session(parent))
        case e.SessionForked():
            outputs = {call: moved(whole) for call, whole in event.outputs.items()}
            return structs.replace(event, messages=tuple(map(named, event.messages)), outputs=outputs)
        case e.ToolFinished(whole=e.TextRef() as whole):
            return structs.replace(event, whole=moved(whole))
        case e.UsageRecorded():
            return structs.replace(event, request=tuple(map(named, event.request)), answer=named(event.answer))
        case e.FileChanged():
            return structs.replace(event, before=named(event.before))
        case e.ChildStarted() | e.ChildFinished() | e.ChildInterrupted():
            return structs.replace(event, child=session(event.child))
        case e.ApprovalWanted() | e.QuestionAsked():
            return structs.replace(event, path=tuple(map(session, event.path)))
        case _:
            return event
