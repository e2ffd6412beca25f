"""One server on a data directory, where its store can't be shared: a lock that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from pillion.errors import ConfigError

from . import discovery

if TYPE_CHECKING:
    from pillion.contracts.store import Store

NAME = "server.lock"
"""Holds the pid of the server. What is locked is the open file, so a pid that is used again means nothing."""


class Alone:
    """A context manager; what `admit` locked is free again when it is left."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file: TextIOWrapper | None = None

    def admit(self, store: Store) -> None:
        """Keeps other servers out, if the store asks for that. Raises ConfigError that names the one which is there."""
        if not getattr(store, "one_server", False):
            return
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = open(os.open(self._data_dir / NAME, flags, 0o600), "r+")  # noqa: SIM115 - __exit__ closes it
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._refusal(self._file.read(20)) from None
        self._file.truncate()
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()  # it stays where it is: who deletes it would let two in

    def _refusal(self, said: str) -> ConfigError:
        found = discovery.read(self._data_dir)
        pid = int(said) if said.isdigit() else 0  # "": it has only just begun
        where = f" at {found.url}" if found and found.pid == pid else ""
        who = f"process {pid}{where}" if pid else "another process"
        end = f"end that one with `kill {pid}`, or " if pid else ""
        return ConfigError(
            f"The data directory {self._data_dir} is served already, by {who}.",
            key="data_dir",
            hint=f"`pillion run` and `pillion open` use that server; to start another, {end}choose another --data-dir.",
        )
