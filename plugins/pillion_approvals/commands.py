"""What can be said of a shell command without a full parse. Whatever is not plain is not vouched for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_PLAIN = re.compile(r"[^;&|`$<>(){}\\\n\r\0!#]+")
_SEPARATORS = re.compile(r"&&|\|\||;|\||&|\n|\r|`|\$\(|<\(|>\(|\(|\)|\{|\}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_OPAQUE = re.compile(r"[$`\\\0]|<<|\b(?:eval|source|alias|base64|xargs|exec|trap)\b|(?:^|\s)\.\s")
_CARRIERS = frozenset(
    {"sudo", "doas", "env", "nohup", "time", "nice", "ionice", "setsid", "stdbuf", "timeout", "exec", "command"}
    | {"builtin", "busybox", "xargs", "eval", "watch", "parallel", "find"}
    | {"if", "then", "elif", "else", "do", "while", "until", "!"}
)
"""What runs the command in its arguments, and the shell's words that stand before one."""
_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "ksh", "fish"])
_MOST = 50


def simple_words(command: str) -> list[str] | None:
    """The words of a single simple command, without operators and expansions; else None."""
    if not _PLAIN.fullmatch(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    return words


def begins_with(words: Sequence[str], prefix: Sequence[str]) -> bool:
    return bool(prefix) and list(words[: len(prefix)]) == list(prefix)


def may_hold(command: str, prefix: Sequence[str]) -> bool:
    """Whether some command in it, found by splitting at every operator, begins with the words `prefix`."""
    return any(begins_with(words, prefix) for part in _SEPARATORS.split(command) for words in _readings(part))


def is_opaque(command: str) -> bool:
    """Whether it may run something that splitting does not show: then nothing can be said to be absent."""
    parts = _SEPARATORS.split(command)
    return bool(_OPAQUE.search(command)) or len(parts) > _MOST or any(_words(part) is None for part in parts)


def _words(part: str) -> list[str] | None:
    try:
        return shlex.split(part)
    except ValueError:
        return None


def _readings(part: str) -> list[list[str]]:
    """The part's words, and the same without what may stand before a command: variables, `sudo`, `env -i`, `sh -c`."""
    words = _words(part)
    if words is None:  # quotes that the splitting cut open
        words = part.replace('"', " ").replace("'", " ").split()
    readings: list[list[str]] = []
    carried = False
    for start, word in enumerate(words):
        name = word.rpartition("/")[2]
        if start and not carried:
            break
        readings += [words[start:], [name, *words[start + 1 :]]]
        if carried and " " in word:  # sh -c 'a command'
            readings += [reading for piece in _SEPARATORS.split(word) for reading in _readings(piece)]
        carried = carried or bool(_ASSIGNMENT.match(word)) or name in _CARRIERS or name in _SHELLS
    return readings
