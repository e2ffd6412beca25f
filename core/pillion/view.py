"""What is sent of a conversation, given its messages and where it is cut. Pure: the same gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from .contracts.compactor import Cut
from .events import HistoryCompacted
from .values import Message, Part, Text, ToolResult

WHOLE = Cut()
"""Nothing is left out."""
LEFT_OUT = "[{} more characters are left out here: the conversation became too long.]"


def cut_of(event: HistoryCompacted | None) -> Cut:
    """What is sent since that event."""
    if event is None:
        return WHOLE
    return Cut(event.messages, event.text, event.model, event.kept, event.shortened, event.characters)


def with_task(cut: Cut, task: Sequence[int]) -> Cut:
    """The cut that leaves the messages of the open task as they are."""
    return structs.replace(cut, kept=tuple(n for n in task if n < cut.messages))


def head(messages: Sequence[Message], cut: Cut) -> list[Message]:
    """What stands before the messages that are sent as they are. The text comes behind what it is later than."""
    said = [Message("user", (Text(cut.text),))] if cut.text else []
    return [*(messages[n] for n in cut.kept), *said, *(briefly(m, cut.characters) for m in _brief(messages, cut))]


def view(messages: Sequence[Message], cut: Cut) -> list[Message]:
    """All that is sent."""
    return [*head(messages, cut), *messages[tail(cut) :]]


def tail(cut: Cut) -> int:
    """The number of the first message from which on all are sent as they are."""
    return max(cut.messages, cut.shortened)


def starts(messages: Sequence[Message]) -> list[int]:
    """The numbers of messages that what is sent may begin with: those that hold no result of a call before."""
    return [n for n, message in enumerate(messages) if not any(isinstance(p, ToolResult) for p in message.parts)]


def briefly(message: Message, characters: int) -> Message:
    """The message with results of so many characters, and without their pictures; the same where it has no longer."""
    parts = tuple(_short(part, characters) for part in message.parts)
    return message if parts == message.parts else Message(message.role, parts)


def _brief(messages: Sequence[Message], cut: Cut) -> Sequence[Message]:
    return messages[cut.messages : cut.shortened]


def _short(part: Part, characters: int) -> Part:
    if not isinstance(part, ToolResult) or (len(part.text) <= characters and not part.images):
        return part
    text = part.text
    if len(text) > characters:
        text = f"{text[:characters]}\n{LEFT_OUT.format(len(text) - characters)}"
    return structs.replace(part, text=text, images=())
