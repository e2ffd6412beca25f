"""The crash scenario: what the clients of a server do that is killed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio

from pillion_runtime.cli.exits import ServerLost

from .crashclients import ENDS, ENOUGH, JSON, PICTURE, SCHEMA, Clients, Watchers, unless


async def agent(c: Clients) -> None:
    """A turn with every kind of tool, and two prompts that wait for it."""
    session = await c.open(strategy="agent")
    seen = await c.watch(session, pages=40)
    await c.prompt(session, "work", key=f"key-{session}")
    await c.prompt(session, "run")
    picture = {"media_type": "image/png", "data": PICTURE}
    await c.prompt(session, "look at", images=[picture])
    await seen.until(lambda seen: seen.count(*ENDS) == 3)


async def stream(c: Clients) -> None:
    """A long answer that the vendor cuts once; its watchers come and go."""
    session = await c.open(strategy="chat")
    seen = await c.watch(session, pages=15)
    await c.watch(session)
    await c.prompt(session, "stream")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def rider(c: Clients) -> None:
    """All that a strategy can do, with an answer of a given form at the end."""
    session = await c.open(strategy="rider")
    seen = await c.watch(session)
    await c.prompt(session, "ride", schema=SCHEMA)
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def form(c: Clients) -> None:
    """An answer that does not fit its form at first, sealed thinking, a result that is too long, a conversation
    that is, a change of the session's name, and a fork."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "misfit", schema=SCHEMA, images=[{"media_type": "image/png", "data": PICTURE}])
    title = f"The form {session[:6]}"
    await c.call("PATCH", f"/api/sessions/{session}", {"title": title})
    c.told.titles[session] = title
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await c.prompt(session, "think", model="rider/sealed")
    await c.prompt(session, "large")
    await seen.until(lambda seen: seen.count(*ENDS) == 3)
    await c.call("POST", f"/api/sessions/{session}/compact", {})
    await c.prompt(session, "large")
    await c.prompt(session, "sum it up in vain", model="rider/narrow", roles={"compact": ["rider/mute"]})
    for model in ("narrow", "small", "shut", "shut"):
        await c.prompt(session, "look back", model=f"rider/{model}")
    await seen.until(lambda seen: seen.count(*ENDS) == 10)
    fork = (await c.call("POST", f"/api/sessions/{session}/fork", {}))["id"]
    c.told.sessions.add(fork)
    await c.watch(fork)
    await c.prompt(fork, "say")


async def joins(c: Clients) -> None:
    """Prompts that join a turn or break into it: while a call waits for its approval, and while its preview is made."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "slow")
    await seen.until(lambda seen: seen.count("tool.started") == 1)
    await c.prompt(session, "stop it", when="break")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await c.prompt(session, "linger")
    await seen.until(lambda seen: seen.count("approval.decided") >= 2)
    await c.prompt(session, "go left", when="steer")
    await seen.until(lambda seen: seen.count(*ENDS) == 2)
    await c.prompt(session, "ask")
    await seen.until(lambda seen: seen.count(*ENDS) == 3)


async def breaks(c: Clients) -> None:
    """Somebody breaks in while an approval is open that nobody answers."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "unanswered")
    await seen.until(lambda seen: seen.count("approval.wanted") == 1)
    await c.prompt(session, "stop it", when="break")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def cancels(c: Clients) -> None:
    """A prompt that is withdrawn, a turn that is cancelled, one that is interrupted, and one that does not let go."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "long")
    await seen.until(lambda seen: seen.count("text.delta") >= 1)
    if (await c.call("POST", f"/api/sessions/{session}/cancel", {}))["stopping"]:
        c.told.stopped.append(session)
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await c.prompt(session, "linger")
    await seen.until(lambda seen: seen.count("tool.started") == 1)
    await c.prompt(session, "hold on", when="interrupt", strategy="stubborn")
    await seen.until(lambda seen: seen.count("turn.started") == 3)
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 3)
    wanted = seen.count("approval.wanted")
    await c.prompt(session, "unanswered")
    await seen.until(lambda seen: seen.count("approval.wanted") > wanted)
    waiting = await c.prompt(session, "never")
    await c.call("DELETE", f"/api/sessions/{session}/prompts/{waiting}")
    c.told.withdrawn[waiting] = session
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 4)


async def calls(c: Clients) -> None:
    """A tool that the client calls, with an approval that is remembered; a text that is unsaved in an editor."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.call("POST", f"/api/sessions/{session}/tools/run_command", {"arguments": {"command": "true"}})
    await c.call("PUT", f"/api/sessions/{session}/overlays/open.txt", {"text": "old\n"})
    await c.call("PUT", f"/api/sessions/{session}/overlays/aside.txt", {"text": "new, and seen by nobody\n"})
    await c.prompt(session, "open")
    await seen.until(lambda seen: seen.count(*ENDS) == 2)
    await c.call("DELETE", f"/api/sessions/{session}/overlays/aside.txt")


async def edits(c: Clients) -> None:
    """Files are changed in the formats of three vendors' models and by a second model; and models without tools."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    ways = {
        "editor": "anthropic/scripted",
        "patch": "openai/scripted",
        "blocks": "chat/blocks",
        "instruct": "chat/scripted",
        "say": "chat/words",
        "say it": "chat/held",
    }
    for word, model in ways.items():
        await c.prompt(session, word, model=model)
    await seen.until(lambda seen: seen.count(*ENDS) == len(ways))


async def shells(c: Clients) -> None:
    """Commands in shells that stay, of which one is interrupted and one is cancelled."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "shell")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)
    await seen.until(lambda seen: seen.count("terminal.started") == seen.count("terminal.ended"))  # idle ones do
    shown = seen.count("tool.output")
    await c.prompt(session, "hang")
    await seen.until(lambda seen: seen.count("tool.output") > shown)
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 2)


