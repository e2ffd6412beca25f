"""Vectors of the pieces of a workspace's files, and which are closest to one. Imports numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing
from msgspec import Struct

Rows = np.typing.NDArray[np.float32]


class Near(Struct, frozen=True):
    """A piece, its lines from 1, and how alike it is: the cosine."""

    path: str
    first: int
    last: int
    alike: float


class _Embedded(Struct, gc=False):
    hash: str
    lines: tuple[tuple[int, int], ...]
    rows: Rows


class Vectors:
    """Of one workspace. Files come and go one by one; a search looks at all pieces."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._files: dict[str, _Embedded] = {}
        self._places: list[tuple[str, int, int]] = []
        self._rows: Rows | None = None

    @property
    def pieces(self) -> int:
        return sum(len(one.lines) for one in self._files.values())

    def lacking(self, hashes: Mapping[str, str]) -> list[str]:
        """The files without vectors of their content."""
        files = self._files
        return [path for path, hash in hashes.items() if path not in files or files[path].hash != hash]

    def keep(self, hashes: Mapping[str, str]) -> None:
        """Forgets the files that are gone, or are other ones by now."""
        for path in [path for path, one in self._files.items() if hashes.get(path) != one.hash]:
            del self._files[path]
            self._rows = None

    def put(self, path: str, hash: str, lines: Sequence[tuple[int, int]], data: Sequence[bytes]) -> None:
        """`data`: for each piece 32-bit numbers, the low byte first."""
        rows = np.frombuffer(b"".join(data), "<f4").reshape(len(lines), self._dimensions)
        self._files[path] = _Embedded(hash, tuple(lines), rows.astype(np.float32))
        self._rows = None

    def nearest(self, vector: bytes, limit: int) -> list[Near]:
        """The best piece of each file, the closest first. For a thread."""
        if self._rows is None:
            self._places = [(path, *lines) for path, one in self._files.items() for lines in one.lines]
            self._rows = np.concatenate([np.empty((0, self._dimensions), np.float32), *(
                one.rows for one in self._files.values()
            )])  # fmt: skip
        alike = self._rows @ np.frombuffer(vector, "<f4").astype(np.float32)
        found: dict[str, Near] = {}
        for place in np.argsort(-alike, kind="stable").tolist():
            path, first, last = self._places[place]
            if path not in found:
                found[path] = Near(path, first, last, round(float(alike[place]), 3))
                if len(found) == limit:
                    break
        return list(found.values())


def packed(data: Sequence[bytes]) -> bytes:
    """Half as long, as 16-bit numbers, which tell vectors of length 1 to three places."""
    return np.frombuffer(b"".join(data), "<f4").astype("<f2").tobytes()


def unpacked(data: bytes, pieces: int) -> list[bytes]:
    rows = np.frombuffer(data, "<f2").astype("<f4").reshape(pieces, -1)
    return [row.tobytes() for row in rows]
