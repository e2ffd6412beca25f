"""Each figure: a function that takes a running server and gives numbers. Milliseconds, unless it says otherwise."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import trio
from servers import Server
from wire import Api

ENDS = ("turn.finished", "turn.failed", "turn.cancelled")
Figures = dict[str, float]
Delays = list[tuple[float, float]]
"""Of each chunk: seconds since the beginning, and ms it was late."""


async def turn(api: Api, session: str, text: str) -> tuple[float, float, int, list[tuple[float, Any]]]:
    """Runs a turn. Gives ms to the first text, ms to the end, characters that the watcher is left with, all events."""
    seen: list[tuple[float, Any]] = []
    texts: dict[int, str] = {}
    first = 0.0
    async with api.watch(session) as events:
        began = time.perf_counter()
        await api.prompt(session, text)
        async for now, event in events:
            seen.append((now, event))
            kind = event["type"]
            if kind == "text.delta":
                first = first or now
                item = event.get("item", 0)
                texts[item] = texts.get(item, "")[: event.get("at")] + event["text"]
            elif kind == "text.finished":
                texts[event["item"]] = event["text"]
            elif kind == "text.voided":
                texts.pop(event["item"], None)
            elif kind in ENDS:
                if kind != "turn.finished":
                    raise RuntimeError(f"the turn ended with {event}")
                characters = sum(map(len, texts.values()))
                return (first - began) * 1000, (now - began) * 1000, characters, seen
    raise AssertionError


async def warm(server: Server, folder: str) -> str:
    session = await server.api.open(folder)
    for _ in range(3):
        await turn(server.api, session, "stream 20 chunks")
    return session


async def chunks_200(server: Server, folder: str) -> Figures:
    """A warm turn of 200 chunks that come at once; a new session each, so that history does not grow."""
    await warm(server, folder)
    walls, before = [], server.cpu()
    for _ in range(20):
        session = await server.api.open(folder)
        walls.append((await turn(server.api, session, "stream 200 chunks"))[1])
    return {"turn of 200 chunks": sorted(walls)[10], "turn of 200 chunks, CPU": (server.cpu() - before) / 20 * 1000}


async def first_text(server: Server, folder: str) -> Figures:
    session = await warm(server, folder)
    firsts = sorted([(await turn(server.api, session, "stream 5 chunks"))[0] for _ in range(20)])
    return {"prompt to first text": firsts[10]}


async def tool_round(server: Server, folder: str) -> Figures:
    """From the first model call's end to the second's beginning: one file read by a tool, all events written."""
    (Path(folder) / "README.md").write_text("word " * 200)
    await warm(server, folder)
    walls = []
    for _ in range(10):
        session = await server.api.open(folder, strategy="agent")
        _, _, _, seen = await turn(server.api, session, 'call read_file {"path": "README.md"}')
        when = {(event["type"], event.get("step")): now for now, event in seen}
        walls.append((when["step.started", 2] - when["message.finished", 1]) * 1000)
        whole = [event for _, event in seen if event["type"] == "tool.finished"]
        if not whole or whole[0].get("error"):
            raise RuntimeError(f"the file was not read: {whole}")
    return {"a file read by a tool": sorted(walls)[5]}


async def sessions(
    server: Server, folder: str, count: int, chunks: int, pause: int
) -> tuple[float, list[tuple[float, float]], float]:
    """`count` sessions at once, `chunks` each, `pause` ms apart. Wall seconds; each chunk's delay; CPU seconds."""
    delays: Delays = []
    ids = [await server.api.open(folder) for _ in range(count)]
    for id in ids[:3]:
        await turn(server.api, id, "stream 5 chunks")
    before, began = server.cpu(), time.perf_counter()

    async def one(id: str) -> None:
        text = f"stream {chunks} chunks of 20 characters {pause} ms apart"
        _, _, _, seen = await turn(server.api, id, text)
        moments: list[float] = []
        for now, event in seen:  # the closing event brings what no delta has brought
            if event["type"] in ("text.delta", "text.finished"):
                upto = event.get("at", 0 if "item" in event else 20 * len(moments)) + len(event["text"])
                moments += [now] * (upto // 20 - len(moments))
        if len(moments) != chunks:
            raise RuntimeError(f"{len(moments)} chunks of {chunks} came")
        lags = [now - number * pause / 1000 for number, now in enumerate(moments)]
        delays.extend((now - began, (lag - min(lags)) * 1000) for now, lag in zip(moments, lags, strict=True))

    async with trio.open_nursery() as nursery:
        for id in ids:
            nursery.start_soon(one, id)
    wall = time.perf_counter() - began
    return wall, delays, server.cpu() - before


def delayed(name: str, delays: Delays) -> Figures:
    """How late chunks came, against the quickest of their session."""
    cuts = quantiles([delay for _, delay in delays], n=100)
    settled = quantiles([delay for when, delay in delays if when > 0.5], n=100)
    return {
        f"{name}: chunk delay p50": cuts[49],
        f"{name}: chunk delay p99": cuts[98],
        f"{name}: chunk delay p99 after 0.5 s": settled[98],
    }


async def sessions_100(server: Server, folder: str) -> Figures:
    wall, delays, cpu = await sessions(server, folder, 100, 50, 20)
    name = "100 sessions, 50 chunks 20 ms apart"
    return {f"{name}: wall, s": wall, f"{name}: CPU, s": cpu, **delayed(name, delays)}


async def sessions_1000(server: Server, folder: str) -> Figures:
    wall, delays, cpu = await sessions(server, folder, 1000, 25, 200)
    name = "1,000 sessions at 5 chunks/s for 5 s"
    return {f"{name}: wall, s": wall, f"{name}: CPU, s": cpu, **delayed(name, delays)}


async def session_memory(server: Server, folder: str) -> Figures:
    before = server.memory()
    for _ in range(1000):
        await server.api.open(folder)
    return {"memory of a session at rest, MiB": (server.memory() - before) / 1000}


async def busy(server: Server, folder: str) -> Figures:
    session = await warm(server, folder)
    return {"two 429 with Retry-After: 1, s": (await turn(server.api, session, "busy 2 times for 1 s"))[1] / 1000}


async def fault(server: Server, folder: str) -> Figures:
    session = await warm(server, folder)
    text = f"stream 120 chunks of 1 characters cut once after {60 + int(time.time_ns() % 7)}"
    return {"characters left of 120 after a fault": (await turn(server.api, session, text))[2]}


async def requests(server: Server, folder: str) -> Figures:
    """32 connections for two seconds on a JSON route."""
    done = 0
    end = time.perf_counter() + 2

    async def one() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await server.api.call("GET", "/api/version")
            done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(one)
    return {"requests/s of a JSON route": done / 2}


def help_ms() -> Figures:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pillion_runtime.cli.main", "--help"], check=True, capture_output=True)
    return {"pillion --help": (time.perf_counter() - began) * 1000}