async def terminals(c: Clients) -> None:
    """Programs that go on behind the call which started them: typed to, waited for, read and ended."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    for word in ("background", "terminal", "late"):
        await c.prompt(session, word)
    await seen.until(lambda seen: seen.count(*ENDS) == 3)
    shown = seen.count("tool.output")
    await c.prompt(session, "stay")
    await seen.until(lambda seen: seen.count("tool.output") > shown)
    await c.call("POST", f"/api/sessions/{session}/cancel", {})
    await seen.until(lambda seen: seen.count(*ENDS) == 4)


async def notes(c: Clients) -> None:
    """The scratch pad, also of a fork; and tests are run by a command that a person names."""
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "note")
    await c.prompt(session, "test")
    await seen.until(lambda seen: seen.count(*ENDS) == 2)
    fork = (await c.call("POST", f"/api/sessions/{session}/fork", {}))["id"]
    c.told.sessions.add(fork)
    seen = await c.watch(fork)
    await c.prompt(fork, "note")
    await seen.until(lambda seen: seen.count(*ENDS) == 1)


async def rests(c: Clients) -> None:
    """A session that nobody watches, which goes to rest between its prompts, and as they come."""
    session = await c.open(strategy="chat")
    for pause in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        await c.prompt(session, "say")
        await trio.sleep(pause)


async def completes(c: Clients) -> None:
    """Model calls without a session, of which the second waits until the vendor has told what its key may."""
    body = {"messages": [{"role": "user", "text": "aside"}]}

    async def one(model: str) -> None:
        with unless():
            await c.call("POST", f"/api/models/{model}/complete", body)
            c.told.completions += 1

    async with trio.open_nursery() as nursery:
        for model in ("chat/scripted", "anthropic/first", "anthropic/first"):
            nursery.start_soon(one, model)


async def deletes(c: Clients) -> None:
    """A session that is deleted while it works, with a child and a picture; and one that never was."""
    with unless(404):
        await c.call("POST", "/api/sessions/nobody/prompts", {"text": "hello"})
    session = await c.open(strategy="loop")
    seen = await c.watch(session)
    await c.prompt(session, "brief", strategy="rider")
    await c.prompt(session, "linger", images=[{"media_type": "image/png", "data": PICTURE}])
    await seen.until(lambda seen: seen.count("tool.started") == 1)
    c.told.sessions.discard(session)
    c.told.prompts = {id: said for id, said in c.told.prompts.items() if said[0] != session}
    await c.call("DELETE", f"/api/sessions/{session}")
    c.told.deleted.add(session)


async def comes_back(c: Clients, session: str, resumes: bool) -> None:
    """A session that an earlier crash has cut off takes a prompt; also after it was resumed."""
    (seen,) = await c.come_back(session)
    await c.watch(session)
    if resumes:
        await c.resume(session)
    prompt = await c.prompt(session, "say")
    await seen.until(lambda seen: prompt in seen.ended)


ALL = (
    agent,
    stream,
    rider,
    form,
    joins,
    breaks,
    cancels,
    calls,
    edits,
    shells,
    terminals,
    notes,
    rests,
    completes,
    deletes,
)


async def play(c: Clients, left: list[str]) -> None:
    """All of it side by side, `left` being sessions that a crash has cut off. Returns when it is over or the server is
    lost."""

    async def one(part: Callable[..., Any], *arguments: Any) -> None:
        with suppress(ServerLost, OSError):
            await part(c, *arguments)

    async with trio.open_nursery() as nursery:
        for part in ALL:
            nursery.start_soon(one, part)
        for number, session in enumerate(left):
            nursery.start_soon(one, comes_back, session, number % 2 == 0)


async def go_on(c: Clients) -> None:
    """Each session is resumed, takes the next prompt and carries it out, and all that waited before it."""
    c.hurried = True

    async def one(session: str) -> None:
        watchers = await c.come_back(session)
        await c.resume(session)
        prompt = await c.prompt(session, "next")
        for seen in watchers:
            await seen.until(lambda seen: prompt in seen.ended)

    async with trio.open_nursery() as nursery:
        for session in c.told.sessions:
            nursery.start_soon(one, session)


async def read_all(c: Clients, sessions: list[str]) -> Watchers:
    """What new watchers see of the whole logs of `sessions`."""
    found: Watchers = {}
    for session in sessions:
        head = (await c.insist("GET", f"/api/sessions/{session}/events?limit=1", headers=JSON))["head"]
        found[session] = [await c.watch(session)]
        await found[session][0].until(lambda seen, head=head: bool(seen.whole) and seen.whole[-1][0] >= head)
    return found


async def leave_open(c: Clients) -> None:
    """Four sessions in the middle of something: growing text, an open approval, a command, an open question; and in
    each a prompt that waits."""
    for text, shown in (
        ("endless", "text.delta"),
        ("unanswered", "approval.wanted"),
        ("rest", "tool.output"),
        ("nobody", "question.asked"),
    ):
        session = await c.open(strategy="loop")
        seen = await c.watch(session)
        await c.prompt(session, text)
        await c.prompt(session, "and then")
        await seen.until(lambda seen, shown=shown: shown in seen.types)
        if text == "endless":
            await seen.until(lambda seen: sum(len(growth.text) for growth in seen.grown.values()) > ENOUGH)
