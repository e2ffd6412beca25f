"""What is written down of a fork, beside its files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from pillion import LocalWorkspace
from pillion.contracts.forks import Fork
from pillion.protection import Protection

SCHEME = "fork"
RECORD, LOCK, TREE = "fork.json", "lock", "tree"
"""In a fork's folder: what it is, who works with it, its files."""


class Kept(Struct, frozen=True):
    """`lasting`: it stays until somebody drops it; else it goes with the process that made it, or at the next start.
    `at`: the path of the origin, where an overlay is mounted. `lent`: the folders from which its repository borrows."""

    fork: Fork
    lasting: bool
    at: str = ""
    lent: tuple[str, ...] = ()


class ForkWorkspace(LocalWorkspace):
    """The files of a fork. `origin`: the folder that it was made from, whose rules and trust hold here, too; of a fork
    of a fork that of the first one."""

    def __init__(self, root: Path, origin: str, protection: Protection, lenders: Sequence[str] = ()) -> None:
        super().__init__(root, protection, lenders)
        self.origin = origin


def address_of(id: str) -> str:
    return f"{SCHEME}://{id}"


def write(folder: Path, kept: Kept) -> None:
    """Old or new, never half."""
    temporary = folder / f"{RECORD}-{secrets.token_hex(8)}.tmp"
    temporary.write_bytes(msgspec.json.encode(kept))
    os.replace(temporary, folder / RECORD)


def read(folder: Path) -> Kept | None:
    """None: there is none, or half of one."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None
