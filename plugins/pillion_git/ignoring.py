"""Which files git takes no notice of: by the rules of their folders, of the repository and of the user."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from dulwich.ignore import IgnoreFilter, Pattern, read_ignore_patterns

from .place import LARGEST_CONFIG

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Rules:
    """Those of a folder: its parent's, and those of the file in it. `base` is how long the folder's path is, with its
    slash."""

    def __init__(self, outer: Rules | None, patterns: Sequence[Pattern], base: int) -> None:
        self._outer, self._patterns, self._base = outer, [*reversed(patterns)], base

    def ignore(self, path: bytes, *, folder: bool) -> bool:
        """The last pattern that fits in the nearest file that has one decides."""
        rules: Rules | None = self
        while rules is not None:
            if rules._patterns:
                name = path[rules._base :]
                for pattern in rules._patterns:
                    if pattern.matches(name, folder):
                        return bool(pattern.is_exclude)
            rules = rules._outer
        return False


def outermost(common: str, excludes: str, *, ignorecase: bool) -> Rules:
    """The user's, and over them those in the repository's `info/exclude`."""
    user = Rules(None, patterns(os.fsencode(excludes), ignorecase=ignorecase, links=True), 0)
    own = os.path.join(os.fsencode(common), b"info", b"exclude")
    return Rules(user, patterns(own, ignorecase=ignorecase, links=True), 0)


def patterns(path: bytes, *, ignorecase: bool, links: bool = False) -> Sequence[Pattern]:
    """Of a file, none where there is no such file."""
    try:
        with open(os.open(path, _READ & ~os.O_NOFOLLOW if links else _READ), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ()
            lines = file.read(LARGEST_CONFIG).removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    except OSError:
        return ()
    return IgnoreFilter(read_ignore_patterns(lines), ignorecase).patterns  # type: ignore[arg-type]
