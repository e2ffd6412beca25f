"""Changes the user's settings file: one place in its text, its comments kept, old or new and never half.

What is to change is found by asking the TOML parser which pieces of the text are whole, and the new text is parsed
again before it is written: a file that is written in a way this can't follow is refused, never damaged.
"""

from __future__ import annotations

import copy
import fcntl
import json
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .secrets import Secrets
from .settings import is_secret

TRIES = 5
"""Times to begin again when somebody else saves the file meanwhile."""
Keys = tuple[str, ...]
_Edit = Callable[[str], Iterator[str]]


class SettingsFile:
    """The file `path`, which need not exist yet. Its methods block: call them in a thread.

    They return when the change is on the disk. Raise ConfigError: there is no such file to be had, it can't be
    written, it is no TOML, it holds the place in another form, or the value holds a secret.
    """

    def __init__(self, path: Path | None, secrets: Secrets) -> None:
        self.path = path
        self._secrets = secrets

    def put(self, keys: Keys, value: Any) -> Path:
        """Sets one key, e.g. `("plugins", "web", "enabled")`; where the file was written in the end."""
        return self._change(keys, value, lambda text: _putting(text, keys, value), _with_value)

    def add(self, keys: Keys, entry: Mapping[str, Any]) -> Path:
        """Adds a table to a list of tables, e.g. `("plugins", "approvals", "rules")`, unless it is there already."""
        return self._change(keys, entry, lambda text: _adding(text, keys, entry), _with_entry)

    def _change(self, keys: Keys, value: Any, edit: _Edit, wanted: Callable[..., dict[str, Any]]) -> Path:
        if self.path is None:
            hint = "Name one with --config or PILLION_CONFIG, or set XDG_CONFIG_HOME."
            raise ConfigError("There is no place for a settings file of yours.", key=".".join(keys), hint=hint)
        if is_secret(keys[-1], value) or self._secrets.redact_value(value) != value:
            hint = "Put it into an environment variable, and name that."
            raise ConfigError("A secret is never written into the settings.", key=".".join(keys), hint=hint)
        path = self.path.expanduser().resolve()  # a link stays a link
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone(path.parent):
                for _ in range(TRIES):
                    before = _read(path)
                    end = "\r\n" if b"\r\n" in before else "\n"
                    text = before.decode().replace(end, "\n")
                    after = _edited(path, text, keys, value, edit, wanted).replace("\n", end).encode()
                    if after == before or _replaced(path, before, after):
                        return path
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} can't be changed: {error}.", key=".".join(keys)) from None
        raise ConfigError(f"{path} changes all the time.", key=".".join(keys), hint="Try again.")


