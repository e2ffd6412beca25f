"""Run by a test in a process of its own: loads the model, answers into the file `answer`, also when it can't."""

from __future__ import annotations

from contextlib import suppress

import trio

from pillion.contracts.provider import Request
from pillion.errors import ContextOverflow
from pillion.values import Message, Text
from pillion_embedded.plugin import Plugin


async def main() -> None:
    plugin = Plugin(Plugin.Config())
    (provider,) = plugin.register_providers()
    async with plugin.lifespan():
        for words in ("Tell me about whales.", "word " * 9000):
            request = Request("embedded/smollm2-135m", (Message("user", (Text(words),)),), max_output=5)
            with suppress(ContextOverflow):
                async with provider.stream(request) as stream:
                    found = [chunk async for chunk in stream]
                await trio.Path("answer").write_text(repr(found))


trio.run(main)
