"""Who may do what: reads are allowed, the rest is asked for, and rules in the settings say otherwise."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from msgspec import Struct

from pillion.contracts.policy import Policy
from pillion.contracts.tool import Effect
from pillion.errors import ConfigError
from pillion.hookspecs import TurnInfo, hookimpl

from .policy import Rule, Rules, Word


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`rules`, and for each effect what happens to a call that no rule fits: allow, ask or deny."""

    rules: tuple[Rule, ...] = ()
    read: Word = "allow"
    write: Word = "ask"
    execute: Word = "ask"
    network: Word = "ask"


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Policy: allows reads, asks for the rest, follows the rules of the settings."""

    Config = Config

    def __init__(self, config: Given) -> None:
        for number, rule in enumerate(config.rules):
            _check(rule, f"rules[{number}]")
        defaults: dict[Effect, Word] = {
            "read": config.read,
            "write": config.write,
            "execute": config.execute,
            "network": config.network,
        }
        self._policies = [Rules(config.rules, defaults)]

    @hookimpl
    def register_policies(self, turn: TurnInfo) -> Sequence[Policy]:
        return self._policies


def _check(rule: Rule, key: str) -> None:
    try:
        words = shlex.split(rule.command)
    except ValueError as error:
        raise ConfigError(f"The command of {key} can't be read: {error}.", plugin="approvals", key=key) from None
    if rule.command and not words:
        raise ConfigError(f"The command of {key} is empty.", plugin="approvals", key=key)
    if rule.path.startswith("/") or ".." in rule.path.split("/"):
        hint = "Paths are relative to the workspace."
        raise ConfigError(f"The path of {key} leads out of the workspace.", plugin="approvals", key=key, hint=hint)
