"""What the model of a session knows of files: each one's hash when it last read or wrote it."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

MOST = 4_096
"""Files of a session; of others it knows nothing."""


class Known:
    """By path as it was named, relative to `root` or absolute. In memory: a session that comes back knows nothing."""

    def __init__(self) -> None:
        self._hashes: OrderedDict[str, str] = OrderedDict()

    def note(self, root: Path, path: str, hash: str) -> None:
        """The model knows this content now, "": that there is none."""
        place = _place(root, path)
        self._hashes[place] = hash
        self._hashes.move_to_end(place)
        if len(self._hashes) > MOST:
            self._hashes.popitem(last=False)

    def hash(self, root: Path, path: str) -> str | None:
        """The hash of what it knows; None: it has neither read nor written the file."""
        return self._hashes.get(_place(root, path))


def _place(root: Path, path: str) -> str:
    return os.path.normpath(os.path.join(root, path))
