"""`python tests/bench/wrappers.py`: what the wrappers of a model call cost, beside the vendor's bare SDK.

Processor time of this process for a call of 200 chunks and for one of a single chunk, on each wire format, against the
vendor server of the tests in another process. Columns take turns in each round. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import table
import trio
from servers import vendor

from pillion.contracts.provider import Provider, Request
from pillion.kernel import open_kernel
from pillion.settings import load
from pillion.values import Message, Text
from pillion_runtime.hookspecs import HostHooks

FORMATS = ("messages", "chat", "responses")
KEYS = {"ANTHROPIC_API_KEY": "a key of nobody", "OPENAI_API_KEY": "a key of nobody"}
BUDGET = {"plugins.usage.day_tokens": 10**12, "plugins.usage.day_cost": 1e9}
LONG, SHORT = 200, 1
WRAPPERS = ("retry", "limits", "usage")
Ask = Callable[[int], Awaitable[None]]


def flags(format_: str, url: str, on: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """The shipped settings with these wrappers, and no others."""
    name = "anthropic" if format_ == "messages" else "openai"
    chosen: dict[str, Any] = {f"plugins.{wrapper}.enabled": wrapper in on for wrapper in WRAPPERS}
    chosen |= {"defaults.store": "memory", "plugins.openai.api": "chat" if format_ == "messages" else format_}
    chosen[f"plugins.{name}.base_url"] = url if format_ == "messages" else f"{url}/v1"
    if "usage" in on:
        chosen |= BUDGET
    if "record" in on:
        chosen["plugins.replay.record"] = str(folder / "run.jsonl")
    return chosen


def prompt(count: int) -> str:
    return f"stream {count} chunks"


async def ours(stack: AsyncExitStack, format_: str, url: str, on: tuple[str, ...]) -> Ask:
    """A call through Pillion's provider, as a turn gets it, with these wrappers."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    settings = load(data_dir=folder, environ=KEYS, flags=flags(format_, url, on, folder))
    kernel = await stack.enter_async_context(open_kernel(settings, hookspecs=(HostHooks,)))
    name = "anthropic/scripted" if format_ == "messages" else "openai/scripted"
    provider: Provider = kernel.catalog.model(name)[0]

    async def ask(count: int) -> None:
        request = Request(name, (Message("user", (Text(prompt(count)),)),), max_output=1000)
        async with provider.stream(request) as chunks:
            async for _ in chunks:
                pass

    return ask


async def sdk(stack: AsyncExitStack, format_: str, url: str) -> Ask:
    """The same call by the vendor's client, its retries off, its events typed."""
    if format_ == "messages":
        from anthropic import AsyncAnthropic

        claude = await stack.enter_async_context(AsyncAnthropic(api_key="nobody", base_url=url, max_retries=0))

        async def ask(count: int) -> None:
            said: Any = [{"role": "user", "content": prompt(count)}]
            stream = await claude.messages.create(model="scripted", messages=said, max_tokens=1000, stream=True)
            async with stream as events:
                async for _ in events:
                    pass

        return ask
    from openai import AsyncOpenAI

    client = await stack.enter_async_context(AsyncOpenAI(api_key="nobody", base_url=f"{url}/v1", max_retries=0))

    async def ask_openai(count: int) -> None:
        said: Any = [{"role": "user", "content": prompt(count)}]
        stream: Any = (
            await client.chat.completions.create(model="scripted", messages=said, stream=True)
            if format_ == "chat"
            else await client.responses.create(model="scripted", input=said, stream=True)
        )
        async with stream as events:
            async for _ in events:
                pass

    return ask_openai


COLUMNS: dict[str, tuple[str, ...] | None] = {
    "sdk": None,
    "off": (),
    **{name: (name,) for name in WRAPPERS},
    "all": WRAPPERS,
    "+record": (*WRAPPERS, "record"),
}


async def main(rounds: int, calls: int) -> None:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    async with vendor() as server:
        for format_ in FORMATS:
            async with AsyncExitStack() as stack:
                asks = {
                    who: await (sdk(stack, format_, server.url) if on is None else ours(stack, format_, server.url, on))
                    for who, on in COLUMNS.items()
                }
                for ask in asks.values():
                    await burn(ask, SHORT, 10)  # imports, connections
                for _ in range(rounds):
                    for who, ask in asks.items():
                        long, short = await burn(ask, LONG, calls), await burn(ask, SHORT, calls)
                        found[f"{format_}: a step of {LONG} chunks, ms", who].append(long)
                        found[f"{format_}: a step of one chunk, ms", who].append(short)
                        found[f"{format_}: a further chunk, µs", who].append((long - short) / (LONG - SHORT) * 1000)
    table.show(found, tuple(COLUMNS))
    for name in [name for name, who in found if who == "sdk"]:
        rows = list(zip(*(found[name, who] for who in ("sdk", "off", "all")), strict=True))
        cost = median((on - off) / bare for bare, off, on in rows)
        ratio = median(on / bare for bare, _, on in rows)
        print(f"{name}: the wrappers cost {cost:.1%} of the bare SDK's; Pillion with them {ratio:.0%} of it")


async def burn(ask: Ask, count: int, calls: int) -> float:
    """Milliseconds of this process's processor time for a call."""
    began = time.process_time()
    for _ in range(calls):
        await ask(count)
    return (time.process_time() - began) / calls * 1000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=20, help="calls of each kind in a round")
    options = parser.parse_args()
    trio.run(main, options.rounds, options.calls)
