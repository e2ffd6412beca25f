"""What the client would rather have, by the header Prefer (RFC 7240): an answer at once, or a wait of some seconds."""

from __future__ import annotations

import re

from msgspec import Struct

_part = re.compile(r"\s*(respond-async|wait)\s*(?:=\s*\"?([0-9]{1,9})\"?\s*)?(?:;[^,]*)?", re.IGNORECASE)


class Wait(Struct, frozen=True):
    """How long an answer may take, in seconds; `applied` is what the answer's Preference-Applied says of it."""

    seconds: float
    applied: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"preference-applied": self.applied} if self.applied else {}


def wait(prefer: str, usual: float, longest: float) -> Wait:
    """Reads the header's value. What it does not know, or what makes no sense, is left alone, as the RFC says."""
    found: dict[str, str] = {}
    for part in prefer.split(","):
        if match := _part.fullmatch(part):
            found.setdefault(match[1].lower(), match[2] or "")  # the first of a name counts
    if found.get("wait"):
        seconds = int(found["wait"])
        return Wait(seconds, f"wait={seconds}") if seconds <= longest else Wait(longest)
    return Wait(0, "respond-async") if "respond-async" in found else Wait(usual)
