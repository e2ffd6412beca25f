"""One rule of the settings: what it speaks of, and what happens to such calls."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Literal

from msgspec import Struct

from pillion.contracts.tool import Effect
from pillion.errors import ConfigError

_HOST = re.compile(r"(?:\*\.)?[a-z0-9._-]+(?::\d+)?|\[[0-9a-f:.]+\](?::\d+)?")
Word = Literal["allow", "ask", "deny"]


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Fits a call when all that it names fits. `path` is a pattern, `command` the words a command begins with.

    With `command`, a line is allowed when some rule allows each command in it, with `exact` only without further words,
    or as the very line; `ask` and `deny` fit when one command in it does. With `path`, `allow` fits when each path of
    the call does; `ask` and `deny` when one does. `host` is whom the call asks over the network, `*.example.org` each
    host in that domain; `allow` without a port means the scheme's own, `ask` and `deny` any. `workspace` is a folder:
    the rule is for sessions on it and on folders in it.
    """

    verdict: Word
    tool: str = ""
    effect: Effect | None = None
    path: str = ""
    command: str = ""
    exact: bool = False
    host: str = ""
    workspace: str = ""
    reason: str = ""

    @property
    def prefix(self) -> list[str]:
        """The words of `command`."""
        return shlex.split(self.command)


def check(rule: Rule, key: str) -> None:
    """Raises ConfigError for a rule that can't be meant so."""
    try:
        words = rule.prefix
    except ValueError as error:
        raise ConfigError(f"The command of {key} can't be read: {error}.", plugin="approvals", key=key) from None
    if rule.command and not words:
        raise ConfigError(f"The command of {key} is empty.", plugin="approvals", key=key)
    if rule.exact and not (rule.command and rule.verdict == "allow"):
        hint = "It says of a `command` that is allowed that nothing may follow it."
        raise ConfigError(f"{key} has no use for `exact`.", plugin="approvals", key=key, hint=hint)
    if rule.path.startswith("/") or ".." in rule.path.split("/"):
        hint = "Paths are relative to the workspace."
        raise ConfigError(f"The path of {key} leads out of the workspace.", plugin="approvals", key=key, hint=hint)
    if rule.host and not _HOST.fullmatch(rule.host):
        hint = "Write example.org, *.example.org or example.org:8080."
        raise ConfigError(f"The host of {key} is none.", plugin="approvals", key=key, hint=hint)
    if rule.workspace and not Path(rule.workspace).expanduser().is_absolute():
        hint = "Write its absolute path, or one that begins with ~/."
        raise ConfigError(f"The workspace of {key} is no folder.", plugin="approvals", key=key, hint=hint)
