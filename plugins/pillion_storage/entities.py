"""The plugin's entities. The rows of the log are written past them, see store.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .ponytypes import Json, Optional, PrimaryKey, Required

if TYPE_CHECKING:
    from .ponytypes import Entity


class Entities:
    """The entity classes of one database."""

    def __init__(self, database: Any) -> None:
        base: type[Entity] = database.Entity

        class Process(base):  # type: ignore[valid-type,misc]
            """A process that has the database open. `beat` (ms) says when it was last alive."""

            _table_ = "process"
            id = PrimaryKey(str)
            host = Optional(str)
            pid = Required(int, size=64)
            born = Optional(str)
            started = Required(int, size=64)
            beat = Required(int, size=64)

        class Session(base):  # type: ignore[valid-type,misc]
            """A session without its log. `last` is the log's last seq, `generation` rises at each opening."""

            _table_ = "session"
            id = PrimaryKey(str)
            workspace = Optional(str)
            title = Optional(str)
            model = Optional(str)
            strategy = Optional(str)
            labels = Required(Json)
            parent = Optional(str)
            origin = Optional(str)
            branched = Required(int, size=64, default=0)
            trusted = Required(bool, default=False)
            archived = Required(bool, default=False)
            created = Required(int, size=64)
            updated = Required(int, size=64)
            generation = Required(int, size=64, default=0)
            last = Required(int, size=64, default=0)
            owner = Optional(str)

        self.Process, self.Session = Process, Session
