"""Does a model answer? It is really asked, for a word, and what goes wrong is told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import trio
from msgspec import Struct

from .contracts.provider import Request
from .errors import (
    ModelNotFound,
    PillionError,
    ProviderBusy,
    ProviderDown,
    ProviderRefused,
    QuotaSpent,
    WrongBaseUrl,
)
from .values import Message, Text

if TYPE_CHECKING:
    from .kernel import Kernel

SECONDS = 30.0
QUESTION = Message("user", (Text("Answer with the one word: yes."),))
LONGEST = 16
"""Tokens of the answer; less is refused by a vendor."""

Verdict = Literal["ok", "wrong_key", "unknown_model", "no_quota", "unreachable", "wrong_base_url", "busy", "failed"]
VERDICTS: tuple[tuple[type[PillionError], Verdict], ...] = (
    (WrongBaseUrl, "wrong_base_url"),
    (QuotaSpent, "no_quota"),
    (ProviderRefused, "wrong_key"),
    (ModelNotFound, "unknown_model"),
    (ProviderBusy, "busy"),
    (ProviderDown, "unreachable"),
)
"""The first that fits."""


class Verified(Struct, frozen=True):
    """`verdict` says what is the matter, `detail` in whose words; `seconds` is how long it took."""

    model: str
    ok: bool
    verdict: Verdict
    detail: str
    seconds: float


async def verify(kernel: Kernel, name: str, seconds: float = SECONDS) -> Verified:
    """Asks the model once, for at most `seconds`; no retry and no other wrapper stands between.

    Raises NotFound, ConfigError (no provider has that name), Busy.
    """
    began = trio.current_time()
    call = kernel.completions.start(
        Request(name, (QUESTION,), max_output=LONGEST), role="verify", seconds=seconds, bare=True
    )
    verdict: Verdict = "ok"
    detail = ""
    try:
        async for _ in call:
            pass
    except PillionError as error:
        verdict = next((verdict for kind, verdict in VERDICTS if isinstance(error, kind)), "failed")
        detail = kernel.secrets.redact(str(error))
    finally:
        call.cancel()
    return Verified(call.model, verdict == "ok", verdict, detail, round(trio.current_time() - began, 3))