def _edited(path: Path, text: str, keys: Keys, value: Any, edit: _Edit, wanted: Callable[..., dict[str, Any]]) -> str:
    """The new text: the first that says what is wanted, and nothing else."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} can't be read: {error}.", key=".".join(keys), hint="Mend it first.") from None
    goal = wanted(table, keys, value)
    if goal == table:
        return text
    for candidate in edit(text):
        if _parsed(candidate) == goal:
            return candidate
    hint = f"Write it by hand: {_dotted(keys)} = {literal(value)}."
    raise ConfigError(f"{path} is written in a way that can't be changed here.", key=".".join(keys), hint=hint)


# ── what the file should say ──


def _with_value(table: Mapping[str, Any], keys: Keys, value: Any) -> dict[str, Any]:
    goal = copy.deepcopy(dict(table))
    _below(goal, keys[:-1])[keys[-1]] = value
    return goal


def _with_entry(table: Mapping[str, Any], keys: Keys, entry: Mapping[str, Any]) -> dict[str, Any]:
    goal = copy.deepcopy(dict(table))
    above = _below(goal, keys[:-1])
    entries = above.setdefault(keys[-1], [])
    if not isinstance(entries, list):
        raise ConfigError(f"{'.'.join(keys)} is no list in your settings.", key=".".join(keys))
    if entry not in entries:
        entries.append(dict(entry))
    return goal


def _below(table: dict[str, Any], keys: Keys) -> dict[str, Any]:
    for key in keys:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{'.'.join(keys)} is no table in your settings.", key=".".join(keys))
    return table


# ── where in the text ──


class _Section:
    """A header and the lines up to the next one. `keys` names the table, `listed` says it is one of a list."""

    def __init__(self, keys: tuple[str, ...], listed: bool, start: int, end: int) -> None:
        self.keys, self.listed, self.start, self.end = keys, listed, start, end


def _sections(lines: Sequence[str]) -> list[_Section]:
    """The first is what stands above all headers."""
    starts = [
        number
        for number, line in enumerate(lines)
        if line.lstrip().startswith("[") and _parsed(line) is not None and _parsed("".join(lines[:number])) is not None
    ]
    ends = [*starts, len(lines)]
    named = (_Section(*_named(lines[start]), start, end) for start, end in zip(starts, ends[1:], strict=True))
    return [_Section((), False, -1, ends[0]), *named]


def _named(header: str) -> tuple[tuple[str, ...], bool]:
    keys, inner = [], _parsed(header)
    while isinstance(inner, dict) and inner:
        ((key, inner),) = inner.items()
        keys.append(key)
    return tuple(keys), isinstance(inner, list)


def _statements(lines: Sequence[str], section: _Section) -> list[tuple[int, int, dict[str, Any]]]:
    """What a section sets: the first line of each statement, the line behind it, and what it says."""
    found, start = [], section.start + 1
    for end in range(start + 1, section.end + 1):
        said = _parsed("".join(lines[start:end]))
        if said is None:
            continue  # goes on in the next line
        if said:
            found.append((start, end, said))
        start = end
    return found


def _putting(text: str, keys: Keys, value: Any) -> Iterator[str]:
    lines = _lines(text)
    for section in _above(lines, keys):
        rest = keys[len(section.keys) :]
        line = f"{_dotted(rest)} = {literal(value)}"
        for start, end in _that_say(lines, section, rest):
            comment = _comment(lines[start]) if end == start + 1 else ""
            yield "".join([*lines[:start], f"{line}{comment}\n", *lines[end:]])
        if len(rest) == 1:
            yield "".join([*lines[: section.start + 1], f"{line}\n", *lines[section.start + 1 :]])
    yield "".join([*_ended(lines), f"[{_dotted(keys[:-1])}]\n{_key(keys[-1])} = {literal(value)}\n"])


def _adding(text: str, keys: Keys, entry: Mapping[str, Any]) -> Iterator[str]:
    lines = _lines(text)
    block = f"[[{_dotted(keys)}]]\n" + "".join(f"{_key(key)} = {literal(value)}\n" for key, value in entry.items())
    tables = _above(lines, keys)
    listed = [section for section in _sections(lines) if section.listed and section.keys == keys]
    for section in [*listed[-1:], *(table for table in tables if table.keys == keys[:-1])]:
        end = max((end for _, end, _ in _statements(lines, section)), default=section.start + 1)
        yield "".join([*lines[:end], f"\n{block}", *lines[end:]])
    for section in tables:
        for start, end in _that_say(lines, section, keys[len(section.keys) :]):
            yield from _grown(lines, start, end, literal(entry))
    yield "".join([*_ended(lines), block])


def _above(lines: Sequence[str], keys: Keys) -> list[_Section]:
    """The sections of the tables that `keys` leads through, the nearest first."""
    above = [s for s in _sections(lines) if not s.listed and len(s.keys) < len(keys) and s.keys == keys[: len(s.keys)]]
    return sorted(above, key=lambda section: -len(section.keys))


def _that_say(lines: Sequence[str], section: _Section, keys: Keys) -> Iterator[tuple[int, int]]:
    """The statements of a section that set `keys`, which may be dotted."""
    for start, end, said in _statements(lines, section):
        inner: Any = said
        for key in keys:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if inner is not None:
            yield start, end


def _grown(lines: Sequence[str], start: int, end: int, item: str) -> Iterator[str]:
    """A list in brackets with one item more. Which bracket ends it, and whether a comma is there, the parser knows."""
    text = "".join(lines[start:end])
    middles = (f", {item}", item) if end == start + 1 else (f"    {item},\n", f"    , {item},\n")
    for place in range(len(text) - 1, 0, -1):
        if text[place] == "]":
            for middle in middles:
                yield "".join([*lines[:start], text[:place], middle, text[place:], *lines[end:]])


def _comment(line: str) -> str:
    """The comment behind a statement of one line, with the space before it."""
    bare, said = line.rstrip("\n"), _parsed(line)
    for place, letter in enumerate(bare):
        if letter == "#" and _parsed(bare[:place]) == said:
            kept = bare[:place].rstrip()
            return bare[len(kept) :]
    return ""


def _lines(text: str) -> list[str]:
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")] if text else []


def _ended(lines: Sequence[str]) -> list[str]:
    """The lines, and an empty one behind them, where there are any."""
    return [*lines, "\n"] if lines and lines[-1].strip() else list(lines)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


# ── how TOML writes values ──


def literal(value: Any) -> str:
    """The value as TOML writes it on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(key)} = {literal(inner)}" for key, inner in value.items()) + " }"
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
        case _:
            raise TypeError(f"{type(value).__name__} is nothing that TOML can hold.")


def _dotted(keys: Keys) -> str:
    return ".".join(map(_key, keys))


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if plain else literal(key)


# ── the disk ──


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Other processes of ours wait meanwhile; the lock ends with its descriptor, so none is left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _replaced(path: Path, before: bytes, after: bytes) -> bool:
    """Puts `after` in the place of the file, whole, with its mode kept; False when it does not hold `before` now."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        if _read(path) != before:
            os.unlink(name)
            return False
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True
