"""Git's rules of what it takes no notice of: files of patterns, folder by folder. Other plugins may import this; so it
imports nothing of its own plugin."""

from __future__ import annotations

import os
import stat

from dulwich.ignore import IgnoreFilter, read_ignore_patterns

GITIGNORE = b".gitignore"
LARGEST = 1024 * 1024
"""Bytes of a file that is read; one that is longer counts for nothing."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Rules:
    """Those of one folder: the patterns of its file, then the rules `above` it. `base` is the folder's path from the
    root, with `/` at its end, or empty."""

    __slots__ = ("_above", "_base", "_ignorecase", "_patterns")

    def __init__(self, data: bytes | None, base: bytes = b"", above: Rules | None = None, *, ignorecase: bool) -> None:
        lines = [line + b"\n" for line in (data or b"").removeprefix(b"\xef\xbb\xbf").split(b"\n")]
        found = IgnoreFilter(read_ignore_patterns(lines), ignorecase)  # type: ignore[arg-type]  # it only iterates
        self._patterns, self._base = found.patterns[::-1], len(base)
        self._above, self._ignorecase = above, ignorecase

    def below(self, base: bytes, data: bytes | None) -> Rules:
        """The rules of a folder with that `.gitignore`; these, where it has none."""
        return Rules(data, base, self, ignorecase=self._ignorecase) if data else self

    def ignore(self, path: bytes, *, folder: bool) -> bool:
        """Is what lies at `path`, from the root, left out? The last pattern that fits in the nearest file that has one
        decides. What is inside a folder that is left out, is never asked for."""
        rules: Rules | None = self
        while rules is not None:
            inside = path[rules._base :]
            for pattern in rules._patterns:
                if pattern.matches(inside, folder):
                    return bool(pattern.is_exclude)
            rules = rules._above
        return False


def outermost(exclude: bytes | None, user: bytes | None, *, ignorecase: bool = False) -> Rules:
    """Those that hold before any `.gitignore`: the user's own, and over them the repository's `info/exclude`."""
    return Rules(exclude, above=Rules(user, ignorecase=ignorecase), ignorecase=ignorecase)


def read(path: bytes | str | os.PathLike[str], folder: int | None = None, *, links: bool = False) -> bytes | None:
    """What is in a file, beneath an open `folder` or anywhere; None: there is none that counts. A link is followed only
    with `links`: git follows none to a `.gitignore`, and follows those to the other files."""
    flags = _READ & ~os.O_NOFOLLOW if links else _READ
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, flags, dir_fd=folder)) as file:
            status = os.fstat(file.fileno())
            return file.read(LARGEST) if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST else None
    except OSError:
        return None
