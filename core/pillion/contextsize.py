"""How much of its model's window a session fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from msgspec import Struct

from .contracts.provider import Request
from .errors import ProviderDown
from .fallback import Bench
from .roles import line_of, said
from .tokens import Tokens, sized
from .values import ModelInfo

if TYPE_CHECKING:
    from .kernel import Kernel
    from .onlooker import Onlooker
    from .session import Session


class Asked(Struct, frozen=True):
    """What a model was sent last."""

    request: Request
    model: ModelInfo


class ContextSize(Struct, frozen=True):
    """`asked`: it is what the model was sent last; else the conversation alone, of which none was asked yet since the
    session is in memory. `vendor` is what the model's vendor counts, where it was asked and can."""

    model: ModelInfo
    asked: bool
    tokens: Tokens
    vendor: int | None = None


async def size_of(kernel: Kernel, session: Session | Onlooker, *, vendor: bool = False) -> ContextSize:
    """Counts it; `vendor`: has the vendor count, too, with a request. Raises NotFound, ConfigError, ProviderError."""
    asked, found = session.asked, session.asked is not None
    if asked is None:
        layers = said(session.info.model, session.info.roles), kernel.settings.roles
        model = Bench(kernel.catalog, line_of("default", *layers)).first.model
        asked = Asked(Request(model.name, await session.sent()), model)
    request, counter = asked.request, kernel.catalog.counter(asked.model)
    await counter.ready()
    tokens = sized(request.messages, request.system, request.tools, counter)
    return ContextSize(asked.model, found, tokens, await _counted(kernel, asked) if vendor else None)


async def _counted(kernel: Kernel, asked: Asked) -> int | None:
    """What the vendor counts; None: it has nothing to ask."""
    count = kernel.catalog.vendors_count(asked.model)
    if count is None or not asked.request.messages:
        return None
    seconds = kernel.settings.deadlines.first_byte
    with trio.move_on_after(seconds):
        return await count(asked.request)
    raise ProviderDown(f"{asked.model.provider} did not count within {seconds:g} s.")
