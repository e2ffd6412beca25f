"""How clients find a running server: `server.json` in the data directory, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec
from msgspec import Struct

NAME = "server.json"


class Found(Struct, frozen=True):
    """A server as it announced itself."""

    url: str
    pid: int
    token: str
    version: str


def write(data_dir: Path, found: Found) -> Path:
    """Announces the server: the file is whole or not there. The directory is made (0700) where it is missing."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / NAME
    fresh = data_dir / f".{NAME}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(msgspec.json.encode(found))
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return path


def read(data_dir: Path) -> Found | None:
    """The live server of this data directory. None: there is none, or the file is not to be trusted."""
    try:
        with open(os.open(data_dir / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                return None  # somebody else may have written it, or read the token
            found = msgspec.json.decode(file.read(), type=Found)
    except (OSError, msgspec.DecodeError):
        return None
    return found if is_alive(found.pid) else None


def remove(data_dir: Path, found: Found) -> None:
    """Takes the announcement back, if no other server has replaced it."""
    path = data_dir / NAME
    try:
        if msgspec.json.decode(path.read_bytes(), type=Found) == found:
            path.unlink()
    except (OSError, msgspec.DecodeError):
        return


def is_alive(pid: int) -> bool:
    """Does the process exist, whoever's it is?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
