"""Who is at work: session, turn, step, tool. Context variables, set by the kernel, read by logs and traces only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_tags: ContextVar[dict[str, str]] = ContextVar("pillion_tags", default={})  # noqa: B039 - never changed in place


def current() -> dict[str, str]:
    """The tags of the running task or of the thread it started."""
    return _tags.get()


def put(**tags: str) -> None:
    """Adds tags for the rest of this task, and for what it starts from now on."""
    _tags.set(_tags.get() | tags)


@contextmanager
def tagged(**tags: str) -> Iterator[None]:
    """Adds tags for a while."""
    token = _tags.set(_tags.get() | tags)
    try:
        yield
    finally:
        _tags.reset(token)
