"""`Server-Timing`: where the time went until an answer began, in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

HEADER = "Server-Timing"
SPENT: ContextVar[dict[str, float]] = ContextVar("pillion_timings")
"""Seconds by name, of the request that is being answered."""


@contextmanager
def timed(name: str) -> Iterator[None]:
    """What the block takes is told under this name, added to what was spent there before."""
    began = perf_counter()
    try:
        yield
    finally:
        if (spent := SPENT.get(None)) is not None:
            spent[name] = spent.get(name, 0.0) + perf_counter() - began


def told(spent: Mapping[str, float]) -> bytes:
    """The header's value."""
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in spent.items()).encode()
