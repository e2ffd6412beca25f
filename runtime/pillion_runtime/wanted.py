"""Which events a reader wants: `?types=turn.*,text.finished`."""

from __future__ import annotations

import re

from .problems import FieldError, Refused

NOTICES = frozenset({"resync", "session.cursor"})
"""What a stream says of itself comes in any case: without it a client would lose its place."""
MOST = 64
_type = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?")


class Wanted:
    """Made of names of types, and `text.*` for all that begin so. No names at all: everything.

    A name that nobody knows is no error: a plugin may bring it, which is off at the moment, or a later version.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._everything = not names or "*" in names
        self._names = NOTICES.union(names)
        self._beginnings = tuple(name[:-1] for name in names if name.endswith(".*"))

    def __call__(self, type: str) -> bool:
        return self._everything or type in self._names or type.startswith(self._beginnings)

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """From `turn.*,text.finished`; "" is everything. Raises Refused 422."""
        names = tuple(name.strip() for name in text.split(",")) if text else ()
        wrong = [name for name in names if not _type.fullmatch(name)]
        if wrong:
            said = f"{wrong[0][:100]!r} is no type of events; they look like text.finished, text.* or *."
        elif len(names) > MOST:
            said = f"At most {MOST} types can be named."
        else:
            return cls(names)
        raise Refused(422, f"Wrong: types. {said}", errors=[FieldError("types", said)])


EVERYTHING = Wanted()
