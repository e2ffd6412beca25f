"""The files below overlays: laid once for each state of a workspace, and shared by all forks of it, which never write
there. Some that no fork needs are kept for the next one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from pillion.contracts.forks import Leaf

SPARE = 2
"""Bases that are kept though no fork needs them."""
NEW = "new-"


class Bases:
    """Those in the folder `place`."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def get(self, key: str) -> Path | None:
        """The one of that state, if it is laid already; it counts as used now."""
        base = self._place / key
        try:
            os.utime(base)
        except FileNotFoundError:
            return None
        return base

    def new(self) -> Path:
        """A folder for one that is about to be laid."""
        self._place.mkdir(mode=0o700, exist_ok=True)
        folder = self._place / f"{NEW}{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        return folder

    def settle(self, laid: Path, key: str) -> Path:
        """It is whole. Another one of that state, laid at the same time, is as good."""
        base = self._place / key
        try:
            os.rename(laid, base)
        except OSError:
            if not base.is_dir():
                raise
            shutil.rmtree(laid, ignore_errors=True)
        return base

    def sweep(self, needed: set[str], remove: Callable[[Path], None], spare: int = SPARE) -> None:
        """Takes away those that no fork needs, but for the last ones."""
        if not self._place.is_dir():
            return
        found = [base for base in self._place.iterdir() if base.name not in needed]
        whole = [base for base in found if not base.name.startswith(NEW)]
        whole.sort(key=lambda base: base.stat().st_mtime, reverse=True)
        for base in [*whole[spare:], *(base for base in found if base.name.startswith(NEW))]:
            with contextlib.suppress(OSError):
                remove(base)


def key_of(leaves: Sequence[Leaf], stamps: Sequence[str]) -> str:
    """The name of a state: what git knows of it, and `stamps` of what lies beside."""
    hash = hashlib.sha256()
    for leaf in leaves:
        hash.update(f"{leaf.kind} {leaf.bits:o} {leaf.name} {leaf.path}\0".encode(errors="surrogateescape"))
    for stamp in stamps:
        hash.update(f"{stamp}\0".encode(errors="surrogateescape"))
    return hash.hexdigest()[:32]
