"""The commands of a chat: `/model`, `/sessions`, …"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from pillion.errors import PillionError

from .ages import age
from .picking import described, named
from .screen import count, money
from .talk import Talk

SHOWN = 10
"""Sessions that /sessions lists."""


class Slash(NamedTuple):
    """What a command takes and does."""

    takes: str
    help: str
    run: Callable[[Talk, str], Awaitable[None]]


async def obey(talk: Talk, line: str) -> bool:
    """Does what `line` says; False: leave. What goes wrong is told."""
    name, _, rest = line[1:].partition(" ")
    if name in ("quit", "exit"):
        return False
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        talk.tell(f"There is no /{name}. " + (f"Did you mean /{near[0]}?" if near else "/help tells what there is."))
        return True
    try:
        await COMMANDS[name].run(talk, rest.strip())
    except PillionError as error:
        talk.tell(f"pillion: {error}")
    return True


async def _help(talk: Talk, _: str) -> None:
    told = [(f"  /{name} {slash.takes}", slash.help) for name, slash in COMMANDS.items()]
    talk.table([*told, ("  /quit", "Leave, as Ctrl-D does.")])


async def _model(talk: Talk, name: str) -> None:
    known = await talk.source.models()
    if not name:
        talk.tell(f"Now: {talk.order.wish.model or 'the default'}. There are: {', '.join(m.name for m in known)}.")
        return
    wish = msgspec.structs.replace(talk.order.wish, model=name)
    talk.order = msgspec.structs.replace(talk.order, wish=wish)
    new = "" if any(model.name == name for model in known) else " No table knows it; the vendor will say."
    talk.tell(f"{name} answers from the next prompt on.{new}")


async def _strategy(talk: Talk, name: str) -> None:
    if not name:
        talk.tell(f"Now: {talk.order.wish.strategy or 'what suits the model'}.")
        return
    wish = msgspec.structs.replace(talk.order.wish, strategy=name)
    talk.order = msgspec.structs.replace(talk.order, wish=wish)
    talk.tell(f"{name} runs the next prompt.")


async def _tools(talk: Talk, _: str) -> None:
    talk.table([(f"  {tool['name']}", tool["effect"], tool["description"]) for tool in await talk.source.tools()])


async def _sessions(talk: Talk, _: str) -> None:
    page = await talk.source.sessions(limit=SHOWN)
    if not page.data:
        talk.tell("There is none yet.")
        return
    marks = ["*" if session["id"] == talk.order.session else " " for session in page.data]
    talk.table(
        [
            (f"{mark} {session['id'][:8]}", age(session["updated"]), described(session))
            for mark, session in zip(marks, page.data, strict=True)
        ]
    )


async def _resume(talk: Talk, id: str) -> None:
    if not id:
        talk.tell("Which one? /sessions lists them; the beginning of an id is enough.")
        return
    session = await talk.source.session(await named(talk.source, id))
    talk.order = msgspec.structs.replace(talk.order, session=session["id"])
    talk.tell(f"Going on with {session['id'][:8]}  {described(session)}")
    await talk.recall()


async def _new(talk: Talk, _: str) -> None:
    talk.order = msgspec.structs.replace(talk.order, session="")
    talk.tell("The next prompt begins a new session.")


async def _cancel(talk: Talk, _: str) -> None:
    if talk.order.session:
        await talk.source.cancel(talk.order.session)
    talk.tell("Nothing of this chat runs now.")


async def _compact(talk: Talk, _: str) -> None:
    if talk.order.session:
        await talk.compact()
    else:
        talk.tell("Nothing has been said yet.")


async def _usage(talk: Talk, _: str) -> None:
    used = talk.usage
    cost = money(used.cost)
    talk.tell(
        f"{count(used.tokens, 'token')} ({used.input:,} in, {used.output:,} out) · {cost}, since this chat began."
    )


COMMANDS = {
    "help": Slash("", "What there is.", _help),
    "model": Slash("[NAME]", "Which model answers; with a name, that one from now on.", _model),
    "strategy": Slash("[NAME]", "How a prompt is worked on: agent, chat, or one of a plugin.", _strategy),
    "tools": Slash("", "What the model may call.", _tools),
    "sessions": Slash("", "The newest sessions; * marks this one.", _sessions),
    "resume": Slash("ID", "Go on with another session.", _resume),
    "new": Slash("", "Begin a new session.", _new),
    "cancel": Slash("", "Stop the running answer, as Ctrl-C does.", _cancel),
    "compact": Slash("", "Make what the model is sent of this conversation shorter.", _compact),
    "usage": Slash("", "Tokens and cost so far.", _usage),
}
