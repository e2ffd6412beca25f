"""Keys of providers: from the environment, from a command, or from a file of the user's. Never from a workspace."""

from __future__ import annotations

import fcntl
import hmac
import json
import logging
import os
import re
import secrets as randomness
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import trio

from .errors import ConfigError, NotFound, ProviderRefused, ToolError
from .processes import Processes
from .secrets import SHORTEST, Secrets

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
COMMAND_SECONDS = 30.0
"""What a `key_command` gets: it may have to ask a person for a finger."""
LONGEST = 16 * 1024
_log = logging.getLogger(__name__)


class KeyFile:
    """`keys.json` in the user's config directory: keys by name, readable by their owner alone. Its methods block.

    Raise ConfigError: there is no place for it, others can read it, it is no JSON, it can't be written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def read(self) -> Mapping[str, str]:
        """All keys by name; none where there is no file."""
        if self.path is None:
            return {}
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                    said = f"{self.path} is not read, since others than you may have read or written it."
                    raise ConfigError(said, hint=f"Run: chmod 600 {self.path}, and think of new keys.")
                keys = json.loads(file.read())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.path} can't be read: {error}.", hint="Mend or remove it.") from None
        if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
            raise ConfigError(f"{self.path} holds no keys by name.", hint="Mend or remove it.")
        return keys

    def put(self, name: str, key: str) -> Path:
        """Keeps a key under a name, over one that was there."""
        if not NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no name for a key.", hint="Name it as the provider: `anthropic`, `openai`.")
        check_key(key)
        with self._changing() as (path, keys):
            _write(path, {**keys, name: key})
        return path

    def remove(self, name: str) -> Path:
        """Forgets a key. Raises NotFound."""
        with self._changing() as (path, keys):
            if name not in keys:
                raise NotFound(f"{path} has no key {name!r}; it has: {', '.join(sorted(keys)) or 'none'}.")
            _write(path, {other: key for other, key in keys.items() if other != name})
        return path

    @contextmanager
    def _changing(self) -> Iterator[tuple[Path, Mapping[str, str]]]:
        """One at a time, also of other processes."""
        if self.path is None:
            raise ConfigError("There is no place for a key file.", hint="Set XDG_CONFIG_HOME.")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield self.path.resolve(), self.read()
            finally:
                os.close(folder)
        except OSError as error:
            raise ConfigError(f"{self.path} can't be changed: {error}.") from None


class Key:
    """A provider's key: known from the start, or what its command prints, asked for at the first call.

    `hint` says where to mend it. `mark` is the same for the same key, as long as the process lives, and says nothing
    of it. False: there is none.
    """

    def __init__(
        self, value: str, hint: str, *, command: Sequence[str] = (), keyring: Keyring | None = None, mark: str = ""
    ) -> None:
        self._value, self.hint, self.mark = value, hint, mark
        self._command, self._keyring = tuple(command), keyring
        self._asking = trio.Lock()

    def __bool__(self) -> bool:
        return bool(self._value or self._command)

    async def value(self) -> str:
        """The key; "" where there is none. Raises ProviderRefused when its command gives none."""
        if not self._value and self._keyring is not None and self._command:
            async with self._asking:
                if not self._value:
                    self._value = await self._keyring.ask(self._command)
        return self._value

    def refused(self) -> None:
        """The vendor does not take it: a command is asked again at the next call."""
        if self._command:
            self._value = ""


class Keyring:
    """Where keys are looked for, in this order: the environment, a command, the key file. Each is a secret at once."""

    def __init__(self, variables: Mapping[str, str], secrets: Secrets, file: KeyFile) -> None:
        self._variables, self._secrets, self.file = variables, secrets, file
        self._processes = Processes(variables)
        self._salt = randomness.token_bytes(16)

    def key(self, name: str, variable: str = "", command: Sequence[str] = ()) -> Key:
        """The key of the provider `name`: `variable` of the environment, what `command` prints, what the file has."""
        if value := self._variables.get(variable, "") if variable else "":
            return Key(self._secrets.register(value), f"Check the key in ${variable}.", mark=self._mark(value))
        if command:
            hint, mark = f"Check the key that {command[0]} prints.", self._mark(*command)
            return Key("", hint, command=command, keyring=self, mark=mark)
        try:
            if value := self.file.read().get(name, ""):
                hint = f"Check the key: `pillion keys set {name}` replaces it."
                return Key(self._secrets.register(value), hint, mark=self._mark(value))
        except ConfigError as error:
            _log.warning("%s", error)
            return Key("", str(error))
        ways = f"Set {variable} or run" if variable else "Run"
        return Key("", f"{ways} `pillion keys set {name}` for models of {name}.")

    def _mark(self, *what: str) -> str:
        return hmac.digest(self._salt, "\0".join(what).encode(), "sha256").hex()[:16]

    async def ask(self, command: Sequence[str]) -> str:
        """What the command prints, without the white space round it. Raises ProviderRefused."""
        home = Path(self._variables.get("HOME") or "/")
        try:
            ended = await self._processes.run(
                command, cwd=home, seconds=COMMAND_SECONDS, limit=LONGEST, drop_errors=True
            )
        except ToolError as error:
            raise ProviderRefused(f"The key_command gives no key: {error}") from None
        for line in ended.output.split():
            self._secrets.register(line)
        if ended.timed_out:
            raise ProviderRefused(f"The key_command {command[0]} did not end within {COMMAND_SECONDS:g} s.")
        if ended.code:
            raise ProviderRefused(f"The key_command {command[0]} failed with exit code {ended.code}.")
        try:
            return self._secrets.register(check_key(ended.output.strip()))
        except ConfigError as error:
            raise ProviderRefused(f"What the key_command {command[0]} prints is no key: {error}") from None


def check_key(key: str) -> str:
    """The key. Raises ConfigError for what can be none."""
    if len(key) < SHORTEST or len(key) > LONGEST or not key.isprintable() or " " in key or not key.isascii():
        hint = f"It is {SHORTEST} characters or more, on one line, without spaces."
        raise ConfigError("That is no key.", hint=hint)
    return key


def _write(path: Path, keys: Mapping[str, str]) -> None:
    """The file is old or new, never half, and never readable by others."""
    fresh = path.with_name(f".{path.name}.{randomness.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w") as file:
            json.dump(dict(sorted(keys.items())), file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
