"""A conversation as it is read afterwards: who said what, which tools were called, and what they answered."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pillion.values import Message, Text, Thinking, ToolCall, ToolResult

from .screen import clean, one_line
from .transcript import call_title

if TYPE_CHECKING:
    from rich.console import Console


def print_conversation(info: dict[str, Any], messages: Sequence[Message]) -> None:
    """Laid out on a terminal, plain where it is piped."""
    facts = " · ".join([info["id"], info["workspace"], info["model"] or "auto", info["state"], *_end(info)])
    if not sys.stdout.isatty():
        print(*([info["title"]] if info["title"] else []), facts, sep="\n")
        for mark, text in lines(messages):
            print(f"\n{mark} {text}" if mark == ">" else f"{mark} {text}" if mark else f"\n{text}")
        return
    from rich.text import Text as Line

    from .terminal import console

    out = console()
    if info["title"]:
        out.print(Line(clean(info["title"]), "bold"))
    out.print(Line(facts, "dim"))
    print_entries(out, list(lines(messages)))


def _end(info: dict[str, Any]) -> list[str]:
    """How the last turn ended, and how to go on with one that was not brought to its end."""
    last = info.get("last_turn")
    if last is None:
        return []
    said = f"last turn: {last['ended']}" + (f" ({last['reason']})" if last["reason"] else "")
    if last["message"]:
        said += f": {one_line(last['message'], 200)}"
    return [said, *([f"`pillion sessions resume {info['id'][:8]}` goes on with it"] if last["resumable"] else [])]


def print_entries(out: Console, entries: Sequence[tuple[str, str]]) -> None:
    """What `lines` gives, laid out."""
    from rich.text import Text as Line

    from .terminal import markdown

    for mark, text in entries:
        match mark:
            case ">":
                out.print()
                out.print(Line.assemble(("› ", "cyan"), (text, "bold")))
            case "●" | "✗":
                out.print(Line.assemble((f"{mark} ", "green" if mark == "●" else "red"), text))
            case _:
                out.print()
                out.print(markdown(text))


def last_exchange(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """The last prompt, and what came of it."""
    entries = list(lines(messages))
    begin = max((at for at, (mark, _) in enumerate(entries) if mark == ">"), default=0)
    return entries[begin:]


def lines(messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """Mark and text of each entry: `>` a prompt, `●` a call that went well, `✗` one that did not, `""` an answer."""
    results = {part.call: part for message in messages for part in message.parts if isinstance(part, ToolResult)}
    for message in messages:
        for part in message.parts:
            match part:
                case Text(text=text) if text.strip():
                    yield (">" if message.role == "user" else ""), clean(text.strip())
                case ToolCall():
                    result = results.get(part.id)
                    failed = result is not None and result.error
                    said = f": {one_line(result.text, 120)}" if result and failed else ""
                    yield ("✗" if failed else "●"), call_title(part.name, part.arguments) + said
                case Thinking() | ToolResult() | Text():
                    pass
                case _:
                    yield "", f"[{type(part).__name__.lower()}]"
