"""What a word may become when the shell expands it."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECE = re.compile(r"\*\*/|/\*\*$|\*\*|\[[!^]?\]?[^\]]*\]|.", re.DOTALL)
_UNKNOWN = re.compile(r"\$\(.*\)|`.*`|\$\{[^}]*\}|\$\w+|\$.|\{\}|\{[^{},]*\.\.[^{},]*\}|^~[^/]*", re.DOTALL)
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_ANYTHING = "\0"
"""Stands where a variable, the output of a command or the like does."""
_WITHIN, _STARRED, _NAME = 0, 1, 2
"""Where a letter stands: within a name, at its beginning with a `*` before it, or at its beginning."""


def may_become(word: str, pattern: str) -> bool:
    """Whether a word may become a path that `pattern` covers (as in .gitignore).

    What `*`, `?` and `[…]` fit is no hidden file where no dot is written. Nothing is known of a variable, or of what a
    command prints: a word that is wholly that says nothing.
    """
    word = _UNKNOWN.sub(_ANYTHING, word)
    if braces := _BRACES.search(word):
        rest = word[braces.end() :]
        return any(may_become(f"{word[: braces.start()]}{one}{rest}", pattern) for one in braces[1].split(","))
    if _ANYTHING in word and not word.strip(f"{_ANYTHING}/."):
        return False
    names = [name for name in word.split("/") if name not in ("", ".")]
    if "/" not in pattern.rstrip("/"):
        return any(_meet(name, pattern.rstrip("/")) for name in names)
    return any(_meet("/".join(names[:end]), pattern.strip("/")) for end in range(1, len(names) + 1))


@lru_cache(maxsize=1024)
def _meet(word: str, pattern: str) -> bool:
    """Whether something fits both: one piece of each after the other, side by side."""
    globs, wanted = _PIECE.findall(word), _PIECE.findall(pattern)
    waiting = [(0, 0, _NAME)]
    seen = set()
    while waiting:
        state = at, place, where = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        glob, want = globs[at] if at < len(globs) else "", wanted[place] if place < len(wanted) else ""
        if not glob and not want:
            return True
        many, any = glob.startswith(("*", _ANYTHING)), "**" in want
        if many:
            waiting.append((at + 1, place, where if glob == _ANYTHING else min(where, _STARRED)))
        if any or want == "*":
            waiting.append((at, place + 1, where))
        if glob and want and _one_fits(glob, want, where):
            here = _NAME if glob == "/" else _WITHIN
            waiting.append((at if many else at + 1, place if any or want == "*" else place + 1, here))
    return False


def _one_fits(glob: str, want: str, where: int) -> bool:
    """Whether there is a letter for both."""
    if glob == _ANYTHING:
        return want != "/"
    if glob[0] in "*?[":
        return want != "/" and not (where and want == ".")
    if glob == "." and where == _STARRED:
        return False
    return want == glob or "**" in want or (want in ("*", "?") and glob != "/")
