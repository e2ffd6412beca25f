"""What no tool and no route touches, though it lies in a workspace: keys, hooks, and what the runtime keeps of itself.

A path is judged by its real place and as it was written, without regard to capitals: file systems differ in that.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from .errors import ProtectedPath
from .pathpattern import expression

if TYPE_CHECKING:
    from .contracts.workspace import Workspace
    from .settings import Settings

GIT = frozenset({".git"})
"""Folders whose content makes programs run: never written through a workspace."""
IN_DATA_DIR = ("server.json", "server.lock", "pillion.sqlite*", "plugins")
"""What the runtime keeps in its data directory; it counts where that directory itself is the workspace."""


class Protected(Struct, frozen=True, forbid_unknown_fields=True):
    """[protected]: patterns of paths in workspaces, as in .gitignore, `!` for exceptions. What is not read is not
    written either. `.git` is never written, whatever stands here, nor are Pillion's own settings and data read."""

    read: tuple[str, ...] = (
        ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker/config.json", ".netrc", ".pgpass", ".pypirc",
        ".git-credentials", "**/.git/config", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx",
        "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env", ".env.*", "!.env.example", "!.env.sample",
        "!.env.template",
    )  # fmt: skip
    write: tuple[str, ...] = (".hg", ".svn", ".husky", ".githooks")


class Protection:
    """Of all workspaces: the patterns of the settings, and `places` of this machine that are the runtime's own; one
    may end in `*`."""

    def __init__(self, patterns: Protected, places: Sequence[Path] = ()) -> None:
        self.reading, self.writing = _Patterns(patterns.read), _Patterns(patterns.write)
        self.places = tuple(places)

    @classmethod
    def of(cls, settings: Settings) -> Protection:
        """That which these settings say, and which they are."""
        data = settings.data_dir
        own = [settings.user_file, settings.environment.keyring.file.path, data, *(data / name for name in IN_DATA_DIR)]
        return cls(settings.protected, [Path(os.path.realpath(path)) for path in own if path is not None])


class Guard:
    """That of one workspace, whose root is `root`."""

    def __init__(self, protection: Protection, root: Path) -> None:
        self._reading, self._writing = protection.reading, protection.writing
        self._own = [
            _folded(place.relative_to(root).as_posix())
            for place in protection.places
            if place != root and place.is_relative_to(root)
        ]

    def check(self, path: str, effect: Literal["read", "write"]) -> None:
        """Raises ProtectedPath where what lies at `path`, relative to the root, must not be read, or not be written."""
        folded = _folded(path)
        if any(_covers(own, folded) for own in self._own):
            raise ProtectedPath(f"{path} is Pillion's own: no tool reads or writes it.")
        if self._reading.fit(folded):
            raise ProtectedPath(f"{path} is protected, since it may hold keys: see the setting protected.read.")
        if effect == "write":
            if inside := [part for part in folded.split("/") if part in GIT]:
                raise ProtectedPath(f"{path} belongs to {inside[0]}, which is not written through the workspace.")
            if self._writing.fit(folded):
                raise ProtectedPath(f"{path} is protected from being written: see the setting protected.write.")

    def hides(self, path: str) -> bool:
        """Must what lies there not be read?"""
        folded = _folded(path)
        return self._reading.fit(folded) or any(_covers(own, folded) for own in self._own)


class _Patterns:
    def __init__(self, patterns: Sequence[str]) -> None:
        self._covered = _any([pattern for pattern in patterns if not pattern.startswith("!")])
        self._except = _any([pattern[1:] for pattern in patterns if pattern.startswith("!")])

    def fit(self, folded: str) -> bool:
        return self._covered.fullmatch(folded) is not None and self._except.fullmatch(folded) is None


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{expression(_folded(pattern))})" for pattern in patterns) or r"(?!)", re.DOTALL)


def _folded(path: str) -> str:
    """As file systems compare names that don't tell capitals apart, or leave out signs that nobody sees."""
    path = posixpath.normpath(path) if path else ""
    if path.isascii():
        return path.lower()
    seen = "".join(sign for sign in path if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", seen).casefold()


def _covers(own: str, folded: str) -> bool:
    if own.endswith("*"):
        return folded.startswith(own[:-1])
    return folded == own or folded.startswith(f"{own}/")


PLAIN = Protection(Protected())
"""By the shipped patterns alone."""


def guard_of(workspace: Workspace) -> Guard:
    """A workspace's own, which it has as `guard`; of one that has none, by the shipped patterns."""
    found = getattr(workspace, "guard", None)
    return found if isinstance(found, Guard) else Guard(PLAIN, workspace.root)
