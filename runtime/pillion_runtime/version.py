"""Which Pillion this is."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import pillion


@cache
def package_version() -> str:
    """The installed distribution's version; `0+source` when it runs from a source tree that is not installed."""
    try:
        return metadata.version("pillion")
    except metadata.PackageNotFoundError:
        return "0+source"


@cache
def version_hash() -> str:
    """SHA-256 (hex) over the kernel's and the host's source files: two installations with the same code share it.

    Reads about a hundred files once, some milliseconds.
    """
    digest = hashlib.sha256(package_version().encode())
    for root in (Path(pillion.__file__).parent, Path(__file__).parent):
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
