"""What lives beside a session's turns, for as long as the session does: a shell, a program, a language server."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import trio

Work = Callable[["Begun"], Awaitable[object]]
_log = logging.getLogger(__name__)


class Begun(trio.TaskStatus[Any]):
    """Given to the work, which says when it has begun; remembers that."""

    said = False

    def __init__(self, told: trio.TaskStatus[Any]) -> None:
        self._told = told

    def started(self, value: Any = None) -> None:
        self.said = True
        self._told.started(value)


class Beside:
    """Counts what lives in one actor's nursery."""

    def __init__(self) -> None:
        self.lives = 0

    async def start(self, nursery: trio.Nursery, work: Work) -> Any:
        """What `work` says when it has begun. Raises what it raises before."""
        self.lives += 1
        return await nursery.start(self._run, work)

    async def _run(self, work: Work, task_status: trio.TaskStatus[Any]) -> None:
        begun = Begun(task_status)
        try:
            await work(begun)
        except Exception as error:  # it ends alone; until it has begun, whoever starts it gets it
            if not begun.said:
                raise
            _log.error("What a plugin keeps beside a session failed", exc_info=error)
        finally:
            self.lives -= 1
